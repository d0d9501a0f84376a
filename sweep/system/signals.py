"""Signals that ask a process to end: Ctrl-C (SIGINT), a service's SIGTERM, and the SIGHUP of a closed terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that ask a process to end; Windows has no SIGHUP."""
EXIT_CODE = 128
"""The exit code of a command that a signal has ended is this and the signal's number."""
REPEAT_SECONDS = 0.5
"""A signal so soon after another is the same one: a closed terminal and its shell, or `timeout`, send it twice."""


class Signalled(BaseException):
    """A signal asks this process to end, and nothing has yet been told of it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = EXIT_CODE + number


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the signals that ask this process to end within this context.

    It has no effect outside the main thread, which alone gets signals. SIGHUP stays ignored where it is, as by `nohup`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.getsignal(number) for number in ENDING}
    ours = [number for number, before in old.items() if not _is_left_alone(number, before)]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, old[number])


def _is_left_alone(number: int, handler: object) -> bool:
    """Whether a signal is ignored on purpose, or handled by what is not Python and could not be restored."""
    return handler is None or (handler is signal.SIG_IGN and number not in (signal.SIGINT, signal.SIGTERM))


@contextmanager
def deferred() -> Iterator[None]:
    """Let signals wait for the end of this context, and block them in processes and threads that are started in it."""
    came: list[int] = []
    try:
        with handled(lambda number, frame: came.append(number)), _blocked():
            yield
    finally:
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


@contextmanager
def _blocked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unblock() -> None:
    """Let this thread of a process that was started with signals blocked get them again."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
