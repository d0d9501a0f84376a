"""Whole sweeps in real processes: undisturbed, interrupted, killed; the table is always the same, bit for bit."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from threadpoolctl import threadpool_info

import sweep
from sweep.engines import RunKeywords, RunOptions
from sweep.engines.local import LocalEngine
from sweep.errors import SweepError, UsageError
from sweep.store import Store
from sweep.system.processes import process_of

SMALL = ["trials=6", "training.epochs=3"]
LONG = ["trials=3", "training.epochs=450", "training.batch_size={int=[10,30],step=10}"]
PATIENCE_SECONDS = 60


def options(overrides):
    return [part for override in overrides for part in ("--set", override)]


def start(*arguments):
    """Start the command line as a process in a group of its own, so that signals reach it alone."""
    return subprocess.Popen(
        [sys.executable, "-m", "sweep", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(condition):
    """Look again and again; there is no other way to see into another process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.02)
    pytest.fail("waited too long")


def training(name="digits-quickstart", at_least=1):
    """Return the owners of a sweep's trials once some epochs are in the database."""

    def look():
        try:
            results = sweep.load(name)
        except SweepError:
            return None
        running = results.store.progress(results.record.id).running
        if sum(trial.epoch for trial in running) < at_least:
            return None
        owners = [results.trial(trial.number)["owner"] for trial in running]
        return [process_of(owner)[1] for owner in owners]

    return wait_until(look)


def is_running(process):
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def figures(name=None, db=None):
    """Return all that must be the same however a sweep went: trials and epochs without times and attempts."""
    results = sweep.load(name, db=db)
    return results.trials().drop(columns=["seconds", "attempt"]), results.epochs().drop(columns="seconds")


