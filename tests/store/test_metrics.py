"""Sweeps with any metrics and objective: what is stored, ranked and shown of them, from every database."""

import math
import sqlite3
from dataclasses import replace

import pandas as pd
import pytest
from sqlalchemy import select

from sweep.errors import StoreError
from sweep.metrics import Objective
from sweep.records import Epoch, Seeds, Trial, Weights
from sweep.store import Ending, Store
from sweep.store.frames import Selection
from sweep.store.schema import trials
from tests.store.store_setup import RECORD, add, epoch, finished, row_of

RMSE = Objective("rmse", "min", tie_break="test_loss")
VALUES = [[3.0, 1.5, 2.0], [1.5, 4.0], [0.1], [2.0, 1.0, 1.5]]
"""Of the metric `rmse` after each epoch of each trial."""


def measured(number, rmse, **others):
    return Epoch(number, 0.5, {"rmse": rmse, **others})


def own_trainer(number, **changes):
    configuration = {"trainer": {"kind": "function"}, "parameters": {"lr": 0.1 * number}}
    return Trial(number, {"parameters.lr": 0.1 * number}, configuration, Seeds(number, 0, 0), **changes)


def add_own(store, objective=RMSE, repeats=1, values=VALUES, name="own"):
    """Add a sweep of a user's own trainer, with all its trials completed."""
    record = replace(RECORD, name=name, objective=objective, repeats=repeats)
    trials = [own_trainer(n, repeat=n % repeats, planned_epochs=3) for n in range(len(values))]
    sweep_id = store.add_sweep(record, trials)
    for number, course in enumerate(values):
        claim = store.claim(sweep_id, number, "me:1")
        assert claim.objective == objective
        epochs = [measured(n, value, test_loss=value / 3, other=-value) for n, value in enumerate(course, start=1)]
        store.finish(claim, Ending("completed", 1.0), epochs, objective.choose(epochs))
    return sweep_id


def test_an_objective_is_kept_with_its_sweep(store):
    add_own(store, repeats=2)
    record = store.sweep()
    assert (record.objective, record.repeats, record.format) == (RMSE, 2, 2)


def test_metrics_come_back_bit_for_bit_with_those_that_have_a_column(store):
    sweep_id = add_own(store)
    awkward = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, math.nextafter(1.0, 2)]
    trial = store.add_sweep(replace(RECORD, name="awkward", objective=RMSE), [own_trainer(0)])
    claim = store.claim(trial, 0, "me:1")
    epochs = [measured(n, value, test_loss=value) for n, value in enumerate(awkward, start=1)]
    store.record(claim, epochs, epochs[2])
    assert store.trial_epochs(trial, 0) == tuple(epochs)
    for name in ("rmse", "test_loss"):
        assert store.epochs(trial)[name].tolist() == awkward
    assert store.trial_epochs(sweep_id, 1)[0].metrics == {"rmse": 1.5, "test_loss": 0.5, "other": -1.5}


def test_the_metrics_of_a_sweep(store):
    assert store.metrics(add(store)) == []
    native = store.sweep().id
    finished(store, native, 0, [epoch(0)])
    assert store.metrics(native) == ["test_accuracy", "test_loss", "train_accuracy", "train_loss"]
    assert store.metrics(add_own(store)) == ["test_loss", "other", "rmse"]


def test_epochs_have_the_metrics_of_the_sweep(store):
    frame = store.epochs(add_own(store))
    assert frame.columns.tolist() == ["trial", "epoch", "test_loss", "other", "rmse", "seconds"]
    assert frame["rmse"].tolist() == [value for course in VALUES for value in course]
    assert frame.dtypes.astype(str).tolist() == ["int64"] * 2 + ["float64"] * 4


