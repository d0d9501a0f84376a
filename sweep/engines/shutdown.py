"""Stopping a sweep: gently at the first SIGINT or SIGTERM, at once at the second."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 2.0
"""How long workers have to write their last epochs when the sweep is stopped, before they are killed."""


class Switch:
    """Turned once, it stops a sweep; `ask` asks the workers to end, `kill` makes them."""

    def __init__(self, ask: Callable[[], None], kill: Callable[[], None]) -> None:
        self._ask = ask
        self._kill = kill
        self.is_on = False
        """Whether the sweep is being stopped."""
        self.signal = 0
        """Number of the signal that stopped it, if it was one."""

    def turn(self) -> None:
        """Ask the workers to end, and kill them if they take too long."""
        if self.is_on:
            return
        self.is_on = True
        self._ask()
        timer = threading.Timer(GRACE_SECONDS, self._kill)
        timer.daemon = True
        timer.start()

    def turn_at_once(self) -> None:
        """Kill the workers."""
        self.is_on = True
        self._kill()

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Turn the switch on signals; only the main thread can do that."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            self.turn_at_once()
        else:
            self.signal = number
            self.turn()
