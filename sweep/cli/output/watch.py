"""A table that is printed again whenever it has changed, until its sweep has ended."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.text import Text

from sweep.cli.options import Format, print_table, say
from sweep.cli.output.outcome import counts_lines, nothing_to_rank, rank_lines
from sweep.cli.output.tables import console, table
from sweep.display.live import is_ascii
from sweep.display.panel import Room, head, trial_lines
from sweep.errors import StoreError
from sweep.results.format import render

if TYPE_CHECKING:
    import pandas as pd

    from sweep.records import Progress
    from sweep.results.sweep import Sweep

WATCH_SECONDS = 2.0
"""Interval between reads of the database."""


@dataclass(frozen=True)
class View:
    """What one read of a sweep has shown."""

    frame: pd.DataFrame
    line: str
    """The number of its trials by status, and why some failed."""
    is_last: bool
    """Whether no trial is queued or running."""
    progress: Progress
    """How far it is, with the curves of the running trials in a terminal."""

    @property
    def ranks(self) -> str:
        """Which ranks cannot be told apart, and what is damaged; empty where neither is known."""
        return "\n".join(rank_lines(self.frame))


def print_until_ended(rank: Callable[[], pd.DataFrame], results: Sweep, format: Format, caption: str = "") -> None:
    """Print the table that `rank` returns until no trial is queued or running.

    In a terminal each takes the place of the one before; elsewhere one is printed whenever it has changed.

    Args:
        rank: reads the database and returns the table.
        results: the sweep.
        format: how to print the table.
        caption: what stands above the table in a terminal; elsewhere it is printed once to standard error.

    Raises:
        SweepError: when the first table cannot be read; a later one that cannot is read again.
    """

    out = console()
    is_live = sys.stdout.isatty() and out.is_interactive
    read_progress = _reader(results) if is_live else partial(results.store.progress, results.record.id)

    def read() -> View:
        progress = read_progress()  # first, so that the last table lacks no trial
        line = "\n".join(counts_lines(results, progress)) if format == "table" else ""
        return View(rank(), line, not progress.counts.keys() & {"queued", "running"}, progress)

    if is_live:
        views = _views(read)
        live = Live(_render(next(views), format, caption), console=out, auto_refresh=False)
        try:
            live.start(refresh=True)  # within, since a Ctrl-C at this moment has to bring the cursor back, too
            for view in views:
                live.update(_render(view, format, caption), refresh=True)
        finally:
            live.stop()
    else:
        _print_changes(_views(read), format, caption)


def _reader(results: Sweep) -> Callable[[], Progress]:
    """Return what reads the progress with curves and the time left."""
    from sweep.experiment.sections.stopping import rules_of
    from sweep.runner.pacing import TimeLeft
    from sweep.runner.progress import Reader

    store, record = results.store, results.record
    return Reader(store, record, TimeLeft(store, record.id, rules_of(record), record.objective)).read


def _views(read: Callable[[], View]) -> Iterator[View]:
    view = _from_thread(read)
    yield view
    while not view.is_last:
        time.sleep(WATCH_SECONDS)
        try:
            view = _from_thread(read)
        except StoreError as error:
            view = replace(view, line=f"{error}; trying again")
        yield view


def _from_thread(read: Callable[[], View]) -> View:
    """Return what `read` returns, so that Ctrl-C does not have to wait where the database makes us wait."""
    future: Future[View] = Future()

    def keep() -> None:
        try:
            future.set_result(read())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=keep, daemon=True).start()
    return future.result()


def _render(view: View, format: Format, caption: str) -> Group:
    """Return what stands in the terminal, lines on top: what a low terminal cuts off is the end of the table."""
    is_table = format == "table"
    above = [*([Text(view.line)] if view.line else []), *_running(view.progress)]
    if is_table and view.frame.empty and caption:
        return Group(*above, Text(nothing_to_rank(view.progress)))
    shown = table(view.frame, more="--format csv") if is_table else Text(render(view.frame, format).rstrip("\n"))
    lines = (caption, view.ranks if is_table else "")
    return Group(*above, *(Text(line) for line in lines if line), shown)


def _running(progress: Progress) -> list[Text]:
    """Return the lines of the running trials, in at most a third of the terminal."""
    if not progress.running:
        return []
    out = console()
    room = Room(out.width - 1, max(1, out.height // 3), is_ascii(out))
    lines = [head(progress, None, room), *trial_lines(progress, room)]
    for line in lines:
        line.end = "\n"
    return lines


def _print_changes(views: Iterator[View], format: Format, caption: str) -> None:
    text = line = ranks = ""
    asked = caption
    for view in views:
        is_empty = format == "table" and view.frame.empty and asked != ""
        with redirect_stdout(io.StringIO()) as printed:
            if is_empty:
                print(nothing_to_rank(view.progress))
            else:
                print_table(view.frame, format, more="--format csv")
        if printed.getvalue() != text:
            print("\n" * bool(text) + printed.getvalue(), end="", flush=True)
        if caption and not is_empty:
            say(caption)
            caption = ""
        if format == "table" and view.ranks not in ("", ranks):
            say(view.ranks)
        if view.line not in ("", line):
            say(view.line)
        text, line, ranks = printed.getvalue(), view.line, view.ranks