def test_a_metric_that_some_trials_lack_is_nan_there(store):
    sweep_id = add(store, 2)
    finished(store, sweep_id, 0, [epoch(0)])
    with_f1 = Epoch(0, 0.1, {**epoch(0).metrics, "test_f1": 0.75})
    finished(store, sweep_id, 1, [with_f1])
    assert store.epochs(sweep_id)["test_f1"].isna().tolist() == [True, False]
    frame = store.trials(sweep_id, also=["test_f1", "train_loss"])
    assert frame["test_f1"].fillna(0).tolist() == [0, 0.75]
    assert frame["train_loss"].tolist() == [1.1, 1.1]
    head = ["trial", "status", "attempt", "test_accuracy", "epoch", "test_loss", "test_f1", "train_loss", "epochs"]
    assert frame.columns[:9].tolist() == head


@pytest.mark.parametrize(
    ("objective", "order", "values"),
    [
        (RMSE, [2, 3, 0, 1], [0.1, 1.0, 1.5, 1.5]),
        (Objective("rmse", "max", tie_break=None), [1, 0, 3, 2], [4.0, 3.0, 2.0, 0.1]),
        (Objective("rmse", "min", "last", None), [2, 3, 0, 1], [0.1, 1.5, 2.0, 4.0]),
        (Objective("other", "min", tie_break="rmse"), [1, 0, 3, 2], [-4.0, -3.0, -2.0, -0.1]),
        (Objective("test_loss", "min", "last", None), [2, 3, 0, 1], [0.1 / 3, 0.5, 2 / 3, 4 / 3]),
    ],
)
def test_an_objective_ranks_alike_as_that_of_the_sweep_and_as_another(store, objective, order, values):
    own = add_own(store, objective)
    other = add_own(store, Objective("other", "max", tie_break=None), name="other")
    with store.database.reading() as connection:
        view = connection.exec_driver_sql(
            "SELECT trial, value, metric FROM leaderboard WHERE sweep = 'own' ORDER BY rank"
        ).all()
    assert [tuple(row) for row in view] == [(n, v, objective.metric) for n, v in zip(order, values, strict=True)]
    for first in (True, False):
        frame = store.trials(own, selection=Selection("ranked", 3, first))
        ranked = store.trials(other, objective, Selection("ranked", None, first))
        assert frame["trial"].tolist() == ranked["trial"].tolist()[:3]
        assert frame["epoch"].tolist() == ranked["epoch"].tolist()[:3]
        if first:
            assert (frame["trial"].tolist(), frame[objective.metric].tolist()) == (order[:3], values[:3])
    assert store.progress(own).best == values[0]
    assert store.sweeps().set_index("sweep").loc["own", ["metric", "best"]].tolist() == [objective.metric, values[0]]


@pytest.mark.parametrize("name", ["rmse", "test_loss", "other"])
def test_another_metric_ranks_as_it_does_as_the_objective(store, name):
    sweep_id = add_own(store, Objective("other", "max", tie_break=None))
    by = Objective(name, "min", tie_break=None)
    frame = store.trials(sweep_id, by, Selection("ranked"))
    expected = sorted(range(len(VALUES)), key=lambda n: min(e.metrics[name] for e in store.trial_epochs(sweep_id, n)))
    assert frame["trial"].tolist() == expected
    chosen = [by.choose(store.trial_epochs(sweep_id, n)) for n in expected]
    assert frame["epoch"].tolist() == [each.number for each in chosen]
    assert frame[name].tolist() == [each.metrics[name] for each in chosen]


def test_repeats_are_told_apart(store):
    frame = store.trials(add_own(store, repeats=2))
    assert frame["repeat"].tolist() == [0, 1, 0, 1]
    assert "repeat" not in store.trials(add(store))
    trial = store.trial(store.sweep("own").id, 3)
    assert (trial.repeat, trial.planned_epochs, trial.best_value, trial.tie_value) == (1, 3, 1.0, 1.0 / 3)


def test_what_is_cleared_is_summarized_by_the_objective(store):
    sweep_id = store.add_sweep(replace(RECORD, objective=RMSE), [own_trainer(0)])
    claim = store.claim(sweep_id, 0, "me:1")
    epochs = [measured(n, value) for n, value in enumerate([2.0, 3.0, 1.0], start=1)]
    store.record(claim, epochs, epochs[2], checkpoint=Weights("x", 2))
    store.requeue(sweep_id, lambda owner, silent: True)
    assert store.claim(sweep_id, 0, "me:2").epochs == tuple(epochs[:2])
    trial = store.trial(sweep_id, 0)
    assert (trial.best_value, trial.best_epoch, trial.last_epoch, trial.tie_value) == (2.0, 1, 2, None)


