"""Trying again while the database is busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sweep.errors import StoreBusy, StoreError, StoreFull
from sweep.store.connection import BUSY_SECONDS
from sweep.system.variables import patience as patience_seconds

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0

Result = TypeVar("Result")


def retry_while_busy(action: Callable[[], Result], is_patient: bool = True) -> Result:
    """Return the result of `action`, called again after growing pauses while the database is busy, full or away.

    Args:
        action: what is done.
        is_patient: False for commands, for which somebody waits: they end as soon as the disk is full, and after
            BUSY_SECONDS where the database is locked.

    Raises:
        StoreError: at once when another try cannot help, and after SWEEP_PATIENCE seconds in any case.
    """
    patience, pause = patience_seconds(), FIRST_PAUSE_SECONDS
    if not is_patient:
        patience = min(patience, BUSY_SECONDS)
    end = time.monotonic() + patience
    while True:
        try:
            return action()
        except StoreBusy as error:
            left = end - time.monotonic()
            if not is_patient and (left <= pause or isinstance(error, StoreFull)):
                raise
            if left <= 0:
                first, *others = error.args
                raise StoreError(first, f"; that has not changed for {patience:.0f} s", *others) from error
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
