"""How far large sweeps are is read from an index, and is what their rows say."""

import random
from contextlib import closing

import pytest
from sqlalchemy import event, update

from sweep.metrics import Objective
from sweep.store import Store
from sweep.store.schema import trials
from tests.store.store_setup import add, epoch, finished

STATUSES = ("completed", "queued", "running", "paused", "diverged", "failed")


def fill(store, name, direction, has_earlier):
    """Add a sweep of trials of all statuses; return its id and, by number, its (status, earlier, value, epochs)."""
    rng, rows = random.Random(name), {}
    objective = Objective("test_loss", direction, "best", None)
    sweep_id = add(store, 30, name=name, objective=objective)
    for number in range(30):
        finished(store, sweep_id, number, [epoch(0)])
        ranked = rng.choice([None, 1]) if has_earlier else None
        status = STATUSES[number % len(STATUSES)]
        rows[number] = (status, ranked, rng.choice([None, rng.random()]), rng.choice([None, 3, 7]))
        values = dict(zip(("status", "ranked_epochs", "best_value", "last_epoch"), rows[number], strict=True))
        this = (trials.c.sweep_id == sweep_id) & (trials.c.number == number)
        with store.database.writing() as connection:
            connection.execute(update(trials).where(this).values(**values, tie_value=None, owner="x:1"))
    return sweep_id, rows


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("has_earlier", [False, True])
def test_counts_and_the_best_are_those_of_all_rows(store, direction, has_earlier):
    fill(store, "another", direction, not has_earlier)
    sweep_id, rows = fill(store, "this", direction, has_earlier)
    values = [value for status, earlier, value, _ in rows.values() if status == "completed" or earlier]
    best = {"min": min, "max": max}[direction](value for value in values if value is not None)
    found = store.progress(sweep_id)
    assert found.best == best
    assert found.counts == dict.fromkeys(STATUSES, 5)
    assert found.ranked_by_earlier == sum(earlier is not None for _, earlier, _, _ in rows.values())
    assert found.paused_epochs == sum(last or 0 for status, _, _, last in rows.values() if status == "paused")
    assert [(each.number, each.best) for each in found.running] == [
        (number, value) for number, (status, _, value, _) in rows.items() if status == "running"
    ]
    listed = store.sweeps().set_index("sweep").loc["this"]
    assert listed["best"] == best and [listed[status] for status in STATUSES] == [5] * 6


def test_all_trials_are_counted_in_an_index_alone(tmp_path):
    with closing(Store(str(tmp_path / "a.db"), create=True)) as store:
        sweep_id, _ = fill(store, "this", "max", has_earlier=False)
        plans = []

        @event.listens_for(store.database._engine, "before_cursor_execute")
        def note(connection, cursor, statement, parameters, context, executemany):
            if "trials" in statement:
                plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row[-1] for row in plan if " trials" in row[-1])

        store.progress(sweep_id)
        store.sweeps()
    assert len(plans) == 8
    assert not [line for line in plans if "COVERING INDEX ranking" not in line and "AND status=?" not in line]
