"""How things are timed and shown: contestants in processes of their own, in turn; medians; tables with targets."""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeVar

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from sweep.system.environment import BLAS_THREADS

Tasks = Mapping[str, Callable[..., Any]]
Maker = Callable[..., Tasks]
Result = TypeVar("Result")
Key = TypeVar("Key")

PEERS = {"PyTorch": "torch", "JAX": "jax", "scikit-learn": "sklearn", "Optuna": "optuna", "Rustuna": "rustuna"}
"""Name of each peer -> the module that it is imported as."""

ONE_THREAD = BLAS_THREADS | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
PIPED_WIDTH = 200
"""Columns of text where the output is no terminal, so that nothing is cut off."""
FORCED_KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables that make OpenBLAS compute as on another processor."""

progress = Console(stderr=True, highlight=False, log_path=False)
"""Where it is said how far we are: tables go to standard output, all else to standard error."""


def set_environment() -> None:
    """Let all processes started from now on compute with one thread, each library as it finds the processor."""
    os.environ.update(ONE_THREAD)
    for name in FORCED_KERNELS:
        os.environ.pop(name, None)


def installed(peers: Mapping[str, Result]) -> dict[str, Result]:
    """Return those entries whose peer is installed; names that are no peer's stay."""
    return {name: entry for name, entry in peers.items() if name not in PEERS or find_spec(PEERS[name])}


# Contestants


class Timing(NamedTuple):
    """How long a task took in its process."""

    cpu: float
    """CPU seconds of all threads of the process."""
    start: float
    """On the system's monotonic clock, which all processes share, in seconds."""
    end: float
    value: Any
    """What the task returned."""

    @property
    def wall(self) -> float:
        """Seconds of wall time."""
        return self.end - self.start


class Contestant:
    """A process of its own, so that no library's threads and memory disturb another's; it does tasks when told."""

    def __init__(self, make: Maker, *arguments: Any) -> None:
        """Start the process, where `make(*arguments)` prepares the tasks; `end` waits until it has."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, task: str, *arguments: Any) -> None:
        """Let a task begin."""
        self._pipe.send((task, arguments))

    def end(self) -> Timing:
        """Wait until the task that was begun is done.

        Raises:
            RuntimeError: when it has failed; with the traceback.
        """
        try:
            timing, problem = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"the process of a contestant has died: exit code {self._process.exitcode}") from None
        if problem:
            raise RuntimeError(problem)
        return Timing(*timing)

    def run(self, task: str, *arguments: Any) -> Timing:
        """Do a task."""
        self.begin(task, *arguments)
        return self.end()

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def _serve(pipe: Any, make: Maker, arguments: Sequence[Any]) -> None:
    """Make the tasks, then do whichever is asked for until nobody asks any more."""
    tasks: Tasks = {}
    pipe.send(_timed(lambda: tasks.update(make(*arguments))))  # type: ignore[attr-defined]
    while True:
        try:
            task, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(_timed(tasks[task], *arguments))


def _timed(task: Callable[..., Any], *arguments: Any) -> tuple[tuple[Any, ...], str | None]:
    cpu, start = time.process_time(), time.monotonic()
    try:
        value = task(*arguments)
    except Exception:
        return (), traceback.format_exc()
    return (time.process_time() - cpu, start, time.monotonic(), value), None


@contextmanager
def contestants(makers: Mapping[Key, Maker], *arguments: Any) -> Iterator[dict[Key, Contestant]]:
    """Start a contestant for each maker, all with the same arguments; end them at the end."""
    with ExitStack() as stack:
        group = {name: Contestant(make, *arguments) for name, make in makers.items()}
        for each in group.values():
            stack.callback(each.close)
        for each in group.values():
            each.end()
        yield group


def in_turn(
    title: str, calls: Mapping[Key, Callable[[], Result]], rounds: int, warm_up: bool = True
) -> dict[Key, list[Result]]:
    """Make all calls in turn in each round; return each one's results by round.

    A warm-up is one round more, at the beginning, that does not count; a single round has none.
    """
    results: dict[Key, list[Result]] = {name: [] for name in calls}
    with progress.status(title) as status:
        for round_ in range(0 if warm_up and rounds > 1 else 1, rounds + 1):
            progress.log(f"{title}: round {round_} of {rounds}" if round_ else f"{title}: warm-up")
            for name, call in calls.items():
                status.update(f"{title}: {name}")
                result = call()
                if round_:
                    results[name].append(result)
    return results


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def timed_command(*arguments: str) -> tuple[float, str]:
    """Run a Python module, such as `sweep`, as a command; return seconds of wall time and what it printed.

    Raises:
        RuntimeError: when it fails; with what it said.
    """
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
    return seconds, done.stdout


def command_cpu(*arguments: str) -> float:
    """Run a command of Python and return the CPU seconds of all its processes.

    Raises:
        RuntimeError: when it fails; with what it said.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# Tables


class Target(NamedTuple):
    """What a figure should be."""

    bound: float
    at_least: bool = False
    """Whether it should be at least that, rather than at most."""

    def is_met(self, value: float) -> bool:
        """Tell whether a value reaches it."""
        return value >= self.bound if self.at_least else value <= self.bound


class Cell(NamedTuple):
    """One measured figure."""

    value: float
    unit: str = ""
    target: Target | None = None

    @property
    def misses_target(self) -> bool:
        """Whether it has a target that it does not reach."""
        return self.target is not None and not self.target.is_met(self.value)

    def __str__(self) -> str:
        """Write the figure, its target, and whether that is met."""
        text = f"{rounded(self.value)} {self.unit}".strip()
        if self.target is None:
            return text
        sign, mark = "≥" if self.target.at_least else "≤", "✓" if self.target.is_met(self.value) else "✗"
        return f"{text} ({sign} {rounded(self.target.bound)} {mark})"


def rounded(value: float) -> str:
    """Write three digits of a number, or all those before its decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass
class Table:
    """Measured figures: a row for each thing, a column for each kind of figure."""

    title: str
    note: str
    """What is measured, how, and by which clock."""
    rows: dict[str, dict[str, Cell]] = field(default_factory=dict)

    def add(self, row: str, cell: Cell) -> None:
        """Add a row of one figure, to a table that has no more columns."""
        self.rows[row] = {"measured": cell}

    @property
    def cells(self) -> list[Cell]:
        """All figures."""
        return [cell for cells in self.rows.values() for cell in cells.values()]

    @property
    def grid(self) -> list[list[str]]:
        """The head and all rows as text; a dash where nothing was measured."""
        columns = list(dict.fromkeys(column for cells in self.rows.values() for column in cells))
        body = [[row, *(str(cells.get(column, "–")) for column in columns)] for row, cells in self.rows.items()]
        return [["", *columns], *body]

    def rich(self) -> RichTable:
        """Return the table for the terminal, targets that are missed in red."""
        table = RichTable(title=self.title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
        head, *body = self.grid
        for column in head:
            table.add_column(column, justify="right" if column else "left")
        for row in body:
            table.add_row(*(Text(text, style="red" if "✗" in text else "") for text in row))
        return table

    def markdown(self) -> str:
        """Return the table as a section of a Markdown document."""
        head, *body = self.grid
        rule = ["---", *["---:"] * (len(head) - 1)]
        lines = ["| " + " | ".join(row) + " |" for row in (head, rule, *body)]
        return "\n".join([f"## {self.title}", "", self.note, "", *lines, ""])


def printed(table: Table) -> Table:
    """Print a table and its note on standard output; return it."""
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    console.print(table.rich())
    console.print(table.note, style="dim", markup=False)
    console.print()
    return table
