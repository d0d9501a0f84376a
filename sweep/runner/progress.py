"""Reporting to the observer: progress, and whether the database can be written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sweep.errors import StoreError, SweepError
from sweep.observer import Observer, Silent
from sweep.records import Progress, RunningTrial, SweepRecord
from sweep.runner.pacing import TimeLeft
from sweep.store import Store

POLL_SECONDS, LONGEST_POLL, POLL_SHARE = 0.5, 5.0, 20
"""How often progress is read from the store: seldom enough that it takes one part of so many of the time."""
PROBE_SECONDS = 5.0
"""How often it is checked whether the database can be written."""
MOST_CURVES = 32
"""Of more running trials, the curves of the first ones are read."""
Item = TypeVar("Item")
COUNT_SECONDS = 2.0
"""How often it is told how many trials are drawn."""
CHECKPOINT_SECONDS = 60.0
"""How often the log of a SQLite database is moved into its file."""


@contextmanager
def reporting(
    store: Store, record: SweepRecord, observer: Observer, time_left: TimeLeft | None = None
) -> Iterator[None]:
    """Report the progress of a sweep regularly, from a thread, and once more at the end."""
    done, reader = threading.Event(), Reader(store, record, time_left)
    read: Callable[[], Progress] = reader.read
    if isinstance(observer, Silent):
        read = partial(store.progress, record.id)

    def report() -> None:
        probe, moved, waiting = WriteProbe(store, observer), time.monotonic(), set[tuple[int, str]]()
        seconds = POLL_SECONDS
        while not done.wait(seconds):
            began = time.monotonic()
            probe.check_if_due()
            if time.monotonic() - moved >= CHECKPOINT_SECONDS:
                store.database.checkpoint()
                moved = time.monotonic()
            with suppress(SweepError):  # a busy database is read the next time
                progress = read()
                observer.update(progress)
                now_waiting = {(trial.number, trial.trouble) for trial in progress.running if trial.trouble}
                for number, trouble in sorted(now_waiting - waiting):
                    observer.note(f"warning: trial {number} waits and tries again: {trouble}")
                waiting = now_waiting
            seconds = _interval(time.monotonic() - began)

    thread = threading.Thread(target=report, daemon=True)
    with observer if isinstance(observer, AbstractContextManager) else nullcontext():
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            with suppress(SweepError):
                observer.update(store.progress(record.id))


def _interval(seconds: float) -> float:
    """Return how long to wait before progress is read again, which took that long the last time.

    >>> _interval(0.01), _interval(0.1), _interval(3.0)
    (0.5, 2.0, 5.0)
    """
    return min(LONGEST_POLL, max(POLL_SECONDS, POLL_SHARE * seconds))


class Reader:
    """Reads the progress of a sweep with the curves of the running trials and the time that is left."""

    def __init__(self, store: Store, record: SweepRecord, time_left: TimeLeft | None = None) -> None:
        self._store = store
        self._record = record
        self._time_left = time_left
        self._curves: dict[int, tuple[float, ...]] = {}

    def read(self) -> Progress:
        """Return the progress."""
        progress = self._store.progress(self._record.id)
        running = tuple(self._with_curve(trial, place) for place, trial in enumerate(progress.running))
        self._curves = {trial.number: trial.curve for trial in running}
        left = self._time_left.left(progress) if self._time_left and running else None
        return replace(progress, running=running, left=left)

    def _with_curve(self, trial: RunningTrial, place: int) -> RunningTrial:
        if place >= MOST_CURVES or not trial.epoch:
            return trial
        known = self._curves.get(trial.number, ())
        if len(known) > trial.epoch:  # it has begun again
            known = ()
        if len(known) < trial.epoch:
            metric = self._record.objective.metric
            known += tuple(self._store.values_after(self._record.id, trial.number, metric, len(known)))
        return replace(trial, curve=known)


def noting(items: Iterable[Item], verb: str, observer: Observer) -> Iterator[Item]:
    """Yield trials, and tell the observer how many there were so far, where that takes long."""
    told = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        if time.monotonic() - told >= COUNT_SECONDS:
            observer.note(f"{verb} {number:,} trials")
            told = time.monotonic()


class WriteProbe:
    """Notes when the database becomes unwritable, for which the workers wait, and writable."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self._store = store
        self._observer = observer
        self._checked = time.monotonic()
        self._is_writable = True

    def check_if_due(self) -> None:
        """Check whether the database can be written, if the last check is PROBE_SECONDS ago."""
        if time.monotonic() - self._checked < PROBE_SECONDS:
            return
        was_writable, self._is_writable = self._is_writable, True
        try:
            self._store.database.probe()
        except StoreError as error:
            self._is_writable = False
            if was_writable:
                self._observer.note(f"warning: {error}; the trials wait and try again")
        if self._is_writable and not was_writable:
            self._observer.note("the database can be written again")
        self._checked = time.monotonic()
