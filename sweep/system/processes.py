"""The processes that own trials, and whether they still run.

They are known by number and start time, since numbers are used again.
"""

from __future__ import annotations

import os
import socket
from functools import cache

import psutil

from sweep.system.variables import silence_timeout

SAME_START_SECONDS = 1.0
"""Start times that differ by less are the same: they are relative to a clock that may be adjusted."""


def owner(parent: int | None = None) -> str:
    """Return the name under which this process claims trials: host, number and start time.

    Args:
        parent: number of the process that this one ends with, which becomes a part of the name.
    """
    named = [_named(process) for process in (os.getpid(), parent) if process is not None]
    return ":".join([socket.gethostname(), *named])


def process_of(owner: str) -> tuple[str, int]:
    """Return the host and the process number of an owner; 0 where it does not name one."""
    host, _, processes = owner.partition(":")
    number = processes.partition("@")[0]
    return host, int(number) if number.isdecimal() else 0


def is_alive(owner: str) -> bool:
    """Whether the owner of a trial still runs; on another host, it is assumed to.

    A worker without the parent that it ends with counts as gone; what it still writes is refused.
    """
    host, *processes = owner.split(":")
    if host != socket.gethostname():
        return bool(processes)
    return bool(processes) and all(map(_runs, processes))


def silence_limit() -> float:
    """Return after how many seconds without a heartbeat an owner counts as lost."""
    return silence_timeout()


def is_lost(owner: str, silent_seconds: float) -> bool:
    """Whether a trial has lost its owner.

    The owner is a process of this host that is gone, or it was silent for too long on any host.
    """
    return silent_seconds > silence_timeout() or not is_alive(owner)


@cache
def _named(process: int) -> str:
    try:
        return f"{process}@{psutil.Process(process).create_time():.2f}"
    except psutil.Error:  # a parent that has ended already, or cannot be seen
        return str(process)


def _runs(named: str) -> bool:
    number, _, start = named.partition("@")
    try:
        process = psutil.Process(int(number))
        same = not start or abs(process.create_time() - float(start)) < SAME_START_SECONDS
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.AccessDenied:
        return True  # it runs, as another user
