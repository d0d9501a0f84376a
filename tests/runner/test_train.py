"""Sweeps that signals stop: within three seconds, with every epoch kept, and nothing left running."""

import os
import signal
import time
from pathlib import Path

import pytest

import sweep
from sweep.errors import SweepError
from sweep.runner.train import SweepInterrupted, TooManyFailures
from sweep.system.processes import process_of
from tests.engine_here import training_here
from tests.fault_tools import assert_same, figures, options, wait_until

LONG = ["trials=2", "training.epochs=250", "training.batch_size={int=[10,30],step=10}"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The figures of the long sweep when nothing disturbs it."""
    database = str(tmp_path_factory.mktemp("undisturbed") / "sweeps.db")
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.run("digits-quickstart", overrides=LONG, db=database)
    return figures(db=database)


RUN = ["run", "digits-quickstart", "--workers", "2", "-q", *options(LONG)]
RESUME = ["resume", "--workers", "2", "-q"]


def training(name="digits-quickstart", after=0):
    """Return the owners of a sweep's trials once more epochs than those before are in the database."""

    def look():
        try:
            results = sweep.load(name)
        except SweepError:
            return None
        running = results.store.progress(results.record.id).running
        if not running or len(results.epochs()) <= max(after, len(running)):
            return None
        owners = [results.trial(trial.number).owner for trial in running]
        return [process_of(owner)[1] for owner in owners]

    return wait_until(look)


def is_running(process):
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def stopped_by(process, stop, after):
    """Stop a sweep that trains again within three seconds; return (exit code, standard error)."""
    workers = training(after=after)
    began = time.monotonic()
    stop(process.process)
    code, _, errors = process.end()

    assert time.monotonic() - began < 3
    assert "Traceback" not in errors
    assert not any(map(is_running, workers))
    return code, errors


def test_signals_stop_within_three_seconds_and_resume_finishes(undisturbed, command):
    """One sweep is stopped three times, by other signals, before it may end: to train it takes longest."""

    def send(number):
        return lambda process: process.send_signal(number)

    def send_two(process):
        send(signal.SIGINT)(process)
        send(signal.SIGINT)(process)

    kept, arguments = 0, RUN
    for stop, expected in ((send(signal.SIGINT), 130), (send(signal.SIGTERM), 143), (send_two, 130)):
        code, errors = stopped_by(command(*arguments), stop, after=kept)
        assert code == expected
        results, arguments = sweep.load(), RESUME
        assert len(results.epochs()) > kept  # what was trained is kept
        kept = len(results.epochs())
        if stop is not send_two:
            assert "Go on with: sweep resume digits-quickstart" in errors
            assert "running" not in set(results.trials()["status"])

    assert command(*RESUME).end()[0] == 0
    assert_same(figures(), undisturbed)


def test_ctrl_c_in_a_terminal_reaches_the_whole_group(command):
    """The workers have time to say that they end: in three attempts once, as a slow disk may take all of the time."""
    statuses, arguments, kept = set(), RUN, 0
    for _ in range(3):
        code, _ = stopped_by(command(*arguments), lambda process: os.killpg(process.pid, signal.SIGINT), after=kept)
        assert code == 130
        statuses |= set(sweep.load().trials()["status"])
        if "interrupted" in statuses:
            break
        arguments, kept = RESUME, len(sweep.load().epochs())
    assert "interrupted" in statuses


def test_the_errors_name_the_call_that_resumes():
    assert str(SweepInterrupted("mine", 130)).endswith("Go on with: sweep.resume('mine')")
    assert SweepInterrupted("mine", 143).exit_code == 143
    assert "3 trials that failed; see why with `sweep.load('mine').trial(TRIAL)`" in str(TooManyFailures("mine", 3))
