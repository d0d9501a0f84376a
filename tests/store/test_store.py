"""What the store promises, whatever database is behind it: a SQLite file or a PostgreSQL server."""

from dataclasses import replace

import pandas as pd
import pytest

from sweep.errors import StaleAttempt, SweepError
from sweep.records import BatchLosses, Divergence, Seeds, Trial, Weights
from sweep.store import Ending, Store
from tests.store.store_setup import (
    AWKWARD_NUMBERS,
    AWKWARD_TEXTS,
    RECORD,
    add,
    assert_times_are_in_utc,
    at_once,
    epoch,
    everybody,
    finished,
    nobody,
    row_of,
    trial,
)


class TestStore:
    def test_a_sweep_is_kept_as_it_was_given(self, store):
        sweep_id = add(store)
        kept = store.sweep("first")

        assert kept.created is not None
        assert replace(kept, id=0, created=None, trials=0) == RECORD
        assert (kept.id, kept.trials) == (sweep_id, 3)
        assert store.sweep() == kept

    def test_the_newest_sweep_is_the_default(self, store):
        add(store)
        add(store, name="second")
        assert store.sweep().name == "second"

    def test_a_taken_name_is_refused_and_nothing_changes(self, store):
        add(store)
        with pytest.raises(SweepError, match=r"already; give this one another name.*sweep\.resume"):
            add(store, count=9)
        assert len(store.sweeps()) == 1
        assert len(store.trials(store.sweep().id)) == 3

    def test_an_unknown_sweep_suggests_a_close_one(self, store):
        with pytest.raises(SweepError, match="holds no sweeps yet"):
            store.sweep("x")
        add(store)
        with pytest.raises(SweepError, match="did you mean 'first'"):
            store.sweep("frist")

    def test_losses_of_mini_batches_are_kept_exactly_and_the_last_word_counts(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 1, "me:1")
        store.record(claim, [epoch(0)], epoch(0), [BatchLosses(1, (0.1, 1e-300))])
        store.record(claim, [epoch(1)], epoch(0), [BatchLosses(1, (0.3, 0.2)), BatchLosses(2, (5e300,))])
        frame = store.batches(sweep_id)
        assert frame.to_numpy().tolist() == [[1, 1, 1, 0.3], [1, 1, 2, 0.2], [1, 2, 1, 5e300]]
        assert store.batches(sweep_id, 0).empty

        store.requeue(sweep_id, nobody)
        store.claim(sweep_id, 1, "me:1")
        assert store.batches(sweep_id).empty

    def test_an_extended_trial_keeps_what_it_ranks_by(self, store):
        sweep_id = add(store)
        all_epochs = [epoch(0), epoch(1, 0.9), epoch(2, 0.8), epoch(3, 0.95)]
        weights = Weights("first/weights/2-1.npz", 2)
        losses = [BatchLosses(i, (1.0, 2.0)) for i in (1, 2, 3)]
        finished(store, sweep_id, 2, all_epochs, losses=losses, weights=weights)

        store.extend(sweep_id, [2], 9)
        assert store.queued(sweep_id) == [0, 1, 2]
        assert store.sweep().epochs == 9

        claim = store.claim(sweep_id, 2, "me:2")
        assert (claim.weights, claim.epochs) == (weights, tuple(all_epochs[:3]))
        assert claim.configuration["training"] == {"batch_size": 10, "epochs": 9}
        assert store.epochs(sweep_id, 2)["epoch"].tolist() == [0, 1, 2, 3]
        assert store.batches(sweep_id, 2)["epoch"].unique().tolist() == [1, 2, 3]
        row = row_of(store, sweep_id, 2)
        assert [row[c] for c in ("best_value", "best_epoch", "last_epoch", "digest")] == [0.95, 3, 3, None]
        store.extend(sweep_id, [], 5)
        assert store.sweep().epochs == 9, "the longest counts"

    def test_only_completed_trials_are_extended(self, store):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        with pytest.raises(SweepError, match=r"trial 1 is not completed any more; .*\.trial\(1\)"):
            store.extend(sweep_id, [0, 1], 9)
        assert row_of(store, sweep_id, 0)["status"] == "completed"
        assert store.sweep().epochs == 5

    def test_a_trial_is_claimed_once(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 1, "me:1")

        assert (claim.number, claim.attempt, claim.seeds) == (1, 1, Seeds(1, 2**63 - 1, 0))
        assert claim.configuration == trial(1).configuration
        assert store.claim(sweep_id, 1, "other:2") is None
        assert store.queued(sweep_id) == [0, 2]

    def test_epochs_and_summary_are_written_together(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        epochs = [epoch(0, 0.1), epoch(1, 0.9, 0.3), epoch(2, 0.8)]
        store.record(claim, epochs[:2], epochs[1])
        store.record(claim, epochs[1:], epochs[1])  # an epoch sent twice is kept once

        row = row_of(store, sweep_id, 0)
        assert (row["status"], row["best_value"], row["best_epoch"], row["tie_value"]) == ("running", 0.9, 1, 0.3)
        assert row["last_epoch"] == 2
        frame = store.epochs(sweep_id, 0)
        assert frame["epoch"].tolist() == [0, 1, 2]
        assert frame["test_accuracy"].tolist() == [0.1, 0.9, 0.8]
        assert frame["seconds"].tolist() == [0.25] * 3

    def test_a_stale_attempt_writes_nothing(self, store):
        sweep_id = add(store)
        slow = store.claim(sweep_id, 0, "dead:1")
        store.record(slow, [epoch(0), epoch(1), epoch(2)], epoch(1))
        assert store.requeue(sweep_id, nobody) == 1
        quick = store.claim(sweep_id, 0, "me:2")
        assert quick.attempt == 2
        assert store.epochs(sweep_id, 0).empty  # the new attempt starts afresh

        with pytest.raises(StaleAttempt):
            store.record(slow, [epoch(3)], epoch(3))
        with pytest.raises(StaleAttempt):
            store.finish(slow, Ending("completed", 1.0), [epoch(4)], epoch(4))
        store.finish(quick, Ending("completed", 1.0), [epoch(0, 0.7)], epoch(0, 0.7))
        with pytest.raises(StaleAttempt):  # nor after its own end
            store.record(quick, [epoch(5)], None)

        assert store.epochs(sweep_id, 0)["test_accuracy"].tolist() == [0.7]
        assert row_of(store, sweep_id, 0)["best_value"] == 0.7

    def test_a_new_attempt_forgets_how_the_last_one_ended(self, store):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)], "interrupted", error="stopped", traceback="…")
        store.requeue(sweep_id, everybody)
        store.claim(sweep_id, 0, "me:1")
        row = row_of(store, sweep_id, 0)
        assert row["attempt"] == 2
        for column in ("finished", "seconds", "error", "traceback", "best_value", "last_epoch", "digest"):
            assert row[column] is None, column

    def test_requeue_takes_back_only_what_nobody_works_on(self, store):
        sweep_id = add(store, 5)
        store.claim(sweep_id, 0, "alive:1")
        store.claim(sweep_id, 1, "dead:2")
        finished(store, sweep_id, 2, [epoch(0)])
        finished(store, sweep_id, 3, [], "interrupted")

        assert store.requeue(sweep_id, lambda owner, silent: owner != "alive:1", interrupted=False) == 1
        assert store.queued(sweep_id) == [1, 4]
        assert store.requeue(sweep_id, lambda owner, silent: owner != "alive:1") == 1
        assert store.queued(sweep_id) == [1, 3, 4]
        assert row_of(store, sweep_id, 0)["status"] == "running"

    def test_divergence_and_failure_are_kept(self, store):
        sweep_id = add(store)
        finished(
            store, sweep_id, 0, [epoch(0)], "diverged", divergence=Divergence(1, 17, "hidden[1]/backward", "overflow")
        )
        finished(store, sweep_id, 1, [], "failed", error="MemoryError", traceback="Traceback …")

        frame = store.trials(sweep_id)
        assert frame.loc[0, ["diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"]].tolist() == [
            1,
            17,
            "hidden[1]/backward",
            "overflow",
        ]
        assert frame.loc[1, "error"] == "MemoryError"
        assert pd.isna(frame.loc[1, "diverged_epoch"])
        assert row_of(store, sweep_id, 1)["traceback"] == "Traceback …"

    def test_progress(self, store):
        sweep_id = add(store, 4)
        finished(store, sweep_id, 0, [epoch(0, 0.8)])
        finished(store, sweep_id, 1, [epoch(0, 0.99)], "diverged", divergence=Divergence(1, 1, "loss", "invalid"))
        claim = store.claim(sweep_id, 2, "me:1")
        store.record(claim, [epoch(0, 0.2), epoch(1, 0.3)], epoch(1, 0.3))

        progress = store.progress(sweep_id)

        assert progress.counts == {"completed": 1, "diverged": 1, "running": 1, "queued": 1}
        assert progress.best == 0.8  # a diverged trial is no best one
        assert [(r.number, r.epoch, r.best) for r in progress.running] == [(2, 1, 0.3)]
        assert progress.epochs == 5

    def test_the_list_of_sweeps(self, store):
        first = add(store)
        add(store, name="second")
        finished(store, first, 0, [epoch(0, 0.75)])
        finished(store, first, 1, [epoch(0, 0.99)], "diverged", divergence=Divergence(1, 1, "loss", "invalid"))

        frame = store.sweeps().set_index("sweep")

        assert frame.index.tolist() == ["second", "first"]
        assert frame.loc["first", ["trials", "completed", "diverged", "queued"]].tolist() == [3, 1, 1, 1]
        assert frame.loc["first", "best"] == 0.75
        assert frame.loc["second", "queued"] == 3

    def test_an_unknown_trial(self, store):
        with pytest.raises(SweepError, match="trials 0 to 2"):
            store.trial(add(store), 3)

    def test_what_was_drawn_is_given_to_the_worker_as_it_was(self, store):
        configuration = {"training": dict(zip("abcdefghij", [*AWKWARD_NUMBERS, None, 2**53, True], strict=False))}
        configuration |= {text: text for text in AWKWARD_TEXTS}
        sweep_id = store.add_sweep(RECORD, [Trial(0, {}, configuration, Seeds(2**63 - 1, 0, 1))])
        claim = store.claim(sweep_id, 0, "me:1")
        assert repr(claim.configuration) == repr(configuration)
        assert claim.seeds == Seeds(2**63 - 1, 0, 1)

    def test_times_are_in_utc(self, store):
        assert_times_are_in_utc(store)

    def test_a_reader_sees_one_moment(self, store, url):
        sweep_id = add(store)
        with store.database.reading() as connection:
            count = "SELECT count(*) FROM trials WHERE status = 'completed'"
            assert connection.exec_driver_sql(count).scalar() == 0
            other = Store(url)
            finished(other, sweep_id, 0, [epoch(0)])
            other.close()
            assert connection.exec_driver_sql(count).scalar() == 0
        with store.database.reading() as connection:
            assert connection.exec_driver_sql(count).scalar() == 1

    def test_a_failure_is_kept_whatever_it_says(self, store):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [], "failed", error="no file a\0b\udc80 'ü'", traceback="\0")
        row = row_of(store, sweep_id, 0)
        assert (row["status"], row["error"], row["traceback"]) == ("failed", r"no file a\x00b\udc80 'ü'", r"\x00")

    def test_of_several_processes_each_trial_has_one(self, store, url):
        sweep_id = add(store, 40)
        won = [set(map(int, said.split())) for said in at_once(CLAIM, url, count=4)]
        assert sum(map(len, won)) == len(set().union(*won)) == 40
        assert store.trials(sweep_id)["attempt"].eq(1).all()
        owners = [row_of(store, sweep_id, number)["owner"] for number in range(40)]
        assert owners == [f"me:{next(i for i, numbers in enumerate(won) if n in numbers)}" for n in range(40)]


CLAIM = """
import os, sys
from sweep.store import Store
store = Store(sys.argv[1])
sweep_id = store.sweep().id
numbers = store.queued(sweep_id)
print("ready", flush=True)
sys.stdin.readline()
print(*[number for number in numbers if store.claim(sweep_id, number, f"me:{sys.argv[2]}")])
"""
