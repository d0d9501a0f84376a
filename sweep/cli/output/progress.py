"""Progress: a live display in a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from sweep.display import Lines, Live
from sweep.display.live import can_show_live
from sweep.display.words import for_stream
from sweep.observer import Observer, Silent

WARNING = "warning: "
"""How notes begin that are no progress."""


def progress_observer(quiet: bool) -> Observer:
    """Return an observer that shows the progress on standard error: live in a terminal, as lines elsewhere."""
    if quiet:
        return Warnings()
    return Live() if can_show_live(sys.stderr) else Lines()


class Warnings(Silent):
    """Writes the notes that are warnings, and nothing else."""

    def note(self, message: str) -> None:
        """Write a warning."""
        if message.startswith(WARNING):
            print(for_stream(message, sys.stderr), file=sys.stderr, flush=True)


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
