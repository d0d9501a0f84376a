"""The epochs of a sweep in frames of at most so many rows: together the whole, one by one in memory."""

import sqlite3
import tracemalloc
from contextlib import closing

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

import sweep
from sweep.errors import SweepError, UsageError
from sweep.records import Epoch
from tests.store.store_setup import RECORD, add, epoch, finished

OURS = {"train_loss": 1.0, "train_accuracy": 0.5, "test_loss": 0.25}
KINDS_OF_METRICS = [
    {**OURS, "test_accuracy": 0.75},
    {"test_accuracy": 0.75},
    {**OURS, "test_accuracy": 0.5, "rmse": 3.0, "a name": -0.5},
    {"test_accuracy": 0.5, "rmse": 2.0},
]
"""Metrics of an epoch: our four, some of them, others beside them."""


def courses(kinds):
    """Return the epochs of some trials, few enough that there are trials with none."""
    metrics = st.sampled_from(kinds)
    one = st.lists(metrics, max_size=5).map(
        lambda found: [Epoch(number, 0.25 + number, each) for number, each in enumerate(found)]
    )
    return st.lists(one, min_size=1, max_size=4)


def add_courses(store, name, found):
    """Add a sweep of trials with such epochs."""
    sweep_id = add(store, len(found), name=name)
    for number, epochs in enumerate(found):
        finished(store, sweep_id, number, epochs)
    return sweep_id


def fill(store, trials, epochs=51):
    """Add a sweep with many epochs."""
    sweep_id = add(store, trials)
    for number in range(trials):
        finished(store, sweep_id, number, [epoch(each, each / 100) for each in range(epochs)])
    return sweep_id


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=st.one_of(courses(KINDS_OF_METRICS[:1]), courses(KINDS_OF_METRICS)),
    chunk=st.integers(1, 25),
    of_one=st.booleans(),
)
def test_the_chunks_together_are_the_frame_of_all_epochs(store, found, chunk, of_one):
    sweep_id = add_courses(store, f"s{len(store.sweeps())}", found)
    number = len(found) - 1 if of_one else None
    whole = store.epochs(sweep_id, number)
    frames = list(store.epochs_in_chunks(sweep_id, number, chunk=chunk))
    pd.testing.assert_frame_equal(pd.concat(frames), whole)
    assert [len(frame) for frame in frames[:-1]] == [chunk] * (len(frames) - 1)
    assert len(frames) == max(-(-len(whole) // chunk), 1)


def test_a_metric_that_only_epochs_in_between_have_is_left_out_of_both(store):
    course = [Epoch(number, 0.25, KINDS_OF_METRICS[2 if number == 1 else 0]) for number in range(4)]
    sweep_id = add_courses(store, "between", [course])
    whole = store.epochs(sweep_id)
    assert whole["seconds"].tolist() == [0.25] * 4 and "rmse" not in whole
    pd.testing.assert_frame_equal(pd.concat(store.epochs_in_chunks(sweep_id, chunk=3)), whole)


def test_all_chunks_are_of_one_state_of_the_database(store):
    sweep_id = add(store, 3)
    finished(store, sweep_id, 0, [epoch(0), epoch(1)])
    before, frames = store.epochs(sweep_id), store.epochs_in_chunks(sweep_id, chunk=1)
    first = next(frames)
    finished(store, sweep_id, 1, [Epoch(0, 0.5, KINDS_OF_METRICS[2])])
    pd.testing.assert_frame_equal(pd.concat([first, *frames]), before)
    assert len(store.epochs(sweep_id)) == 3


def test_only_one_chunk_is_in_memory(store):
    sweep_id, peaks = fill(store, 4, 10_000), {}
    for name, read in (
        ("whole", lambda: [store.epochs(sweep_id)]),
        ("chunks", lambda: store.epochs_in_chunks(sweep_id, chunk=500)),
    ):
        sum(len(frame) for frame in read())  # what is made once does not count
        tracemalloc.start()
        assert sum(len(frame) for frame in read()) == 40_000
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks["chunks"] < peaks["whole"] / 4


def test_a_server_sends_some_rows_at_a_time_and_a_file_is_read_without_sorting(store):
    sweep_id, cursors, plans = fill(store, 3), [], []

    @event.listens_for(store.database._engine, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, executemany):
        if "epochs" in statement and "ORDER BY" in statement:
            cursors.append(type(cursor).__name__)
            if store.database.is_sqlite:
                plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row[-1] for row in plan)

    assert len(list(store.epochs_in_chunks(sweep_id, chunk=100))) == 2
    assert cursors == ["Cursor" if store.database.is_sqlite else "ServerCursor"]
    assert not [line for line in plans if "TEMP B-TREE" in line]


def test_a_file_is_free_again_where_the_rest_is_not_read(tmp_path):
    with closing(sweep.store.Store(str(tmp_path / "a.db"), create=True)) as store:
        sweep_id = fill(store, 3)
        frames = store.epochs_in_chunks(sweep_id, chunk=10)
        next(frames)
        finished(store, add(store, 1, name="later"), 0, [epoch(0)])
        with closing(sqlite3.connect(tmp_path / "a.db")) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 1  # it is read
            del frames
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


class TestOfASweep:
    @pytest.fixture
    def results(self, url):
        with closing(sweep.store.Store(url, create=True)) as store:
            fill(store, 3)
            yield sweep.load(RECORD.name, db=url)

    def test_of_all_trials_and_of_one(self, results):
        pd.testing.assert_frame_equal(pd.concat(results.epochs(chunk=7)), results.epochs())
        pd.testing.assert_frame_equal(pd.concat(results.epochs(1, chunk=7)), results.epochs(1))

    @pytest.mark.parametrize(
        ("chunk", "said"),
        [
            (0, "chunk takes a number from 1 on, not 0"),
            (-3, "chunk takes a number from 1 on, not -3"),
            (1.5, "chunk takes a whole number, not 1.5"),
            ("many", "chunk takes a whole number, not 'many'"),
        ],
    )
    def test_what_is_no_chunk_is_refused_at_once(self, results, chunk, said):
        with pytest.raises(UsageError, match=f"^{said}$"):
            results.epochs(chunk=chunk)

    def test_a_trial_that_is_not_there_is_refused_at_once(self, results):
        with pytest.raises(SweepError, match="no trial 3 in first"):
            results.epochs(3, chunk=10)


def test_a_sweep_without_epochs_has_one_frame_of_no_rows(store):
    sweep_id = add(store, 1)
    (frame,) = store.epochs_in_chunks(sweep_id, chunk=10)
    pd.testing.assert_frame_equal(frame, store.epochs(sweep_id))
