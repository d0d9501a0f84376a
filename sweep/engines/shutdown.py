"""Shutting a sweep down: gracefully at the first signal that asks this process to end, at once at the second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType

from sweep.system.signals import REPEAT_SECONDS, handled

GRACE_SECONDS = 1.5
"""How long workers may write their last epochs before they are killed."""


def _nothing() -> None:
    """Do nothing; for engines that look at `Shutdown.is_requested` themselves."""


class Shutdown:
    """The request to stop a sweep; `terminate` asks its workers to end, `kill` ends them."""

    def __init__(self, terminate: Callable[[], None] = _nothing, kill: Callable[[], None] = _nothing) -> None:
        self._terminate = terminate
        self._kill = kill
        self.is_requested = False
        """Whether the sweep is being stopped."""
        self.signal = 0
        """Number of the signal that requested it, 0 if it was not a signal."""
        self._signalled = 0.0

    def request(self) -> None:
        """Ask the workers to end, and kill those that run longer than GRACE_SECONDS."""
        if self.is_requested:
            return
        self.is_requested = True
        self._terminate()
        timer = threading.Timer(GRACE_SECONDS, self._kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Kill the workers at once."""
        self.is_requested = True
        self._kill()

    def on_signals(self) -> AbstractContextManager[None]:
        """Request the shutdown on SIGINT, SIGTERM and SIGHUP within this context."""
        return handled(self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.signal:
            self.signal, self._signalled = number, now
            self.request()
        elif now - self._signalled >= REPEAT_SECONDS:
            self.kill()
