"""Which examples each classifier has right: one bit each, of the epoch that stands for its trial."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from sweep.errors import StoreError
from sweep.records import Weights
from sweep.store import Ending
from sweep.store import correctness as module
from sweep.store.correctness import pack, unpack
from sweep.store.repair.mend import restart
from sweep.store.schema import trials
from tests.store.store_setup import add, epoch, finished, nobody, row_of

ONE, TWO = np.array([True, False, True]), np.array([False, True, True])


@given(st.lists(st.booleans(), max_size=40))
def test_what_is_packed_can_be_unpacked(correct):
    packed = pack(np.array(correct, bool))
    assert unpack(packed).tolist() == correct
    assert len(packed) == 1 + -(-len(correct) // 8)


@pytest.mark.parametrize("packed", [b"", b"\x08\x00", b"\x01"])
def test_other_bytes_are_damaged(packed):
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed)


def train(store, sweep_id, number, best, correct, last=None, **values):
    """Train a trial to its epoch `last`, whose best is the epoch `best`."""
    epochs = [epoch(n, 0.9 if n == best else 0.1) for n in range((best if last is None else last) + 1)]
    claim = store.claim(sweep_id, number, "me:1")
    store.record(claim, epochs, epochs[best], correct=pack(correct), **values)
    return claim, epochs


def complete(store, sweep_id, number, correct):
    claim, epochs = train(store, sweep_id, number, 0, correct)
    store.finish(claim, Ending("completed", 1.0), [], epochs[0], (), pack(correct))


def only(found):
    return {number: correct.tolist() for number, correct in found.items()}


class TestReading:
    def test_trials_come_in_the_order_that_was_asked_for(self, store, monkeypatch):
        sweep_id = add(store, 4)
        complete(store, sweep_id, 0, ONE)
        complete(store, sweep_id, 2, TWO)
        finished(store, sweep_id, 1, [epoch(0)])
        assert only(store.correctness(sweep_id)) == {0: ONE.tolist(), 2: TWO.tolist()}
        assert list(store.correctness(sweep_id, [2, 3, 1, 0])) == [2, 0]
        assert store.correctness(sweep_id + 1) == {}
        monkeypatch.setattr(module, "MOST_NAMED", 1)
        assert list(store.correctness(sweep_id, [2, 0])) == [2, 0]
        assert list(store.correctness(sweep_id, [2, 3])) == [2]

    def test_frames_do_not_have_it(self, store):
        sweep_id = add(store)
        complete(store, sweep_id, 0, ONE)
        assert "correct" not in store.trials(sweep_id)

    @pytest.mark.parametrize("value", [b"\x09\x00", b""])
    def test_what_is_damaged_is_said(self, store, value):
        sweep_id = add(store)
        complete(store, sweep_id, 0, ONE)
        with store.database.writing() as connection:
            connection.execute(update(trials).values(correct=value))
        with pytest.raises(StoreError, match="damaged"):
            store.correctness(sweep_id)


class TestAttempts:
    """The bits in a row are always those of its best epoch."""

    @pytest.fixture
    def sweep_id(self, store):
        return add(store)

    def again(self, store, sweep_id):
        store.requeue(sweep_id, nobody)
        return store.claim(sweep_id, 0, "you:1")

    def test_they_stay_where_the_best_epoch_stays(self, store, sweep_id):
        train(store, sweep_id, 0, 1, ONE, last=3, checkpoint=Weights("c.npz", 2))
        claim = self.again(store, sweep_id)
        assert claim.correct == pack(ONE)
        row = row_of(store, sweep_id, 0)
        assert (row["best_epoch"], row["correct"]) == (1, pack(ONE))

    def test_they_go_where_another_epoch_is_the_best_then(self, store, sweep_id):
        train(store, sweep_id, 0, 3, ONE, checkpoint=Weights("c.npz", 2))
        claim = self.again(store, sweep_id)
        assert claim.correct is None
        row = row_of(store, sweep_id, 0)
        assert (row["best_epoch"], row["correct"]) == (0, None)

    def test_they_go_with_all_epochs(self, store, sweep_id):
        train(store, sweep_id, 0, 1, ONE)
        claim = self.again(store, sweep_id)
        assert (claim.correct, row_of(store, sweep_id, 0)["correct"]) == (None, None)
        train(store, sweep_id, 1, 1, ONE)
        with store.database.writing() as connection:
            restart(connection, row_of(store, sweep_id, 1)["id"])
        row = row_of(store, sweep_id, 1)
        assert [row[name] for name in ("correct", "best_value", "best_epoch", "last_epoch")] == [None] * 4

    def test_a_training_that_starts_over_forgets_them(self, store, sweep_id):
        claim, _ = train(store, sweep_id, 0, 1, ONE)
        store.clear_epochs(claim)
        assert row_of(store, sweep_id, 0)["correct"] is None

    def test_a_longer_training_has_those_of_the_shorter_one_until_it_is_completed(self, store, sweep_id):
        claim, epochs = train(store, sweep_id, 0, 1, ONE, last=2, weights=Weights("w.npz", 1))
        store.finish(claim, Ending("completed", 1.0), [], epochs[1], (), pack(ONE))
        store.extend(sweep_id, [0], 4)
        longer = store.claim(sweep_id, 0, "me:1")
        assert longer.correct == pack(ONE)
        better = epoch(3, 0.95)
        store.record(longer, [better], better, correct=pack(TWO))
        assert row_of(store, sweep_id, 0)["correct"] == pack(ONE)
        store.finish(longer, Ending("completed", 1.0), [epoch(4)], better, (), pack(TWO))
        row = row_of(store, sweep_id, 0)
        assert (row["best_epoch"], row["correct"]) == (3, pack(TWO))

    @pytest.mark.parametrize("status", ["completed", "diverged", "failed", "pruned", "interrupted", "paused"])
    def test_they_are_kept_however_the_trial_ends(self, store, sweep_id, status):
        claim, epochs = train(store, sweep_id, 0, 1, ONE)
        store.finish(claim, Ending(status, 1.0), [], epochs[1], (), pack(ONE))
        row = row_of(store, sweep_id, 0)
        assert (row["status"], row["correct"]) == (status, pack(ONE))