def assert_same(one, two):
    for left, right in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The figures of the long sweep when nothing disturbs it."""
    database = str(tmp_path_factory.mktemp("undisturbed") / "sweeps.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.run("digits-quickstart", overrides=LONG, workers=2, db=database)
    return figures(db=database)


def test_the_number_of_workers_changes_no_bit(tmp_path):
    results = [
        sweep.run("digits-quickstart", overrides=SMALL, workers=workers, db=str(tmp_path / f"{workers}.db"))
        for workers in (1, 2, 3)
    ]
    tables = [figures(db=str(tmp_path / f"{workers}.db")) for workers in (1, 2, 3)]
    assert_same(tables[0], tables[1])
    assert_same(tables[0], tables[2])
    trials, epochs = tables[0]
    assert set(trials["status"]) <= {"completed", "diverged"}
    assert trials["trial"].tolist() == list(range(6))
    assert epochs.groupby("trial").size().loc[trials["trial"][trials["status"] == "completed"]].eq(4).all()
    assert results[0].trials()["attempt"].eq(1).all()


def test_a_longer_sweep_begins_with_the_shorter_one(tmp_path):
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=2"], workers=1, db=str(tmp_path / "2.db"))
    sweep.run("digits-quickstart", overrides=["trials=4", "epochs=2"], workers=1, db=str(tmp_path / "4.db"))
    short, long = (figures(db=str(tmp_path / f"{n}.db")) for n in (2, 4))
    assert_same(short, (long[0].head(2), long[1][long[1]["trial"] < 2].reset_index(drop=True)))


def test_a_trial_that_fails_harms_no_other():
    overrides = [*SMALL, "network.hidden=[{choice=[8, 2_000_000_000]}]"]
    results = sweep.run("digits-quickstart", overrides=overrides, workers=2)
    trials = results.trials()
    too_wide = trials["hidden[0]"] > 8

    assert too_wide.any()
    assert not too_wide.all()
    assert trials.loc[too_wide, "status"].eq("failed").all()
    assert trials.loc[~too_wide, "status"].isin(["completed", "diverged"]).all()
    assert trials.loc[too_wide, "error"].str.contains("MemoryError").all()
    number = int(trials.loc[too_wide, "trial"].iloc[0])
    assert "Traceback" in results.trial(number)["traceback"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_within_three_seconds_and_resume_finishes(undisturbed, number, code):
    process = start("run", "digits-quickstart", "--workers", "2", "-q", *options(LONG))
    workers = training()
    began = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert time.monotonic() - began < 3
    assert process.returncode == code
    assert "Go on with: sweep resume digits-quickstart" in errors
    assert "Traceback" not in errors
    assert not any(map(is_running, workers))
    stopped = sweep.load()
    assert "running" not in set(stopped.trials()["status"])
    assert len(stopped.epochs()) > 0  # what was trained is kept

    resumed = start("resume", "--workers", "2", "-q")
    resumed.communicate(timeout=PATIENCE_SECONDS)
    assert resumed.returncode == 0
    assert_same(figures(), undisturbed)


def test_two_signals_stop_at_once(undisturbed):
    process = start("run", "digits-quickstart", "--workers", "2", "-q", *options(LONG))
    workers = training()
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)

    assert time.monotonic() - began < 3
    assert process.returncode == 130
    assert not any(map(is_running, workers))
    sweep.resume(workers=2)
    assert_same(figures(), undisturbed)


def test_ctrl_c_in_a_terminal_reaches_the_whole_group():
    process = start("run", "digits-quickstart", "--workers", "2", "-q", *options(LONG))
    workers = training()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not any(map(is_running, workers))
    assert "interrupted" in set(sweep.load().trials()["status"])  # the workers had time to say so


def test_resuming_a_finished_sweep_does_nothing():
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1"], workers=1)
    before = sweep.load().trials()
    heard = []

    class Listener:
        def note(self, message):
            heard.append(message)

        def update(self, progress):
            heard.append(progress)

    sweep.resume(observer=Listener())

    assert heard == ["nothing is left to train in digits-quickstart"]
    pd.testing.assert_frame_equal(sweep.load().trials(), before)


def test_an_observer_hears_of_the_whole_sweep():
    class Listener:
        notes: list = []
        last = None

        def note(self, message):
            self.notes.append(message)

        def update(self, progress):
            self.last = progress

    listener = Listener()
    sweep.run("digits-quickstart", overrides=["trials=3", "epochs=1"], workers=1, observer=listener)

    assert listener.notes == ["preparing the data set digits"]
    assert sum(listener.last.counts.values()) == 3
    assert listener.last.running == ()


def test_a_data_set_that_has_changed_is_not_mixed_in(tmp_path):
    table = tmp_path / "table.csv"
    rows = [f"{i % 7},{i % 3},{i % 2}" for i in range(40)]
    table.write_text("a,b,label\n" + "\n".join(rows))
    dataset = f"data.dataset={{kind='csv', file='{table}', label='label'}}"
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1", dataset], workers=1)
    store = Store(os.environ["SWEEP_DB"])
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE trials SET status = 'interrupted' WHERE number = 1")
    table.write_text(table.read_text() + "\n1,1,1")

    with pytest.raises(SweepError, match="is not the one that 'digits-quickstart' was begun with"):
        sweep.resume()
    table.write_text("a,b,label\n" + "\n".join(rows))
    assert sweep.resume(workers=1).trials()["status"].eq("completed").all()


def test_nothing_is_stored_when_a_sweep_cannot_begin(tmp_path):
    with pytest.raises(SweepError):
        sweep.run("mnist-widths", data=tmp_path)
    with pytest.raises(SweepError, match="holds no sweeps yet"):
        sweep.load()


def test_workers_use_one_blas_thread():
    engine = LocalEngine(1, crashes=None)
    with engine.running():
        (worker,) = engine._workers
        pools = worker.executor.submit(threadpool_info).result()
        environment = worker.executor.submit(os.getenv, "OPENBLAS_NUM_THREADS").result()
    assert pools
    assert {library["num_threads"] for library in pools} == {1}
    assert environment == "1"
    assert not is_running(worker.number)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "^workers must be at least 1, not 0$"),
        ({"timeout": 0.0}, "^timeout takes a positive number of seconds, not 0$"),
        ({"timeout": float("nan")}, "not nan"),
        ({"max_failures": -1}, "^max_failures must be at least 0, not -1$"),
        ({"backend": "slurm"}, "there is no backend 'slurm'; choose from dask, local"),
        ({"backend": "dask"}, 'backend="dask" needs the address of a scheduler, such as scheduler="tcp://'),
        ({"backend": "local", "scheduler": "tcp://a:1"}, '^scheduler goes with backend="dask"$'),
        ({"scheduler": "tcp://a:1", "workers": 2}, '^workers does not go with backend="dask"'),
    ],
)
def test_options_are_checked_before_anything_is_stored(options, words):
    with pytest.raises(UsageError, match=words):
        sweep.run("digits-quickstart", **options)
    path = Path(os.environ["SWEEP_DB"])
    assert not path.exists() or Store(str(path)).sweeps().empty


def test_options_are_those_of_the_public_functions():
    assert set(RunKeywords.__annotations__) == {field.name for field in fields(RunOptions)}


def test_progress_in_a_pipe_is_plain_lines():
    process = start("run", "digits-quickstart", *options(SMALL))
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert re.search(r"^6/6 trials · best 0\.\d{4}", errors, re.MULTILINE)
    assert "\x1b" not in errors + output
