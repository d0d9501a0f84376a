"""A cluster of machines: the same worker function through Dask's futures.

Dask runs a task again when its worker dies. That is harmless, since every write names its attempt, and how often a
trial may end its worker is counted in the store alone.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from sweep import node
from sweep.data.cache import contents
from sweep.errors import StoreBusy, SweepError, UsageError
from sweep.node import Missing
from sweep.processes import is_lost, silence_limit
from sweep.records import Status
from sweep.stopping import GRACE_SECONDS, Switch
from sweep.store import Store
from sweep.worker import Assignment

POLL_SECONDS = 0.02
LOOK_SECONDS = 1.0
"""How often the store is asked about trials whose worker gave no answer."""
CONNECT_SECONDS = 10


class Cluster:
    """The workers of a Dask scheduler, and the way to stop what they do for us."""

    def __init__(self, scheduler: str, store: Store, timeout: float | None = None) -> None:
        """Connect to a scheduler.

        Raises:
            UsageError: when the address is none, or the database cannot be shared with its workers.
            SweepError: when there is no scheduler, or Dask is not installed.
        """
        check_address(scheduler, store)
        self._address = scheduler
        self._store = store
        self._timeout = timeout
        self._client = _connect(scheduler)
        self.switch = Switch(ask=lambda: None, kill=lambda: None)  # `run_all` looks at it all the time
        self._flying: dict[Any, tuple[Assignment, float]] = {}
        """Trials that were handed out, each with the moment; never more than there are threads, so that none waits."""
        self._aside: list[Assignment] = []
        """Trials that may be in the hands of another worker."""
        self._given_up: list[Any] = []
        """Futures of workers that do not answer; they are held, so that the scheduler keeps these workers for busy."""
        self._shipped: set[tuple[str, str]] = set()
        self._looked = 0.0

    def run_all(self, assignments: Sequence[Assignment]) -> Iterator[Status | None]:
        """Train trials on all workers; yield how each has ended, None where that is another's business.

        Raises:
            SweepError: when the scheduler is gone.
        """
        try:
            yield from self._train(assignments)
        except OSError as error:  # what Dask raises when a connection has broken
            raise self._gone() from error

    def _train(self, assignments: Sequence[Assignment]) -> Iterator[Status]:
        from distributed import as_completed

        waiting, completed = deque(assignments), as_completed(loop=self._client.loop)
        while (waiting or self._flying or self._aside) and not self.switch.is_on:
            if self._client.status != "running":
                raise self._gone()
            while waiting and len(self._flying) < self._room():
                completed.add(self._submit(waiting.popleft()))
            for future in completed.next_batch(block=False) if completed.has_ready() else ():
                yield from self._take(future, waiting)
            yield from self._look(waiting)
            time.sleep(POLL_SECONDS)
        if self.switch.is_on:
            self._stop(assignments)

    def _gone(self) -> SweepError:
        return SweepError(
            f"the scheduler {self._address} is gone; what was done is kept. Start it again and go on with: "
            "sweep resume"
        )

    def _room(self) -> int:
        """Return how many threads of the cluster are there for us."""
        self._given_up = [future for future in self._given_up if not future.done()]
        threads: int = sum(self._client.nthreads().values())
        return max(1, threads - len(self._given_up))

    def _submit(self, assignment: Assignment) -> Any:
        key = f"sweep-{assignment.sweep}-{assignment.number}-{time.monotonic_ns()}"
        future = self._client.submit(node.train, assignment, key=key, pure=False, retries=0)
        self._flying[future] = (assignment, time.monotonic())
        return future

    def _take(self, future: Any, waiting: deque[Assignment]) -> Iterator[Status]:
        """Take the answer of a worker, or that there will be none."""
        from distributed import CancelledError, KilledWorker

        if future not in self._flying:
            return  # it had been given up, and comes late
        assignment, _ = self._flying.pop(future)
        try:
            answer = future.result()
        except KilledWorker:  # its workers died more often than the scheduler allows; the store has the last word
            reason = "the workers that had it are gone"
            self._store.bury(assignment.sweep_id, assignment.number, reason, is_lost)
            answer = None
        except CancelledError:
            answer = None
        if isinstance(answer, Missing):
            self._ship(answer)
            waiting.append(assignment)
        elif answer is None:
            self._aside.append(assignment)
        else:
            yield answer

    def _look(self, waiting: deque[Assignment]) -> list[Status]:
        """Ask the store what has become of the trials that were set aside, and of those that take too long."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return []
        self._looked = time.monotonic()
        ended: list[Status] = []
        with contextlib.suppress(StoreBusy):  # it may be there again at the next look
            self._give_up_silent()
            for assignment in list(self._aside):
                status = self._outcome(assignment)
                if status is not None:
                    self._aside.remove(assignment)
                    waiting.extend([assignment] if status == "queued" else [])
                    ended.extend([] if status == "queued" else [status])
        return ended

    def _outcome(self, assignment: Assignment) -> Status | None:
        """Return what has become of a trial; None while a living worker has it."""
        sweep_id, number = assignment.sweep_id, assignment.number
        status: Status = self._store.status(sweep_id, number)
        if status != "running":
            return status
        return self._store.bury(sweep_id, number, "it has not been heard of again", is_lost)

    def _give_up_silent(self) -> None:
        """Set trials aside whose workers have not been heard of or take too long; what they still write is refused."""
        for future, (assignment, handed_out) in list(self._flying.items()):
            row = self._store.trial(assignment.sweep_id, assignment.number)
            unclaimed = row["status"] == "queued" and time.monotonic() - handed_out > silence_limit()
            if unclaimed or self._is_lost(row) or self._is_overdue(row):
                del self._flying[future]
                self._given_up.append(future)
                self._aside.append(assignment)

    def _is_lost(self, row: dict[str, Any]) -> bool:
        return row["status"] == "running" and is_lost(row["owner"], self._store.seconds_since(row["heartbeat"]))

    def _is_overdue(self, row: dict[str, Any]) -> bool:
        """Tell whether a trial takes too long; if so, let it fail."""
        if self._timeout is None or row["status"] != "running":
            return False
        if self._store.seconds_since(row["started"]) <= self._timeout:
            return False
        reason = f"stopped, because it took longer than {self._timeout:g} s"
        return self._store.abandon(row["sweep_id"], row["number"], reason, lambda owner, silent: True) is not None

    def _ship(self, missing: Missing) -> None:
        """Send a data set to a node that lacks it, once."""
        if (missing.place, missing.folder) in self._shipped:
            return
        files = self._client.scatter(contents(missing.folder), workers=[missing.worker], hash=False)
        self._client.submit(node.receive, missing.folder, files, workers=[missing.worker], pure=False).result()
        self._shipped.add((missing.place, missing.folder))

    def _stop(self, assignments: Sequence[Assignment]) -> None:
        """Ask the nodes to end their trials after the present epoch, and wait a moment for that."""
        end = time.monotonic() + GRACE_SECONDS
        with contextlib.suppress(OSError, TimeoutError):
            self._client.run(node.stop, assignments[0].run, wait=False)
            while time.monotonic() < end and not all(future.done() for future in self._flying):
                time.sleep(POLL_SECONDS)

    @contextlib.contextmanager
    def closing(self) -> Iterator[Cluster]:
        """Leave the cluster at the end, whatever has happened."""
        try:
            yield self
        finally:
            with contextlib.suppress(OSError, TimeoutError):
                self._client.close(timeout=GRACE_SECONDS)


def check_address(scheduler: str, store: Store) -> None:
    """Refuse what is no address of a scheduler, or one whose workers cannot reach the database.

    Raises:
        UsageError: one sentence with the reason.
    """
    try:
        parts = urlsplit(scheduler)
        is_whole = bool(parts.scheme in ("tcp", "tls", "ws", "wss") and parts.hostname and parts.port)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise UsageError(f"--scheduler takes an address such as tcp://192.168.0.5:8786, not '{scheduler}'")
    if store.database.is_sqlite and not _is_this_machine(parts.hostname or ""):
        raise UsageError(
            "a SQLite file cannot be shared between machines: its log needs memory that all processes share, so give "
            "a PostgreSQL database, such as --db postgresql+psycopg://user:password@host/sweeps"
        )


def _is_this_machine(host: str) -> bool:
    try:
        return socket.gethostbyname(host).startswith("127.") or host == "::1"
    except OSError:
        return host == "::1"


def _connect(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise SweepError("--backend dask needs Dask: install it with pip install 'sweep[dask]'") from None
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters we say ourselves, in one sentence
    try:
        return Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SweepError(
            f"there is no Dask scheduler at {scheduler} ({type(error).__name__}); start one with: dask scheduler"
        ) from None
