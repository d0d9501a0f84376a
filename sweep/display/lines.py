"""Progress as plain lines, for files, pipes and terminals that can do no more."""

from __future__ import annotations

import sys
import time

from sweep.display.words import for_stream, one_line, time_left
from sweep.observer import fraction, summary
from sweep.records import Progress

LINE_SECONDS = 10.0
"""At most one line is written in this time."""
LINE_SHARE = 0.02
"""Nor in this part of the time since the beginning, so that a night gives some hundreds of lines."""


class Lines:
    """One line every few seconds on standard error."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._line = ""

    def note(self, message: str) -> None:
        """Write a message, at one go, so that nothing comes between it and the end of its line."""
        print(f"{for_stream(message, sys.stderr)}\n", end="", file=sys.stderr, flush=True)

    def update(self, progress: Progress) -> None:
        """Write a line if the last one was a while ago, or if this is the end."""
        now = time.monotonic()
        ended = not progress.running and fraction(progress) >= 1
        line, left = one_line(summary(progress)), progress.left
        is_due = now - self._last >= max(LINE_SECONDS, LINE_SHARE * (now - self._began))
        if (is_due or ended) and line != self._line:
            note = "" if ended or left is None else f" · {time_left(left)} left"
            self.note(line + note)
            self._last, self._line = now, line
