"""What is shown of a sweep that is trained, as lines of text: the whole, and each running trial with its curve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweep.display.words import clock, one_line, sparkline, time_left, value_range
from sweep.observer import fraction, summary, value_word
from sweep.records import Progress

if TYPE_CHECKING:
    from rich.text import Text

LONGEST_BAR, LONGEST_CURVE, LONGEST_NAME = 40, 50, 40
SHORTEST_CURVE = 4
LONGEST_TIMES = 30
"""Room of the times, so that the bar keeps its length."""
COLORS = {"diverged": "magenta", "failed": "red"}
"""Those that can be read on a light and on a dark background."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much can be shown."""

    width: int
    """Letters of a line."""
    height: int = 1_000
    """Number of lines."""
    is_ascii: bool = False
    """Whether only ASCII can be shown."""


def panel(progress: Progress, elapsed: float, room: Room) -> list[Text]:
    """Return a line with a bar, one with the number of trials by status, and one for each running trial."""
    lines = [head(progress, elapsed, room), _counts(progress, room)]
    used = sum(1 + (line.cell_len - 1) // room.width for line in lines)
    return lines + trial_lines(progress, replace(room, height=room.height - used))


def trial_lines(progress: Progress, room: Room) -> list[Text]:
    """Return a line for each running trial, as many as there is room for."""
    lines: list[Text] = []
    is_all = len(progress.running) <= room.height
    shown = progress.running if is_all else progress.running[: max(0, room.height - 1)]
    best = [] if progress.best is None else [progress.best]  # beside which a curve that learns nothing is low
    limits = value_range([best, *(trial.curve for trial in shown)], progress.is_max)
    labels = [f"trial {trial.number}" for trial in shown]
    epochs = [f"{trial.epoch}/{trial.planned or progress.epochs}" for trial in shown]
    values = ["" if trial.best is None else value_word(progress.metric, trial.best) for trial in shown]
    label, epoch, value = (max(map(len, column), default=0) for column in (labels, epochs, values))
    length = min(LONGEST_CURVE, room.width - label - epoch - value - 9)
    for trial, *cells in zip(shown, labels, epochs, values, strict=True):
        words = f"  {cells[0]:<{label}}  {cells[1]:>{epoch}}  {cells[2]:>{value}}  "
        if trial.trouble:
            words += f"waits: {one_line(trial.trouble)}"
        elif length >= SHORTEST_CURVE:
            planned = trial.planned or progress.epochs
            words += sparkline(trial.curve, planned, length, limits, is_ascii=room.is_ascii)
        lines.append(_cut(words, room))
    if len(shown) < len(progress.running):
        lines.append(_cut(f"  and {len(progress.running) - len(shown)} more trials", room))
    return lines


def head(progress: Progress, elapsed: float | None, room: Room) -> Text:
    """Return a line with the name, a bar, the time that has passed, if it is known, and the time left."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    done = fraction(progress)
    times = f"{int(100 * done):3} %" + ("" if elapsed is None else f"  {clock(elapsed)}")
    if progress.left is not None and progress.running:
        times += f"  {time_left(progress.left)} left"
    name, longest = one_line(progress.name), min(LONGEST_NAME, max(8, room.width - LONGEST_TIMES - 14))
    if cell_len(name) > longest:
        name = set_cell_size(name, longest - 3) + "..."
    length = max(0, min(LONGEST_BAR, room.width - cell_len(name) - max(len(times), LONGEST_TIMES) - 2))
    full, empty = ("#", "-") if room.is_ascii else ("━", "─")
    filled = round(length * done)
    return Text.assemble(
        (name, "bold"), " ", (full * filled, "magenta"), (empty * (length - filled), "dim"), f" {times}", end=""
    )


def _counts(progress: Progress, room: Room) -> Text:
    from rich.text import Text

    line = Text(end="")
    words = one_line(summary(progress))
    separator = " · " if not room.is_ascii else " - "
    for place, part in enumerate(words.split(" · ")):
        line.append(separator if place else "")
        line.append(part, COLORS.get(part.split(" ")[-1], ""))
    return line


def _cut(words: str, room: Room) -> Text:
    from rich.text import Text

    line = Text(words, end="")
    line.truncate(room.width)
    line.rstrip()
    return line
