"""Processes of this machine, each a loky executor of its own that a thread drives.

So a trial that crashes its process costs that trial alone. The parent never trains, not even with one worker: it would
use other BLAS threads and give other bits.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing.resource_tracker
import os
import queue
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as Overtime
from dataclasses import dataclass
from multiprocessing.process import BaseProcess, current_process
from pathlib import Path

from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.backend import resource_tracker
from joblib.externals.loky.process_executor import BrokenProcessPool

from sweep.engines.crashes import CrashHandler, cause, memory_kills
from sweep.engines.engine import RunOptions
from sweep.engines.shutdown import GRACE_SECONDS, Shutdown
from sweep.errors import Argument, SweepError
from sweep.records import Status
from sweep.store import Store
from sweep.system.environment import BLAS_THREADS
from sweep.system.signals import deferred
from sweep.trial.process import ready, start_worker
from sweep.trial.worker import Assignment, run_trial

SAFE_PATH = "PYTHONSAFEPATH"
"""With it Python imports no module from the current folder, where a user's `random.py` may lie."""
SPARE_FILES = 16
"""How many files can still be opened once the workers run."""
TRACKER_ENVIRONMENT = {SAFE_PATH: "1", "PYTHONWARNINGS": "ignore"}
MAX_STARTS = 3
"""How many processes in a row may end before their first trial."""


@dataclass
class Worker:
    """One worker process."""

    executor: ProcessPoolExecutor
    process: BaseProcess
    started: Future[int]
    """Its number, once it has imported what it needs."""
    memory_kills: int
    """How many processes the system had killed for lack of memory when this one was started."""

    @classmethod
    def start(cls) -> Worker:
        """Start a process, without waiting for it.

        It gets no signal before it has said what to do with them, and neither do loky's threads.
        """
        kills = memory_kills()
        given = (os.getpid(), os.environ.get(SAFE_PATH))
        env = BLAS_THREADS | {SAFE_PATH: "1"}
        with deferred():
            executor = ProcessPoolExecutor(1, initializer=_start, initargs=given, env=env, timeout=None)
            started = executor.submit(ready)
        (process,) = executor._processes.values()  # private, but the only way to the exit code and to an early signal
        return cls(executor, process, started, kills)

    @property
    def number(self) -> int:
        """The number of the process."""
        return self.process.pid or 0

    @property
    def cause(self) -> str:
        """Why the process has ended."""
        return cause(self.process, self.memory_kills)

    def terminate(self) -> None:
        """Ask the process to end; one that has nothing to write yet is killed."""
        self.send(signal.SIGTERM if self.started.done() else signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.number, number)

    def end(self, *, wait: bool) -> None:
        """Kill the process if it still runs."""
        self.executor.shutdown(wait=wait, kill_workers=True)


def _reason(error: BaseException) -> tuple[str | Argument, ...]:
    """Return why processes cannot be started, and what to do."""
    number = error.errno if isinstance(error, OSError) else errno.EMFILE
    if number in (errno.EMFILE, errno.ENFILE):
        return "too many files are open; allow more with `ulimit -n 4096`, or use fewer ", Argument("workers")
    if number in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM):
        return (f"shared memory (/dev/shm) cannot be written: {os.strerror(number)}; make room there",)
    return (f"{os.strerror(number) if number else error}; use fewer ", Argument("workers"))


@contextlib.contextmanager
def _spare_files() -> Iterator[None]:
    """Keep some numbers of open files free, without which loky's threads could not end what was started."""
    with contextlib.ExitStack() as spare:
        for _ in range(SPARE_FILES):
            spare.enter_context(Path(os.devnull).open("rb"))
        yield


@contextlib.contextmanager
def _tracker_environment() -> Iterator[None]:
    """Let processes that are started import nothing from the current folder, and give no warnings.

    The trackers of semaphores would warn of those that a killed process has left, though they remove them.
    """
    before = {variable: os.environ.get(variable) for variable in TRACKER_ENVIRONMENT}
    os.environ.update(TRACKER_ENVIRONMENT)
    try:
        yield
    finally:
        for variable, value in before.items():
            _set(variable, value)


def _set(variable: str, value: str | None) -> None:
    os.environ.pop(variable, None)
    if value is not None:
        os.environ[variable] = value


def _start(parent: int, safe_path: str | None) -> None:
    """Prepare a worker process, which loky must not end because a user's training function needs memory.

    `safe_path` is what the parent has in its environment, and so has a user's own command.
    """
    _set(SAFE_PATH, safe_path)
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize  # it would end workers that grow by 300 MB, with a warning
    start_worker(parent)