def test_the_log_of_a_trial_is_kept_until_its_next_attempt(store):
    sweep_id = add(store)
    claim = store.claim(sweep_id, 0, "me:1")
    store.record(claim, [], None, log="first\0")
    assert store.trial(sweep_id, 0).log == r"first\x00"
    store.finish(claim, Ending("interrupted", 1.0, log="last"), [], None)
    assert store.trial(sweep_id, 0).log == "last"
    store.requeue(sweep_id, lambda owner, silent: True)
    store.claim(sweep_id, 0, "me:1")
    assert store.trial(sweep_id, 0).log is None


def test_extending_changes_the_number_of_planned_epochs(store):
    sweep_id = add_own(store)
    store.extend(sweep_id, [1], 9)
    assert store.trial(sweep_id, 1).planned_epochs == 9
    assert store.trial(sweep_id, 1).configuration == own_trainer(1).configuration


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_not_finite_is_refused(store, value):
    sweep_id = store.add_sweep(replace(RECORD, objective=RMSE), [own_trainer(0)])
    claim = store.claim(sweep_id, 0, "me:1")
    with pytest.raises(StoreError, match="epoch 2 has a metric that is not finite"):
        store.record(claim, [measured(1, 1.0), measured(2, value)], None)
    assert store.epochs(sweep_id).empty
    assert row_of(store, sweep_id, 0)["last_epoch"] is None


def test_epochs_of_our_own_metrics_have_no_json(tmp_path):
    store = Store(str(tmp_path / "sweeps.db"), create=True)
    finished(store, add(store), 0, [epoch(0)])
    store.close()
    plain = sqlite3.connect(tmp_path / "sweeps.db")
    assert pd.read_sql("SELECT typeof(metrics) AS kind FROM epochs", plain)["kind"].tolist() == ["null"]
    plain.close()


def test_curves_are_those_of_other_trials_of_the_sweep_that_have_had_the_epoch(store):
    add_own(store, values=[[9.0, 9.0]], name="another")
    sweep_id = add_own(store)
    with store.database.reading() as connection:
        query = select(trials.c.id).where(trials.c.sweep_id == sweep_id, trials.c.number == 0)
        first = connection.execute(query).scalar_one()
    assert store.curves(first, "rmse", 1) == {1: [1.5], 2: [0.1], 3: [2.0]}
    assert store.curves(first, "rmse", 2) == {1: [1.5, 4.0], 3: [2.0, 1.0]}
    assert store.curves(first, "test_loss", 3) == {3: [2.0 / 3, 1.0 / 3, 1.5 / 3]}
    assert store.curves(first, "rmse", 4) == {}


@pytest.mark.parametrize("name", ["精度", 'a"b', "a\\b", "x'y", "a.b c", "naïve"])
def test_a_metric_of_any_name_ranks_and_is_compared_as_one_of_a_plain_name(store, name):
    objective = Objective(name, "min")
    record = replace(RECORD, name="awkward", objective=objective)
    sweep_id = store.add_sweep(record, [own_trainer(n, planned_epochs=3) for n in range(len(VALUES))])
    for number, course in enumerate(VALUES):
        claim = store.claim(sweep_id, number, "me:1")
        epochs = [Epoch(n, 0.5, {name: value}) for n, value in enumerate(course, start=1)]
        store.finish(claim, Ending("completed", 1.0), epochs, objective.choose(epochs))
    assert store.values_after(sweep_id, 0, name, 1) == VALUES[0][1:]
    others = store.curves(row_of(store, sweep_id, 2)["id"], name, 2)
    assert others == {0: VALUES[0][:2], 1: VALUES[1][:2], 3: VALUES[3][:2]}
    by = Objective(name, "max", "last")
    ranked = store.trials(sweep_id, by, Selection("ranked", 3, True))
    assert [*ranked[name]] == [4.0, 2.0, 1.5]
