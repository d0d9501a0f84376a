"""What the store promises, whatever database is behind it: on a SQLite file, and on a PostgreSQL server."""

import math
import os
import random
import re
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import and_, inspect, select, update

import sweep
from sweep.cli import main
from sweep.errors import StaleAttempt, StoreError, SweepError, UsageError
from sweep.metrics import NATIVE_METRICS
from sweep.records import BatchLosses, Divergence, Seeds, SweepRecord, Trial, Weights
from sweep.results.leaderboard import best, worst
from sweep.store import Ending, Store, lifecycle
from sweep.store import connection as database
from sweep.store.digests import drawn_digests, sweep_digest, trial_digests
from sweep.store.frames import Which
from sweep.store.schema import metadata, sweeps, trials
from tests.epochs import measured
from tests.fault_tools import assert_same, figures, wait_until
from tests.postgres_server import PASSWORD, QUOTED

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
    return measured(number, loss + 0.1, accuracy / 3, loss, accuracy, 0.25)


def nobody(owner, silent_seconds):
    """No owner is alive."""
    return True


def everybody(owner, silent_seconds):
    """Every owner is alive."""
    return False


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database of each kind that is not there yet, or empty."""
    if request.param == "sqlite":
        return str(tmp_path / "sweeps.db")
    return request.getfixturevalue("postgres").create_database()


@pytest.fixture
def store(url):
    opened = Store(url, create=True)
    yield opened
    opened.close()


def add(store, count=3, **changes):
    return store.add_sweep(replace(RECORD, **changes), [trial(i, lr=0.1 * i) for i in range(count)])


def finished(store, sweep_id, number, epochs, status="completed", **values):
    claim = store.claim(sweep_id, number, "me:1")
    best = max(epochs, key=lambda e: e.metrics["test_accuracy"], default=None)
    losses = values.pop("losses", ())
    store.finish(claim, Ending(status, 1.5, **values), epochs, best, losses)


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

        store.requeue(sweep_id, nobody)
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
        assert store.trial(sweep_id, 0)["best_value"] == 0.7

    def test_a_new_attempt_forgets_how_the_last_one_ended(self, store):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)], "interrupted", error="stopped", traceback="…")
        store.requeue(sweep_id, everybody)
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

        assert store.requeue(sweep_id, lambda owner, silent: owner != "alive:1", interrupted=False) == 1
        assert store.queued(sweep_id) == [1, 4]
        assert store.requeue(sweep_id, lambda owner, silent: owner != "alive:1") == 1
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
                assert float(found).hex() == (float(value) + 0.0).hex()  # a zero has no sign in a table
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

    def test_parameters_stand_in_the_order_of_their_names(self, store):
        drawn = [
            Trial(i, {"z": 1, "training.epochs": 5, "B": 2, "a": 3}, {"training": {}}, Seeds(0, 1, 2)) for i in (0, 1)
        ]
        sweep_id = store.add_sweep(RECORD, drawn)
        finished(store, sweep_id, 0, [epoch(0)])
        store.prolong(sweep_id, [0], 9)
        frame = store.trials(sweep_id)
        assert frame.columns[-4:].tolist() == ["B", "a", "training.epochs", "z"]
        assert frame["training.epochs"].tolist() == [9, 5]

    def test_frames_are_the_same_from_every_database(self, store):
        sweep_id = fill(store)
        text, whole, real = "str", "Int64", "float64"
        number = dict.fromkeys(["trial", "epoch"], "int64")
        best = {"test_accuracy": real, "epoch": whole, "test_loss": real}
        end = {"epochs": whole, "seconds": real, "diverged_epoch": whole, "diverged_step": whole}
        end |= dict.fromkeys(["diverged_place", "diverged_kind", "error"], text)
        drawn = {"flag": "boolean", "mixed": "object", "number": real, "text": "object", "whole": whole}
        head = {"trial": "int64", "status": text, "attempt": "int64"}
        metrics = dict.fromkeys(["test_accuracy", "test_loss", "train_accuracy", "train_loss"], real)
        for frame, types in (
            (store.trials(sweep_id), head | best | end | drawn),
            (store.trials(sweep_id, "test_loss"), head | metrics | {"epoch": whole} | end | drawn),
            (store.epochs(sweep_id), number | metrics | {"seconds": real}),
            (store.batches(sweep_id), number | {"step": "int64", "loss": real}),
            (store.sweeps().drop(columns="created"), SWEEPS_TYPES),
        ):
            assert frame.dtypes.astype(str).to_dict() == types
        frame = store.trials(sweep_id)
        assert [value.hex() for value in frame["number"]] == [(value + 0.0).hex() for value in AWKWARD_NUMBERS]
        assert frame["text"].tolist() == AWKWARD_TEXTS
        assert frame["whole"].tolist() == [2**53, -(2**53), *[pd.NA] * (len(frame) - 2)]
        assert frame["flag"].tolist() == [True, False, *[pd.NA] * (len(frame) - 2)]
        assert frame["mixed"].tolist() == ["relu", 0.1, *[np.nan] * (len(frame) - 2)]
        assert frame["epoch"].isna().tolist() == [False, *[True] * (len(frame) - 1)]
        epochs = store.epochs(sweep_id)
        assert [value.hex() for value in epochs["test_loss"]] == [(value + 0.0).hex() for value in AWKWARD_NUMBERS]
        assert [value.hex() for value in store.batches(sweep_id)["loss"]] == ["0x0.0p+0", (5e-324).hex()]
        assert store.trial(sweep_id, 0)["best_loss"].hex() == "0x0.0p+0"

    def test_what_was_drawn_is_given_to_the_worker_as_it_was(self, store):
        configuration = {"training": dict(zip("abcdefghij", [*AWKWARD_NUMBERS, None, 2**53, True], strict=False))}
        configuration |= {text: text for text in AWKWARD_TEXTS}
        sweep_id = store.add_sweep(RECORD, [Trial(0, {}, configuration, Seeds(2**63 - 1, 0, 1))])
        claim = store.claim(sweep_id, 0, "me:1")
        assert repr(claim.configuration) == repr(configuration)
        assert claim.seeds == (2**63 - 1, 0, 1)

    def test_times_are_in_utc(self, store):
        before = datetime.now(UTC).replace(tzinfo=None)
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        store.beat(store.claim(sweep_id, 1, "me:1"))
        after = datetime.now(UTC).replace(tzinfo=None)
        times = [store.trial(sweep_id, 0)[name] for name in ("started", "heartbeat", "finished")]
        times += [store.trial(sweep_id, 1)["heartbeat"], store.sweep().created]
        assert all(before <= moment <= after for moment in times)
        (listed,) = store.sweeps()["created"]
        assert before.replace(microsecond=0) <= listed <= after
        (held,) = store.held(sweep_id).values()
        assert 0 <= held.silent_seconds <= held.seconds < 60
        with store.database.writing() as connection:  # what was read may be written back
            connection.execute(update(trials).where(trials.c.number == 0).values(started=times[0]))
        assert store.trial(sweep_id, 0)["started"] == times[0]

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
        row = store.trial(sweep_id, 0)
        assert (row["status"], row["error"], row["traceback"]) == ("failed", r"no file a\x00b\udc80 'ü'", r"\x00")

    def test_a_trial_without_an_epoch_ranks_last(self, store):
        sweep_id = add(store, 4)
        for number, epochs in enumerate([[], [epoch(0, 0.1, 9.0)], [], [epoch(0, 0.2, 9.0)]]):
            finished(store, sweep_id, number, epochs)
        with store.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT trial FROM leaderboard ORDER BY rank").scalars().all()
        assert rows == [3, 1, 0, 2]
        for metric, order in (("test_accuracy", [3, 1, 0, 2]), ("train_loss", [1, 3, 0, 2])):
            assert best(store.trials(sweep_id, metric), [], metric)["trial"].tolist() == order
        assert worst(store.trials(sweep_id), [])["trial"].tolist() == [1, 3, 0, 2]

    @pytest.mark.parametrize("metric", NATIVE_METRICS)
    def test_the_first_by_rank_are_those_of_ranking_all(self, store, metric):
        """Few values, so that there are ties of metric and loss; some trials have ended otherwise, or with nothing."""
        sweep_id, rng = add(store, 24), random.Random(5)
        for number in range(24):
            course = [epoch(i, rng.choice([0.25, 0.5]), rng.choice([1.0, 2.0])) for i in range(rng.randint(0, 3))]
            finished(store, sweep_id, number, course, rng.choice(["completed", "completed", "diverged"]))
        everything = store.trials(sweep_id, metric)
        for rank, best_first in ((best, True), (worst, False)):
            whole = rank(everything, [], metric, None)["trial"].tolist()
            assert 10 < len(whole) < 24
            for n in (1, 7, 100, None):
                part = store.trials(sweep_id, metric, Which("completed", n, best_first))
                assert part["trial"].tolist() == whole[:n]
                same = everything.set_index("trial").loc[part["trial"]].reset_index()
                pd.testing.assert_frame_equal(part, same[part.columns], check_dtype=False)
        diverged = store.trials(sweep_id, metric, Which("diverged"))
        assert set(diverged["trial"]) == set(everything.loc[everything["status"] == "diverged", "trial"])
        assert diverged["lr"].notna().all()
        assert store.trials(sweep_id, metric, Which("failed")).empty

    def test_of_several_processes_each_trial_has_one(self, store, url):
        sweep_id = add(store, 40)
        won = [set(map(int, said.split())) for said in at_once(CLAIM, url, count=4)]
        assert sum(map(len, won)) == len(set().union(*won)) == 40
        assert store.trials(sweep_id)["attempt"].eq(1).all()
        owners = [store.trial(sweep_id, number)["owner"] for number in range(40)]
        assert owners == [f"me:{next(i for i, numbers in enumerate(won) if n in numbers)}" for n in range(40)]

    def test_the_leaderboard_view_ranks_as_we_do(self, store):
        sweep_id = add(store, 5)
        for number, (accuracy, loss) in enumerate([(0.8, 0.5), (0.9, 0.5), (0.9, 0.4), (0.9, 0.4)]):
            finished(store, sweep_id, number, [epoch(0, accuracy, loss)])
        finished(store, sweep_id, 4, [epoch(0, 1.0)], "diverged", divergence=Divergence(1, 1, "loss", "invalid"))
        with store.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT rank, trial FROM leaderboard ORDER BY rank").all()
        assert [tuple(row) for row in rows] == [(1, 2), (2, 3), (3, 1), (4, 0)]


ROOT = Path(__file__).parents[2]
AWKWARD_NUMBERS = [-0.0, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, 0.1, float(2**53), 1 / 3]
AWKWARD_TEXTS = ["it's", '"quoted"', "back\\slash %s :x {y}", "línea\nβ 🙂", "", " ", "NULL"]
SWEEPS_TYPES = {"sweep": "str", "trials": "int64", "completed": "int64", "queued": "int64", "best_accuracy": "float64"}


def fill(store):
    """Add a sweep of awkward values, whose first trial is completed."""
    rare = [{"whole": 2**53, "flag": True, "mixed": "relu"}, {"whole": -(2**53), "flag": False, "mixed": 0.1}]
    values = zip(AWKWARD_NUMBERS, AWKWARD_TEXTS, rare + [{}] * len(AWKWARD_NUMBERS), strict=False)
    drawn = [{"number": number, "text": text, **others} for number, text, others in values]
    sweep_id = store.add_sweep(RECORD, [Trial(i, each, {}, Seeds(i, 0, 0)) for i, each in enumerate(drawn)])
    epochs = [measured(i, 1.0, 0.5, value, 0.0, 0.25) for i, value in enumerate(AWKWARD_NUMBERS)]
    finished(store, sweep_id, 0, epochs, losses=[BatchLosses(1, (-0.0, 5e-324))])
    return sweep_id


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


def at_once(code, url, count):
    """Run code in several processes that begin at the same moment; return what each has printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, url, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(count)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * count
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    return said


