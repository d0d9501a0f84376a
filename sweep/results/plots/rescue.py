"""What would have saved diverged trials: casualties by changes, and how often each change saves."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sweep.errors import UsageError, counted
from sweep.metrics import Objective
from sweep.results.format import format_value
from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, INK, PALE_BLUE, RED, draw_titles, style_axes
from sweep.runner.changes import ORDER, spoken

MOST_ROWS = 40
"""Up to this many casualties each has a row; of more, only the counts are drawn."""
CELL, ROW = 1.05, 0.34
"""Width and height of a cell, in inches."""
OUTCOMES = ("saved", "saved so far", "stuck", "diverged")
"""From the best to the worst; `saved so far` is not trained to the end."""
WORDS = {
    "saved": "saved, trained to the end",
    "saved so far": "saved, as far as it was trained",
    "stuck": "does not diverge, but does not learn",
    "diverged": "diverges as well",
}
_MARKS: dict[str, dict[str, Any]] = {
    "saved": {"marker": "o", "color": BLUE, "ms": 9, "mec": INK, "mew": 0.8},
    "saved so far": {"marker": "o", "color": "white", "ms": 9, "mec": BLUE, "mew": 1.6},
    "stuck": {"marker": "_", "color": INK, "ms": 11, "mew": 2.2},
    "diverged": {"marker": "x", "color": RED, "ms": 7, "mew": 1.8},
}
_BARS: dict[str, dict[str, Any]] = {
    "saved": {"facecolor": BLUE},
    "saved so far": {"facecolor": PALE_BLUE},
    "stuck": {"facecolor": "white", "hatch": "..."},
    "diverged": {"facecolor": "white", "hatch": "xxxx", "edgecolor": RED},
}


@default_settings()
def rescue_chart(found: pd.DataFrame, objective: Objective, *, title: str = "") -> Chart:
    """Draw for each casualty and each change whether its twin was saved, and the metric that it has reached.

    Of a twin that forks and one from the start, the better one is drawn. Above are the shares of the casualties.

    Args:
        found: the twins, as of `sweep.results.rescue.outcomes`.
        objective: whose metric is written beside the marks.
        title: what stands before the counts, such as the sweep's name.

    Raises:
        UsageError: there are no twins that have ended.
    """
    cells = best_cells(found, objective)
    if cells.empty:
        raise UsageError("none of the twins has ended yet, so there is nothing to draw")
    changes = [name for name in ORDER if name in set(cells["change"])]
    numbers = sorted(set(cells["casualty"]))
    rows = len(numbers) if len(numbers) <= MOST_ROWS else 0
    heights = [1.5, *([max(ROW * rows, 0.6)] if rows else [])]
    figure = Chart(figsize=(max(CELL * len(changes) + 1.6, 6.0), sum(heights) + 1.9), layout="constrained")
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    _draw_shares(panels[0], cells, changes)
    if rows:
        _draw_cells(panels[1], cells, changes, numbers, objective)
    labels = ["\n".join(wrap(spoken(name), 13)) for name in changes]
    panels[-1].set_xticks(range(len(changes)), labels)
    panels[-1].set_xlim(-0.6, len(changes) - 0.4)
    used = [name for name in OUTCOMES if name in set(cells["outcome"])]
    draw_titles(figure, title, f"what saves {counted(len(numbers), 'trial')} that diverged")
    _draw_legend(figure, used, bool(rows))
    return figure


def best_cells(found: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return the better twin of each casualty and change: `casualty`, `diverged`, `change`, `outcome`, the metric."""
    ended = found[found["outcome"].isin(["saved", "stuck", "diverged"])]
    is_whole = ended["epochs"] == ended["of"]
    outcome = ended["outcome"].mask((ended["outcome"] == "saved") & ~is_whole, "saved so far")
    rank = outcome.map({name: place for place, name in enumerate(OUTCOMES)})
    sign = -1.0 if objective.is_max else 1.0
    ordered = ended.assign(outcome=outcome, _rank=rank, _value=sign * ended[objective.metric])
    ordered = ordered.sort_values(["_rank", "_value"], kind="stable")
    first = ordered.drop_duplicates(["casualty", "change"])
    return first[["casualty", "diverged", "change", "outcome", objective.metric]].reset_index(drop=True)


def _draw_shares(axes: Axes, cells: pd.DataFrame, changes: Sequence[str]) -> None:
    """Draw a bar for each change, with the share of the casualties of each outcome, and how many it saves."""
    style_axes(axes)
    axes.grid(visible=False, axis="x")
    for place, change in enumerate(changes):
        outcomes = cells.loc[cells["change"] == change, "outcome"]
        bottom = 0.0
        for name in OUTCOMES:
            share = float((outcomes == name).mean())
            if share == 0:
                continue
            axes.bar(place, share, 0.62, bottom, **{"edgecolor": INK, "linewidth": 0.8, **_BARS[name]})
            bottom += share
        saved = int(outcomes.isin(["saved", "saved so far"]).sum())
        axes.text(place, 1.03, f"{saved} of {len(outcomes)}", ha="center", va="bottom", fontsize=9, color=INK)
    axes.set_ylim(0, 1.18)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_ylabel("share of trials", fontsize=9)


def _draw_cells(
    axes: Axes, cells: pd.DataFrame, changes: Sequence[str], numbers: Sequence[int], objective: Objective
) -> None:
    """Draw a mark for each casualty and change, with the metric beside it where it was saved."""
    style_axes(axes)
    rows = {number: row for row, number in enumerate(numbers)}
    diverged = cells.drop_duplicates("casualty").set_index("casualty")["diverged"]
    for cell in cells.to_dict("records"):
        x, y = changes.index(cell["change"]), rows[cell["casualty"]]
        axes.plot(x - 0.2, y, linestyle="", **_MARKS[cell["outcome"]])
        if cell["outcome"] in ("saved", "saved so far"):
            value = format_value(objective.metric, cell[objective.metric])
            axes.annotate(value, (x - 0.2, y), (8, 0), textcoords="offset points", va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(numbers)), [f"{number}  (epoch {diverged[number]})" for number in numbers])
    axes.set_ylim(len(numbers) - 0.4, -0.6)
    axes.set_ylabel("trial (diverged in)", fontsize=9)
    axes.grid(visible=False, axis="x")


def _draw_legend(figure: Chart, used: Sequence[str], has_cells: bool) -> None:
    """Explain the bars, and the marks where there are any."""
    bars = [Patch(**{"edgecolor": INK, **_BARS[name]}) for name in used]
    marks = [Line2D([], [], linestyle="", **_MARKS[name]) for name in used]
    figure.legend(
        handles=list(zip(bars, marks, strict=True)) if has_cells else bars,
        labels=[WORDS[name] for name in used],
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.6)},
        handlelength=3.2 if has_cells else 1.6,
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
    )
