"""Those who follow a sweep while it is trained, and its progress in words."""

from __future__ import annotations

import sys
from typing import Protocol

from sweep.metrics import metric
from sweep.records import ENDED, Progress


class Observer(Protocol):
    """Follows a sweep while it is trained; its methods are called from several threads."""

    def note(self, message: str) -> None:
        """Take a message of one sentence."""

    def update(self, progress: Progress) -> None:
        """Take the current progress, about twice a second."""


class Silent:
    """An observer that ignores everything."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def update(self, progress: Progress) -> None:
        """Ignore it."""


class Notebook:
    """An observer that shows notes and one line of progress, which is written over, in a cell of a notebook."""

    def __init__(self) -> None:
        self._line = ""

    def note(self, message: str) -> None:
        """Print it in place of the progress, which follows again with the next update."""
        print("\r" + message.ljust(len(self._line)))
        self._line = ""

    def update(self, progress: Progress) -> None:
        """Print the progress over that of before."""
        line = summary(progress)
        if line != self._line:
            is_over = not progress.running and fraction(progress) >= 1
            print("\r" + line.ljust(len(self._line)), end="\n" if is_over else "", flush=True)
            self._line = line


def default_observer() -> Observer:
    """Return who shows the progress if nobody is named: a notebook does, a program does not."""
    return Notebook() if "ipykernel" in sys.modules else Silent()


def summary(progress: Progress) -> str:
    """Return the progress of a sweep as one line."""
    counts = progress.counts
    ended = sum(counts.get(status, 0) for status in ENDED)
    parts = [f"{ended}/{progress.total} trials"]
    if progress.best is not None:
        parts.append(best_words(progress, progress.best))
    parts += [
        f"{counts[status]} {status}" for status in ("paused", "diverged", "failed", "pruned") if counts.get(status)
    ]
    return " · ".join(parts)


def best_words(progress: Progress, value: float) -> str:
    """Return a value of the objective with the decimals of its metric, and its name where it is not an accuracy."""
    name = progress.metric
    decimals = metric(name).decimals
    shown = f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"
    return f"best {shown}" if name.endswith("_accuracy") else f"best {name} {shown}"


def fraction(progress: Progress) -> float:
    """Return the fraction of all epochs that is done; a diverged or failed trial counts as all of its own."""
    counts = progress.counts
    ended = sum(counts.get(status, 0) for status in ENDED)
    epochs = sum(trial.epoch for trial in progress.running) + progress.paused_epochs
    return (ended + epochs / max(1, progress.epochs)) / max(1, progress.total)
