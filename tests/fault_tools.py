"""Tools to do harm for real: processes that can be found again, and what a sweep must show afterwards."""

import os
import subprocess
import sys
import time
from uuid import uuid4

import pandas as pd
import psutil
import pytest

import sweep
from sweep.errors import SweepError
from sweep.processes import process_of
from sweep.training import checkpoint

PATIENCE_SECONDS = 120
MARK = "SWEEP_TEST_MARK"


class Command:
    """A command line in a process group of its own, whose processes are known by a mark in their environment."""

    def __init__(self, *arguments, before=(), **environment):
        self.mark = uuid4().hex
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "sweep", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **environment, MARK: self.mark},
        )

    def end(self):
        """Wait for the command; return (exit code, standard output, standard error)."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, out, err

    def left(self):
        """Return the processes that it has started and that still run, itself included."""
        return [process for process in psutil.process_iter() if _has_mark(process, self.mark)]

    def clear(self):
        """Kill whatever is left of it."""
        for process in self.left():
            process.kill()
        self.process.communicate()


def _has_mark(process, mark):
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_until(condition, seconds=PATIENCE_SECONDS):
    """Look again and again; there is no other way to see into another process."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.01)
    pytest.fail("waited too long")


def options(overrides):
    """Write overrides as options of the command line."""
    return [part for override in overrides for part in ("--set", override)]


def running(name="digits-quickstart"):
    """Return the rows of the trials that are being trained."""
    try:
        results = sweep.load(name)
        progress = results.store.progress(results.record.id)
        rows = [results.trial(trial.number) for trial in progress.running]
    except SweepError:
        return []
    return [row for row in rows if row["status"] == "running"]


def worker_of(row):
    """Return the number of the process that trains a trial."""
    return process_of(row["owner"])[1]


def figures(name=None, db=None):
    """Return all that must be the same however a sweep went: trials, epochs and weights, but no times or attempts."""
    results = sweep.load(name, db=db)
    trials = results.trials().drop(columns=["seconds", "attempt"])
    weights = {number: _weights(results, number) for number in trials["trial"]}
    return trials, results.epochs().drop(columns="seconds"), weights


def _weights(results, number):
    row = results.trial(number)
    if row["weights"] is None:
        return None
    kept = checkpoint.read(results.store.folder / row["weights"])
    return kept.epoch, {name: array.tobytes() for name, array in kept.arrays.items()}


def assert_same(one, other):
    """Compare figures bit for bit."""
    for left, right in zip(one[:2], other[:2], strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert one[2] == other[2]


def assert_whole(results):
    """Every trial has ended, and has each of its epochs once."""
    trials = results.trials().set_index("trial")
    assert set(trials["status"]) <= {"completed", "diverged"}, trials["error"].dropna().tolist()
    for trial, epochs in results.epochs().groupby("trial")["epoch"]:
        assert epochs.tolist() == list(range(int(trials.loc[trial, "epochs"]) + 1))
