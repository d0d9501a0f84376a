"""Tests of importing studies of Optuna's: our own as they were, and those of others as far as there is room for it."""

import math

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from sweep.checks.doctor import examine
from sweep.errors import SweepError, UsageError
from sweep.metrics import Objective
from sweep.results.export.optuna import write_study
from sweep.results.importing import import_sweep
from sweep.results.sweep import Sweep
from sweep.store import Store
from tests.hand_made import draw, end_all_ways

RATE, WIDTH = FloatDistribution(1e-3, 1.0, log=True), IntDistribution(8, 64, step=8)


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A sweep, and the same one exported and imported."""
    folder = tmp_path_factory.mktemp("trip")
    store = Store(str(folder / "sweeps.db"), create=True)
    end_all_ways(store, draw(store))
    original = Sweep(store, store.sweep())
    write_study(original, f"sqlite:///{folder}/study.db")
    imported, notes = import_sweep(folder / "study.db", db=folder / "imported.db")
    yield original, imported, notes
    store.close()
    imported.store.close()


def test_our_own_study_comes_back_as_it_was(both):
    original, imported, notes = both
    assert notes == []
    assert imported.best(None).equals(original.best(None))
    for method in ("worst", "diverged", "pruned"):
        assert getattr(imported, method)().to_csv() == getattr(original, method)().to_csv()
    ended = original.epochs().query("trial < 6").reset_index(drop=True)
    assert imported.epochs()[ended.columns].equals(ended)
    assert [row.status for row in map(imported.trial, range(6))] == [
        row.status for row in map(original.trial, range(6))
    ]
    for number in range(6):
        one, other = original.trial(number), imported.trial(number)
        for name in ("started", "finished", "seconds", "error", "divergence", "best_value", "best_epoch", "last_epoch"):
            assert getattr(one, name) == getattr(other, name), name


def test_it_is_sound(both):
    assert examine(str(both[1].store.database.path)).damages == []


def test_the_ranges_come_with_it(both):
    original, imported, _ = both
    before = {each.short_name: each for each in original.searched}
    after = {each.short_name: each for each in imported.searched}
    assert after.keys() == before.keys()
    for name in ("learning_rate", "layers[0]"):
        for what in ("log", "low", "high", "categorical"):
            assert getattr(after[name], what) == getattr(before[name], what)


def foreign(path, trials, **options):
    """Write a study of Optuna's own, and import it."""
    storage = f"sqlite:///{path / 'foreign.db'}"
    study = optuna.create_study(storage=storage, **{"study_name": "foreign", **options})
    study.add_trials(trials)
    return study


def trial(value=None, curve=(), state=TrialState.COMPLETE, start=1, **values):
    known = {"rate": RATE, "width": WIDTH}
    steps = dict(enumerate(curve, start))
    params = {"rate": 0.1, "width": 16} | values
    kinds = {name: known.get(name, CategoricalDistribution(["a", "b", None, 1])) for name in params}
    return create_trial(state=state, value=value, params=params, distributions=kinds, intermediate_values=steps)


def imported_from(path, trials, **options):
    foreign(path, trials, **options)
    return import_sweep(path / "foreign.db", db=path / "sweeps.db")


def test_a_foreign_study_is_ranked_by_its_values(tmp_path):
    results, notes = imported_from(tmp_path, [trial(0.5, [0.9, 0.5]), trial(0.25, [0.25, 0.5]), trial(0.75, [0.75])])
    assert results.objective == Objective("value", "min", "best", None)
    assert results.best()[["trial", "value", "epoch"]].to_numpy().tolist() == [[1, 0.25, 1], [0, 0.5, 2], [2, 0.75, 1]]
    assert notes == []
    experiment = results.experiment
    assert {each.short_name: (each.low, each.high, each.log) for each in experiment.parameters} == {
        "rate": (1e-3, 1.0, True),
        "width": (8, 64, False),
    }


def test_values_that_are_those_of_the_last_step_say_so(tmp_path):
    results, notes = imported_from(tmp_path, [trial(0.5, [0.25, 0.5], start=0), trial(0.125, [0.125], start=0)])
    assert results.objective.epoch == "last"
    assert results.best()["epoch"].tolist() == [1, 2]
    assert "epochs from 1 on" in notes[0]


