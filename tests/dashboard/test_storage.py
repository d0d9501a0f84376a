"""Tests of the storage: sweeps as studies, read again only where something has changed, and never written."""

from dataclasses import replace

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import TrialState

from sweep.dashboard import storage as module
from sweep.dashboard.notes import note_of
from sweep.dashboard.storage import ReadOnly, SweepStorage
from sweep.store import Store
from tests.hand_made import METRIC, SCRIPT, begin, draw, end, end_all_ways


@pytest.fixture
def storage(store):
    return SweepStorage(store)


def test_every_sweep_is_a_study(store, storage, record):
    draw(store, record.experiment.replace("by-hand", "second"))
    assert [study.study_name for study in storage.get_all_studies()] == ["second", "by-hand"]
    assert storage.get_study_id_from_name("by-hand") == record.id
    assert storage.get_study_name_from_id(record.id) == "by-hand"
    assert storage.get_study_directions(record.id) == [StudyDirection.MINIMIZE]
    assert storage.get_study_system_attrs(record.id)["study:metric_names"] == [METRIC]
    assert storage.get_study_user_attrs(record.id)["description"] == record.description


def test_the_states_are_those_of_optuna(storage, record):
    trials = storage.get_all_trials(record.id)
    states = [trial.state.name for trial in trials]
    assert states == ["COMPLETE", "PRUNED", "PRUNED", "FAIL", "COMPLETE", "COMPLETE", "RUNNING"]
    assert [trial.value for trial in trials] == [0.1 + 0.2, None, 0.7, None, 0.25, 0.45, None]
    assert trials[0].intermediate_values == {1: 0.5, 2: 0.1 + 0.2, 3: 0.4}
    assert trials[1].user_attrs["status"] == "diverged"
    assert trials[1].user_attrs["diverged_epoch"] == 2
    assert storage.get_best_trial(record.id).number == 4
    assert [each.number for each in storage.get_all_trials(record.id, states=[TrialState.FAIL])] == [3]


def test_the_distributions_are_those_of_the_experiment(store, storage, record):
    drawn = store.parameters(record.id)
    for trial in storage.get_all_trials(record.id):
        kinds = trial.distributions
        assert kinds["learning_rate"] == FloatDistribution(0.001, 0.1, log=True)
        assert kinds["layers[0]"] == IntDistribution(10, 90, step=10)
        assert kinds["style"] == CategoricalDistribution([SCRIPT, "=cmd|' /C calc'!A0", "日本", True])
        assert isinstance(kinds["mixed"], CategoricalDistribution)
        assert ("depth" in kinds) == (trial.params["nested"] == "a")
        own = drawn[trial.number]
        assert {value for name, value in own.items() if "mixed" not in name} <= set(trial.params.values())
        assert trial.params["mixed"] == own["parameters.mixed"]


def test_trials_that_have_not_changed_are_the_same_objects(store, storage, record):
    before = storage.get_all_trials(record.id, deepcopy=False)
    again = storage.get_all_trials(record.id, deepcopy=False)
    assert all(one is other for one, other in zip(before, again, strict=True))


def test_only_what_has_changed_is_read(store, storage, record, monkeypatch):
    begin(store, record, 7)
    storage.get_all_trials(record.id)
    asked = []
    read = module.read_histories

    def reading(database, sweep_id, metric, ids, with_curve):
        asked.append(list(ids))
        return read(database, sweep_id, metric, ids, with_curve)

    monkeypatch.setattr(module, "read_histories", reading)
    storage.get_all_trials(record.id)
    assert asked == []
    finished = storage.get_all_trials(record.id)[7]
    assert finished.state is TrialState.RUNNING
    store.fail(record.id, 7, "it was stopped", lambda owner, seconds: True)
    assert storage.get_all_trials(record.id)[7].state is TrialState.FAIL
    assert asked == [[finished._trial_id]]


def test_a_trial_appears_when_it_begins(store, storage, record):
    assert len(storage.get_all_trials(record.id)) == 7
    begin(store, record, 7, [0.2])
    assert storage.get_all_trials(record.id)[7].intermediate_values == {1: 0.2}


def test_a_trial_is_found_by_its_id(storage, record):
    for trial in storage.get_all_trials(record.id):
        assert storage.get_trial(trial._trial_id) == trial
    with pytest.raises(KeyError):
        storage.get_trial(10**6)
    with pytest.raises(KeyError):
        storage.get_study_name_from_id(10**6)


def test_a_sweep_without_results_is_a_study_without_trials(store, storage):
    record = draw(store)
    assert storage.get_all_trials(record.id) == []


def test_values_beyond_the_range_widen_it(store, storage):
    text = (
        'name = "short"\ntrainer = "mine:train"\ntrials = 1\nepochs = 2\n[parameters]\nn = { int = [2, 4], step = 2 }\n'
    )
    record = draw(store, f'{text}[objective]\nmetric = "m"\ndirection = "max"\n')
    end(store, record, 0, [1.0])
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE parameters SET number = 7")
    (trial,) = storage.get_all_trials(record.id)
    assert trial.params == {"n": 7}
    assert trial.distributions == {"n": IntDistribution(2, 7)}


def test_a_server_is_read_as_a_file_is(postgres, storage, record):
    server = Store(postgres.create_database(), create=True)
    own = draw(server)
    end_all_ways(server, own)
    found = SweepStorage(server).get_all_trials(own.id)
    for one, other in zip(found, storage.get_all_trials(record.id), strict=True):
        assert (one.state, one.values, one.params, one.distributions, one.intermediate_values, one.user_attrs) == (
            *(other.state, other.values, other.params, other.distributions, other.intermediate_values),
            other.user_attrs,
        )
    server.close()


def test_nothing_can_be_changed(storage, record):
    study = optuna.load_study(study_name="by-hand", storage=storage)
    for change in (lambda: study.set_user_attr("a", 1), study.ask, lambda: storage.delete_study(record.id)):
        with pytest.raises(ReadOnly, match="only shows sweeps"):
            change()


def test_the_note_holds_the_experiment_file(storage, record):
    attributes = storage.get_study_system_attrs(record.id)
    parts = [value for key, value in attributes.items() if key.startswith("dashboard:note_str:")]
    note = "".join(parts)
    assert f"```toml\n{record.experiment.rstrip()}\n```" in note
    for words in ("another measure than that of `sweep analyze`", "as PRUNED", "read-only"):
        assert words in note
    assert "Of equal trials" not in note
    tied = replace(record, objective=replace(record.objective, tie_break="test_loss"))
    assert "puts the one with the better `test_loss` first" in note_of(tied)
