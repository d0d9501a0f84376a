"""The cached data set removed while a sweep runs: a fault of the machine, not of any trial."""

import os
import shutil

import pytest

import sweep
from sweep.engines import registered
from sweep.errors import DataError
from sweep.training import build
from tests.engine_here import Here, training_here
from tests.fault_tools import assert_same, figures

OVERRIDES = ["trials=4", "epochs=1"]


class WithoutCache(Here):
    """Trains in this process, after the cache was removed."""

    def run_all(self, assignments):
        """Remove the cache and train trials."""
        shutil.rmtree(os.environ["SWEEP_CACHE"])
        build.opened.cache_clear()
        yield from super().run_all(assignments)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    build.opened.cache_clear()


def test_the_sweep_stops_with_a_sentence_and_resume_makes_the_data_set_again(tmp_path):
    with registered("local", WithoutCache.opened), pytest.raises(DataError, match=r"missing or damaged .*resume"):
        sweep.run("digits-quickstart", overrides=OVERRIDES)
    assert set(sweep.load().trials()["status"]) <= {"queued", "interrupted"}
    with training_here():
        sweep.resume()
        sweep.run("digits-quickstart", overrides=OVERRIDES, db=str(tmp_path / "undisturbed.db"))
    assert_same(figures(), figures(db=str(tmp_path / "undisturbed.db")))
