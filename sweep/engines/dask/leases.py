"""Trials without an answer from Dask: whether they crashed, ended or run, by their leases."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sweep.engines.crashes import overtime
from sweep.records import Status
from sweep.store import Lease, Store
from sweep.system.processes import is_lost
from sweep.system.variables import silence_timeout
from sweep.trial.worker import Assignment


@dataclass(eq=False)
class Task:
    """A trial that was submitted to the scheduler."""

    assignment: Assignment
    submitted: float
    """When, by the monotonic clock."""
    future: Any = None
    is_lost: bool = False
    """Whether Dask has given it up because its workers died."""


class LeaseCheck:
    """Checks leases; silence counts only while the store was reachable for heartbeats."""

    def __init__(self, store: Store, timeout: float | None) -> None:
        self._store = store
        self._timeout = timeout
        self._reachable_since = time.monotonic()

    def leases(self, sweep_id: int) -> dict[int, Lease]:
        """Return the leases of all running trials by number."""
        return self._store.leases(sweep_id)

    def restart_silence(self) -> None:
        """Count silence from now on, since the store was not reachable for heartbeats until now."""
        self._reachable_since = time.monotonic()

    def is_overdue(self, task: Task, lease: Lease | None) -> bool:
        """Whether to stop waiting for an answer.

        So it is when nobody claims the trial, its owner is lost, or it takes too long.
        """
        if lease is None:
            return time.monotonic() - task.submitted > silence_timeout()
        return self._is_lost(lease.owner, lease.silent_seconds) or self._is_timed_out(lease)

    def outcome(self, task: Task, lease: Lease | None) -> Status | None:
        """Record a crash or timeout of a trial without an answer; return the trial's status.

        None means that it is still running.
        """
        trial = task.assignment.sweep_id, task.assignment.number
        if lease and self._is_timed_out(lease):
            reason = overtime(self._timeout or 0.0)
            return self._store.fail(*trial, reason, lambda owner, silent: True, patient=False)
        if lease and self._is_lost(lease.owner, lease.silent_seconds):
            reason = "it has stopped sending heartbeats"
            return self._store.record_crash(*trial, reason, self._is_lost, unclaimed=False, patient=False)
        if lease is None and task.is_lost:
            return self._store.record_crash(*trial, "the workers that had it are gone", self._is_lost, patient=False)
        return None if lease else self._store.status(*trial)

    def _is_lost(self, owner: str, silent_seconds: float) -> bool:
        return is_lost(owner, min(silent_seconds, time.monotonic() - self._reachable_since))

    def _is_timed_out(self, lease: Lease) -> bool:
        return self._timeout is not None and lease.seconds > self._timeout
