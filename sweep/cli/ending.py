"""How a command ends when a signal asks it to: at once or after a few seconds, with one line and no traceback.

SIGINT, SIGTERM and SIGHUP raise Signalled in the main thread, except while a sweep trains, which ends by itself. What
does not end in time, such as a wait for a database that another program has locked, is left as it is: what is stored is
whole, and workers end with their parent.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from sweep.system.signals import ENDING, EXIT_CODE, REPEAT_SECONDS, Signalled, handled

FORCED_SECONDS = 2.4
"""How long a command may take to end by itself after a signal."""
AGAIN_SECONDS = 0.02
"""How long a signal waits for the end of an import before it is looked at again."""
SHOW_CURSOR = b"\r\x1b[K\x1b[?25h"
"""What makes a terminal show the cursor again, which bars hide."""


_LINES = ["stopped"]
"""What is said by a command that a signal stops; the last one holds."""


def line() -> str:
    """Return what a command says now that a signal stops."""
    return _LINES[-1]


@contextmanager
def saying(line: str) -> Iterator[None]:
    """Within this context a command that does not end by itself says this."""
    _LINES.append(line)
    try:
        yield
    finally:
        _LINES.pop()


@contextmanager
def ending_at_signals() -> Iterator[Handler]:
    """End the command within seconds of a signal that comes in this context; yield who knows whether one came.

    Raises:
        Signalled: at the first signal, wherever the main thread is.
    """
    hook, handler = sys.unraisablehook, Handler()
    try:
        with _Watch().running(), handled(handler):
            yield handler
    finally:
        sys.unraisablehook = hook
        if logging := sys.modules.get("logging"):
            logging.disable(logging.NOTSET)


def end_at_signals() -> None:
    """Let signals end this process at once from now on, since nothing is left to do or to say."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: os._exit(EXIT_CODE + number))


class Handler:
    """Raises Signalled at the first signal, once no import is under way, and ends the process at a later one."""

    def __init__(self) -> None:
        self.exit_code = 0
        """That of a command which a signal has stopped; 0 as long as none has come."""
        self._first = 0.0
        self._is_sent_again = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now, is_sent_again = time.monotonic(), self._is_sent_again
        self._is_sent_again = False
        if not self.exit_code:
            self.exit_code, self._first, is_sent_again = EXIT_CODE + number, now, True
            _be_quiet()
        if is_sent_again:
            if not _imports(frame):
                _be_quiet()  # once more: logging may have been imported since
                raise Signalled(number)
            timer = threading.Timer(AGAIN_SECONDS, self._send_again, (number,))
            timer.daemon = True
            timer.start()
        elif now - self._first >= REPEAT_SECONDS:
            _leave(number)

    def _send_again(self, number: int) -> None:
        self._is_sent_again = True
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _be_quiet() -> None:
    """Say nothing of Signalled where Python can only print it, or a library logs what it raises again."""
    sys.unraisablehook = lambda unraisable: None
    if logging := sys.modules.get("logging"):  # else nobody has logged anything
        logging.disable()


def _imports(frame: FrameType | None) -> bool:
    """Whether an import is under way, in which a module written in C may lose an exception."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


class _Watch:
    """A thread that hears of signals though the main thread is in a function of C, and ends what takes too long."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch within this context."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, args=(reading,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            self._ended.set()
            with suppress(BlockingIOError):  # it is full of what the thread has to read
                os.write(writing, b"\0")
            thread.join()
            os.close(reading)
            os.close(writing)

    def _watch(self, reading: int) -> None:
        while not self._ended.is_set():
            (number,) = os.read(reading, 1)
            if number in ENDING and not self._ended.wait(FORCED_SECONDS):
                _leave(number)


def _leave(number: int) -> NoReturn:
    """End this process at once; what others write to the streams meanwhile does not stop it."""
    with suppress(OSError):
        os.write(2, (SHOW_CURSOR if os.isatty(2) else b"") + f"{line()}\n".encode())
    os._exit(EXIT_CODE + number)
