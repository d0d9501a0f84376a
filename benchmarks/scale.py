"""A million trials: what is read of a sweep of many trials, and drawing and storing such a sweep."""

from __future__ import annotations

import gc
import re
import statistics
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import sweep
from benchmarks.database import finished_sweep, new_sweep
from benchmarks.measurement import Cell, Contestant, Table, Target, Tasks, contestants, in_turn, progress
from sweep.cli.entry import GC_THRESHOLD
from sweep.store import Store

EPOCHS = 10
"""Of each trial, besides the untrained network."""
MEGABYTE = 1e6
HAS_PEAK = sys.platform == "linux"
"""Whether the system tells how much memory a process has had at most."""


class Size(NamedTuple):
    """How much is measured."""

    trials: int
    """Of the sweep that is read."""
    drawn: int
    """Trials that are drawn and stored."""
    rounds: int


FULL = Size(1_000_000, 100_000, rounds=5)
QUICK = Size(20_000, 2_000, rounds=3)

CHUNK = 100_000
"""Rows of a frame where all epochs are read by chunks."""
AT_ONCE = Target(0.1)
"""Seconds for what somebody waits for."""
READING_NOTE = (
    "Seconds of wall time to open a database of one sweep and to read from it: the ten best trials, the list of "
    f"sweeps, how far the sweep is; medians of rounds in turn. Each trial has {EPOCHS} epochs and the untrained "
    f"network. All epochs are read once as one frame, and once by chunks of {CHUNK:,} rows; the memory is how far a "
    "process of its own grows beyond what it takes before, which only Linux tells."
)
DRAWING_NOTE = (
    "Trials of mnist-widths drawn from the experiment file and stored, queued, in a new database, in a process of its "
    "own: CPU seconds, and its resident memory at its peak, with all that is imported. Only Linux tells of memory."
)
LONGEST, LARGEST = Target(10), Target(300)
"""Seconds and megabytes of drawing and storing."""


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Read a large sweep, then draw and store one."""
    yield _reading(size, folder / "large.db")
    yield _drawing(size, folder / "drawn.db")


def _reading(size: Size, path: Path) -> Table:
    table = Table(f"Reading a sweep of {size.trials:,} trials", READING_NOTE)
    progress.log(f"scale: making a sweep of {size.trials:,} trials")
    finished_sweep(path, size.trials, epochs=EPOCHS)
    with contestants({"": reader_tasks}) as group:
        calls = {name: partial(group[""].run, name, str(path)) for name in ("best 10", "list", "progress")}
        for name, timings in in_turn("scale: reading", calls, size.rounds).items():
            table.add(name, Cell(statistics.median(each.wall for each in timings), "s", AT_ONCE))
    for name in ("all epochs", "all epochs by chunks"):
        with contestants({"": reader_tasks}) as group:  # a new process, since its peak of memory never falls
            _add_epochs(table, name, group[""], path)
    path.unlink()
    return table


def _add_epochs(table: Table, name: str, reader: Contestant, path: Path) -> None:
    """Add how long one reading of all epochs takes, and by how much the process grows."""
    reader.run("best 10", str(path))  # so that all that it needs is imported
    before = reader.run("peak").value
    table.add(name, Cell(reader.run(name, str(path)).wall, "s"))
    if HAS_PEAK:
        table.add(f"{name}: memory", Cell(reader.run("peak").value - before, "MB"))


def _drawing(size: Size, path: Path) -> Table:
    table = Table(f"Drawing and storing {size.drawn:,} trials", DRAWING_NOTE)
    with contestants({"": drawing_tasks}) as group:
        timing = group[""].run("draw", str(path), size.drawn)
        table.add("CPU time", Cell(timing.cpu, "s", LONGEST))
        if HAS_PEAK:
            table.add("memory at its peak", Cell(group[""].run("peak").value, "MB", LARGEST))
    path.unlink()
    return table


def reader_tasks() -> Tasks:
    """Return what is read of the newest sweep, and how much memory that has taken."""

    def far(path: str) -> int:
        store = Store(path)
        return len(store.progress(store.sweep().id).counts)

    return {
        "best 10": lambda path: len(sweep.load(db=path).best(10)),
        "list": lambda path: len(Store(path).sweeps()),
        "progress": far,
        "all epochs": lambda path: len(sweep.load(db=path).epochs()),
        "all epochs by chunks": lambda path: sum(map(len, sweep.load(db=path).epochs(chunk=CHUNK))),
        "peak": peak,
    }


def drawing_tasks() -> Tasks:
    """Return drawing and storing; garbage is collected as seldom as by the command."""
    gc.set_threshold(GC_THRESHOLD)
    return {"draw": lambda path, trials: new_sweep(Path(path), trials), "peak": peak}


def peak() -> float:
    """Return the largest resident memory that this process has had so far, in megabytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 / MEGABYTE if found else 0.0
