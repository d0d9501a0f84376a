"""Progress in a cell of a notebook."""

from __future__ import annotations

import html
import sys
import time
from typing import Any, Self

from sweep.display.panel import Room, panel
from sweep.observer import summary
from sweep.records import Progress

WIDTH, MOST_TRIALS = 90, 20


def is_in_notebook() -> bool:
    """Tell whether this code is run by the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return "ipykernel" in sys.modules and getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


class Notebook:
    """One output of a cell, which is written over; a context of one sweep."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._progress: Progress | None = None
        self._handle: Any = None
        self._began = time.monotonic()
        self._shown = ""

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, *error: Any) -> None:
        """Let the next sweep have an output of its own."""
        self._notes, self._progress, self._handle, self._shown = [], None, None, ""

    def note(self, message: str) -> None:
        """Show a message above the progress."""
        self._notes.append(message)
        self._show()

    def update(self, progress: Progress) -> None:
        """Show the progress in place of that of before."""
        self._progress = progress
        self._show()

    def _show(self) -> None:
        from IPython.display import display as untyped

        display: Any = untyped

        lines, plain = list(self._notes), list(self._notes)
        if self._progress:
            room = Room(WIDTH, MOST_TRIALS)
            lines += [line.plain for line in panel(self._progress, time.monotonic() - self._began, room)]
            plain.append(summary(self._progress))
        text = "\n".join(lines)
        if text == self._shown:
            return
        self._shown = text
        # The colors are those of the page, which may be light or dark.
        page = f'<pre style="margin:0;line-height:1.3;white-space:pre-wrap">{html.escape(text)}</pre>'
        bundle = {"text/plain": "\n".join(plain), "text/html": page}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