def test_a_value_that_no_step_has_is_one_more_epoch(tmp_path):
    results, _ = imported_from(tmp_path, [trial(0.1, [0.5, 0.4]), trial(0.7)])
    assert results.best()[["value", "epoch"]].to_numpy().tolist() == [[0.1, 3], [0.7, 1]]


def test_what_is_not_finite_has_diverged(tmp_path):
    results, _ = imported_from(tmp_path, [trial(0.1, [0.5, math.nan, 0.1]), trial(math.inf), trial(0.5)])
    assert results.diverged()[["trial", "epoch", "place", "kind"]].to_numpy().tolist() == [
        [0, 2, "value", "invalid"],
        [1, 1, "value", "overflow"],
    ]
    assert results.best()["trial"].tolist() == [2]


def test_pruned_failed_and_unended_trials_keep_their_numbers(tmp_path):
    study = foreign(tmp_path, [trial(0.5), trial(None, [0.9], TrialState.PRUNED), trial(state=TrialState.FAIL)])
    study.ask()
    study.add_trial(trial(0.25))
    study.ask()
    results, notes = import_sweep(tmp_path / "foreign.db", db=tmp_path / "sweeps.db")
    assert [results.trial(number).status for number in range(5)] == [
        "completed",
        "pruned",
        "failed",
        "failed",
        "completed",
    ]
    assert results.trial(3).error == "it was running when it was imported"
    assert notes == [
        "2 trials had not ended: 1 is left out, and 1 counts as failed, so that the others keep their numbers"
    ]


def test_names_and_options_of_any_kind_become_usable(tmp_path):
    odd = {"a b": "a", "x.y": None, "int": 1, "<script>": "b"}
    results, notes = imported_from(tmp_path, [trial(0.5, **odd), trial(0.25, **odd)], study_name="日本 / study")
    assert results.name == "study"
    assert {each.short_name for each in results.searched} == {"rate", "width", "a_b", "y", "int_", "script"}
    assert results.trials()[["a_b", "y", "int_", "script"]].to_numpy().tolist() == [["a", "None", 1, "b"]] * 2
    assert "'日本 / study' can be the name of no sweep" in notes[0]
    assert "'a b' is a_b" in notes[1]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_several_objectives_become_metrics(tmp_path):
    many = create_trial(values=[0.5, 3.0], params={"rate": 0.1}, distributions={"rate": RATE})
    study = foreign(tmp_path, [many], directions=["minimize", "maximize"])
    study.set_metric_names(["mistakes", "speed"])
    results, notes = import_sweep(tmp_path / "foreign.db", db=tmp_path / "sweeps.db")
    assert results.epochs()[["mistakes", "speed"]].to_numpy().tolist() == [[0.5, 3.0]]
    assert "it has 2 objectives" in notes[0]


def test_several_studies_must_be_told_apart(tmp_path):
    foreign(tmp_path, [trial(0.5)])
    foreign(tmp_path, [trial(0.5)], study_name="other")
    url = f"sqlite:///{tmp_path}/foreign.db"
    with pytest.raises(UsageError, match="has several studies: foreign, other"):
        import_sweep(url, db=tmp_path / "sweeps.db")
    with pytest.raises(UsageError, match="has no study 'othr'; did you mean 'other'"):
        import_sweep(url, study="othr", db=tmp_path / "sweeps.db")
    results, _ = import_sweep(url, study="other", name="mine", db=tmp_path / "sweeps.db")
    assert results.name == "mine"
    with pytest.raises(SweepError, match="there is a sweep 'mine' already"):
        import_sweep(url, study="other", name="mine", db=tmp_path / "sweeps.db")


def test_a_journal_file_is_read_too(tmp_path):
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.log"))
    study = optuna.create_study(storage=optuna.storages.JournalStorage(backend), direction="maximize")
    study.add_trial(trial(0.5, [0.25, 0.5]))
    results, _ = import_sweep(tmp_path / "study.log", name="journal", db=tmp_path / "sweeps.db")
    assert results.best()["value"].tolist() == [0.5]


@pytest.mark.parametrize("content", [b"", b"text\n", b"SQLite format 3\0 and no more"])
def test_another_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "file.db"
    path.write_bytes(content)
    with pytest.raises(SweepError, match=r"file\.db"):
        import_sweep(path, db=tmp_path / "sweeps.db")
    assert path.read_bytes() == content
    assert not (tmp_path / "sweeps.db").exists()
