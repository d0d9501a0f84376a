"""What the store promises, whatever database is behind it: this class is run on each of them."""

import math
import os
import sqlite3
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.errors import StaleAttempt, StoreError, SweepError
from sweep.records import BatchLosses, Divergence, Epoch, Seeds, Trial, Weights
from sweep.store import Store, SweepRecord, digest

RECORD = SweepRecord(
    name="first",
    description="a test",
    seed=7,
    epochs=5,
    experiment="name = 'first'",
    overrides=["training.epochs=5"],
    fingerprint="f" * 64,
    datasets=[{"dataset": {"kind": "csv", "file": "x.csv"}, "sha256": "0" * 64}],
    data_folder=None,
    experiment_folder=None,
    environment={"numpy": "2"},
)


def trial(number, **parameters):
    configuration = {"training": {"batch_size": 10}, "network": {"activation": {"kind": "relu"}}}
    return Trial(number, parameters, configuration, Seeds(number, 2**63 - 1, 0))


def epoch(number, accuracy=0.5, loss=1.0):
    return Epoch(number, loss + 0.1, accuracy / 3, loss, accuracy, 0.25)


@pytest.fixture
def store(tmp_path):
    opened = Store(str(tmp_path / "sweeps.db"), create=True)
    yield opened
    opened.close()


def add(store, count=3, **changes):
    return store.add_sweep(replace(RECORD, **changes), [trial(i, lr=0.1 * i) for i in range(count)])


