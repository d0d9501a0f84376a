"""A table that is printed again and again while its sweep runs."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.text import Text

from sweep.cli.options import Format, counted, print_table, say
from sweep.cli.output.tables import console, table
from sweep.errors import StoreError
from sweep.results.format import render

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.sweep import Sweep

WATCH_SECONDS = 2.0
"""How often the database is looked at."""


@dataclass(frozen=True)
class View:
    """What one look at a sweep has shown."""

    frame: pd.DataFrame
    line: str
    """The number of its trials by status."""
    is_last: bool
    """Whether no trial is queued or running."""


def keep_printing(rank: Callable[[], pd.DataFrame], results: Sweep, format: Format) -> None:
    """Print the table that `rank` returns until no trial is queued or running.

    In a terminal each takes the place of the one before; elsewhere one is printed whenever it has changed.

    Raises:
        SweepError: when the first table cannot be had; later on the last one stays until the next can be had.
    """

    def look() -> View:
        counts = results.store.progress(results.record.id).counts  # first, so that the last table lacks no trial
        line = counted(results.name, counts) if format == "table" else ""
        return View(rank(), line, not counts.keys() & {"queued", "running"})

    out = console()
    if sys.stdout.isatty() and out.is_interactive:
        views = _views(look)
        live = Live(_picture(next(views), format), console=out, auto_refresh=False)
        try:
            live.start(refresh=True)  # within, since a Ctrl-C at this moment has to bring the cursor back, too
            for view in views:
                live.update(_picture(view, format), refresh=True)
        finally:
            live.stop()
    else:
        _print_changes(_views(look), format)


def _views(look: Callable[[], View]) -> Iterator[View]:
    view = _from_thread(look)
    yield view
    while not view.is_last:
        time.sleep(WATCH_SECONDS)
        try:
            view = _from_thread(look)
        except StoreError as error:
            view = replace(view, line=f"{error}; trying again")
        yield view


def _from_thread(look: Callable[[], View]) -> View:
    """Return what `look` returns, so that Ctrl-C does not have to wait where the database makes us wait."""
    future: Future[View] = Future()

    def keep() -> None:
        try:
            future.set_result(look())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=keep, daemon=True).start()
    return future.result()


def _picture(view: View, format: Format) -> Group:
    """Return what stands in the terminal, the line on top: what a low terminal cuts off is the end of the table."""
    shown = table(view.frame) if format == "table" else Text(render(view.frame, format).rstrip("\n"))
    return Group(*([Text(view.line)] if view.line else []), shown)


def _print_changes(views: Iterator[View], format: Format) -> None:
    text = line = ""
    for view in views:
        with redirect_stdout(io.StringIO()) as printed:
            print_table(view.frame, format)
        if printed.getvalue() != text:
            print("\n" * bool(text) + printed.getvalue(), end="", flush=True)
        if view.line not in ("", line):
            say(view.line)
        text, line = printed.getvalue(), view.line
