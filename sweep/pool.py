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
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from joblib import Parallel, delayed
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from sweep.environment import BLAS_THREADS
from sweep.worker import Assignment, run_trial, start_worker

GRACE_SECONDS = 2.0
"""How long workers have to write their last epochs when the sweep is stopped, before they are killed."""


@dataclass
class Slot:
    """One worker process."""

    executor: ProcessPoolExecutor
    process: int


class Pool:
    """Worker slots, each a single process, and the way to stop them all."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.stopped_by = 0
        """Number of the signal that stopped the pool; 0 while it runs."""
        self._free: queue.SimpleQueue[Slot | None] = queue.SimpleQueue()
        self._slots: list[Slot] = []
        for _ in range(size):
            self._free.put(None)  # a slot without a process: it is started by the first trial

    def run_all(self, assignments: list[Assignment]) -> None:
        """Train trials side by side, in their order; return when all have ended."""
        threads = Parallel(
            n_jobs=self.size, backend="threading", return_as="generator_unordered", pre_dispatch=self.size
        )
        for _ in threads(delayed(self.run)(assignment) for assignment in assignments):
            pass

    def run(self, assignment: Assignment) -> None:
        """Train one trial in a free slot; do nothing once the pool is stopped."""
        slot = self._free.get()
        try:
            slot = slot or (None if self.stopped_by else self._start())
            if slot and not self.stopped_by:
                slot.executor.submit(run_trial, assignment).result()
        except BrokenProcessPool:
            self._discard(slot)
            slot = None  # the trial is found without a living owner and queued again
        finally:
            self._free.put(slot)

    def _start(self) -> Slot:
        executor = ProcessPoolExecutor(
            1, initializer=start_worker, initargs=(os.getpid(),), env=BLAS_THREADS, timeout=None
        )
        slot = Slot(executor, executor.submit(os.getpid).result())
        self._slots.append(slot)
        return slot

    def _discard(self, slot: Slot | None) -> None:
        if slot in self._slots:
            self._slots.remove(slot)
            slot.executor.shutdown(wait=False, kill_workers=True)

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """End all processes at the end, whatever has happened."""
        try:
            yield
        except BaseException:
            self.stopped_by = self.stopped_by or signal.SIGTERM
            self.kill()
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

    @contextlib.contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Stop gently at the first SIGINT or SIGTERM and at once at the second; only the main thread can do that."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.stopped_by:
            self.kill()
            return
        self.stopped_by = number
        for slot in list(self._slots):
            with contextlib.suppress(ProcessLookupError):
                os.kill(slot.process, signal.SIGTERM)
        timer = threading.Timer(GRACE_SECONDS, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Kill every worker process."""
        for slot in list(self._slots):
            with contextlib.suppress(ProcessLookupError):
                os.kill(slot.process, signal.SIGKILL)
