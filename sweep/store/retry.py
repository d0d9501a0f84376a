"""Trying again while the database is busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sweep.errors import StoreBusy, StoreError
from sweep.system.variables import patience as patience_seconds

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0

Result = TypeVar("Result")


def retry_while_busy(action: Callable[[], Result]) -> Result:
    """Return the result of `action`, called again after growing pauses while the database is busy, full or away.

    Raises:
        StoreError: at once when another try cannot help, and after SWEEP_PATIENCE seconds in any case.
    """
    patience, pause = patience_seconds(), FIRST_PAUSE_SECONDS
    end = time.monotonic() + patience
    while True:
        try:
            return action()
        except StoreBusy as error:
            left = end - time.monotonic()
            if left <= 0:
                raise StoreError(*error.args, f"; that has not changed for {patience:.0f} s") from error
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
