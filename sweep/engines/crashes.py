"""Why a worker process has died."""

from __future__ import annotations

import signal
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

MEMORY_COUNTER = Path("/proc/vmstat")
PATIENCE_SECONDS = 5.0
"""How long to wait for the exit code of a process that is known to be dead."""


def killed_for_memory() -> int:
    """Return how many processes the system has killed for want of memory since it was started; 0 if it cannot tell."""
    with suppress(OSError, ValueError):
        for line in MEMORY_COUNTER.read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def cause(process: BaseProcess, memory_kills_before: int) -> str:
    """Say what a process has died of: its exit code, a signal, or that there was no memory left."""
    process.join(PATIENCE_SECONDS)
    code = process.exitcode
    if code is None:
        return "it is gone"
    if code >= 0:
        return f"it ended itself with exit code {code}"
    name = signal.Signals(-code).name
    if -code == signal.SIGKILL and killed_for_memory() > memory_kills_before:
        return f"out of memory, for which the system killed it ({name})"
    return f"it was killed by {name}"
