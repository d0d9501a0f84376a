"""Who trains a trial: processes by number and start, since numbers are used again, and whether they still live."""

from __future__ import annotations

import os
import socket
from functools import cache

import psutil

from sweep.system.environment import seconds

SILENT_SECONDS = 120.0
"""A trial whose owner has not been heard of for longer is taken from it; SWEEP_SILENCE gives another time."""
SAME_START_SECONDS = 1.0
"""Starts that differ by less are one: they are told relative to a clock that may be set right."""


def owner(parent: int | None = None) -> str:
    """Return the name under which this process claims trials: its host and itself with its start.

    With the parent that it is to end with, that one stands there too.
    """
    named = [_named(process) for process in (os.getpid(), parent) if process is not None]
    return ":".join([socket.gethostname(), *named])


def process_of(owner: str) -> tuple[str, int]:
    """Return the host and the number of the process of an owner; of what is no owner, the number 0."""
    host, _, processes = owner.partition(":")
    number = processes.partition("@")[0]
    return host, int(number) if number.isdecimal() else 0


def is_alive(owner: str) -> bool:
    """Tell whether an owner of a trial still runs; of one on another host it is assumed.

    A worker that has lost the parent it is to end with is as good as gone, and what it still writes is refused.
    """
    host, *processes = owner.split(":")
    if host != socket.gethostname():
        return bool(processes)
    return bool(processes) and all(map(_runs, processes))


def silence_limit() -> float:
    """Return after how many seconds without a sign of life an owner counts as dead."""
    return seconds("SWEEP_SILENCE", SILENT_SECONDS)


def is_lost(owner: str, silent_seconds: float) -> bool:
    """Tell whether a trial has lost its owner: the process is gone on this host, or silent for too long on any."""
    return silent_seconds > silence_limit() or not is_alive(owner)


@cache
def _named(process: int) -> str:
    try:
        return f"{process}@{psutil.Process(process).create_time():.2f}"
    except psutil.Error:  # a parent that is gone already, or out of sight
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
