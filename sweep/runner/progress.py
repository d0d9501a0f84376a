"""Reporting the progress of a sweep to its observer, and whether the database can be written."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from sweep.errors import StoreError, SweepError
from sweep.observer import Observer
from sweep.store import Store

POLL_SECONDS = 0.5
"""How often progress is read from the store."""
PROBE_SECONDS = 5.0
"""How often it is tried whether the database can be written."""


@contextlib.contextmanager
def reporting(store: Store, sweep_id: int, observer: Observer) -> Iterator[None]:
    """Tell the observer about the progress now and then, from a thread of its own, and once more at the end."""
    done = threading.Event()

    def report() -> None:
        probe = Probe(store, observer)
        while not done.wait(POLL_SECONDS):
            probe.look()
            with contextlib.suppress(SweepError):  # a reader that is kept waiting tries again
                observer.update(store.progress(sweep_id))

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with contextlib.suppress(SweepError):
            observer.update(store.progress(sweep_id))


class Probe:
    """Tells the observer when the database can no longer be written, for which the workers wait, and when it can."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self._store = store
        self._observer = observer
        self._looked = time.monotonic()
        self._is_well = True

    def look(self) -> None:
        """Look whether the database can be written, if the last look was a while ago."""
        if time.monotonic() - self._looked < PROBE_SECONDS:
            return
        was_well, self._is_well = self._is_well, True
        try:
            self._store.database.probe()
        except StoreError as error:
            self._is_well = False
            if was_well:
                self._observer.note(f"warning: {error}; the trials wait and try again")
        if self._is_well and not was_well:
            self._observer.note("the database can be written again")
        self._looked = time.monotonic()
