"""The report: all tables, with the machine and the versions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from importlib.metadata import version

import psutil

from benchmarks.measurement import PEERS, Table, installed
from sweep.system.environment import environment

DISTRIBUTIONS = PEERS | {"scikit-learn": "scikit-learn"}
"""Name of each peer -> the package that it is installed as."""


def machine() -> dict[str, str]:
    """Describe what everything was measured on and with."""
    about = environment()
    about |= {"cores": str(os.cpu_count()), "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB"}
    about |= {"SQLite": sqlite3.sqlite_version}
    return about | {name: version(DISTRIBUTIONS[name]) for name in installed(PEERS)}


def load_average() -> str:
    """Return how many processes wanted to run at once in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def summary(tables: Sequence[Table]) -> str:
    """Say how many targets are met."""
    verdicts = [cell.target.is_met(cell.value) for table in tables for cell in table.cells if cell.target]
    return f"{sum(verdicts)} of {len(verdicts)} targets are met."


def document(tables: Sequence[Table], target: str, minutes: float, loads: tuple[str, str]) -> str:
    """Return the report, which a target of make has written, as Markdown."""
    head = [
        "# Benchmarks",
        "",
        f"Written by `make {target}` in {minutes:.0f} minutes. A figure's target stands beside it in brackets, with ✓ "
        f"where it is met: {summary(tables)} The load average of the machine was {loads[0]} before and {loads[1]} at "
        "the end: what was there before is other work, which disturbs wall times most.",
        "",
        *(f"* {name}: {value}" for name, value in machine().items()),
        "",
    ]
    return "\n".join(head) + "\n" + "\n".join(table.markdown() for table in tables)
