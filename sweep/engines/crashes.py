"""Worker crashes: why a process has ended, and what that means for its trial."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

from sweep.records import Status
from sweep.store import Store
from sweep.system.processes import process_of
from sweep.trial.worker import Assignment

MEMORY_COUNTER = Path("/proc/vmstat")
EXIT_CODE_SECONDS = 5.0
"""How long to wait for the exit code of a process that has ended."""


class CrashHandler:
    """Records in the store that a worker process of this host has crashed or was ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def crashed(self, assignment: Assignment, process: int, reason: str) -> Status | None:
        """Record a worker crash: requeue the trial, or fail it after three; return its status."""
        return self._store.record_crash(assignment.sweep_id, assignment.number, reason, _owned_by(process))

    def timed_out(self, assignment: Assignment, process: int, timeout: float) -> Status | None:
        """Fail a trial that took longer than `timeout` seconds; return its status."""
        return self._store.fail(assignment.sweep_id, assignment.number, overtime(timeout), _owned_by(process))


def overtime(timeout: float) -> str:
    """Return the error of a trial that was stopped after `timeout` seconds."""
    return f"stopped, because it took longer than {timeout:g} s"


def _owned_by(process: int) -> Callable[[str, float], bool]:
    """Return a predicate: whether the owner of a trial is a process of this host."""
    return lambda owner, silent_seconds: process_of(owner) == (socket.gethostname(), process)


def memory_kills() -> int:
    """Return how many processes the system has killed for lack of memory since its start.

    It is 0 where the system does not count them.
    """
    with suppress(OSError, ValueError):
        for line in MEMORY_COUNTER.read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def cause(process: BaseProcess, memory_kills_before: int) -> str:
    """Return why a process has ended: exit code, signal or lack of memory."""
    process.join(EXIT_CODE_SECONDS)
    code = process.exitcode
    if code is None:
        return "it is gone"
    if code >= 0:
        return f"it ended itself with exit code {code}"
    name = signal.Signals(-code).name
    if -code == signal.SIGKILL and memory_kills() > memory_kills_before:
        return f"out of memory, for which the system killed it ({name})"
    return f"it was killed by {name}"
