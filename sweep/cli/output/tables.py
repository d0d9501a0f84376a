"""Tables in the terminal: numbers stay whole, and columns that do not fit are left out, which is said below."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from sweep.errors import counted
from sweep.results.format import format_value, is_measured

if TYPE_CHECKING:
    import pandas as pd

UNLIMITED = 1_000_000
"""Width in characters where the output is not a terminal, so that nothing is left out."""

UNBROKEN = 24
"""Text up to this width stays on one line, so that labels, times and numbers among text are whole; more may wrap."""

NAMED = 5
"""At most this many columns that are left out are named."""

KEPT = {
    "sweep": ("trials", "metric", "best", "status"),
    "layer": ("parameter", "error", "verdict"),
    "trial": ("verdict",),
}
"""First column of a table -> others that are never left out."""

MINOR = ("epoch", "epochs", "ranks", "step", "place", "kind")
"""Columns of tables of trials that are left out before a parameter is; so are further metrics and the seconds."""

BESIDE = 3
"""Width of the space and the divider beside a column."""


def console() -> Console:
    """Return a console on standard output."""
    return Console(width=None if sys.stdout.isatty() else UNLIMITED, highlight=False)


def print_frame(frame: pd.DataFrame, title: str | None = None, more: str = "") -> None:
    """Print a frame as a table; see `table`."""
    console().print(table(frame, title, more))


def table(frame: pd.DataFrame, title: str | None = None, more: str = "") -> FrameTable | str:
    """Return a frame as a table that Rich can print; one sentence where it has no rows.

    Args:
        frame: what is shown.
        title: what stands above it.
        more: what also shows columns that are left out, beside a wider terminal, such as "--format csv".
    """
    if frame.empty:
        return f"{title or 'Trials'}: none"
    return _table(list(_columns(frame)), title, more)


def print_columns(
    names: Sequence[str],
    values: Sequence[Sequence[object]],
    numeric: Sequence[bool],
    title: str | None = None,
    more: str = "",
) -> None:
    """Print a table that is no frame; see `table`.

    Args:
        names: of the columns.
        values: those of each column.
        numeric: whether each holds numbers.
        title, more: as of `table`.
    """
    of_metric = dict(zip(names, values, strict=True)).get("metric")
    columns = [
        Column(printable(name), list(_cells(name, cells, of_metric)), is_numeric)
        for name, cells, is_numeric in zip(names, values, numeric, strict=True)
    ]
    console().print(_table(columns, title, more) if columns[0].cells else f"{title or 'Trials'}: none")


def _table(columns: list[Column], title: str | None, more: str) -> FrameTable:
    names = [column.name for column in columns]
    return FrameTable(columns, leading(names), title, more, minor(names))


def leading(names: Sequence[str]) -> list[int]:
    """Return which columns are never left out: of a ranking its first three, of sweeps the name and what came of it.

    Of a gradient check the verdict stays, with what it is on.

    >>> leading(["rank", "trial", "rmse", "epoch", "alpha"]), leading(["epoch", "rmse"])
    ([0, 1, 2], [0])
    """
    if names[0] == "rank":
        return list(range(min(3, len(names))))
    return [index for index, name in enumerate(names) if index == 0 or name in KEPT.get(names[0], ())]


def minor(names: Sequence[str]) -> list[int]:
    """Return which columns of a table of trials are left out first, so that the parameters stay.

    >>> minor(["rank", "trial", "rmse", "epoch", "test_loss", "alpha", "seconds"]), minor(["epoch", "rmse"])
    ([3, 4, 6], [])
    """
    if names[0] not in ("rank", "trial"):
        return []
    is_ranking = names[0] == "rank"  # other tables may be about several metrics or the seconds
    return [
        index
        for index, name in enumerate(names)
        if name in MINOR
        or (name == "seconds" and (is_ranking or index == len(names) - 1))
        or (is_ranking and index > 2 and is_measured(name))
    ]


@dataclass(frozen=True)
class Column:
    """A column as text."""

    name: str
    cells: list[str]
    is_numeric: bool

    @cached_property
    def body(self) -> int:
        """Width of the widest cell."""
        return max(map(cell_len, self.cells), default=0)

    @property
    def full(self) -> int:
        """Width in which nothing wraps."""
        return max(cell_len(self.name), self.body)

    @property
    def least(self) -> int:
        """Least width with a header on one line; text may wrap in it, numbers do not."""
        return max(cell_len(self.name), self._least_body)

    @property
    def folded(self) -> int:
        """Least width with a header on several lines."""
        return max(*map(cell_len, _pieces(self.name)), self._least_body)

    @property
    def _least_body(self) -> int:
        return self.body if self.is_numeric else min(self.body, UNBROKEN)

    @property
    def side(self) -> Literal["left", "right"]:
        """Side of the column that its text is at."""
        return "right" if self.is_numeric else "left"

    def header(self, width: int) -> str:
        """Return the name on as many lines as the width asks for."""
        lines = [""]
        for piece in _pieces(self.name):
            if lines[-1] and cell_len(lines[-1] + piece) > width:
                lines.append("")
            lines[-1] += piece
        return "\n".join(lines)


@dataclass(frozen=True)
class FrameTable:
    """A table that chooses its columns by the width in which it is printed, again each time."""

    columns: list[Column]
    lead: list[int]
    """Columns that are never left out."""
    title: str | None
    more: str
    last: list[int]
    """Columns that are left out first."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType | Segment]:
        """Yield the columns that fit and a word on all others; stacked rows where not even `lead` fits."""
        columns = [(each.full, each.least, each.folded) for each in self.columns]
        widths = fitting(columns, self.lead, options.max_width, self.last)
        if widths is None:
            yield from self._stacked()
            return
        chosen = [(self.columns[index], width) for index, width in sorted(widths.items())]
        if all(column.full == width for column, width in chosen) and cell_len(self.title or "") <= _total(widths):
            yield from _unwrapped(chosen, self.title, console)
        else:
            yield self._wrapped(chosen)
        if missing := [each.name for index, each in enumerate(self.columns) if index not in widths]:
            yield Text(_left_out(missing, self.more))

    def _wrapped(self, chosen: Sequence[tuple[Column, int]]) -> Table:
        shown = Table(title=self.title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
        for column, width in chosen:
            name = Text(column.header(width), justify=column.side)
            shown.add_column(name, justify=column.side, width=width, no_wrap=column.is_numeric, overflow="fold")
        for row in zip(*(column.cells for column, _ in chosen), strict=True):
            shown.add_row(*map(Text, row))
        return shown

    def _stacked(self) -> Iterator[Text]:
        if self.title:
            yield Text(self.title, style="bold")
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            yield Text("")
            for column, cell in zip(self.columns, cells, strict=True):
                yield Text(f"{column.name} {cell}".rstrip(), overflow="fold")


def _unwrapped(chosen: Sequence[tuple[Column, int]], title: str | None, console: Console) -> Iterator[Segment]:
    """Yield the lines of a table in which nothing wraps, as Rich would, which takes ten times as long for them."""
    edge, between = "  ", " " * BESIDE
    total = sum(width + BESIDE for _, width in chosen) + 1
    bold = console.get_style("bold")
    if title:
        yield Segment(title.ljust(total), bold)
        yield Segment("\n")
    header = between.join(_padded(column.name, column, width) for column, width in chosen)
    yield Segment(" " * total + "\n")
    yield Segment(f"{edge}{header}{edge}", console.get_style("table.header"))
    yield Segment(f"\n {'─' * (total - 2)} \n")
    for row in zip(*([_padded(cell, column, width) for cell in column.cells] for column, width in chosen), strict=True):
        yield Segment(f"{edge}{between.join(row)}{edge}\n")
    yield Segment(" " * total + "\n")


def _padded(text: str, column: Column, width: int) -> str:
    space = " " * (width - (len(text) if text.isascii() else cell_len(text)))
    return space + text if column.is_numeric else text + space


def fitting(
    widths: Sequence[tuple[int, int, int]], lead: Sequence[int], room: int, last: Sequence[int] = ()
) -> dict[int, int] | None:
    """Choose columns, those of `lead` and then from left to right as long as there is room.

    Args:
        widths: of each column the full width, the least one, and the least one with a header on several lines.
        lead: the indices of those that are always chosen.
        room: the width of the terminal.
        last: the indices of those that are chosen after all others, up to the first for which there is no room.

    Returns:
        the width of each chosen column by its index; None if not even those of `lead` fit.
    """
    chosen = {index: widths[index][1] for index in lead}
    if _total(chosen) > room:
        chosen = {index: widths[index][2] for index in lead}
        if _total(chosen) > room:
            return None
    for index, (_, least, _) in enumerate(widths):
        if index not in chosen and index not in last and _total(chosen) + least + BESIDE <= room:
            chosen[index] = least
    for index in last:
        if _total(chosen) + widths[index][1] + BESIDE > room:
            break
        chosen[index] = widths[index][1]
    for index in chosen:
        chosen[index] += min(max(0, widths[index][0] - chosen[index]), room - _total(chosen))
    return chosen


def _total(chosen: dict[int, int]) -> int:
    return 1 + sum(width + BESIDE for width in chosen.values())


def _left_out(names: Sequence[str], more: str) -> str:
    """Return a sentence on the columns that are not shown."""
    named = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    where = f"a wider terminal or {more}" if more else "a wider terminal"
    return f"{counted(len(names), 'column')} left out for lack of width ({named}); {where} shows all"


def _columns(frame: pd.DataFrame) -> Iterator[Column]:
    of_metric = frame["metric"].tolist() if "metric" in frame and frame.columns.is_unique else None
    for position, name in enumerate(map(str, frame.columns)):
        values = frame.iloc[:, position]
        is_numeric = getattr(values.dtype, "kind", "") in "iuf"
        yield Column(printable(name), list(_cells(name, values.astype(object), of_metric)), is_numeric)


def _cells(name: str, values: Iterable[object], of_metric: Sequence[object] | None) -> Iterator[str]:
    """Yield values as text; those of the metric that their row names have its decimals."""
    if of_metric is not None and name in ("best", "value"):
        return (printable(format_value(str(each), value)) for each, value in zip(of_metric, values, strict=True))
    return (printable(format_value(name, value)) for value in values)


def printable(text: str) -> str:
    """Return text on one line, without characters that would move the cursor."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)


def _pieces(name: str) -> list[str]:
    """Return the parts of a name behind which a line may end."""
    return re.findall(r"[^_./ -]*[_./ -]+|[^_./ -]+", name) or [name]
