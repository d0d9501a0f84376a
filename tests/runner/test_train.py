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


@pytest.fixture
def process(command):
    """A long sweep on two workers."""
    return command("run", "digits-quickstart", "--workers", "2", "-q", *options(LONG))


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
        owners = [results.trial(trial.number).owner for trial in running]
        return [process_of(owner)[1] for owner in owners]

    return wait_until(look)


def is_running(process):
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_within_three_seconds_and_resume_finishes(undisturbed, process, command, number, code):
    workers = training()
    began = time.monotonic()
    process.process.send_signal(number)
    returned, _, errors = process.end()

    assert time.monotonic() - began < 3
    assert returned == code
    assert "Go on with: sweep resume digits-quickstart" in errors
    assert "Traceback" not in errors
    assert not any(map(is_running, workers))
    stopped = sweep.load()
    assert "running" not in set(stopped.trials()["status"])
    assert len(stopped.epochs()) > 0  # what was trained is kept

    assert command("resume", "--workers", "2", "-q").end()[0] == 0
    assert_same(figures(), undisturbed)


def test_two_signals_stop_at_once(undisturbed, process):
    workers = training()
    began = time.monotonic()
    process.process.send_signal(signal.SIGINT)
    process.process.send_signal(signal.SIGINT)

    assert process.end()[0] == 130
    assert time.monotonic() - began < 3
    assert not any(map(is_running, workers))
    sweep.resume(workers=2)
    assert_same(figures(), undisturbed)


def test_ctrl_c_in_a_terminal_reaches_the_whole_group(process):
    workers = training()
    os.killpg(process.process.pid, signal.SIGINT)
    code, _, errors = process.end()

    assert code == 130
    assert "Traceback" not in errors
    assert not any(map(is_running, workers))
    assert "interrupted" in set(sweep.load().trials()["status"])  # the workers had time to say so


def test_the_errors_name_the_call_that_resumes():
    assert str(SweepInterrupted("mine", 130)).endswith("Go on with: sweep.resume('mine')")
    assert SweepInterrupted("mine", 143).exit_code == 143
    assert "3 trials that failed; see why with `sweep.load('mine').trial(TRIAL)`" in str(TooManyFailures("mine", 3))
