"""What becomes of a trial whose worker crashes, hangs or falls silent, and of its checkpoints."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from sweep.errors import StaleAttempt
from sweep.records import Weights
from sweep.store import Ending
from sweep.store.schema import trials
from tests.store.store_setup import add, epoch, everybody, finished, nobody, row_of


class TestCrashes:
    """What becomes of a trial whose worker dies, hangs or falls silent."""

    def test_the_third_crash_is_a_failure_that_says_why(self, store):
        sweep_id = add(store)
        for attempt in (1, 2, 3):
            claim = store.claim(sweep_id, 0, "me:1")
            assert claim.attempt == attempt
            store.record(claim, [epoch(0, 0.3)], epoch(0, 0.3))
            status = store.record_crash(sweep_id, 0, "it was killed by SIGSEGV", nobody)
            assert status == ("queued" if attempt < 3 else "failed")
        row = row_of(store, sweep_id, 0)
        assert row["error"] == "its worker process has died 3 times, the last time of this: it was killed by SIGSEGV"
        assert (row["crashes"], row["best_value"], len(store.epochs(sweep_id, 0))) == (3, 0.3, 1)
        assert store.claim(sweep_id, 0, "me:1") is None

        assert store.retry(sweep_id) == 1
        assert store.claim(sweep_id, 0, "me:1").attempt == 4
        assert row_of(store, sweep_id, 0)["crashes"] == 0

    def test_a_worker_that_died_before_its_trial_counts_too(self, store):
        sweep_id = add(store)
        assert store.record_crash(sweep_id, 0, "gone", everybody) == "queued"
        assert row_of(store, sweep_id, 0)["crashes"] == 1

    @pytest.mark.parametrize("end", ["record_crash", "fail"])
    def test_a_living_owner_keeps_its_trial(self, store, end):
        sweep_id = add(store)
        store.claim(sweep_id, 0, "alive:1")
        assert getattr(store, end)(sweep_id, 0, "too slow", lambda owner, silent: owner != "alive:1") is None
        assert row_of(store, sweep_id, 0)["status"] == "running"

    @pytest.mark.parametrize("end", ["record_crash", "fail"])
    def test_a_trial_that_has_ended_stays_as_it_is(self, store, end):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        assert getattr(store, end)(sweep_id, 0, "too slow", nobody) == "completed"
        assert row_of(store, sweep_id, 0)["error"] is None

    def test_a_trial_whose_worker_was_stopped_has_failed_with_its_epochs(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        store.record(claim, [epoch(0), epoch(1, 0.6)], epoch(1, 0.6))
        assert store.fail(sweep_id, 0, "it took too long", nobody) == "failed"
        finished(store, sweep_id, 1, [epoch(0)], "interrupted")
        assert store.fail(sweep_id, 1, "it took too long", everybody) == "failed"
        rows = [row_of(store, sweep_id, number) for number in (0, 1)]
        assert [(row["error"], row["status"]) for row in rows] == [("it took too long", "failed")] * 2
        assert len(store.epochs(sweep_id, 0)) == 2
        with pytest.raises(StaleAttempt):
            store.record(claim, [epoch(2)], None)

    def test_silence_is_measured_from_the_last_heartbeat(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        with store.database.writing() as connection:
            now = store.database.now(connection)
            connection.execute(update(trials).values(heartbeat=now - timedelta(seconds=100)))
        heard = []
        store.requeue(sweep_id, lambda owner, silent: bool(heard.append((owner, silent))))
        assert store.heartbeat(claim)
        store.requeue(sweep_id, lambda owner, silent: bool(heard.append((owner, silent))))
        assert [owner for owner, _ in heard] == ["me:1"] * 2
        before, after = (silent for _, silent in heard)
        assert before >= 100
        assert 0 <= after < 50

    def test_the_heartbeat_of_an_overtaken_worker_is_refused(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "slow:1")
        store.requeue(sweep_id, nobody)
        store.claim(sweep_id, 0, "quick:1")
        assert not store.heartbeat(claim)

    def test_an_answer_that_was_lost_is_given_again(self, store):
        """The connection may break just after a commit: the same request again must find its work done."""
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        assert store.claim(sweep_id, 0, "me:1") == claim
        for _ in range(2):
            store.finish(claim, Ending("completed", 1.0), [epoch(0)], epoch(0))
        assert row_of(store, sweep_id, 0)["attempt"] == 1
        assert len(store.epochs(sweep_id, 0)) == 1


class TestCheckpoints:
    def test_a_checkpoint_goes_with_its_epochs_and_ends_with_the_trial(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        at_two, best = Weights("first/checkpoints/0-1-2.npz", 2), Weights("first/weights/0-1-1.npz", 1)
        epochs = [epoch(0), epoch(1, 0.9), epoch(2, 0.8), epoch(3, 0.95)]
        store.record(claim, epochs[:3], epochs[1], checkpoint=at_two, weights=best)
        store.record(claim, epochs[3:], epochs[3])
        store.requeue(sweep_id, nobody)

        again = store.claim(sweep_id, 0, "me:2")
        assert (again.checkpoint, again.weights, again.start) == (at_two, best, at_two)
        assert again.epochs == tuple(epochs[:3])
        row = row_of(store, sweep_id, 0)
        assert (row["best_value"], row["last_epoch"]) == (0.9, 2)

        store.finish(again, Ending("completed", 1.0), epochs[3:], epochs[3])
        row = row_of(store, sweep_id, 0)
        assert (row["checkpoint"], row["checkpoint_epoch"], row["weights"]) == (None, None, best.file)

    def test_an_interrupted_trial_keeps_it(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        store.record(claim, [epoch(0), epoch(1)], epoch(0), checkpoint=Weights("x", 1))
        store.finish(claim, Ending("interrupted", 1.0), [], epoch(0))
        assert row_of(store, sweep_id, 0)["checkpoint"] == "x"
