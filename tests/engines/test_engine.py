"""The options of a run, and the registry of engines."""

import os
from dataclasses import fields
from pathlib import Path

import pytest

import sweep
from sweep.engines import KINDS, RunKeywords, RunOptions, open_engine, registered
from sweep.errors import UsageError
from sweep.store import Store
from tests.engine_here import Here


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "^workers must be at least 1, not 0$"),
        ({"timeout": 0.0}, "^timeout takes a positive number of seconds, not 0$"),
        ({"timeout": float("nan")}, "not nan"),
        ({"timeout": 1e300}, r"not 1e\+300; the most is 1e\+09$"),
        ({"max_failures": -1}, "^max_failures must be at least 0, not -1$"),
        ({"backend": "dask"}, 'backend="dask" needs the address of a scheduler, such as scheduler="tcp://'),
        ({"backend": "local", "scheduler": "tcp://a:1"}, '^scheduler goes with backend="dask"$'),
        ({"scheduler": "tcp://a:1", "workers": 2}, '^workers does not go with backend="dask"'),
    ],
)
def test_options_are_checked_before_anything_is_stored(options, words):
    with pytest.raises(UsageError, match=words):
        sweep.run("digits-quickstart", **options)
    assert not Path(os.environ["SWEEP_DB"]).exists()


def test_an_unknown_engine_is_refused_and_nothing_is_stored():
    with pytest.raises(UsageError, match=r"there is no backend 'dsk'; did you mean 'dask'\?$"):
        sweep.run("digits-quickstart", backend="dsk")
    assert Store(os.environ["SWEEP_DB"]).sweeps().empty


def test_the_keywords_are_the_options():
    assert [*RunKeywords.__annotations__] == [field.name for field in fields(RunOptions)]


@pytest.mark.parametrize(
    ("options", "kind"),
    [({}, "local"), ({"scheduler": "tcp://a:1"}, "dask"), ({"backend": "local"}, "local"), ({"backend": Here}, Here)],
)
def test_the_engine_follows_from_the_options(options, kind):
    assert RunOptions(**options).kind == kind


def test_a_registered_engine_is_used_while_the_context_lasts():
    before = dict(KINDS)
    with pytest.raises(ZeroDivisionError), registered("local", lambda *arguments: arguments):
        assert open_engine(RunOptions(), "store", 7)[1:] == ("store", 7)
        raise ZeroDivisionError
    assert before == KINDS


def test_a_factory_needs_no_registration():
    assert open_engine(RunOptions(backend=lambda options, store, trials: trials), None, 7) == 7