class TestDeaths:
    """What becomes of a trial whose worker dies, hangs or falls silent."""

    def test_the_third_death_is_a_failure_that_says_why(self, store):
        sweep_id = add(store)
        for attempt in (1, 2, 3):
            claim = store.claim(sweep_id, 0, "me:1")
            assert claim.attempt == attempt
            store.record(claim, [epoch(0, 0.3)], epoch(0, 0.3))
            status = store.bury(sweep_id, 0, "it was killed by SIGSEGV", nobody)
            assert status == ("queued" if attempt < 3 else "failed")
        row = store.trial(sweep_id, 0)
        assert row["error"] == "its worker process has died 3 times, the last time of this: it was killed by SIGSEGV"
        assert (row["deaths"], row["best_value"], len(store.epochs(sweep_id, 0))) == (3, 0.3, 1)
        assert store.claim(sweep_id, 0, "me:1") is None

        assert store.retry(sweep_id) == 1
        assert store.claim(sweep_id, 0, "me:1").attempt == 4
        assert store.trial(sweep_id, 0)["deaths"] == 0

    def test_a_worker_that_died_before_its_trial_counts_too(self, store):
        sweep_id = add(store)
        assert store.bury(sweep_id, 0, "gone", everybody) == "queued"
        assert store.trial(sweep_id, 0)["deaths"] == 1

    @pytest.mark.parametrize("end", ["bury", "abandon"])
    def test_a_living_owner_keeps_its_trial(self, store, end):
        sweep_id = add(store)
        store.claim(sweep_id, 0, "alive:1")
        assert getattr(store, end)(sweep_id, 0, "too slow", lambda owner, silent: owner != "alive:1") is None
        assert store.trial(sweep_id, 0)["status"] == "running"

    @pytest.mark.parametrize("end", ["bury", "abandon"])
    def test_a_trial_that_has_ended_stays_as_it_is(self, store, end):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        assert getattr(store, end)(sweep_id, 0, "too slow", nobody) == "completed"
        assert store.trial(sweep_id, 0)["error"] is None

    def test_an_abandoned_trial_has_failed_with_its_epochs(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        store.record(claim, [epoch(0), epoch(1, 0.6)], epoch(1, 0.6))
        assert store.abandon(sweep_id, 0, "it took too long", nobody) == "failed"
        finished(store, sweep_id, 1, [epoch(0)], "interrupted")
        assert store.abandon(sweep_id, 1, "it took too long", everybody) == "failed"
        rows = [store.trial(sweep_id, number) for number in (0, 1)]
        assert [(row["error"], row["status"]) for row in rows] == [("it took too long", "failed")] * 2
        assert len(store.epochs(sweep_id, 0)) == 2
        with pytest.raises(StaleAttempt):
            store.record(claim, [epoch(2)], None)

    def test_silence_is_measured_from_the_last_beat(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        with store.database.writing() as connection:
            now = store.database.now(connection)
            connection.execute(update(trials).values(heartbeat=now - timedelta(seconds=100)))
        heard = []
        store.requeue(sweep_id, lambda owner, silent: bool(heard.append((owner, silent))))
        assert store.beat(claim)
        store.requeue(sweep_id, lambda owner, silent: bool(heard.append((owner, silent))))
        assert [owner for owner, _ in heard] == ["me:1"] * 2
        before, after = (silent for _, silent in heard)
        assert before >= 100
        assert 0 <= after < 50

    def test_the_beat_of_an_overtaken_worker_is_refused(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "slow:1")
        store.requeue(sweep_id, nobody)
        store.claim(sweep_id, 0, "quick:1")
        assert not store.beat(claim)

    def test_an_answer_that_was_lost_is_given_again(self, store):
        """The connection may break just after a commit: the same request again must find its work done."""
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        assert store.claim(sweep_id, 0, "me:1") == claim
        for _ in range(2):
            store.finish(claim, Ending("completed", 1.0), [epoch(0)], epoch(0))
        assert store.trial(sweep_id, 0)["attempt"] == 1
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
        row = store.trial(sweep_id, 0)
        assert (row["best_value"], row["last_epoch"]) == (0.9, 2)

        store.finish(again, Ending("completed", 1.0), epochs[3:], epochs[3])
        row = store.trial(sweep_id, 0)
        assert (row["checkpoint"], row["checkpoint_epoch"], row["weights"]) == (None, None, best.file)

    def test_an_interrupted_trial_keeps_it(self, store):
        sweep_id = add(store)
        claim = store.claim(sweep_id, 0, "me:1")
        store.record(claim, [epoch(0), epoch(1)], epoch(0), checkpoint=Weights("x", 1))
        store.finish(claim, Ending("interrupted", 1.0), [], epoch(0))
        assert store.trial(sweep_id, 0)["checkpoint"] == "x"


class TestDigests:
    CHANGES = (
        ("trials", "best_value", 0.5000001),
        ("trials", "seconds", 1.5000000000000002),
        ("trials", "status", "diverged"),
        ("trials", "owner", "you:1"),
        ("trials", "seed_weights", 1),
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
            row = store.trial(sweep_id, number)
            assert (row["digest"], row["drawn_digest"]) == self.digests(store, row["id"]), number

    def test_every_trial_that_is_not_running_is_sealed(self, store):
        sweep_id = add(store, 6)
        self.assert_sealed(store, sweep_id, *range(6))
        finished(store, sweep_id, 0, [epoch(0), epoch(1)], losses=[BatchLosses(1, (0.1, 0.2))])
        finished(store, sweep_id, 1, [epoch(0)], "interrupted")
        for number in (2, 3, 4):
            store.claim(sweep_id, number, "me:1")
        assert store.trial(sweep_id, 2)["digest"] is None
        store.bury(sweep_id, 2, "gone", nobody)
        store.abandon(sweep_id, 3, "slow", nobody)
        self.assert_sealed(store, sweep_id, 0, 1, 2, 3, 5)
        store.requeue(sweep_id, nobody)
        self.assert_sealed(store, sweep_id, *range(6))
        store.retry(sweep_id)
        store.prolong(sweep_id, [0], 9)
        self.assert_sealed(store, sweep_id, *range(6))

    def test_the_digest_of_a_sweep_follows_its_row(self, store):
        add(store)
        sweep_id = store.sweep().id
        store.prolong(sweep_id, [], 9)
        with store.database.reading() as connection:
            kept = connection.execute(select(sweeps.c.digest)).scalar()
            assert kept == sweep_digest(connection, sweep_id)

    @pytest.mark.parametrize(("table", "column", "value"), CHANGES)
    def test_the_digest_sees_every_change(self, store, table, column, value):
        sweep_id = add(store, 4)
        finished(store, sweep_id, 3, [epoch(0), epoch(1)], losses=[BatchLosses(1, (0.1, 0.2))])
        row = store.trial(sweep_id, 3)
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


class TestSqliteFile:
    @pytest.fixture
    def url(self, tmp_path):
        return str(tmp_path / "sweeps.db")

    def test_a_word_among_the_numbers_of_epochs_is_damage(self, store, tmp_path):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0), epoch(1)])
        with sqlite3.connect(tmp_path / "sweeps.db") as plain:
            plain.execute("UPDATE epochs SET seconds = 'x' WHERE epoch = 1")
        plain.close()
        with pytest.raises(StoreError, match="damaged values"):
            store.epochs(sweep_id)

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
            "ALTER TABLE trials DROP COLUMN deaths",
            "ALTER TABLE trials DROP COLUMN drawn_digest",
            "ALTER TABLE trials DROP COLUMN checkpoint",
            "ALTER TABLE trials DROP COLUMN checkpoint_epoch",
            "ALTER TABLE sweeps DROP COLUMN digest",
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
        sweep_id = add(store, 2)
        code = (
            "import sys; from sweep.store import Store; from tests.epochs import measured\n"
            "store = Store(sys.argv[1]); number = int(sys.argv[2])\n"
            f"claim = store.claim({sweep_id}, number, f'me:{{number}}')\n"
            "for i in range(100): store.record(claim, [measured(i, 1.0, 0.5, 1.0, 0.5, 0.1)], None)\n"
        )
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path / "sweeps.db"), str(n)], env=os.environ, cwd=ROOT
            )
            for n in range(2)
        ]
        assert [p.wait() for p in processes] == [0, 0]
        frame = store.epochs(sweep_id)
        np.testing.assert_array_equal(frame.groupby("trial").size(), [100, 100])


