"""A sweep of the first edition, as released with schema 3: every figure and every draw stays when it is opened."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select, true

from sweep.checks import doctor
from sweep.errors import SweepError
from sweep.experiment.file import experiment_of
from sweep.store import Store
from sweep.store.digests import drawn_digests
from sweep.store.schema import trials
from sweep.training import checkpoint

RELEASED = Path(__file__).parent / "data" / "released-3"
"""Made by `sweep run digits-quickstart` with small networks: two trials completed, two diverged, weights kept."""


@pytest.fixture
def store(tmp_path):
    shutil.copytree(RELEASED, tmp_path, dirs_exist_ok=True)
    opened = Store(str(tmp_path / "sweeps.db"))
    yield opened
    opened.close()


def as_released(sql):
    with closing(sqlite3.connect(f"file:{RELEASED / 'sweeps.db'}?mode=ro&immutable=1", uri=True)) as plain:
        return pd.read_sql(sql, plain)


def test_every_figure_is_the_same(store):
    sweep_id = store.sweep().id
    frame = store.trials(sweep_id)
    columns = "number AS trial, best_value AS test_accuracy, best_loss AS test_loss, seconds"
    released = as_released(f"SELECT {columns} FROM trials ORDER BY number")
    pd.testing.assert_frame_equal(frame[released.columns], released, check_exact=True)
    columns = "number AS trial, epoch, test_accuracy, test_loss, train_accuracy, train_loss, epochs.seconds"
    released = as_released(f"SELECT {columns} FROM epochs JOIN trials ON id = trial_id ORDER BY number, epoch")
    pd.testing.assert_frame_equal(store.epochs(sweep_id), released, check_exact=True)
    columns = "number AS trial, epoch, step, loss"
    released = as_released(f"SELECT {columns} FROM batches JOIN trials ON id = trial_id ORDER BY 1, 2, 3")
    pd.testing.assert_frame_equal(store.batches(sweep_id), released, check_exact=True)
    with store.database.reading() as connection:
        ranked = connection.exec_driver_sql("SELECT rank, trial, value, epoch, tie_value FROM leaderboard").all()
    released = as_released("SELECT rank, trial, test_accuracy, epoch, test_loss FROM leaderboard")
    assert [tuple(row) for row in ranked] == [tuple(row) for row in released.itertuples(index=False)]


def test_how_trials_ended_is_the_same(store):
    released = as_released("SELECT * FROM trials ORDER BY number")
    assert set(released["status"]) == {"completed", "diverged"}
    for row in released.itertuples():
        now = store.trial(store.sweep().id, row.number)
        assert (now.status, now.attempt, now.crashes, now.owner) == (row.status, row.attempt, row.deaths, row.owner)
        assert (now.weights.file, now.weights.epoch) == (row.weights, row.weights_epoch)
        assert checkpoint.read(store.folder / now.weights.file).epoch == row.weights_epoch
        assert (now.planned_epochs, now.repeat, now.log) == (3, 0, None)
        if row.status == "diverged":
            assert now.divergence.place == row.diverged_place
            assert (now.divergence.epoch, now.divergence.step) == (row.diverged_epoch, row.diverged_step)
        else:
            assert now.divergence is None


def test_the_doctor_finds_it_sound(store):
    report = doctor.examine(str(store.database.path))
    assert (report.damages, report.notes) == ([], [])


def test_what_was_drawn_is_drawn_again(store, tmp_path):
    record = store.sweep()
    released = as_released("SELECT drawn_digest FROM trials ORDER BY number")["drawn_digest"].tolist()
    new = Store(str(tmp_path / "new.db"), create=True)
    new.add_sweep(record, experiment_of(record).trials())
    with new.database.reading() as connection:
        assert [digest for _, digest in drawn_digests(connection, true())] == released
    new.close()
    with store.database.reading() as connection:
        assert list(connection.execute(select(trials.c.drawn_digest).order_by(trials.c.number)).scalars()) == released


def test_its_trials_can_be_asked_for_by_number(store):
    with pytest.raises(SweepError, match="trials 0 to 3"):
        store.trial(store.sweep().id, 4)
