"""Which trials of a sweep are independent draws of one distribution that ran to their end.

Statements about luck, such as a tuning curve, hold for such trials alone. Random draws are, with limits and guesses
too, since each is drawn alike and knows nothing of the others; so are those that a model in a file has screened, which
tell of the search with that model. A model of the sweep's own results, points that are spread evenly, listed ones, and
the rest that a stopping rule has left over, are not. What was taken over from an earlier sweep is the same training of
the same draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sweep.errors import SweepError, counted
from sweep.experiment.imported import source_of
from sweep.experiment.parameters import read_table
from sweep.experiment.parents import parent_of
from sweep.metrics import Objective
from sweep.records import ENDED
from sweep.runner.budget import is_of_value

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.trials import SweepTrials
    from sweep.store.decisions import Competitor

NEEDS = "independent trials that ran to their end"
INDEPENDENT = ("random", "screen", "screened")
LISTED = ("grid", "table", "list")
SPREAD = ("sobol", "halton", "latin_hypercube")
ALONE = ("divergence", "seconds_per_epoch")
"""Rules that end a trial whatever the others do; what they have ended counts as diverged."""


@dataclass(frozen=True)
class Draws:
    """The independent draws of a sweep, or why there are none."""

    table: pd.DataFrame
    """One row each by number: `trial`, the first of its configuration; `value`, that of the objective, missing of
    diverged ones, which count as worst; `seconds`."""
    objective: Objective
    reason: str = ""
    """Why there are none, as a clause; empty where the table holds all that have ended."""
    note: str = ""
    """Which trials were left out, as a clause; empty where none was."""

    @property
    def values(self) -> np.ndarray:
        """The values in the order of the table; of those that diverged the worst there is, an infinite one."""
        worst = -np.inf if self.objective.is_max else np.inf
        return np.asarray(self.table["value"].fillna(worst), np.float64)


def independent_draws(results: SweepTrials) -> Draws:
    """Return the independent draws of a sweep that ran to their end.

    With repeats a draw is a configuration, whose value is the mean over its completed trainings. Failed ones do not
    count. Of a running sweep the draws are those before the first that has not ended: the quick ones end first, so all
    that have ended would be a selection. A trial that was continued has its value by the epochs of the others.
    """
    import pandas as pd

    rows, seen = results.trials(), results.store.competitors(results.record.id)
    empty = pd.DataFrame({"trial": pd.Series(dtype="int64"), "value": pd.Series(dtype=float), "seconds": 0.0}, index=[])
    if reason := _not_drawn(results):
        return Draws(empty, results.objective, reason)
    rows = rows[["trial", "status", results.objective.metric, "seconds"]]
    rows = rows.rename(columns={results.objective.metric: "value"})
    rows["planned"] = [each.planned_epochs for each in seen[: len(rows)]]
    rows["is_continued"] = [each.exempt == "continued" for each in seen[: len(rows)]]
    notes = []
    if _kind(results) == "screened" and any(each.round for each in seen):
        rows = rows.head(_first_round(seen))
        notes.append(f"only its first {counted(len(rows) // results.repeats, 'configuration')} were drawn at random")
    rows, reason = _comparable(results, rows)
    if not reason:
        rows, reason = _without_stopped(results, rows)
    if reason:
        return Draws(empty, results.objective, reason)
    ended = _ended_prefix(rows, results.repeats)
    if left := (len(rows) - ended) // results.repeats:
        notes.append(f"{counted(left, 'configuration')} left out, from the first on that has not ended")
    table = _values(rows.head(ended), results)
    if table.empty:
        return Draws(empty, results.objective, "none of its first trials has ended yet", "; ".join(notes))
    return Draws(table, results.objective, "", "; ".join(notes))


def check_independent(results: SweepTrials, what: str) -> Draws:
    """Return the independent draws of a sweep for something that is said of them alone.

    Raises:
        SweepError: when it has none.
    """
    draws = independent_draws(results)
    if draws.reason:
        raise SweepError(f"{results.name} has no {what}, which needs {NEEDS}: {draws.reason}")
    return draws


def _kind(results: SweepTrials) -> str:
    record = results.record
    sampler = read_table(record.experiment, record.name, record.overrides).get("sampler", "random")
    return str(sampler["kind"] if isinstance(sampler, dict) else sampler)


def _not_drawn(results: SweepTrials) -> str:
    """Return why no trial is an independent draw, whatever its results; empty where some may be."""
    kind, ended = _kind(results), results.record.ended
    if (parent := parent_of(results.record)) is not None:
        return f"its trials were made from those of {parent}, not drawn"
    if (source := source_of(results.record)) is not None:
        return f"it was imported from {source}, which does not say how its trials were drawn"
    if kind in LISTED:
        return f"its sampler '{kind}' lists the trials and does not draw them at random"
    if kind in SPREAD:
        return f"its sampler '{kind}' spreads the trials evenly, so that none is independent of the others"
    if kind not in INDEPENDENT:
        return f"its sampler '{kind}' draws each trial by the results of earlier ones"
    if ended is not None and is_of_value(ended):
        return "it was ended once a trial was good enough, so that its last trial is not a draw like the others"
    return ""


def _first_round(seen: list[Competitor]) -> int:
    return next((number for number, each in enumerate(seen) if each.round), len(seen))


def _comparable(results: SweepTrials, rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the trials as they were before some were continued, and why that is not known where it is not."""
    continued = rows["is_continued"]
    if not continued.any() or rows["planned"].nunique() == 1:
        return rows, ""
    planned = rows.loc[~continued, "planned"].unique()
    if len(planned) != 1:
        return rows, f"{counted(int(continued.sum()), 'trial')} of it were continued for more epochs than the others"
    rows = rows.astype({"seconds": float, "value": float})
    for index in rows.index[continued].tolist():
        epochs = results.store.trial_epochs(results.record.id, int(rows["trial"][index]))
        before = [each for each in epochs if each.number <= planned[0]]
        chosen = results.objective.choose([each for each in before if results.objective.metric in each.metrics])
        if chosen is not None and before[-1].number == planned[0]:
            rows.loc[index, "status"] = "completed"
            rows.loc[index, "value"] = chosen.metrics[results.objective.metric]
            rows.loc[index, "seconds"] = sum(each.seconds for each in before)
    return rows, ""


