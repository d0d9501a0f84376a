"""Those who follow a sweep while it is trained, and its progress in words."""

from __future__ import annotations

from typing import Protocol

from sweep.metrics import metric
from sweep.records import ENDED, Progress


class Observer(Protocol):
    """Follows a sweep while it is trained; its methods are called from several threads.

    One that is a context manager, too, is entered before the first update of a sweep and left after the last one.
    """

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


def summary(progress: Progress) -> str:
    """Return the progress of a sweep as one line."""
    counts = progress.counts
    ended = sum(counts.get(status, 0) for status in ENDED)
    parts = [f"{ended}/{progress.total} trials"]
    if progress.best is not None:
        parts.append(best_words(progress, progress.best))
    elif values := [trial.best for trial in progress.running if trial.best is not None]:
        best = max(values) if progress.is_max else min(values)
        parts.append(f"{best_words(progress, best)} so far, of a running trial")
    parts += [
        f"{counts[status]} {status}" for status in ("paused", "diverged", "failed", "pruned") if counts.get(status)
    ]
    return " · ".join(parts)


def best_words(progress: Progress, value: float) -> str:
    """Return a value of the objective with the decimals of its metric, and its name where it is not an accuracy."""
    name, shown = progress.metric, value_word(progress.metric, value)
    return f"best {shown}" if name.endswith("_accuracy") else f"best {name} {shown}"


def value_word(name: str, value: float) -> str:
    """Return a value of a metric with its decimals.

    >>> value_word("test_accuracy", 0.98)
    '0.9800'
    """
    decimals = metric(name).decimals
    return f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"


def fraction(progress: Progress) -> float:
    """Return the fraction of all epochs that is done; a diverged or failed trial counts as all of its own."""
    counts = progress.counts
    ended = sum(counts.get(status, 0) for status in ENDED)
    epochs = sum(trial.epoch for trial in progress.running) + progress.paused_epochs
    return (ended + epochs / max(1, progress.epochs)) / max(1, progress.total)
