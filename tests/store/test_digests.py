"""Every trial that is not running has a digest, which sees every change."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import and_, select, update

from sweep.records import BatchLosses
from sweep.store.digests import _lines, drawn_digests, sweep_digest, trial_digests
from sweep.store.schema import metadata, sweeps, trials
from tests.store.store_setup import (
    AWKWARD_NUMBERS,
    AWKWARD_TEXTS,
    add,
    epoch,
    fill,
    finished,
    nobody,
    row_of,
)


class TestDigests:
    CHANGES = (
        ("trials", "best_value", 0.5000001),
        ("trials", "seconds", 1.5000000000000002),
        ("trials", "status", "diverged"),
        ("trials", "owner", "you:1"),
        ("trials", "seed_weights", 1),
        ("trials", "correct", b"\x00\x80"),
        ("epochs", "test_loss", math.nextafter(1.0, 2)),
        ("epochs", "epoch", 7),
        ("epochs", "seconds", 0.2500000000000001),
        ("batches", "loss", math.nextafter(0.1, 1)),
        ("parameters", "number", 0.3),
        ("parameters", "name", "ls"),
    )

    def digests(self, store, trial_id):
        with store.database.reading() as connection:
            this = trials.c.id == trial_id
            pairs = [*trial_digests(connection, this), *drawn_digests(connection, this)]
        assert [pair[0] for pair in pairs] == [trial_id] * 2
        return tuple(digest for _, digest in pairs)

    def assert_sealed(self, store, sweep_id, *numbers):
        for number in numbers:
            row = row_of(store, sweep_id, number)
            assert (row["digest"], row["drawn_digest"]) == self.digests(store, row["id"]), number

    def test_every_trial_that_is_not_running_is_sealed(self, store):
        sweep_id = add(store, 6)
        self.assert_sealed(store, sweep_id, *range(6))
        finished(store, sweep_id, 0, [epoch(0), epoch(1)], losses=[BatchLosses(1, (0.1, 0.2))])
        finished(store, sweep_id, 1, [epoch(0)], "interrupted")
        for number in (2, 3, 4):
            store.claim(sweep_id, number, "me:1")
        assert row_of(store, sweep_id, 2)["digest"] is None
        store.record_crash(sweep_id, 2, "gone", nobody)
        store.fail(sweep_id, 3, "slow", nobody)
        self.assert_sealed(store, sweep_id, 0, 1, 2, 3, 5)
        store.requeue(sweep_id, nobody)
        self.assert_sealed(store, sweep_id, *range(6))
        store.retry(sweep_id)
        store.extend(sweep_id, [0], 9)
        self.assert_sealed(store, sweep_id, *range(6))

    @pytest.mark.parametrize("chunk", [1, 3, 8])
    def test_trials_are_sealed_alike_however_many_are_inserted_at_a_time(self, store, monkeypatch, chunk):
        monkeypatch.setattr("sweep.store.rows.CHUNK", chunk)
        sweep_id = fill(store)
        count = store.sweep().trials
        assert count == 7
        self.assert_sealed(store, sweep_id, *range(count))
        assert [row_of(store, sweep_id, number)["id"] for number in range(count)] == list(range(1, count + 1))
        drawn = store.parameters(sweep_id)
        assert [drawn[number]["text"] for number in range(count)] == AWKWARD_TEXTS
        assert [drawn[number]["number"].hex() for number in range(count)] == [(x + 0.0).hex() for x in AWKWARD_NUMBERS]
        assert (drawn[0]["flag"], drawn[0]["whole"], drawn[0]["mixed"], drawn[1]["mixed"]) == (True, 2**53, "relu", 0.1)

    def test_the_digest_of_a_sweep_follows_its_row(self, store):
        add(store)
        sweep_id = store.sweep().id
        store.extend(sweep_id, [], 9)
        with store.database.reading() as connection:
            kept = connection.execute(select(sweeps.c.digest)).scalar()
            assert kept == sweep_digest(connection, sweep_id)

    @pytest.mark.parametrize(("table", "column", "value"), CHANGES)
    def test_the_digest_sees_every_change(self, store, table, column, value):
        sweep_id = add(store, 4)
        finished(store, sweep_id, 3, [epoch(0), epoch(1)], losses=[BatchLosses(1, (0.1, 0.2))])
        row = row_of(store, sweep_id, 3)
        changed = metadata.tables[table]
        this = changed.c.id == row["id"] if table == "trials" else changed.c.trial_id == row["id"]
        if table == "epochs":
            this = and_(this, changed.c.epoch == 1)
        if table == "batches":
            this = and_(this, changed.c.step == 1)
        with store.database.writing() as connection:
            connection.execute(update(changed).where(this).values({column: value}))
        after, drawn = self.digests(store, row["id"])
        assert after != row["digest"]
        assert (drawn != row["drawn_digest"]) == (table == "parameters" or column == "seed_weights")

    def test_a_sweeps_row_is_sealed_too(self, store):
        sweep_id = add(store)
        with store.database.writing() as connection:
            connection.execute(update(sweeps).values(seed=8))
            assert connection.execute(select(sweeps.c.digest)).scalar() != sweep_digest(connection, sweep_id)


NUMBERS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(NUMBERS, st.booleans(), st.text(), st.dictionaries(st.text(), st.integers()))


@given(st.integers(2, 5).flatmap(lambda n: st.lists(st.tuples(*[st.one_of(NUMBERS, VALUES)] * n), max_size=4)))
@example([(1, 0.5, None), (2, 1e-05, 5e-324)])
@example([(1, "None"), (2, "), (")])
@example([(True, 1)])
@example([(1, "relu"), (2, "tanh")])
@example([(1, "], ["), (2, "tanh")])
@example([(1, {"hidden": [[1], [2]]}), (2, "a"), (3, "b")])
def test_the_lines_of_rows_are_their_json(rows):
    assert _lines(rows) == "".join(json.dumps(list(row), sort_keys=True) + "\n" for row in rows)
