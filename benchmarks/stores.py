"""Writing to the store and reading from it, beside the storages of Optuna and Rustuna."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import sweep
from benchmarks.database import EPOCHS, ROWS, finished_sweep, new_sweep, write_trial
from benchmarks.measurement import (
    Cell,
    Contestant,
    Maker,
    Table,
    Target,
    Tasks,
    contestants,
    in_turn,
    installed,
    median_ratio,
    progress,
)
from benchmarks.peers import optuna, rustuna
from benchmarks.raw_sqlite import floor_tasks
from sweep.store import Store


class Size(NamedTuple):
    """How much is measured."""

    processes: list[int]
    """How many write at once."""
    trials: int
    """That are written in a round of sweep, by all processes together."""
    peer_trials: int
    """That are written in a round of a peer."""
    read: list[int]
    """Trials of the sweeps that are read, from few to many."""
    rounds: int


FULL = Size([1, 2, 8], 64, 16, [100, 10_000, 100_000], rounds=5)
QUICK = Size([1, 2], 20, 4, [100, 500, 5000], rounds=3)

WRITING_NOTE = (
    f"Rows per second of wall time: each trial is claimed, its {EPOCHS} epochs and the untrained network recorded, and "
    "finished, with nothing computed in between; medians of rounds in turn, each with a new database. Workers write "
    "about once a second, so that here a trial's rows go in with its end. The peers' trials have no parameters, and "
    "one value of each epoch is reported; sweep's rows have five. Drawing trials and opening databases do not count. "
    "The floor is raw sqlite3: the rows that sweep has made, in the same tables and as many transactions, by Python's "
    "driver alone; sweep ÷ floor is the ratio of their times, most of which is waiting for the disk, and of their CPU "
    "times. It reads nothing back, of which sweep makes digests."
)
FLOOR = "raw sqlite3"
READING_NOTE = (
    f"Seconds of wall time to open a database and to read from it, for one sweep of {EPOCHS} epochs a trial: the ten "
    "best trials, the frame of all epochs, the list of sweeps. Medians of rounds in turn. Growth: 1 if the time grows "
    "with the number of trials from the last but one to the last."
)
AT_LEAST_RDB, AT_LEAST_LOG = Target(50, at_least=True), Target(10, at_least=True)
"""How often sweep's rows per second should be those of Optuna's storages."""
LONGEST = Target(0.3)
"""Of the best ten of the largest sweep, in seconds."""
GROWTH = Target(1.1)
"""Linear, but for what two measurements of the same differ by."""


class Written(NamedTuple):
    """How fast a round of writing was."""

    rate: float
    """Rows per second of wall time."""
    cpu: float
    """CPU seconds of all writers together."""


class Way(NamedTuple):
    """A way of writing, and how often sweep's rows per second should be its own."""

    name: str
    make: Maker
    many: bool = True
    """Whether it is measured with several processes, too."""
    peer: str = ""
    """Name of the peer that it is of, which may not be installed; nothing for a way of sweep's."""
    target: Target | None = None


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Time writing and reading."""
    yield _writing(size, folder)
    yield _reading(size, folder)


# Writing


def _writing(size: Size, folder: Path) -> Table:
    table = Table("Writing to the store", WRITING_NOTE)
    for processes in size.processes:
        ways = [way for way in _installed() if way.many or processes == 1]
        column = "1 process" if processes == 1 else f"{processes} processes"
        with contestants({(way.name, index): way.make for way in ways for index in range(processes)}) as group:
            writers = {way: [group[way.name, index] for index in range(processes)] for way in ways}
            calls = {
                way.name: partial(_write, each, folder, size.peer_trials if way.peer else size.trials)
                for way, each in writers.items()
            }
            written = in_turn(f"the store, {column} writing", calls, size.rounds)
        _add(table, column, ways, written)
    return table


def _write(writers: Sequence[Contestant], folder: Path, trials: int) -> Written:
    """Let all writers write trials into a new database."""
    path = str(folder / f"{uuid4().hex}.db")
    writers[0].run("create", path, trials)
    for each in writers:
        each.run("open", path)
    for index, each in enumerate(writers):
        each.begin("write", range(index, trials, len(writers)))
    timings = [each.end() for each in writers]
    seconds = max(each.end for each in timings) - min(each.start for each in timings)
    return Written(trials * ROWS / seconds, sum(each.cpu for each in timings))


def _add(table: Table, column: str, ways: Sequence[Way], written: dict[str, list[Written]]) -> None:
    """Add the figures of one number of processes."""
    rates, cpus = ({name: [each[place] for each in results] for name, results in written.items()} for place in (0, 1))
    ours = rates[WAYS[0].name]
    for way in ways:
        table.rows.setdefault(way.name, {})[column] = Cell(statistics.median(rates[way.name]), "rows/s")
    if FLOOR in rates:
        table.rows.setdefault("sweep ÷ floor", {})[column] = Cell(median_ratio(rates[FLOOR], ours))
        cpu = Cell(median_ratio(cpus[WAYS[0].name], cpus[FLOOR]))
        table.rows.setdefault("sweep ÷ floor, CPU time", {})[column] = cpu
    for way in ways:
        if way.peer:
            target = way.target if column == "1 process" else None
            ratio = Cell(median_ratio(ours, rates[way.name]), target=target)
            table.rows.setdefault(f"{WAYS[0].name} ÷ {way.name}", {})[column] = ratio


def _installed() -> list[Way]:
    """Return the ways of sweep, and those of the peers that are installed."""
    return [way for way in WAYS if installed({way.peer: 0})]


def writer_tasks(every: int | None = None) -> Tasks:
    """Return what a process of ours does with a store; see `database.write_trial`."""
    opened: list[tuple[Store, int]] = []

    def open_(path: str) -> None:
        store = Store(path)
        opened[:] = [(store, store.sweep().id)]

    def write(trials: range) -> None:
        for number in trials:
            write_trial(*opened[0], number, every)

    return {"create": lambda path, trials: new_sweep(Path(path), trials), "open": open_, "write": write}


WAYS = [
    Way("sweep, as workers write", writer_tasks),
    Way("sweep, a write every 10 epochs", partial(writer_tasks, 10), many=False),
    Way("sweep, a write every epoch", partial(writer_tasks, 1), many=False),
    Way(FLOOR, floor_tasks),
    Way("Optuna's RDBStorage (SQLite)", partial(optuna.storage_tasks, "rdb"), peer="Optuna", target=AT_LEAST_RDB),
    Way("Optuna's JournalStorage (file)", partial(optuna.storage_tasks, "journal"), peer="Optuna", target=AT_LEAST_LOG),
    Way("Rustuna's SQLite storage", rustuna.storage_tasks, peer="Rustuna"),
]


# Reading


def _reading(size: Size, folder: Path) -> Table:
    table = Table("Reading from the store", READING_NOTE)
    with contestants({"": reader_tasks}) as group:
        for trials in size.read:
            path = folder / f"{trials}.db"
            progress.log(f"the store: making a sweep of {trials:,} trials")
            finished_sweep(path, trials)
            title = f"the store, reading {trials:,} trials"
            table.rows[f"{trials:,} trials"] = _read(title, group[""], path, size.rounds)
            path.unlink()
    before, largest = list(table.rows.values())[-2:]
    largest["best 10"] = largest["best 10"]._replace(target=LONGEST)
    more = size.read[-1] / size.read[-2]
    growth = {column: Cell(cell.value / before[column].value / more, target=GROWTH) for column, cell in largest.items()}
    table.rows |= _reading_peers(size, folder)
    table.rows[f"growth from {size.read[-2]:,} to {size.read[-1]:,} trials"] = growth
    return table


def _reading_peers(size: Size, folder: Path) -> dict[str, dict[str, Cell]]:
    """Read the smallest sweep from Optuna's storages."""
    rows = {}
    trials = size.read[0]
    for way in _installed():
        if way.peer:
            path, row = folder / f"{uuid4().hex}.db", f"{trials:,} trials, {way.name}"
            with contestants({"": way.make}) as group:
                group[""].run("create", str(path), trials)
                group[""].run("open", str(path))
                group[""].run("write", range(trials))
                rows[row] = _read(f"{way.name}, reading", group[""], path, size.rounds)
    return rows


def _read(title: str, reader: Contestant, path: Path, rounds: int) -> dict[str, Cell]:
    """Return the figures of one row."""
    calls = {task: partial(reader.run, task, str(path)) for task in ("best 10", "list", "epochs")}
    timings = in_turn(title, calls, rounds)
    return {task: Cell(statistics.median(each.wall for each in results), "s") for task, results in timings.items()}


def reader_tasks() -> Tasks:
    """Return what is read: the leaderboard, the frame of all epochs, the list of sweeps."""
    tasks: dict[str, Any] = {
        "best 10": lambda path: len(sweep.load(db=path).best(10)),
        "epochs": lambda path: len(sweep.load(db=path).epochs()),
        "list": lambda path: len(Store(path).sweeps()),
    }
    return tasks
