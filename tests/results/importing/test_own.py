"""Tests of attributes like those of an exported sweep: what sweep did not write so is that of another study."""

import math

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from sweep.results.export.optuna import EPOCHS
from sweep.results.importing import import_sweep

OWN = {"metric": "m", "parameters": ["x"], "objective_epoch": "best", "seed": 3, "repeats": 1}
TOLD = {"status": "completed", "epoch": 1}
CURVES = {"seconds": [0.5], "other": [2.0]}


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def imported(folder, own, told=(), curves=None, state=TrialState.COMPLETE, step=0.5):
    """Import a study with an attribute of its own, and a trial with some."""
    study = optuna.create_study(storage=f"sqlite:///{folder / 'study.db'}", study_name="s")
    study.set_user_attr("sweep", own)
    trial = create_trial(
        state=state,
        value=0.5 if state is TrialState.COMPLETE else None,
        params={"x": 0.1},
        distributions={"x": FloatDistribution(0, 1)},
        intermediate_values={1: step},
        user_attrs=dict(told),
        system_attrs={EPOCHS: curves} if curves is not None else {},
    )
    study.add_trial(trial)
    return import_sweep(folder / "study.db", db=folder / "sweeps.db")


@pytest.mark.parametrize(
    "own",
    [
        {"repeats": "x", "seed": "y", "parameters": 5},
        {"lr": [0.1]},
        "text",
        [1],
        OWN | {"seed": -1},
        OWN | {"parameters": [1]},
        OWN | {"objective_epoch": "first"},
        OWN | {"tie_break": 5},
        OWN | {"description": None},
    ],
)
def test_a_study_with_such_an_attribute_of_its_own_is_another_one(tmp_path, own):
    results, notes = imported(tmp_path, own, TOLD | {"repeat": "x"}, {"other": [2.0]})
    assert (notes, results.record.seed, results.objective.metric) == ([], 0, "value")
    assert results.best()["value"].tolist() == [0.5]
    assert "other" not in results.metrics()


@pytest.mark.parametrize(
    ("told", "curves"),
    [
        ({}, None),
        ({"status": "lost"}, CURVES),
        ({"repeat": "x"}, CURVES),
        ({"seconds": -1}, CURVES),
        ({"error": 5}, CURVES),
        ({"diverged_epoch": 1}, CURVES),
        ({"diverged_epoch": 1, "diverged_step": 0, "diverged_place": "m", "diverged_kind": "odd"}, CURVES),
        ({}, [1]),
        ({}, {"seconds": "x"}),
        ({}, {"seconds": [0.1, 0.2]}),
        ({}, {"seconds": [None]}),
        ({}, {"other": ["x"]}),
    ],
)
def test_a_trial_with_other_attributes_is_read_as_any_other(tmp_path, told, curves):
    told = (TOLD if told or curves is not None else {}) | told
    results, notes = imported(tmp_path, OWN, told, curves)
    assert notes == ["1 trial is not as sweep exports them, and read as of any other study"]
    assert results.trials()[["status", "m" if "m" in results.metrics() else "value"]].to_numpy().tolist() == [
        ["completed", 0.5]
    ]


def test_what_sweep_has_written_is_read_back(tmp_path):
    results, notes = imported(tmp_path, OWN, TOLD, CURVES)
    assert (notes, results.record.seed) == ([], 3)
    assert results.epochs()[["epoch", "other", "seconds"]].to_numpy().tolist() == [[1, 2.0, 0.5]]


def test_a_step_that_is_not_finite_has_diverged_in_an_exported_study_too(tmp_path):
    results, _ = imported(tmp_path, OWN, TOLD, step=math.nan)
    assert results.trial(0).status == "diverged"