CREATE = """
import sys
from pathlib import Path
from sweep.store import Store
print("ready", flush=True)
sys.stdin.readline()
Store(sys.argv[1], create=True).close()
"""

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class TestPostgres:
    @pytest.fixture
    def url(self, postgres):
        return postgres.create_database()

    @pytest.fixture
    def plain(self, url):
        """A connection that knows nothing of us."""
        with psycopg.connect(re.sub(r"\+psycopg", "", url), autocommit=True) as connection:
            yield connection

    def test_the_schema_says_what_each_table_and_column_holds(self, store):
        with store.database.reading() as connection:
            inspector = inspect(connection)
            for table in metadata.sorted_tables:
                assert inspector.get_table_comment(table.name)["text"] == table.comment
                found = {column["name"]: column["comment"] for column in inspector.get_columns(table.name)}
                assert found == {column.name: column.comment for column in table.columns}
        assert sum(bool(column.comment) for table in metadata.sorted_tables for column in table.columns) > 45

    def test_an_empty_database_holds_no_sweeps_yet(self, url):
        with pytest.raises(StoreError, match=r"test_\d+ holds no sweeps yet; begin one with `sweep run`"):
            Store(url)
        for _ in range(2):
            Store(url, create=True).close()
        Store(url).close()

    def test_several_processes_may_create_it_at_once(self, url):
        at_once(CREATE, url, count=4)
        store = Store(url)
        assert store.sweeps().empty
        store.close()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ((QUOTED, "wrong-s3cret"), 'password authentication failed for user "sweeper"'),
            (("test_", "nowhere_"), r'database "nowhere_\d+" does not exist'),
            ((r":\d+/", ":1/"), "Connection refused"),
            ((f":{QUOTED}(.*)", r"\1?password=wrong-s3cret"), 'password authentication failed for user "sweeper"'),
        ],
    )
    def test_what_cannot_be_reached_is_a_sentence_without_the_password(self, url, change, reason):
        with pytest.raises(
            StoreError, match=f"^the database postgresql.*cannot be read: connection .*{reason}$"
        ) as caught:
            Store(re.sub(*change, url))
        for secret in (PASSWORD, QUOTED, "wrong-s3cret"):
            assert secret not in str(caught.value)

    def test_a_port_that_is_no_number(self, url):
        with pytest.raises(UsageError, match="--db takes a file or a URL"):
            Store(re.sub(r":\d+/", ":s3cret/", url))

    @pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu"])
    def test_the_zone_of_the_server_changes_nothing(self, url, plain, zone):
        plain.execute(f"ALTER DATABASE {plain.info.dbname} SET timezone = '{zone}'")
        store = Store(url, create=True)
        TestStore().test_times_are_in_utc(store)
        row = store.trial(store.sweep().id, 0)
        digest = lambda: [digest for _, digest in seals(store)]  # noqa: E731
        before = digest()
        (text,) = plain.execute("SELECT (started AT TIME ZONE 'UTC')::text FROM trials WHERE number = 0").fetchone()
        assert text.rstrip("0") == str(row["started"]).rstrip("0")
        store.close()
        plain.execute(f"ALTER DATABASE {plain.info.dbname} SET timezone = 'UTC'")
        store = Store(url)
        assert digest() == before
        store.close()

    def test_a_lock_that_is_never_released_is_a_sentence(self, url, plain, monkeypatch):
        monkeypatch.setattr(database, "BUSY_SECONDS", 1)
        monkeypatch.setenv("SWEEP_PATIENCE", "0.5")
        store = Store(url, create=True)
        sweep_id = add(store)
        plain.execute("SET idle_in_transaction_session_timeout = '20s'")  # so that this test ends in any case
        with plain.transaction():
            plain.execute("LOCK TABLE trials IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreError, match=r"cannot be written: .*lock timeout; that has not changed for 0 s"):
                store.claim(sweep_id, 0, "me:1")
            with pytest.raises(StoreError, match=r"cannot be read: .*lock timeout"):
                store.trials(sweep_id)
        assert store.claim(sweep_id, 0, "me:1").attempt == 1
        store.close()

    def test_a_server_that_is_restarted_costs_only_time(self, store, postgres):
        sweep_id, stop = add(store), threading.Event()

        def write():
            claim, numbers = store.claim(sweep_id, 0, "me:1"), 0
            while not stop.is_set():
                store.record(claim, [epoch(numbers)], epoch(0))
                numbers += 1
            store.finish(claim, Ending("completed", 1.0), [epoch(numbers)], epoch(0))
            return numbers

        with ThreadPoolExecutor(1) as pool:
            written = pool.submit(write)
            try:
                for restart in (postgres.restart, lambda: (postgres.kill(), postgres.start())):
                    before = wait_until(lambda: len(store.epochs(sweep_id)))
                    restart()
                    wait_until(lambda before=before: written.done() or len(store.epochs(sweep_id)) > before + 10)
            finally:
                stop.set()
        assert store.epochs(sweep_id)["epoch"].tolist() == list(range(written.result() + 1))

    def meanwhile(self, store, plain, first, second):
        """Do `second` while `first` is done but not committed; return what it gives in the end."""
        with ThreadPoolExecutor(1) as pool:
            with store.database.writing() as connection:
                first(connection)
                result = pool.submit(second)
                wait_until(lambda: result.done() or plain.execute(WAITING).fetchone() == (1,))
            return result.result()

    def test_failed_trials_are_queued_again_by_one_alone(self, store, plain):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [], "failed", error="x")
        count = self.meanwhile(store, plain, lambda c: lifecycle.retry(c, sweep_id), lambda: store.retry(sweep_id))
        assert (count, store.queued(sweep_id)) == (0, [0, 1, 2])

    def test_a_trial_is_prolonged_by_one_alone(self, store, plain):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        with pytest.raises(SweepError, match="trial 0 is not completed any more"):
            self.meanwhile(
                store,
                plain,
                lambda c: lifecycle.prolong(c, sweep_id, 0, 9),
                lambda: store.prolong(sweep_id, [0], 7),
            )
        assert store.claim(sweep_id, 0, "me:1").configuration["training"]["epochs"] == 9

    def test_the_digest_of_a_sweep_is_that_of_the_last_change(self, store, plain):
        sweep_id = add(store)
        self.meanwhile(
            store, plain, lambda c: lifecycle.lengthen(c, sweep_id, 20), lambda: store.prolong(sweep_id, [], 3)
        )
        with store.database.reading() as connection:
            kept = connection.execute(select(sweeps.c.digest)).scalar()
            assert kept == sweep_digest(connection, sweep_id)
        assert store.sweep().epochs == 20


