"""Progress: a live display in a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)

from sweep.observer import Observer, Silent, best_words, fraction, summary
from sweep.records import Progress

LINE_SECONDS = 10.0
"""Where the output is not a terminal, at most one line is written in this time."""

WARNING = "warning: "
"""How notes begin that are no progress."""

PARTS = 10_000
"""Length of the sweep's bar."""


@contextmanager
def progress_observer(quiet: bool) -> Iterator[Observer]:
    """Yield an observer that shows the progress on standard error: bars in a terminal, lines elsewhere."""
    if quiet:
        yield Warnings()
    elif sys.stderr.isatty():
        live = Live()
        with live.bars:
            yield live
    else:
        yield Lines()


class Live:
    """Bars: one for the sweep, one for each running trial."""

    def __init__(self) -> None:
        self.bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._sweep: TaskID | None = None
        self._trials: dict[int, TaskID] = {}

    def note(self, message: str) -> None:
        """Print a message above the bars."""
        self.bars.console.print(message, highlight=False, markup=False)

    def update(self, progress: Progress) -> None:
        """Move the bars."""
        done = fraction(progress)
        if self._sweep is None:  # what was done before does not count for the speed
            self._sweep = self.bars.add_task("sweep", total=PARTS, completed=round(PARTS * done), words="")
        self.bars.update(self._sweep, completed=round(PARTS * done), words=summary(progress))
        running = {trial.number: trial for trial in progress.running}
        for number in self._trials.keys() - running.keys():
            self.bars.remove_task(self._trials.pop(number))
        for number, trial in running.items():
            if number not in self._trials:
                self._trials[number] = self.bars.add_task(f"  trial {number}", total=progress.epochs, words="")
            best = "" if trial.best is None else f" · {best_words(progress, trial.best)}"
            words = f"epoch {trial.epoch}/{progress.epochs}{best}"
            self.bars.update(self._trials[number], completed=trial.epoch, words=words)


class Warnings(Silent):
    """Writes the notes that are warnings, and nothing else."""

    def note(self, message: str) -> None:
        """Write a warning."""
        if message.startswith(WARNING):
            print(message, file=sys.stderr, flush=True)


class Lines:
    """One line every few seconds."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._first: float | None = None
        self._line = ""

    def note(self, message: str) -> None:
        """Write a message, at one go, so that nothing comes between it and the end of its line."""
        print(f"{message}\n", end="", file=sys.stderr, flush=True)

    def update(self, progress: Progress) -> None:
        """Write a line if the last one was a while ago, or if this is the end."""
        now, done = time.monotonic(), fraction(progress)
        if self._first is None:
            self._first = done
        ended = not progress.running and done >= 1
        line = summary(progress)
        if (now - self._last >= LINE_SECONDS or ended) and line != self._line:
            gained = done - self._first
            left = (1 - done) * (now - self._began) / gained if gained > 0 else None
            note = "" if ended or left is None else f" · about {left:.0f} s left"
            self.note(line + note)
            self._last, self._line = now, line


@contextmanager
def counting(words: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows (done, total) of one task as a bar in a terminal; elsewhere it does nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bars = Bars(TextColumn(words), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    with bars:
        task = bars.add_task("")
        yield lambda done, total: bars.update(task, completed=done, total=total)