class LocalEngine:
    """Worker processes of this machine, each with one trial at a time."""

    def __init__(self, size: int, crashes: CrashHandler, timeout: float | None = None) -> None:
        self.size = size
        self.shutdown = Shutdown(self._terminate_all, self._kill_all)
        self._crashes = crashes
        self._timeout = timeout
        self._free: queue.SimpleQueue[Worker | None] = queue.SimpleQueue()
        """The workers without a trial; None for one that is to be started again."""
        self._workers: list[Worker] = []

    @classmethod
    @contextlib.contextmanager
    def opened(cls, options: RunOptions, store: Store, trials: int) -> Iterator[LocalEngine]:
        """Start all processes, and end them when the context is left.

        They import what they need meanwhile.
        """
        if current_process().daemon:
            raise SweepError(
                "this is a daemonic process, as those of multiprocessing.Pool or Celery are, which may not start "
                "workers; run the sweep from an ordinary process"
            )
        engine = cls(min(options.workers or cpu_count(), trials), CrashHandler(store), options.timeout)
        with engine.running():
            yield engine

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start all processes, and end them when the context is left."""
        try:
            self._start_all()
            yield
        except BaseException:
            self.shutdown.kill()
            raise
        finally:
            with deferred():
                for worker in list(self._workers):
                    worker.end(wait=True)
                self._workers.clear()  # with `_free`, frees the executors and so their semaphores, before Python exits
                self._free = queue.SimpleQueue()

    def _start_all(self) -> None:
        try:
            with _tracker_environment(), deferred():
                resource_tracker.ensure_running()
                multiprocessing.resource_tracker.ensure_running()  # loky starts it, too
            with _spare_files():
                for _ in range(self.size):
                    self._free.put(self._start())
        except (OSError, UnboundLocalError) as error:  # the second is what loky makes of a pipe that is refused
            raise SweepError("worker processes cannot be started: ", *_reason(error)) from error

    def run_all(self, assignments: Iterator[Assignment | None]) -> Iterator[Status | None]:
        """Train trials in parallel; yield the status of each as it ends."""
        with ThreadPoolExecutor(self.size) as threads:
            try:
                running: set[Future[Status | None]] = set()
                while True:
                    for assignment in self._next(assignments, self.size - len(running)):
                        running.add(threads.submit(self._run, assignment))
                    if not running:
                        return
                    ended, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (trial.result() for trial in ended)
            except BaseException:
                self.shutdown.kill()  # or the threads would be waited for
                raise

    def _next(self, assignments: Iterator[Assignment | None], most: int) -> Iterator[Assignment]:
        """Yield what can be trained now, at most `most` trials; nothing after a shutdown."""
        while most > 0 and not self.shutdown.is_requested and (assignment := next(assignments, None)):
            yield assignment
            most -= 1

    def _run(self, assignment: Assignment) -> Status | None:
        """Train one trial, again after a crash that requeues it; do nothing after a shutdown."""
        status: Status | None = "queued"
        while status == "queued" and not self.shutdown.is_requested:
            worker = self._free.get()
            try:
                worker = self._ready(worker)
                if self.shutdown.is_requested:
                    break
                status = self._train(worker, assignment)
            finally:
                self._free.put(worker if worker in self._workers else None)
        return status

    def _train(self, worker: Worker, assignment: Assignment) -> Status | None:
        future = worker.executor.submit(run_trial, assignment)
        try:
            try:
                status: Status | None = future.result(self._timeout)
                return status
            except Overtime:
                worker.send(signal.SIGTERM)  # so that it writes its last epochs, if it can
                with contextlib.suppress(Overtime):
                    future.result(GRACE_SECONDS)
                self._discard(worker)
                return self._crashes.timed_out(assignment, worker.number, self._timeout or 0.0)
        except BrokenProcessPool:
            self._discard(worker)
            if self.shutdown.is_requested:
                return None
            return self._crashes.crashed(assignment, worker.number, worker.cause)

    def _start(self) -> Worker:
        worker = Worker.start()
        self._workers.append(worker)
        return worker

    def _ready(self, worker: Worker | None) -> Worker:
        """Return a worker that can train: the given one if it can, else a new one; any one after a shutdown."""
        for _ in range(MAX_STARTS):
            worker = worker or self._start()
            try:
                worker.started.result()
                return worker
            except BrokenProcessPool:
                self._discard(worker)
                if self.shutdown.is_requested:
                    return worker
                ended, worker = worker, None
        raise SweepError(
            f"worker processes end as soon as they are started ({ended.cause}); is there memory for them? "
            "Try it with fewer ",
            Argument("workers"),
        )

    def _discard(self, worker: Worker) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
            worker.end(wait=False)

    def _terminate_all(self) -> None:
        for worker in list(self._workers):
            worker.terminate()

    def _kill_all(self) -> None:
        for worker in list(self._workers):
            worker.send(signal.SIGKILL)