def finished(store, sweep_id, number, epochs, status="completed", **values):
    claim = store.claim(sweep_id, number, "me:1")
    best = max(epochs, key=lambda e: e.test_accuracy, default=None)
    store.finish(claim, status, epochs, best, seconds=1.5, digest=digest(epochs), **values)


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
        with pytest.raises(SweepError, match=r"already.*--name.*sweep resume first"):
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

        store.requeue(sweep_id, lambda owner: False)
        store.claim(sweep_id, 1, "me:1")
        assert store.batches(sweep_id).empty

    def test_a_prolonged_trial_keeps_what_its_weights_vouch_for(self, store):
        sweep_id = add(store)
        all_epochs = [epoch(0), epoch(1, 0.9), epoch(2, 0.8), epoch(3, 0.95)]
        weights = Weights("first/weights/2-1.npz", 2)
        losses = [BatchLosses(i, (1.0, 2.0)) for i in (1, 2, 3)]
        finished(store, sweep_id, 2, all_epochs, losses=losses, weights=weights)

        store.prolong(sweep_id, [2], 9)
        assert store.queued(sweep_id) == [0, 1, 2]
        assert store.sweep().epochs == 9
        assert store.trial(sweep_id, 2)["best_value"] == 0.95  # until somebody takes it

        claim = store.claim(sweep_id, 2, "me:2")
        assert (claim.weights, claim.epochs) == (weights, tuple(all_epochs[:3]))
        assert claim.configuration["training"] == {"batch_size": 10, "epochs": 9}
        assert store.epochs(sweep_id, 2)["epoch"].tolist() == [0, 1, 2]
        assert store.batches(sweep_id, 2)["epoch"].unique().tolist() == [1, 2]
        row = store.trial(sweep_id, 2)
        assert [row[c] for c in ("best_value", "best_epoch", "last_epoch", "digest")] == [0.9, 1, 2, None]
        store.prolong(sweep_id, [], 5)
        assert store.sweep().epochs == 9, "the longest counts"

    def test_only_completed_trials_are_prolonged_and_else_none(self, store):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        with pytest.raises(SweepError, match="trial 1 is not completed any more; look at it with `sweep show 1`"):
            store.prolong(sweep_id, [0, 1], 9)
        assert store.trial(sweep_id, 0)["status"] == "completed"
        assert store.sweep().epochs == 5

    def test_a_trial_is_claimed_once(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 1, "me:1")

        assert (claim.number, claim.attempt, claim.seeds) == (1, 1, (1, 2**63 - 1, 0))
        assert claim.configuration == trial(1).configuration
        assert store.claim(sweep_id, 1, "other:2") is None
        assert store.queued(sweep_id) == [0, 2]

    def test_epochs_and_summary_are_written_together(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        epochs = [epoch(0, 0.1), epoch(1, 0.9, 0.3), epoch(2, 0.8)]
        store.record(claim, epochs[:2], epochs[1])
        store.record(claim, epochs[1:], epochs[1])  # an epoch sent twice is kept once

        row = store.trial(sweep_id, 0)
        assert (row["status"], row["best_value"], row["best_epoch"], row["best_loss"]) == ("running", 0.9, 1, 0.3)
        assert row["last_epoch"] == 2
        frame = store.epochs(sweep_id, 0)
        assert frame["epoch"].tolist() == [0, 1, 2]
        assert frame["test_accuracy"].tolist() == [0.1, 0.9, 0.8]
        assert frame["seconds"].tolist() == [0.25] * 3

    def test_a_stale_attempt_writes_nothing(self, store):
        sweep_id = add(store)
        slow = store.claim(sweep_id, 0, "dead:1")
        store.record(slow, [epoch(0), epoch(1), epoch(2)], epoch(1))
        assert store.requeue(sweep_id, lambda owner: False) == 1
        quick = store.claim(sweep_id, 0, "me:2")
        assert quick.attempt == 2
        assert store.epochs(sweep_id, 0).empty  # the new attempt starts afresh

        with pytest.raises(StaleAttempt):
            store.record(slow, [epoch(3)], epoch(3))
        with pytest.raises(StaleAttempt):
            store.finish(slow, "completed", [epoch(4)], epoch(4), seconds=1)
        store.finish(quick, "completed", [epoch(0, 0.7)], epoch(0, 0.7), seconds=1)
        with pytest.raises(StaleAttempt):  # nor after its own end
            store.record(quick, [epoch(5)], None)

        assert store.epochs(sweep_id, 0)["test_accuracy"].tolist() == [0.7]
        assert store.trial(sweep_id, 0)["best_value"] == 0.7

    def test_a_new_attempt_forgets_how_the_last_one_ended(self, store):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)], "interrupted", error="stopped", traceback="…")
        store.requeue(sweep_id, lambda owner: True)
        store.claim(sweep_id, 0, "me:1")
        row = store.trial(sweep_id, 0)
        assert row["attempt"] == 2
        for column in ("finished", "seconds", "error", "traceback", "best_value", "last_epoch", "digest"):
            assert row[column] is None, column

    def test_requeue_takes_back_only_what_nobody_works_on(self, store):
        sweep_id = add(store, 5)
        store.claim(sweep_id, 0, "alive:1")
        store.claim(sweep_id, 1, "dead:2")
        finished(store, sweep_id, 2, [epoch(0)])
        finished(store, sweep_id, 3, [], "interrupted")

        assert store.requeue(sweep_id, lambda owner: owner == "alive:1", interrupted=False) == 1
        assert store.queued(sweep_id) == [1, 4]
        assert store.requeue(sweep_id, lambda owner: owner == "alive:1") == 1
        assert store.queued(sweep_id) == [1, 3, 4]
        assert store.trial(sweep_id, 0)["status"] == "running"

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
        assert store.trial(sweep_id, 1)["traceback"] == "Traceback …"
        assert store.trial(sweep_id, 0)["digest"] == digest([epoch(0)])

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
        assert frame.loc["first", "best_accuracy"] == 0.75
        assert frame.loc["second", "queued"] == 3

    def test_ranking_by_another_metric_finds_its_first_best_epoch(self, store):
        sweep_id = add(store, 2)
        epochs = [epoch(0, 0.5, 0.9), epoch(1, 0.9, 0.5), epoch(2, 0.9, 0.2), epoch(3, 0.7, 0.2)]
        finished(store, sweep_id, 0, epochs)

        by_accuracy = store.trials(sweep_id).loc[0]
        by_loss = store.trials(sweep_id, "test_loss").loc[0]

        assert (by_accuracy["test_accuracy"], by_accuracy["epoch"], by_accuracy["test_loss"]) == (0.9, 1, 0.5)
        assert (by_loss["test_loss"], by_loss["epoch"], by_loss["test_accuracy"]) == (0.2, 2, 0.9)
        untouched = store.trials(sweep_id, "train_accuracy").loc[1]
        assert (untouched["status"], pd.isna(untouched["epoch"])) == ("queued", True)

    def test_an_unknown_trial(self, store):
        with pytest.raises(SweepError, match="trials 0 to 2"):
            store.trial(add(store), 3)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        values=st.lists(
            st.one_of(
                st.floats(allow_nan=False, allow_infinity=False),
                st.integers(-(2**53), 2**53),
                st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
                st.booleans(),
            ),
            min_size=1,
            max_size=3,
        )
    )
    def test_drawn_values_come_back_bit_for_bit(self, store, values):
        name = f"s{len(store.sweeps())}"
        drawn = [Trial(i, {"p": value}, {"training": {"p": value}}, Seeds(0, 1, 2)) for i, value in enumerate(values)]
        sweep_id = store.add_sweep(replace(RECORD, name=name), drawn)
        frame = store.trials(sweep_id)

        for value, found in zip(values, frame["p"].tolist(), strict=True):
            if isinstance(value, str):
                assert found == value
            else:
                # SQLite keeps a float that is a whole number as an integer, and so -0.0 as 0.
                assert float(found).hex() == (float(value) + 0.0).hex()
        for i, value in enumerate(values):
            claim = store.claim(sweep_id, i, "me:1")
            assert type(claim.configuration["training"]["p"]) is type(value)
            assert repr(claim.configuration["training"]["p"]) == repr(value)

    def test_columns_have_the_type_of_their_parameter(self, store):
        drawn = [
            trial(0, width=10, lr=0.5, kind="relu", flag=True),
            trial(1, width=20, lr=0.25, kind="tanh", flag=False, alpha=0.1),
        ]
        frame = store.trials(store.add_sweep(RECORD, drawn))
        assert [str(frame[c].dtype) for c in ("width", "lr", "flag", "alpha")] == [
            "Int64",
            "float64",
            "boolean",
            "float64",
        ]
        assert frame["width"].tolist() == [10, 20]
        assert frame["kind"].tolist() == ["relu", "tanh"]
        assert pd.isna(frame.loc[0, "alpha"])

    def test_the_leaderboard_view_ranks_as_we_do(self, store):
        sweep_id = add(store, 5)
        for number, (accuracy, loss) in enumerate([(0.8, 0.5), (0.9, 0.5), (0.9, 0.4), (0.9, 0.4)]):
            finished(store, sweep_id, number, [epoch(0, accuracy, loss)])
        finished(store, sweep_id, 4, [epoch(0, 1.0)], "diverged", divergence=Divergence(1, 1, "loss", "invalid"))
        with store.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT rank, trial FROM leaderboard ORDER BY rank").all()
        assert [tuple(row) for row in rows] == [(1, 2), (2, 3), (3, 1), (4, 0)]


