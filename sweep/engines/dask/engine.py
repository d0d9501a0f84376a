"""A cluster of machines: the same worker function through Dask's futures.

Dask runs a task again when its worker crashes. That is harmless, since every write names its attempt, and how often a
trial may crash its worker is counted in the store alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sweep.engines.dask import node
from sweep.engines.dask.client import CHECK_SECONDS, DaskClient, check_address
from sweep.engines.dask.leases import LeaseCheck, Task
from sweep.engines.dask.node import MissingData
from sweep.engines.dask.shipping import Transfers
from sweep.engines.dask.workers import WorkerCheck
from sweep.engines.engine import RunOptions
from sweep.engines.shutdown import GRACE_SECONDS, Shutdown
from sweep.errors import Call, StoreBusy, SweepError
from sweep.records import STATUSES, Status
from sweep.store import Store
from sweep.trial.process import stop_run
from sweep.trial.worker import Assignment

POLL_SECONDS = 0.02


class DaskEngine:
    """The workers of a Dask scheduler."""

    def __init__(self, client: DaskClient, store: Store, timeout: float | None, note: Callable[[str], None]) -> None:
        self.shutdown = Shutdown()  # `run_all` polls it
        self._client = client
        self._assignments: Iterator[Assignment | None] = iter(())
        self._waiting: deque[Assignment] = deque()
        """Trials that are to be submitted, before more are asked for."""
        self._tasks: set[Task] = set()
        """Submitted trials, at most one per thread, so that each starts at once."""
        self._given_up: set[Task] = set()
        """Trials whose workers do not answer; the scheduler counts these workers as busy, and so do we."""
        self._unanswered: list[Task] = []
        """Trials without an answer, which another worker may be training."""
        self._ended: list[Status] = []
        self._leases = LeaseCheck(store, timeout)
        self._workers = WorkerCheck(client, store, note)
        self._transfers = Transfers(client, self._workers.handle_error, self._waiting.extend)
        self._checked = 0.0

    @classmethod
    @contextmanager
    def opened(cls, options: RunOptions, store: Store, trials: int) -> Iterator[DaskEngine]:
        """Connect to the scheduler, and disconnect when the context is left.

        Raises:
            UsageError: when the address is not one, or the database cannot be shared with its workers.
            SweepError: when there is no scheduler, or Dask is not installed.
        """
        address = options.scheduler or ""
        check_address(address, store)
        client = DaskClient(address)
        engine = cls(client, store, options.timeout, options.observer.note)
        try:
            yield engine
        finally:
            engine._workers.remove_marker()
            client.close()

    def run_all(self, assignments: Iterator[Assignment | None]) -> Iterator[Status | None]:
        """Train trials on all workers; yield the status of each as it ends.

        Raises:
            SweepError: when the scheduler is gone, or a worker cannot train.
        """
        first = next(assignments, None)
        if first is None:
            return
        self._waiting.append(first)
        self._assignments = assignments
        self._workers.write_marker(first.sweep)
        try:
            while not self.shutdown.is_requested:
                self._step(first)
                yield from self._ended
                self._ended.clear()
                if not self._is_busy() and not self._ask():
                    break
                time.sleep(POLL_SECONDS)
        finally:
            if self._tasks:
                self._stop(first.run)

    def _is_busy(self) -> bool:
        return bool(self._waiting or self._tasks or self._unanswered or self._transfers)

    def _ask(self) -> bool:
        """Ask for another trial; return whether there is one."""
        assignment = next(self._assignments, None)
        if assignment:
            self._waiting.append(assignment)
        return assignment is not None

    def _step(self, any_one: Assignment) -> None:
        if self._client.is_closed:
            raise SweepError(
                f"the scheduler {self._client.address} is gone; what was done is kept. Start it again and go on with: ",
                Call("resume", any_one.sweep),
            )
        self._client.handle_answers()
        if self._client.is_connected:
            workers = self._client.workers()
            self._workers.describe_new(workers.keys(), any_one)
            self._submit_waiting(sum(workers.values()))
            if time.monotonic() - self._checked >= CHECK_SECONDS:
                self._check_leases(any_one.sweep_id)
                self._transfers.check_workers(workers)
                self._checked = time.monotonic()

    def _submit_waiting(self, threads: int) -> None:
        if threads <= len(self._given_up) and (self._waiting or self._ask()):
            self._workers.note_lack(threads)
        while len(self._tasks) + len(self._given_up) < threads and (self._waiting or self._ask()):
            assignment = self._waiting.popleft()
            task = Task(assignment, time.monotonic())
            self._tasks.add(task)
            name = f"{assignment.sweep}-{assignment.number}"
            task.future = self._client.submit(
                node.train, assignment, name=name, then=partial(self._handle_answer, task)
            )

    def _handle_answer(self, task: Task, answer: Any) -> None:
        """Record how a trial has ended, send the data set that it lacks, or list it as unanswered."""
        from distributed import KilledWorker

        if task in self._given_up:
            self._given_up.remove(task)
            return
        self._tasks.remove(task)
        if answer in STATUSES:
            self._ended.append(answer)
        elif isinstance(answer, MissingData):
            self._transfers.send(answer, task.assignment)
        else:
            self._workers.handle_error(answer)
            task.is_lost = isinstance(answer, KilledWorker)  # more crashes than Dask allows; the store decides
            self._unanswered.append(task)

    def _check_leases(self, sweep_id: int) -> None:
        """Settle trials without an answer by their leases.

        What their workers may still write is refused by the store.
        """
        try:
            leases = self._leases.leases(sweep_id)
            for task in list(self._tasks):
                if self._leases.is_overdue(task, leases.get(task.assignment.number)):
                    self._tasks.remove(task)
                    self._given_up.add(task)
                    self._unanswered.append(task)
            for task in list(self._unanswered):
                self._settle(task, self._leases.outcome(task, leases.get(task.assignment.number)))
        except StoreBusy:
            self._leases.restart_silence()

    def _settle(self, task: Task, status: Status | None) -> None:
        """Remove a trial from the unanswered ones if it has ended or is queued again."""
        if status in (None, "running"):
            return
        self._unanswered.remove(task)
        if status == "queued":
            self._waiting.append(task.assignment)
        else:
            self._ended.append(status)

    def _stop(self, run: str) -> None:
        """Ask the nodes to end their trials after the current epoch, and wait a moment for that."""
        self._client.broadcast(stop_run, run)
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end and not all(task.future.done() for task in self._tasks):
            time.sleep(POLL_SECONDS)
