"""Progress in a terminal, written over in place."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Self, TextIO

from sweep.display.panel import Room, panel
from sweep.records import Progress

if TYPE_CHECKING:
    from rich import live
    from rich.console import Console, ConsoleOptions, RenderResult


def can_show_live(stream: TextIO) -> bool:
    """Tell whether lines of a stream can be written over."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


class Live:
    """The panel on standard error; a context in which lines are written over, and outside of which only notes are."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._live: live.Live | None = None
        self._progress: Progress | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, *error: Any) -> None:
        """Leave what was shown last, and show the cursor again."""
        shown, self._live, self._progress = self._live, None, None
        if shown:
            shown.stop()

    def note(self, message: str) -> None:
        """Print a message above the panel."""
        self._console.print(message, highlight=False, markup=False)

    def update(self, progress: Progress) -> None:
        """Show the progress in place of that of before."""
        self._progress = progress
        if self._live:
            self._live.refresh()
            return
        from rich import live

        self._live = live.Live(
            _Panel(self),
            console=self._console,
            auto_refresh=False,
            redirect_stdout=sys.stdout.isatty(),  # what goes elsewhere must not come here
        )
        self._live.start(refresh=True)

    def render(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines of the panel."""
        if self._progress:
            # The last column stays free: some terminals go on to the next line there.
            room = Room(max(20, options.max_width - 1), max(3, console.size.height - 1), is_ascii(console))
            for line in panel(self._progress, time.monotonic() - self._began, room):
                line.end = "\n"
                yield line


class _Panel:
    """What Rich asks for the lines whenever it writes them."""

    def __init__(self, owner: Live) -> None:
        self._owner = owner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._owner.render(console, options)


def is_ascii(console: Console) -> bool:
    """Tell whether a console shows no other letters."""
    return not console.encoding.lower().startswith("utf")