def seals(store):
    """Return the digests of all trials as they are now."""
    with store.database.reading() as connection:
        return [*trial_digests(connection, trials.c.id > 0), *drawn_digests(connection, trials.c.id > 0)]


class TestWholeSweep:
    """A sweep in a file, and the same one on a server."""

    OPTIONS = {"overrides": ["trials=4", "epochs=2", "training.record_batches=true"], "workers": 2}

    @pytest.fixture
    def both(self, postgres, tmp_path, monkeypatch):
        monkeypatch.setenv("SWEEP_RESULTS", str(tmp_path / "results"))
        urls = [str(tmp_path / "sweeps.db"), postgres.create_database()]
        for url in urls:
            sweep.run("digits-quickstart", db=url, **self.OPTIONS).store.close()
        return urls

    def test_it_is_the_same_to_every_bit_and_every_command(self, both, tmp_path, monkeypatch, capsys):
        assert_same(*(figures(db=url) for url in both))
        batches = [sweep.load(db=url).batches() for url in both]
        pd.testing.assert_frame_equal(*batches, check_exact=True)
        assert len(batches[0]) > 100

        def told(url, *arguments):
            monkeypatch.setattr(sys, "argv", ["sweep", *arguments, "--db", url])
            capsys.readouterr()
            with pytest.raises(SystemExit) as caught:
                main()
            out, err = capsys.readouterr()
            assert not caught.value.code, err
            return out

        def without_times(text):
            frame = pd.read_csv(StringIO(text))
            return frame.drop(columns=[name for name in ("seconds", "created") if name in frame])

        for command in (["list"], ["leaderboard"], ["leaderboard", "--by", "train_loss"], ["leaderboard", "--worst"]):
            one, other = (without_times(told(url, *command, "--format", "csv")) for url in both)
            pd.testing.assert_frame_equal(one, other, check_exact=True)
            assert len(one) == (1 if command == ["list"] else 3), "one of the four diverges"
        for options in ([], ["--epochs"], ["--batches"]):
            files = [tmp_path / name for name in ("file.csv", "server.csv")]
            for url, file in zip(both, files, strict=True):
                told(url, "export", "-o", str(file), *options)
            one, other = (without_times(file.read_text()) for file in files)
            pd.testing.assert_frame_equal(one, other, check_exact=True)
        charts = [tmp_path / name for name in ("file.svg", "server.svg")]
        for url, chart in zip(both, charts, strict=True):
            told(url, "plot", "-o", str(chart))
        assert charts[0].read_bytes() == charts[1].read_bytes()
        shown = [re.sub(r"(?m)^trained for .*$|(?<=\d) +\S+ *$|[ ─]+", " ", told(url, "show", "1")) for url in both]
        assert shown[0] == shown[1]
        assert "training.optimizer" in shown[0]
