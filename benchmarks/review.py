"""The verdicts on a sweep: planted faults found, false alarms, and how long a review takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import sweep
from benchmarks.database import finished_sweep
from benchmarks.measurement import Cell, Table, Target, progress
from benchmarks.planted_faults import EPOCHS, EXAMPLES, FAULTS, planted
from sweep.analysis.review import JUDGES


class Size(NamedTuple):
    """How much is measured."""

    faulty: int
    """Sweeps with each fault."""
    sound: int
    """Sweeps without any."""
    trials: Sequence[int]
    """Of the sweeps, in turn."""
    read: Sequence[tuple[int, float]]
    """Trials of the databases that are reviewed, with the seconds that it may take."""


FULL = Size(20, 200, (100, 200), ((100, 5.0), (2_000, 30.0)))
QUICK = Size(2, 5, (100,), ((100, 5.0),))
FOUND, FALSE = Target(0.95, at_least=True), Target(0.05)
NOTE = (
    "Sweeps of {trials} trials of " + f"{EPOCHS} epochs on {EXAMPLES:,} examples, made of exponential learning curves "
    "with jitter, four numbers and a category. Found: share of {faulty} sweeps with a planted fault that the verdict "
    "names; false alarms: share of {sound} sweeps without any fault; not judged: of the same, where it says why not."
)
TIME_NOTE = f"Seconds of wall time to read a finished sweep of {EPOCHS} epochs a trial and to reach all verdicts."


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Measure both in turn."""
    yield _faults_table(size)
    yield _times_table(size, folder)


def _faults_table(size: Size) -> Table:
    trials = ", ".join(map(str, size.trials))
    table = Table("Planted faults", NOTE.format(trials=trials, faulty=size.faulty, sound=size.sound))
    with progress.status("sweeps without a fault"):
        sound = [planted(seed, _turn(size, seed)) for seed in range(size.sound)]
    for fault in FAULTS:
        with progress.status(fault):
            faulty = (planted(seed, _turn(size, seed), fault) for seed in range(1000, 1000 + size.faulty))
            found = [JUDGES[fault](each).passed for each in faulty]
            alarms = [JUDGES[fault](each).passed for each in sound]
        table.rows[fault] = {
            "found": Cell(found.count(False) / len(found), target=FOUND),
            "false alarms": Cell(alarms.count(False) / len(alarms), target=FALSE),
            "not judged": Cell(alarms.count(None) / len(alarms)),
        }
    return table


def _turn(size: Size, seed: int) -> int:
    """Return the number of trials of a sweep."""
    return size.trials[seed % len(size.trials)]


def _times_table(size: Size, folder: Path) -> Table:
    table = Table("Time of a review", TIME_NOTE)
    for trials, most in size.read:
        path = folder / f"review-{trials}.db"
        finished_sweep(path, trials)
        results = sweep.load(db=str(path))
        began = time.perf_counter()
        results.review()
        table.rows[f"{trials:,} trials"] = {"seconds": Cell(time.perf_counter() - began, "s", Target(most))}
    return table
