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

from sweep.observer import Observer, Silent
from sweep.records import Progress

LINE_SECONDS = 10.0
"""Where the output is no terminal, a line is written at most this often."""

PARTS = 10_000
"""Length of the sweep's bar."""


@contextmanager
def observing(quiet: bool) -> Iterator[Observer]:
    """Yield the observer that suits standard error."""
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        live = Live()
        with live.bars:
            yield live
    else:
        yield Lines()


def summary(progress: Progress) -> str:
    """Write on one line how far a sweep has come."""
    counts = progress.counts
    ended = sum(counts.get(status, 0) for status in ("completed", "diverged", "failed", "pruned"))
    parts = [f"{ended}/{sum(counts.values())} trials"]
    if progress.best is not None:
        parts.append(f"best {progress.best:.4f}")
    parts += [f"{counts[status]} {status}" for status in ("diverged", "failed") if counts.get(status)]
    return " · ".join(parts)


def fraction(progress: Progress) -> float:
    """Return the share of all epochs that is done, a diverged or failed trial counting as whole."""
    counts = progress.counts
    ended = sum(counts.get(status, 0) for status in ("completed", "diverged", "failed", "pruned"))
    running = sum(trial.epoch / progress.epochs for trial in progress.running)
    return (ended + running) / max(1, sum(counts.values()))


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
        """Print a sentence above the bars."""
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
            best = "" if trial.best is None else f" · best {trial.best:.4f}"
            words = f"epoch {trial.epoch}/{progress.epochs}{best}"
            self.bars.update(self._trials[number], completed=trial.epoch, words=words)


class Lines:
    """One line now and then."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._first: float | None = None
        self._said = ""

    def note(self, message: str) -> None:
        """Write a sentence."""
        print(message, file=sys.stderr, flush=True)

    def update(self, progress: Progress) -> None:
        """Write a line if the last one was a while ago, or if this is the end."""
        now, done = time.monotonic(), fraction(progress)
        if self._first is None:
            self._first = done
        ended = not progress.running and done >= 1
        line = summary(progress)
        if (now - self._last >= LINE_SECONDS or ended) and line != self._said:
            gained = done - self._first
            left = (1 - done) * (now - self._began) / gained if gained > 0 else None
            note = "" if ended or left is None else f" · about {left:.0f} s left"
            self.note(line + note)
            self._last, self._said = now, line


@contextmanager
def counting(words: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows (done, total) of a single task, as a bar in a terminal and not at all elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bars = Bars(TextColumn(words), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    with bars:
        task = bars.add_task("")
        yield lambda done, total: bars.update(task, completed=done, total=total)
