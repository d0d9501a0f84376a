"""Worker slots: joblib's threading backend drives one single-process loky executor for each.

So a trial that kills its process costs that trial alone, and the parent never trains, not even with one worker: it
would use other BLAS threads and give other bits.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Overtime
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Protocol

from joblib import Parallel, delayed
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from sweep.engines.crashes import cause, killed_for_memory
from sweep.engines.shutdown import GRACE_SECONDS, Switch
from sweep.errors import SweepError
from sweep.records import Status
from sweep.system.environment import BLAS_THREADS
from sweep.trial.process import start_worker
from sweep.trial.worker import Assignment, run_trial

STARTS = 3
"""So many worker processes in a row may die before their first trial."""


class Coroner(Protocol):
    """Who decides what becomes of a trial whose worker process has died."""

    def died(self, assignment: Assignment, process: int, reason: str) -> Status | None:
        """Hear that a worker process has died of itself; return the status of its trial, `queued` to try again."""

    def hung(self, assignment: Assignment, process: int, reason: str) -> Status | None:
        """Hear that a trial took too long and was ended; return its status."""


def ready() -> int:
    """Return the number of a worker process that has imported this module, and with it all that training needs."""
    return os.getpid()


@dataclass
class Slot:
    """One worker process."""

    executor: ProcessPoolExecutor
    process: BaseProcess
    started: Future[int]
    """Its number, once it has imported what it needs."""
    memory_kills: int
    """How many processes the system had killed for want of memory when this one was started."""

    @property
    def number(self) -> int:
        """The number of the process."""
        return self.process.pid or 0

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.number, number)


class Pool:
    """Worker slots, each a single process, and the way to stop them all."""

    def __init__(self, size: int, coroner: Coroner, timeout: float | None = None) -> None:
        self.size = size
        self.switch = Switch(ask=lambda: self._send_all(signal.SIGTERM), kill=lambda: self._send_all(signal.SIGKILL))
        self._coroner = coroner
        self._timeout = timeout
        self._free: queue.SimpleQueue[Slot | None] = queue.SimpleQueue()
        self._slots: list[Slot] = []

    def run_all(self, assignments: Sequence[Assignment]) -> Iterator[Status | None]:
        """Train trials side by side; yield how each has ended, None where that is another's business."""
        threads = Parallel(
            n_jobs=self.size, backend="threading", return_as="generator_unordered", pre_dispatch=self.size
        )
        yield from threads(delayed(self.run)(assignment) for assignment in assignments)

    def run(self, assignment: Assignment) -> Status | None:
        """Train one trial in free slots, one after the other if it kills them; do nothing once the pool is stopped."""
        status: Status | None = "queued"
        while status == "queued" and not self.switch.is_on:
            slot = self._free.get()
            try:
                slot = self._ready(slot)
                if self.switch.is_on:
                    break
                status = self._train(slot, assignment)
            finally:
                self._free.put(slot if slot in self._slots else None)
        return status

    def _train(self, slot: Slot, assignment: Assignment) -> Status | None:
        future = slot.executor.submit(run_trial, assignment)
        try:
            try:
                status: Status | None = future.result(self._timeout)
                return status
            except Overtime:
                slot.send(signal.SIGTERM)  # so that it writes its last epochs, if it can
                with contextlib.suppress(Overtime):
                    future.result(GRACE_SECONDS)
                self._discard(slot)
                took = f"stopped, because it took longer than {self._timeout:g} s"
                return self._coroner.hung(assignment, slot.number, took)
        except BrokenProcessPool:
            self._discard(slot)
            if self.switch.is_on:
                return None
            return self._coroner.died(assignment, slot.number, cause(slot.process, slot.memory_kills))

    def _start(self) -> Slot:
        """Start a process, without waiting for it."""
        kills = killed_for_memory()
        executor = ProcessPoolExecutor(
            1, initializer=start_worker, initargs=(os.getpid(),), env=BLAS_THREADS, timeout=None
        )
        started = executor.submit(ready)
        (process,) = executor._processes.values()
        slot = Slot(executor, process, started, kills)
        self._slots.append(slot)
        return slot

    def _ready(self, slot: Slot | None) -> Slot:
        """Return a slot whose process can train: the given one if it can."""
        for _ in range(STARTS):
            slot = slot or self._start()
            try:
                slot.started.result()
                return slot
            except BrokenProcessPool:
                self._discard(slot)
                dead, slot = slot, None
        raise SweepError(
            f"worker processes end as soon as they are started ({cause(dead.process, dead.memory_kills)}); is there "
            "memory for them? Try it with fewer --workers"
        )

    def _discard(self, slot: Slot) -> None:
        if slot in self._slots:
            self._slots.remove(slot)
            slot.executor.shutdown(wait=False, kill_workers=True)

    @contextlib.contextmanager
    def closing(self) -> Iterator[Pool]:
        """Start all processes, which then import what they need, and end them at the end, whatever has happened."""
        try:
            for _ in range(self.size):
                self._free.put(self._start())
            yield self
        except BaseException:
            self.switch.turn_at_once()
            raise
        finally:
            for slot in list(self._slots):
                slot.executor.shutdown(wait=True, kill_workers=True)
            self._forget_slots()

    def _forget_slots(self) -> None:
        """Free the executors now: at the end of the program their semaphores might be given back too late.

        loky's resource tracker would then warn of leaks that are none.
        """
        self._slots.clear()
        self._free = queue.SimpleQueue()
        gc.collect()

    def _send_all(self, number: signal.Signals) -> None:
        for slot in list(self._slots):
            slot.send(number)
