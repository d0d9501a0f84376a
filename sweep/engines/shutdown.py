"""Shutting a sweep down: gracefully at the first SIGINT or SIGTERM, at once at the second."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 2.0
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

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Request the shutdown on SIGINT and SIGTERM within this context.

        It has no effect outside the main thread, which alone gets signals.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            self.kill()
        else:
            self.signal = number
            self.request()
