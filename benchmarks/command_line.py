"""How long commands take to answer, and how much memory workers take."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psutil

from benchmarks import sweeps
from benchmarks.data import load
from benchmarks.database import EXPERIMENT, finished_sweep
from benchmarks.measurement import Cell, Table, Target, command_cpu, in_turn, median_ratio, progress, timed_command


class Size(NamedTuple):
    """How much is measured."""

    trials: int
    """Of the sweep that is listed and ranked."""
    workers: int
    samples: int | None
    """Of the training part; None for all."""
    rounds: int


FULL = Size(trials=100, workers=8, samples=None, rounds=9)
QUICK = Size(trials=20, workers=2, samples=6000, rounds=3)

COMMANDS = {"--help": Target(0.3), "list": None, "leaderboard": Target(0.8)}
"""Command -> what it should take, in seconds."""
EPOCHS = 3
"""Of the trials during which memory is measured."""
SAMPLING_SECONDS = 0.25
OWN_MEGABYTES = 120
"""What a worker may take beside the data."""
MEGABYTE = 1e6

IMPORTS = {"list": ["typer", "rich.table", "sqlalchemy.dialects.sqlite"]}
IMPORTS["leaderboard"] = [*IMPORTS["list"], "pandas"]
"""Command -> the packages of others that it cannot do without."""
TINY = ["digits-quickstart", "--set", "epochs=1", "--set", "network.hidden=[4]", "--quiet"]
FEW, MANY = 1, 3
"""Workers, each with one trial, whose difference tells what a worker takes."""

ANSWERS_NOTE = (
    "Seconds of wall time of a whole command, with a database of one sweep of {trials} trials; medians of {rounds} "
    "rounds in turn. The floor imports the packages of others that the command cannot do without, and ends."
)
STARTING_NOTE = (
    "CPU seconds of all processes of `sweep run` with tiny trials of one epoch of digits-quickstart, one for each "
    "worker; medians of {rounds} rounds in turn. What a further worker takes includes its trial, some milliseconds."
)
MEMORY_NOTE = (
    f"Of the worker processes of one sweep of {EXPERIMENT} on {{data}}, a trial of {EPOCHS} epochs each, at the moment "
    "at which they take most. Proportional: pages that several processes share count for each with its part, so that "
    "the sum is what they take together; it should be at most one copy of the data (uint8, mapped), "
    f"{{copy:.0f}} MB, and {OWN_MEGABYTES} MB for each worker. At its peak, a worker's resident memory includes all "
    "pages of the data that it has looked at. Needs Linux, which alone tells the proportional size."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Time answers, and measure memory."""
    yield _answers(size, folder)
    yield _starting(size, folder)
    if sys.platform == "linux":
        yield _memory(size, folder)


def _answers(size: Size, folder: Path) -> Table:
    path = folder / "answers.db"
    finished_sweep(path, size.trials)
    table = Table("Answers of the command line", ANSWERS_NOTE.format(**size._asdict()))
    options = {"--help": [], "list": ["--db", str(path)], "leaderboard": ["--db", str(path)]}
    calls = {command: partial(timed_command, "sweep", command, *options[command]) for command in COMMANDS}
    calls |= {
        f"floor of {command}": partial(timed_command, "timeit", "-n1", "-r1", f"import {', '.join(packages)}")
        for command, packages in IMPORTS.items()
    }
    rounds = in_turn("answers of the command line", calls, size.rounds)
    seconds = {name: [wall for wall, _ in results] for name, results in rounds.items()}
    for command, target in COMMANDS.items():
        table.add(f"sweep {command}", Cell(statistics.median(seconds[command]), "s", target))
    for command in IMPORTS:
        ratio = median_ratio(seconds[command], seconds[f"floor of {command}"])
        table.add(f"sweep {command} ÷ floor", Cell(ratio))
    return table


def _starting(size: Size, folder: Path) -> Table:
    def start(workers: int) -> float:
        path = folder / f"{uuid4().hex}.db"
        options = ["--trials", str(workers), "--workers", str(workers), "--db", str(path)]
        return command_cpu("-m", "sweep", "run", *TINY, *options)

    calls = {workers: partial(start, workers) for workers in (FEW, MANY)}
    rounds = in_turn("the start of a sweep", calls, size.rounds)
    further = [(many - few) / (MANY - FEW) for few, many in zip(rounds[FEW], rounds[MANY], strict=True)]
    table = Table("The start of a sweep", STARTING_NOTE.format(**size._asdict()))
    table.add("sweep run, one worker", Cell(statistics.median(rounds[FEW]), "s"))
    table.add("each further worker", Cell(statistics.median(further), "s", Target(1)))
    return table


# Memory


class Memory(NamedTuple):
    """Of all workers at one moment, in bytes."""

    workers: int
    proportional: int
    """All together."""
    private: int
    """Of the one that has most to itself."""
    peak: int
    """Of the one whose resident memory has been largest so far."""


def _memory(size: Size, folder: Path) -> Table:
    sweeps.prepare(folder, size.samples)
    dataset = load("mnist", size.samples)
    copy = sum(part.x.nbytes + part.t.nbytes for part in dataset.parts.values()) / MEGABYTE
    command = sweeps.command(folder, folder / "memory.db", size.workers, EPOCHS, size.workers)
    with progress.status("memory of workers"):
        seen = list(_watched(command))
    together = max(seen, key=lambda memory: memory.proportional)
    if together.workers != size.workers:
        raise RuntimeError(f"{together.workers} workers were seen, not {size.workers}")
    table = Table("Memory of workers", MEMORY_NOTE.format(data=dataset.name, copy=copy))
    table.add("a worker at its peak", Cell(max(memory.peak for memory in seen) / MEGABYTE, "MB"))
    table.add("of it to itself", Cell(together.private / MEGABYTE, "MB"))
    allowed = Target(copy + size.workers * OWN_MEGABYTES)
    table.add(f"{size.workers} workers together", Cell(together.proportional / MEGABYTE, "MB", allowed))
    each = (together.proportional / MEGABYTE - copy) / size.workers
    table.add("of it each, beside one copy of the data", Cell(each, "MB", Target(OWN_MEGABYTES)))
    return table


def _watched(command: list[str]) -> Iterator[Memory]:
    """Run a command and look at its workers now and then."""
    with subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess, FileNotFoundError):  # one has just ended
                if workers := _workers(process.pid):
                    yield _of(workers)
            time.sleep(SAMPLING_SECONDS)
        said = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said}")


def _workers(parent: int) -> list[psutil.Process]:
    """Return the processes in which trials are trained."""
    children = psutil.Process(parent).children(recursive=True)
    return [child for child in children if any("popen_loky" in part for part in child.cmdline())]


def _of(workers: list[psutil.Process]) -> Memory:
    sizes = [worker.memory_full_info() for worker in workers]
    return Memory(len(sizes), sum(s.pss for s in sizes), max(s.uss for s in sizes), max(map(_peak, workers)))


def _peak(process: psutil.Process) -> int:
    """Return the largest resident memory that a process has had so far, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return 1024 * int(found[1]) if found else 0
