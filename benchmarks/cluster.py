"""A large cluster simulated on one machine: whether one coordinator and one database keep up with its workers."""

from __future__ import annotations

import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from benchmarks.database import new_sweep, write_trial
from benchmarks.measurement import Cell, Table, Target, progress
from sweep.engines import RunOptions
from sweep.engines.shutdown import Shutdown
from sweep.observer import Silent
from sweep.records import Status
from sweep.runner.train import train_queued
from sweep.store import Store
from sweep.trial.worker import Assignment

if TYPE_CHECKING:
    from tests.postgres_server import Server


class Size(NamedTuple):
    """How much is measured."""

    trials: int
    processes: int
    """In which the workers run."""
    threads: int
    """Workers in each process."""

    @property
    def workers(self) -> int:
        """Number of workers in all."""
        return self.processes * self.threads


FULL = Size(20_000, processes=8, threads=8)
QUICK = Size(1_000, processes=2, threads=8)

SECONDS = 0.05
"""How long a worker has a trial, at least."""
EPOCHS = 1
"""Of each trial, besides the untrained network."""
PARTS = 10
"""The costs are told of the first and of the last of so many parts of the trials."""
A_SECOND, GROWTH = Target(1_000, at_least=True), Target(1.2)
MILLISECONDS = Target(1.0)
"""Of the coordinator, a trial: more would keep it from handing out a thousand a second."""
NOTE = (
    "{workers} workers, threads of {processes} processes, that train nothing: each claims a trial in a database of "
    "PostgreSQL on this machine, records {epochs} epoch and the untrained network, finishes it, and takes the next one "
    "after {milliseconds:.0f} ms. The coordinator is the process that hands out trials and follows the sweep. All "
    "share {cores} cores: the CPU times together are what bounds the trials a second here, while a cluster's workers "
    "have processors of their own. Last ÷ first: CPU time of the coordinator in the last tenth of {trials:,} trials "
    "and in the second one, since the first one has the start in it."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Let the workers train a sweep in a database of PostgreSQL."""
    if find_spec("psycopg") is None:
        progress.log("cluster: left out, since psycopg is not installed")
        return
    from tests.postgres_server import Server, programs

    if programs() is None:  # type: ignore[no-untyped-call]
        progress.log("cluster: left out, since PostgreSQL is not installed")
        return
    with Server(connections=size.workers + 40) as server:  # type: ignore[no-untyped-call]
        yield measured(size, server)


def measured(size: Size, server: Server) -> Table:
    """Return what a sweep costs whose trials take no time of their own."""
    progress.log(f"cluster: {size.trials:,} trials and {size.workers} workers")
    url = server.create_database()  # type: ignore[no-untyped-call]
    sweep_id = new_sweep(url, size.trials, EPOCHS)
    store = Store(url)
    with simulated_cluster(url, sweep_id, size) as cluster:
        of_server, of_workers = cpu_seconds(server.process), cluster.cpu_seconds()
        train_queued(store.sweep(), store, {}, cluster, RunOptions(observer=Silent()))
        of_server, of_workers = cpu_seconds(server.process) - of_server, cluster.cpu_seconds() - of_workers
    store.close()
    values = {"milliseconds": 1000 * SECONDS, "cores": psutil.cpu_count(), "trials": size.trials, "epochs": EPOCHS}
    table = Table("A simulated cluster", NOTE.format(workers=size.workers, processes=size.processes, **values))
    parts = cluster.parts(size.trials // PARTS)
    table.add("trials a second", Cell(size.trials / (cluster.times[-1].wall - cluster.times[0].wall), "", A_SECOND))
    table.add("coordinator's CPU time a trial", Cell(1000 * statistics.fmean(parts), "ms", MILLISECONDS))
    table.add("coordinator, last ÷ first", Cell(parts[-1] / parts[1], "", GROWTH))
    table.add("workers' CPU time a trial", Cell(1000 * of_workers / size.trials, "ms"))
    table.add("database's CPU time a trial", Cell(1000 * of_server / size.trials, "ms"))
    return table


class Moment(NamedTuple):
    """When a trial has ended."""

    wall: float
    cpu: float
    """CPU seconds that this process has had."""

    @classmethod
    def now(cls) -> Moment:
        """Return what it is now."""
        return cls(time.monotonic(), time.process_time())


class SimulatedCluster:
    """An engine whose workers train nothing; see `NOTE`."""

    def __init__(self, size: Size, todo: Any, done: Any, processes: list[Any]) -> None:
        self.shutdown = Shutdown()
        self.times: list[Moment] = []
        self._size = size
        self._todo, self._done = todo, done
        self._processes = processes

    def run_all(self, assignments: Iterator[Assignment | None]) -> Iterator[Status | None]:
        """Hand out trials as workers are free; yield the status of each as it ends."""
        running = 0
        self.times = self.times or [Moment.now()]
        while True:
            while running < self._size.workers and (assignment := next(assignments, None)):
                self._todo.put(assignment.number)
                running += 1
            if not running:
                return
            yield self.next_done()
            self.times.append(Moment.now())
            running -= 1

    def next_done(self) -> Any:
        """Return the next thing that a worker says.

        Raises:
            RuntimeError: when one of their processes has ended.
        """
        while True:
            try:
                return self._done.get(timeout=1)
            except Empty:
                if not all(process.is_alive() for process in self._processes):
                    raise RuntimeError("a process with simulated workers has ended") from None

    def parts(self, trials: int) -> list[float]:
        """Return the CPU seconds of this process for each trial, of each part of so many trials."""
        moments = self.times[::trials]
        return [(after.cpu - before.cpu) / trials for before, after in pairwise(moments)]

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that the workers have had."""
        return sum(cpu_seconds(process.pid) for process in self._processes)


@contextmanager
def simulated_cluster(url: str, sweep_id: int, size: Size) -> Iterator[SimulatedCluster]:
    """Start the workers, and end them at the end."""
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    arguments = (url, sweep_id, size.threads, todo, done)
    processes = [context.Process(target=_work, args=arguments, daemon=True) for _ in range(size.processes)]
    for process in processes:
        process.start()
    cluster = SimulatedCluster(size, todo, done, processes)
    for _ in range(size.workers):
        cluster.next_done()  # each says that it is ready
    yield cluster
    for _ in range(size.workers):
        todo.put(None)
    for process in processes:
        process.join()


def _work(url: str, sweep_id: int, threads: int, todo: Any, done: Any) -> None:
    """Be the workers of one process."""
    workers = [threading.Thread(target=_take_trials, args=(url, sweep_id, todo, done)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _take_trials(url: str, sweep_id: int, todo: Any, done: Any) -> None:
    store = Store(url)
    done.put("ready")
    while (number := todo.get()) is not None:
        begun = time.monotonic()
        write_trial(store, sweep_id, number, epochs=EPOCHS)
        time.sleep(max(0.0, SECONDS - (time.monotonic() - begun)))
        done.put("completed")
    store.close()


def cpu_seconds(process: int) -> float:
    """Return the CPU seconds that a process, those that it has started and those of these that have ended have had."""
    first = psutil.Process(process)
    times = [each.cpu_times() for each in (first, *first.children(recursive=True))]
    return float(sum(each.user + each.system for each in times) + times[0].children_user + times[0].children_system)
