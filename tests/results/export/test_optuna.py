"""Tests of the export to Optuna, which reads back what the sweep has."""

import sqlite3

import optuna
import pytest
from optuna.trial import TrialState

from sweep.errors import SweepError, UsageError
from sweep.results.export.optuna import frozen_trials, write_study
from sweep.results.sweep import Sweep
from sweep.store import Store
from tests.hand_made import METRIC, draw, end_all_ways


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("optuna") / "sweeps.db"), create=True)
    record = draw(store)
    end_all_ways(store, record)
    yield Sweep(store, record)
    store.close()


@pytest.fixture(scope="module")
def url(results, tmp_path_factory):
    """The database of a study that was written once."""
    address = f"sqlite:///{tmp_path_factory.mktemp('study')}/study.db"
    assert write_study(results, address) == 6
    return address


@pytest.fixture
def study(url):
    return optuna.load_study(study_name="by-hand", storage=url)


def test_optuna_reads_what_was_written(results, study):
    written = list(frozen_trials(results))
    assert len(study.trials) == len(written) == 6
    for read, told in zip(study.trials, written, strict=True):
        for name in ("number", "state", "values", "params", "distributions", "intermediate_values", "user_attrs"):
            assert getattr(read, name) == getattr(told, name), name
        assert (read.datetime_start, read.datetime_complete) == (told.datetime_start, told.datetime_complete)
        assert read.system_attrs == told.system_attrs


def test_the_figures_are_those_of_the_sweep(results, study):
    assert [trial.state for trial in study.trials] == [
        *(TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED),
        *(TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE),
    ]
    assert study.trials[4].intermediate_values == {1: 0.25, 2: 1 / 3, 3: 0.3}
    assert (study.best_trial.number, study.best_value) == (4, 0.25)
    assert study.trials[1].user_attrs["diverged_place"] == METRIC
    assert study.metric_names == [METRIC]
    row = results.store.trial(results.record.id, 0)
    assert study.trials[0].datetime_complete.astimezone().timestamp() == pytest.approx(
        study.trials[0].datetime_start.astimezone().timestamp() + (row.finished - row.started).total_seconds()
    )
    drawn = results.store.parameters(results.record.id)[4]
    assert study.trials[4].params["learning_rate"] == drawn["parameters.learning_rate"]


def test_a_sampler_asks_on(tmp_path, results):
    url = f"sqlite:///{tmp_path}/on.db"
    write_study(results, url)
    study = optuna.load_study(study_name="by-hand", storage=url, sampler=optuna.samplers.TPESampler(seed=0))
    trial = study.ask(study.trials[0].distributions)
    assert trial.number == 6
    study.tell(trial, 0.01)
    assert study.best_trial.number == 6


def test_the_file_can_be_read_by_a_page_alone(url):
    path = url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_a_study_of_that_name_is_one_sentence(results, url):
    with pytest.raises(SweepError, match=r"there is a study 'by-hand' in .* already; write to another"):
        write_study(results, url)
    assert optuna.study.get_all_study_names(url) == ["by-hand"]


def test_a_database_of_sweeps_is_left_alone(results):
    path = results.store.database.path
    before = path.read_bytes()
    for address in (str(path), f"sqlite:///{path}"):
        with pytest.raises(UsageError, match="is a database of sweeps"):
            write_study(results, address)
    assert path.read_bytes() == before


@pytest.mark.parametrize("address", ["", "sqlite://", "nonsense://x", "postgresql+nodriver://h/d"])
def test_a_wrong_url_is_one_sentence(results, address):
    with pytest.raises(UsageError, match=r"give one such as sqlite:///study\.db"):
        write_study(results, address)


def test_a_foreign_file_is_one_sentence(results, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database" * 100)
    with pytest.raises(SweepError, match="file is not a database"):
        write_study(results, str(path))
    assert path.read_text() == "not a database" * 100


def test_a_sweep_without_ended_trials_is_an_empty_study(tmp_path):
    store = Store(str(tmp_path / "sweeps.db"), create=True)
    url = f"sqlite:///{tmp_path}/study.db"
    assert write_study(Sweep(store, draw(store)), url) == 0
    assert optuna.load_study(study_name="by-hand", storage=url).trials == []
    store.close()


def test_without_optuna_the_extra_is_named(results, monkeypatch):
    monkeypatch.setattr("sweep.results.studies.find_spec", lambda name: None)
    with pytest.raises(SweepError, match=r"install it with pip install 'sweep-lab\[optuna\]'"):
        write_study(results, "sqlite:///x.db")
