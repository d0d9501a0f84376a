"""What matters: for each parameter four answers, each a dot with its 90 % interval."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sweep.analysis.importance_report import COLUMNS, TITLES
from sweep.errors import UsageError
from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, GRAY, draw_titles, escape, label_numbers, shorten_all, style_axes

MOST = 30
"""At most this many parameters are drawn, those with the largest shares."""
_LETTERS = 32
_SHARES = COLUMNS[:2]
"""Answers that are parts of 1."""


def importance_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each dot: `answer`, `place` from the top, `parameter`, `value`, `low` and `high`.

    Args:
        table: as of `sweep.analysis.importance_report.importance_table`; parameters after the first `MOST` are left
            out, and so is what is not known.
    """
    shown = table.head(MOST)
    parts = [
        pd.DataFrame(
            {
                "answer": column,
                "place": range(len(shown)),
                "parameter": shown["parameter"].to_numpy(),
                "value": shown[column].to_numpy(),
                "low": shown[f"{column}_low"].to_numpy(),
                "high": shown[f"{column}_high"].to_numpy(),
            }
        )
        for column in COLUMNS
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"], ignore_index=True)


@default_settings()
def importance_chart(table: pd.DataFrame, *, metric: str, facts: str, title: str = "") -> Figure:
    """Draw the four answers side by side, a line for each parameter, the largest share at the top.

    Args:
        table: as of `importance_points`.
        metric: what is measured, the unit of two of the answers.
        facts: what stands above the panels.
        title: what stands before that, such as the sweep's name.

    Raises:
        UsageError: when the table is empty.
    """
    if table.empty:
        raise UsageError("there are no figures of what matters to draw")
    points = importance_points(table)
    names = shorten_all(table["parameter"].head(MOST).tolist(), _LETTERS)
    figure = Chart(figsize=(11.0, max(2.6, 1.5 + 0.34 * len(names))), layout="constrained")
    grid = figure.subplots(1, len(COLUMNS), sharey=True)
    for axes, column in zip(grid, COLUMNS, strict=True):
        _draw_panel(axes, points[points["answer"] == column], column, metric)
    grid[0].set_ylim(len(names) - 0.5, -0.5)
    grid[0].set_yticks(range(len(names)), [escape(name) for name in names])
    hidden = len(table) - len(names)
    draw_titles(figure, title, facts + (f"; {hidden} more parameters not shown" if hidden > 0 else ""))
    return figure


def _draw_panel(axes: Axes, points: pd.DataFrame, column: str, metric: str) -> None:
    style_axes(axes)
    axes.axvline(0, color=GRAY, lw=1.2, zorder=1)
    axes.hlines(points["place"], points["low"], points["high"], color=BLUE, lw=2, alpha=0.55)
    axes.plot(points["value"], points["place"], "o", color=BLUE, ms=6)
    axes.set_title(TITLES[column], fontsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    if column in _SHARES:
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        return
    high = float(points["high"].max()) or 1.0
    axes.set_xlim(-0.04 * high, 1.06 * high)
    label_numbers(axes.xaxis)
    axes.set_xlabel(escape(f"{'gain' if column == 'worth' else 'loss'} of {metric}"))
