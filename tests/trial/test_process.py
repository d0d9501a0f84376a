"""The signals of a process that trains."""

import os
import signal
import subprocess
import sys

import pytest

from sweep.system.processes import owner
from sweep.trial import process
from sweep.trial.process import Interrupted, interruptible, is_stopped, ready, stop_run, worker_owner

WORKER = """
import signal, sys
from sweep.trial.process import Interrupted, interruptible, start_worker
start_worker(int(sys.argv[1]))
signal.raise_signal(signal.SIGINT)   # ignored: the parent decides
signal.raise_signal(signal.SIGTERM)  # ignored: it has no trial
try:
    with interruptible():
        signal.raise_signal(signal.SIGTERM)
        print("went on")
except Interrupted:
    signal.raise_signal(signal.SIGTERM)
    print("interrupted")
sys.stdout.flush()
sys.stdin.read()
"""


def start(parent):
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_sigterm_interrupts_a_trial_once_and_nothing_else():
    with start(os.getpid()) as worker:
        assert worker.stdout.readline() == "interrupted\n"
        worker.stdin.close()
        assert worker.wait(60) == 0


def test_a_worker_ends_with_its_parent():
    with start(parent=1) as worker:  # which is not its parent, as after that has ended
        assert worker.wait(60) == 1


def test_only_the_first_signal_within_a_trial_interrupts_it():
    with interruptible():
        assert process._is_interruptible.is_set()
    assert not process._is_interruptible.is_set()
    with interruptible():
        with pytest.raises(Interrupted):
            process._interrupt(signal.SIGTERM, None)
        process._interrupt(signal.SIGTERM, None)  # the second one, while the trial writes its last epochs


def test_a_run_is_stopped_by_its_name():
    stop_run("mine-1")
    assert is_stopped("mine-1")
    assert not is_stopped("mine-2")


def test_a_process_without_a_parent_is_its_own_owner(monkeypatch):
    assert worker_owner() == owner()
    monkeypatch.setattr(process, "_parent", os.getppid())
    assert worker_owner() == owner(os.getppid())


def test_a_worker_is_ready_when_training_is_imported():
    assert ready() == os.getpid()
    assert "sweep.trial.worker" in sys.modules
