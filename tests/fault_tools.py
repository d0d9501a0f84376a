"""Tools for real faults: commands whose processes can be found again, and what a sweep must show afterwards."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from uuid import uuid4

import pandas as pd
import psutil
import pytest

import sweep
from sweep.errors import SweepError
from sweep.system.processes import process_of
from sweep.training import checkpoint

PATIENCE_SECONDS = 60
MARK = "SWEEP_TEST_MARK"


class Command:
    """A command line in a process group of its own, whose processes are known by a mark in their environment."""

    def __init__(self, *arguments, before=(), module="sweep", stdin=None, **environment):
        self.mark = uuid4().hex
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", module, *arguments],
            stdin=stdin,
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
    """Poll a condition, the only way to follow another process; return its first true value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.1)  # polling more often would slow down what is waited for
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
    return [row for row in rows if row.status == "running"]


@contextmanager
def held_up(command):
    """Suspend a sweep while a trial is being trained, so that none ends before what is done in this context."""
    while True:
        wait_until(running)
        processes = command.left()
        _each(processes, psutil.Process.suspend)
        if running():
            break
        _each(processes, psutil.Process.resume)  # one trial had ended, and the next had not begun
    try:
        yield
    finally:
        _each(processes, psutil.Process.resume)


def _each(processes, call):
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            call(process)


def worker_of(row):
    """Return the number of the process that trains a trial."""
    return process_of(row.owner)[1]


def figures(name=None, db=None):
    """Return all that must be the same however a sweep went: trials, epochs and weights, but no times or attempts."""
    results = sweep.load(name, db=db)
    trials = results.trials().drop(columns=["seconds", "attempt"])
    weights = {number: _weights(results, number) for number in trials["trial"]}
    return trials, results.epochs().drop(columns="seconds"), weights


def _weights(results, number):
    row = results.trial(number)
    if row.weights is None:
        return None
    kept = checkpoint.read(results.store.folder / row.weights.file)
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


FAULTY_WORKERS = '''
"""Plants a fault in the second epoch of trials whose first layer has a certain width."""
import ctypes, os, signal, sys, time
if any(word in " ".join(sys.orig_argv) for word in ("loky", "multiprocessing.spawn")):  # the workers alone
    if os.environ.get("SWEEP_TEST_EXIT_AT_START"):
        os._exit(7)
    from sweep.training.loop import NetworkTrainer
    real = NetworkTrainer.run_epoch

    def exhaust_memory():
        memory = []
        while True:
            memory.append(bytes(1 << 28))

    def unpicklable():
        class Private(Exception):
            def __reduce__(self):
                raise TypeError("not to be sent")
        raise Private("of my own")

    FAULTS = {
        111: lambda: ctypes.string_at(0),
        112: exhaust_memory,
        113: lambda: time.sleep(1000),
        114: lambda: ctypes.PyDLL(None).sleep(1000),  # holds the interpreter: signals are not handled
        115: lambda: sys.exit("enough"),
        116: lambda: os._exit(3),
        117: unpicklable,
        118: lambda: os.kill(os.getpid(), signal.SIGKILL),
    }

    def run_epoch(trainer, number, order):
        width = trainer.params[0].shape[0]
        if number == 2 and width in FAULTS:
            FAULTS[width]()
        return real(trainer, number, order)

    NetworkTrainer.run_epoch = run_epoch
'''


def widths_experiment(tmp_path, widths, epochs=4):
    """Write an experiment that trains one network of each width, with its first layer as wide."""
    (tmp_path / "widths.csv").write_text("hidden[0]\n" + "\n".join(map(str, widths)) + "\n")
    path = tmp_path / "widths.toml"
    path.write_text(
        f"""
name = "widths"
trials = {len(widths)}
sampler = {{ kind = "list", file = "widths.csv" }}
[data]
dataset = "digits"
normalization = "min_max"
[network]
hidden = [{{ int = [1, 1000] }}]
activation = "relu"
weights = "he_normal"
[training]
epochs = {epochs}
batch_size = 50
optimizer = {{ kind = "sgd", learning_rate = 0.1 }}
"""
    )
    return str(path)