def _without_stopped(results: SweepTrials, rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the trials with what was stopped for itself alone as diverged, and why they are a selection if so."""
    pruned = rows["status"] == "pruned"
    if not pruned.any():
        return rows, ""
    rules = {each.trial: each.rule for each in results.store.decisions(results.record.id) if each.decision == "stop"}
    found = {rules.get(number, "") for number in rows.loc[pruned, "trial"]} - set(ALONE)
    if found:
        by = " and ".join(sorted(filter(None, found)))
        stopped = f"{counted(int(pruned.sum()), 'trial')} of it {'was' if pruned.sum() == 1 else 'were'} stopped early"
        return rows, f"{stopped}{f' (by {by})' if by else ''}, so that the others are a selection"
    return rows.assign(status=rows["status"].mask(pruned, "diverged")), ""


def _ended_prefix(rows: pd.DataFrame, repeats: int) -> int:
    """Return how many trials there are before the first configuration of which a training has not ended."""
    ended = rows["status"].isin(ENDED).to_numpy()
    first = int(np.argmin(ended)) if not ended.all() else len(ended)
    return first - first % repeats


def _values(rows: pd.DataFrame, results: SweepTrials) -> pd.DataFrame:
    """Return a row for each configuration that did not fail."""
    table = rows.astype({"value": float, "seconds": float})
    if results.repeats > 1:
        from sweep.results.repeats import configurations

        table = configurations(table, Objective("value", results.objective.direction), results.repeats)
    table = table[table["status"].isin(("completed", "diverged"))]
    value = table["value"].where(table["status"] == "completed")
    return table.assign(value=value)[["trial", "value", "seconds"]].reset_index(drop=True)