class TestSqliteFile:
    def test_the_schema_says_what_each_column_holds(self, store, tmp_path):
        add(store)
        with sqlite3.connect(tmp_path / "sweeps.db") as plain:
            schema = "\n".join(row[0] for row in plain.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
            assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        plain.close()
        assert "/* best test accuracy over the epochs, in [0, 1] */" in schema
        assert schema.count("/*") > 35

    def test_values_are_never_blobs(self, store, tmp_path):
        add(store)
        finished(store, 1, 0, [epoch(0)])
        plain = sqlite3.connect(tmp_path / "sweeps.db")
        for table in ("sweeps", "trials", "epochs", "parameters"):
            names = [row[1] for row in plain.execute(f"PRAGMA table_info({table})")]
            for name in names:
                types = {row[0] for row in plain.execute(f"SELECT typeof({name}) FROM {table}")}
                assert "blob" not in types, (table, name)
        plain.close()

    def test_a_missing_file_is_not_made_by_reading(self, tmp_path):
        with pytest.raises(StoreError, match=r"there is no database .*none\.db.*sweep run"):
            Store(str(tmp_path / "none.db"))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("create", [True, False])
    def test_an_empty_file_is_never_taken_for_a_new_database(self, tmp_path, create):
        path = tmp_path / "sweeps.db"
        path.touch()
        with pytest.raises(StoreError, match=r"sweeps\.db is empty or no file"):
            Store(str(path), create=create)
        assert path.stat().st_size == 0

    @pytest.mark.parametrize("create", [True, False])
    def test_a_foreign_database_is_left_alone(self, tmp_path, create):
        path = tmp_path / "other.db"
        plain = sqlite3.connect(path)
        plain.execute("CREATE TABLE sweeps (id INTEGER)")
        plain.commit()
        plain.close()
        before = path.read_bytes()
        with pytest.raises(StoreError, match="not one of sweep"):
            Store(str(path), create=create)
        assert path.read_bytes() == before

    def test_a_file_that_is_no_database(self, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("these are notes, and quite a few of them\n" * 50)
        with pytest.raises(StoreError, match=r"notes\.txt cannot be read: file is not a database"):
            Store(str(path))

    def test_a_file_of_the_first_schema_is_brought_up_to_date_and_loses_nothing(self, store, tmp_path):
        sweep_id = add(store, 2)
        finished(store, sweep_id, 0, [epoch(0), epoch(1, 0.75)])
        before = store.trials(sweep_id), store.epochs(sweep_id)
        store.close()
        plain = sqlite3.connect(tmp_path / "sweeps.db")
        for statement in (
            "DROP TABLE batches",
            "ALTER TABLE trials DROP COLUMN weights",
            "ALTER TABLE trials DROP COLUMN weights_epoch",
            "PRAGMA user_version = 1",
        ):
            plain.execute(statement)
        plain.close()

        opened = Store(str(tmp_path / "sweeps.db"))

        for one, other in zip(before, (opened.trials(sweep_id), opened.epochs(sweep_id)), strict=True):
            pd.testing.assert_frame_equal(one, other)
        finished(opened, sweep_id, 1, [epoch(0)], weights=Weights("first/weights/1-1.npz", 0))
        assert opened.trial(sweep_id, 1)["weights"] == "first/weights/1-1.npz"
        assert opened.batches(sweep_id).empty
        opened.close()

    def test_a_newer_schema_is_refused(self, store, tmp_path):
        store.close()
        plain = sqlite3.connect(tmp_path / "sweeps.db")
        plain.execute("PRAGMA user_version = 99")
        plain.close()
        with pytest.raises(StoreError, match=r"newer sweep \(schema 99.*upgrade"):
            Store(str(tmp_path / "sweeps.db"))

    def test_a_truncated_file_is_one_sentence(self, store, tmp_path):
        add(store, 200)
        store.close()
        path = tmp_path / "sweeps.db"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(StoreError, match=r"sweeps\.db cannot be read: .*malformed"):
            opened = Store(str(path))
            opened.trials(opened.sweep().id)

    def test_a_folder_that_cannot_be_made_leaves_nothing(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(
            StoreError, match=r"cannot be created: [^;]*file is not a folder; name another place with --db"
        ):
            Store(str(tmp_path / "file" / "sweeps.db"), create=True)
        assert [p.name for p in tmp_path.iterdir()] == ["file"]

    def test_creating_leaves_one_file_and_may_be_done_twice(self, tmp_path):
        for _ in range(2):
            Store(str(tmp_path / "new" / "sweeps.db"), create=True).close()
        assert [p.name for p in (tmp_path / "new").iterdir()] == ["sweeps.db"]

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense://"])
    def test_urls_that_cannot_be_used(self, url):
        with pytest.raises(SweepError, match="--db") as caught:
            Store(url, create=True)
        assert caught.value.exit_code == 2

    def test_writers_of_two_processes_wait_for_each_other(self, store, tmp_path):
        """Two processes write 100 epochs each, one commit an epoch, into one file; all arrive."""
        import subprocess

        sweep_id = add(store, 2)
        code = (
            "import sys; from sweep.store import Store; from sweep.records import Epoch\n"
            "store = Store(sys.argv[1]); number = int(sys.argv[2])\n"
            f"claim = store.claim({sweep_id}, number, f'me:{{number}}')\n"
            "for i in range(100): store.record(claim, [Epoch(i, 1.0, 0.5, 1.0, 0.5, 0.1)], None)\n"
        )
        processes = [
            subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "sweeps.db"), str(n)], env=os.environ)
            for n in range(2)
        ]
        assert [p.wait() for p in processes] == [0, 0]
        frame = store.epochs(sweep_id)
        np.testing.assert_array_equal(frame.groupby("trial").size(), [100, 100])


def test_the_digest_sees_every_bit():
    epochs = [epoch(0), epoch(1, 0.75, 0.3)]
    changed = [
        [epochs[0]],
        epochs[::-1],
        [replace(epochs[0], number=2), epochs[1]],
        *(
            [replace(epochs[0], **{name: math.nextafter(getattr(epochs[0], name), 2)}), epochs[1]]
            for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds")
        ),
    ]
    assert len({digest(epochs), *map(digest, changed)}) == len(changed) + 1
