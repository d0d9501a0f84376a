"""Crashes of worker processes: why a process has ended, and what becomes of its trial."""

import os
import signal
import socket
import sys
from functools import partial
from multiprocessing import get_context

import pytest

import sweep
from sweep.engines import crashes
from sweep.engines.crashes import CrashHandler, cause, memory_kills
from sweep.store import Store
from sweep.trial.worker import Assignment
from tests.engine_here import Here

HOST = socket.gethostname()


def ended(function, *arguments):
    """Return a process that has called a function and ended."""
    process = get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    return process


class TestCause:
    def test_an_exit_code(self):
        assert cause(ended(sys.exit, 3), 0) == "it ended itself with exit code 3"

    def test_a_signal(self):
        assert cause(ended(signal.raise_signal, signal.SIGTERM), 0) == "it was killed by SIGTERM"

    def test_memory_is_blamed_only_if_the_system_has_killed_for_it(self, tmp_path, monkeypatch):
        killed = ended(signal.raise_signal, signal.SIGKILL)
        counter = tmp_path / "vmstat"
        counter.write_text("nr_free_pages 1\noom_kill 4\n")
        monkeypatch.setattr(crashes, "MEMORY_COUNTER", counter)
        assert memory_kills() == 4
        assert cause(killed, 4) == "it was killed by SIGKILL"
        assert cause(killed, 3) == "out of memory, for which the system killed it (SIGKILL)"

    def test_a_system_that_does_not_count(self, tmp_path, monkeypatch):
        monkeypatch.setattr(crashes, "MEMORY_COUNTER", tmp_path / "missing")
        assert memory_kills() == 0


class Idle(Here):
    """Claims every trial for process 1 of this host, and trains none."""

    def run_all(self, assignments):
        for each in iter(partial(next, assignments), None):
            Store(each.database).claim(each.sweep_id, each.number, f"{HOST}:1@5.00")
        self.shutdown.request()
        yield from ()


@pytest.fixture
def claimed():
    """The assignment of a trial that process 1 of this host has claimed, and its store."""
    with pytest.raises(sweep.SweepError):
        sweep.run("digits-quickstart", overrides=["trials=1", "epochs=1"], backend=Idle.opened)
    store = Store(os.environ["SWEEP_DB"])
    with store.database.writing() as connection:  # the end of that run has requeued it
        connection.exec_driver_sql(f"UPDATE trials SET status = 'running', owner = '{HOST}:1@5.00'")
    return Assignment(os.environ["SWEEP_DB"], 1, "digits-quickstart", 0, {}), store


def test_a_crash_requeues_the_trial(claimed):
    assignment, store = claimed
    assert CrashHandler(store).crashed(assignment, 1, "it was killed") == "queued"
    assert sweep.load().trial(0).status == "queued"


def test_the_third_crash_fails_the_trial_with_the_reason(claimed):
    assignment, store = claimed
    handler = CrashHandler(store)
    assert [handler.crashed(assignment, 1, f"cause {n}") for n in (1, 2, 3)] == ["queued", "queued", "failed"]
    assert "cause 3" in sweep.load().trial(0).error


def test_a_timeout_fails_the_trial_at_once(claimed):
    assignment, store = claimed
    assert CrashHandler(store).timed_out(assignment, 1, 2.5) == "failed"
    assert sweep.load().trial(0).error == "stopped, because it took longer than 2.5 s"


@pytest.mark.parametrize("process", [0, 2])
def test_a_trial_that_another_process_owns_is_left_alone(claimed, process):
    assignment, store = claimed
    assert CrashHandler(store).crashed(assignment, process, "it was killed") is None
    assert CrashHandler(store).timed_out(assignment, process, 1.0) is None
    assert sweep.load().trial(0).status == "running"
