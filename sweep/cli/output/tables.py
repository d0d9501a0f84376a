"""Tables in the terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweep.results.format import format_value

if TYPE_CHECKING:
    import pandas as pd

    from sweep.records import TrialRecord

PIPED_WIDTH = 240
"""Columns of text where the output is no terminal, so that nothing is cut off."""


def console() -> Console:
    """Return a console on standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def print_frame(frame: pd.DataFrame, title: str | None = None) -> None:
    """Print a frame as a table; one sentence where it has no rows."""
    console().print(table(frame, title))


def table(frame: pd.DataFrame, title: str | None = None) -> Table | str:
    """Return a frame as a table that Rich can print; one sentence where it has no rows."""
    if frame.empty:
        return f"{title or 'Trials'}: none"
    result = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in frame:
        numeric = frame[name].dtype.kind in "iuf" if hasattr(frame[name].dtype, "kind") else False
        result.add_column(str(name), justify="right" if numeric else "left", no_wrap=numeric)
    for row in frame.astype(object).itertuples(index=False):
        result.add_row(*(Text(format_value(str(n), v)) for n, v in zip(frame, row, strict=True)))
    return result


def print_trial(name: str, trial: TrialRecord, epochs: pd.DataFrame) -> None:
    """Print all that is known of one trial."""
    out = console()
    out.print(f"[bold]{name}/{trial.number}[/bold]  {trial.status}, attempt {trial.attempt}")
    for line in _ending(trial):
        out.print(Text(line))
    seeds = ", ".join(f"{use} {getattr(trial.seeds, use)}" for use in ("weights", "shuffling", "dropout"))
    out.print(f"seeds: {seeds}")
    for section, values in trial.configuration.items():
        for key, value in values.items():
            out.print(Text(f"{section}.{key} = {json.dumps(value)}"))
    print_frame(epochs.drop(columns="trial"), "Epochs")


def _ending(trial: TrialRecord) -> list[str]:
    """Say in words how a trial ended."""
    lines = []
    if trial.best_value is not None:
        lines.append(
            f"best test accuracy {trial.best_value:.4f} at epoch {trial.best_epoch}, test loss there "
            f"{trial.tie_value:.4f}"
        )
    if trial.divergence:
        where = trial.divergence
        lines.append(f"diverged in epoch {where.epoch}, step {where.step}: {where.kind} in {where.place}")
    if trial.error:
        word = "failed" if trial.status == "failed" else "warning"
        lines += [f"{word}: {trial.error}", *(trial.traceback or "").splitlines()]
    if trial.weights:
        lines.append(f"weights of epoch {trial.weights.epoch} are kept: {trial.weights.file}")
    if trial.seconds is not None:
        lines.append(f"trained for {trial.seconds:.1f} s by {trial.owner}")
    return lines
