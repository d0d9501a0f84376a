"""A cluster of machines: the same worker function through Dask's futures.

Dask runs a task again when its worker dies. That is harmless, since every write names its attempt, and how often a
trial may end its worker is counted in the store alone.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sweep.data.cache import contents
from sweep.engines.dask import node
from sweep.engines.dask.client import LOOK_SECONDS, Scheduler
from sweep.engines.dask.node import Missing, Node, Trouble
from sweep.engines.shutdown import GRACE_SECONDS, Switch
from sweep.errors import StoreBusy, SweepError, UsageError
from sweep.experiment.experiment import experiment_of
from sweep.records import STATUSES, Status
from sweep.store import Lease, Store
from sweep.system.environment import differences, environment
from sweep.system.processes import is_lost, silence_limit
from sweep.trial.worker import Assignment, stop_run

POLL_SECONDS = 0.02


@dataclass(eq=False)
class Flight:
    """A trial that was handed to the scheduler."""

    assignment: Assignment
    began: float
    future: Any = None
    is_lost: bool = False
    """Whether Dask has given it up, because its workers died."""


@dataclass
class Shipment:
    """A data set on its way to a node."""

    worker: str
    lacking: list[Assignment] = field(default_factory=list)
    """The trials that wait for it."""


class Cluster:
    """The workers of a Dask scheduler, and the way to stop what they do for us."""

    def __init__(self, scheduler: str, store: Store, timeout: float | None, note: Callable[[str], None]) -> None:
        """Connect to a scheduler.

        Raises:
            UsageError: when the address is none, or the database cannot be shared with its workers.
            SweepError: when there is no scheduler, or Dask is not installed.
        """
        check_address(scheduler, store)
        self._scheduler = Scheduler(scheduler)
        self._store = store
        self._timeout = timeout
        self._note = note
        self._noted: set[str] = set()
        self.switch = Switch(ask=lambda: None, kill=lambda: None)  # `run_all` looks at it all the time
        self._waiting: deque[Assignment] = deque()
        self._flights: set[Flight] = set()
        """Never more than there are threads, so that none waits long."""
        self._given_up: set[Flight] = set()
        """Flights whose workers do not answer; the scheduler takes these workers for busy, and so do we."""
        self._aside: list[Flight] = []
        """Flights without an answer, whose trials may be in the hands of another worker."""
        self._shipments: dict[tuple[str, str], Shipment] = {}
        self._ended: list[Status] = []
        self._known: set[str] = set()
        self._looked = 0.0
        self._answering_since = time.monotonic()
        """Since when the store has answered: before, no worker could be heard of."""
        self._marker = store.folder / f".{uuid4().hex}"
        self._keeps_files = False

    def run_all(self, assignments: Sequence[Assignment]) -> Iterator[Status | None]:
        """Train trials on all workers; yield how each has ended.

        Raises:
            SweepError: when the scheduler is gone, or a worker cannot train.
        """
        self._waiting.extend(assignments)
        self._leave_marker(assignments[0].sweep)
        try:
            while self._is_busy() and not self.switch.is_on:
                self._go_on(assignments[0])
                yield from self._ended
                self._ended.clear()
                time.sleep(POLL_SECONDS)
        finally:
            if self._flights:
                self._stop(assignments[0].run)

    def _is_busy(self) -> bool:
        return bool(self._waiting or self._flights or self._aside or self._shipments)

    def _go_on(self, any_one: Assignment) -> None:
        if self._scheduler.is_gone:
            raise SweepError(
                f"the scheduler {self._scheduler.address} is gone; what was done is kept. Start it again and go on "
                f"with: sweep resume {any_one.sweep}"
            )
        self._scheduler.hear()
        if self._scheduler.is_connected:
            workers = self._scheduler.workers()
            self._greet(workers.keys() - self._known, any_one)
            self._hand_out(sum(workers.values()))
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._look(any_one.sweep_id, workers)
                self._looked = time.monotonic()

    def _note_once(self, sentence: str) -> None:
        if sentence not in self._noted:
            self._noted.add(sentence)
            self._note(sentence)

    # Trials

    def _hand_out(self, threads: int) -> None:
        if threads <= len(self._given_up) and self._waiting:
            lacking = "has no workers" if not threads else "has no worker that answers"
            command = f"dask worker {self._scheduler.address} --nthreads 1"
            self._note_once(f"the scheduler {lacking}; start some with: {command}")
        while self._waiting and len(self._flights) + len(self._given_up) < threads:
            assignment = self._waiting.popleft()
            flight = Flight(assignment, time.monotonic())
            self._flights.add(flight)
            name = f"{assignment.sweep}-{assignment.number}"
            flight.future = self._scheduler.submit(
                node.train, assignment, name=name, then=partial(self._landed, flight)
            )

    def _landed(self, flight: Flight, answer: Any) -> None:
        """Hear from a worker how a trial has ended, or that there will be no answer."""
        from distributed import KilledWorker

        if flight in self._given_up:
            self._given_up.remove(flight)
            return
        self._flights.remove(flight)
        if answer in STATUSES:
            self._ended.append(answer)
        elif isinstance(answer, Missing):
            self._ship(answer, flight.assignment)
        else:
            self._bear(answer)
            flight.is_lost = isinstance(answer, KilledWorker)  # more died than Dask allows; the store has the last word
            self._aside.append(flight)

    def _bear(self, answer: Any) -> None:
        """Hear of a trouble that may pass, if it is one.

        Raises:
            SweepError: when it will not pass.
        """
        from distributed import CancelledError, KilledWorker

        if answer is None or isinstance(answer, CancelledError | KilledWorker):
            return
        if not isinstance(answer, Trouble):
            reason = " ".join(f"{type(answer).__name__}: {answer}".split())[:300]
            raise SweepError(
                f"the workers of {self._scheduler.address} cannot train ({reason}); is this version of sweep installed "
                "there, and where the scheduler runs, with: pip install 'sweep[dask,postgres]'?"
            )
        if not answer.is_passing:
            raise SweepError(f"{answer.host}: {answer.sentence}")
        self._note_once(f"warning: {answer.host}: {answer.sentence}; it tries again")

    def _look(self, sweep_id: int, workers: dict[str, int]) -> None:
        """Ask the store what has become of trials without an answer; what they still write is refused."""
        try:
            held = self._store.leases(sweep_id)
            for flight in list(self._flights):
                if self._is_hopeless(flight, held.get(flight.assignment.number)):
                    self._flights.remove(flight)
                    self._given_up.add(flight)
                    self._aside.append(flight)
            for flight in list(self._aside):
                self._look_after(flight, held.get(flight.assignment.number))
        except StoreBusy:
            self._answering_since = time.monotonic()
        for key, shipment in list(self._shipments.items()):
            if shipment.worker not in workers:
                self._waiting.extend(self._shipments.pop(key).lacking)

    def _is_lost(self, owner: str, silent_seconds: float) -> bool:
        return is_lost(owner, min(silent_seconds, time.monotonic() - self._answering_since))

    def _is_hopeless(self, flight: Flight, held: Lease | None) -> bool:
        """Tell whether no answer can be hoped for: nobody takes the trial, its worker is lost, or it takes too long."""
        if held is None:
            return time.monotonic() - flight.began > silence_limit()
        return self._is_lost(held.owner, held.silent_seconds) or self._is_overdue(held)

    def _is_overdue(self, held: Lease) -> bool:
        return self._timeout is not None and held.seconds > self._timeout

    def _look_after(self, flight: Flight, held: Lease | None) -> None:
        """Find out what has become of a trial that was set aside: it has ended, waits, or goes on elsewhere."""
        status = self._outcome(flight, held)
        if status in (None, "running"):
            return
        self._aside.remove(flight)
        if status == "queued":
            self._waiting.append(flight.assignment)
        else:
            self._ended.append(status)

    def _outcome(self, flight: Flight, held: Lease | None) -> Status | None:
        """Return the status of a trial without an answer, after what its worker's death or delay means for it."""
        trial = flight.assignment.sweep_id, flight.assignment.number
        if held and self._is_overdue(held):
            reason = f"stopped, because it took longer than {self._timeout:g} s"
            return self._store.fail(*trial, reason, lambda owner, silent: True, patient=False)
        if held and self._is_lost(held.owner, held.silent_seconds):
            reason = "it has not been heard of again"
            return self._store.record_crash(*trial, reason, self._is_lost, unclaimed=False, patient=False)
        if held is None and flight.is_lost:
            return self._store.record_crash(*trial, "the workers that had it are gone", self._is_lost, patient=False)
        return None if held else self._store.status(*trial)

    # Data sets

    def _ship(self, missing: Missing, assignment: Assignment) -> None:
        """Send a data set to a node that lacks it, once; its trial waits for that."""
        key = (missing.place, missing.folder)
        if key not in self._shipments:
            self._shipments[key] = Shipment(missing.worker)
            name = f"data-{Path(missing.folder).name}"
            arguments = (missing.folder, contents(missing.folder))
            then = partial(self._arrived, key)
            self._scheduler.submit(node.receive, *arguments, name=name, then=then, worker=missing.worker)
        self._shipments[key].lacking.append(assignment)

    def _arrived(self, key: tuple[str, str], answer: Any) -> None:
        self._bear(answer)
        if key in self._shipments:
            self._waiting.extend(self._shipments.pop(key).lacking)

    # Workers

    def _greet(self, strangers: set[str], assignment: Assignment) -> None:
        """Have new workers describe themselves."""
        for address in strangers:
            self._known.add(address)
            arguments = (assignment.database, self._marker.name)
            self._scheduler.submit(node.describe, *arguments, name="describe", then=self._met, worker=address)

    def _met(self, answer: Any) -> None:
        """Hear what a worker is like, and say what may surprise."""
        if not isinstance(answer, Node):
            self._bear(answer)
            return
        if changes := differences(environment(), answer.environment):
            self._note_once(
                f"warning: {answer.host} is not like this machine, so the last bits of its results may differ: "
                f"{changes}"
            )
        if self._keeps_files and not answer.sees_results:
            self._note_once(
                f"warning: {answer.host} does not share the folder {self._store.folder}, so the weights that it keeps "
                "stay there; name a shared one on all machines with SWEEP_RESULTS"
            )

    def _leave_marker(self, sweep: str) -> None:
        """Leave a file where kept files go, by which nodes can tell whether they share that folder."""
        training = experiment_of(self._store.sweep(sweep)).tree["training"]
        self._keeps_files = training.get("keep_weights", "none") != "none" or "checkpoint_every" in training
        if self._keeps_files:
            with contextlib.suppress(OSError):
                self._marker.parent.mkdir(parents=True, exist_ok=True)
                self._marker.touch()

    # The end

    def _stop(self, run: str) -> None:
        """Ask the nodes to end their trials after the present epoch, and wait a moment for that."""
        self._scheduler.tell(stop_run, run)
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end and not all(flight.future.done() for flight in self._flights):
            time.sleep(POLL_SECONDS)

    @contextlib.contextmanager
    def closing(self) -> Iterator[Cluster]:
        """Leave the cluster at the end, whatever has happened."""
        try:
            yield self
        finally:
            with contextlib.suppress(OSError):
                self._marker.unlink()
            self._scheduler.close()


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
