"""The process that trains: its signals, the watchdog that ends it with its parent, and the runs it shall stop."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sweep.system.environment import one_blas_thread
from sweep.system.processes import owner
from sweep.system.signals import ENDING, unblock

WATCH_SECONDS = 0.5
"""How often a worker checks whether its parent still runs."""


class Interrupted(BaseException):
    """The sweep is being stopped: leave the trial as it is."""


_parent: int | None = None
"""The parent process that this one ends with, if there is one."""


def start_worker(parent: int) -> None:
    """Prepare a worker process: one BLAS thread, stopped by SIGTERM between epochs, ended with its parent.

    Ctrl-C and a closed terminal reach the whole group of processes; there the parent decides.
    """
    global _parent  # noqa: PLW0603 (a process has one parent)
    _parent = parent
    for number in ENDING:
        signal.signal(number, _interrupt if number == signal.SIGTERM else signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    one_blas_thread()
    unblock()  # they are blocked while a worker starts


def ready() -> int:
    """Return the number of this process once it has imported all that training needs.

    Imports make many objects and no garbage: to search them for some takes a tenth of their time.
    """
    gc.disable()
    import sweep.trial.worker  # noqa: F401

    gc.freeze()
    gc.enable()
    return os.getpid()


def worker_owner() -> str:
    """Return the name under which this process claims trials; with its parent's, if it ends with one."""
    return owner(_parent)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


_is_interruptible = threading.Event()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM raise Interrupted in a worker process, once; a second signal must not disturb the last write."""
    _is_interruptible.set()
    try:
        yield
    finally:
        _is_interruptible.clear()


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _is_interruptible.is_set():
        _is_interruptible.clear()
        raise Interrupted


_stopped_runs: set[str] = set()


def stop_run(run: str) -> None:
    """Let the trials of a run that this process trains end as interrupted after their current epoch."""
    _stopped_runs.add(run)


def is_stopped(run: str) -> bool:
    """Whether a run of a sweep shall stop."""
    return run in _stopped_runs
