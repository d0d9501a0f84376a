"""Reporting to the observer: progress, and whether the database can be written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from sweep.errors import StoreError, SweepError
from sweep.observer import Observer
from sweep.store import Store

POLL_SECONDS = 0.5
"""How often progress is read from the store."""
PROBE_SECONDS = 5.0
"""How often it is checked whether the database can be written."""
Item = TypeVar("Item")
COUNT_SECONDS = 2.0
"""How often it is told how many trials are drawn."""
CHECKPOINT_SECONDS = 60.0
"""How often the log of a SQLite database is moved into its file."""


@contextmanager
def reporting(store: Store, sweep_id: int, observer: Observer) -> Iterator[None]:
    """Report the progress of a sweep regularly, from a thread, and once more at the end."""
    done = threading.Event()

    def report() -> None:
        probe, moved, waiting = WriteProbe(store, observer), time.monotonic(), set[tuple[int, str]]()
        while not done.wait(POLL_SECONDS):
            probe.check_if_due()
            if time.monotonic() - moved >= CHECKPOINT_SECONDS:
                store.database.checkpoint()
                moved = time.monotonic()
            with suppress(SweepError):  # a busy database is read the next time
                progress = store.progress(sweep_id)
                observer.update(progress)
                now_waiting = {(trial.number, trial.trouble) for trial in progress.running if trial.trouble}
                for number, trouble in sorted(now_waiting - waiting):
                    observer.note(f"warning: trial {number} waits and tries again: {trouble}")
                waiting = now_waiting

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(SweepError):
            observer.update(store.progress(sweep_id))


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
