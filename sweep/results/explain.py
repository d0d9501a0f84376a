"""Why a trial is better than a baseline: the steps of an ablation path that were trained, as a frame and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sweep.analysis.ablation import Effect, effect
from sweep.analysis.wording import listed
from sweep.errors import SweepError, counted
from sweep.experiment.parameters import parameters_of
from sweep.results.format import format_value
from sweep.results.trials import SweepTrials
from sweep.runner.ablation import NOTHING, Outcome, Path, steps
from sweep.runner.explain import MIDDLE, Task, outcomes_of, path_of

if TYPE_CHECKING:
    import pandas as pd

BASELINE = "baseline"
COLUMNS = ["step", "parameter", "change", "effect", "standard_error", "low", "high"]


def explanation(results: SweepTrials, task: Task, *, all_seeds: bool = False) -> pd.DataFrame:
    """Return one row for the baseline and one for each step of the path to a trial, as far as it is trained.

    Columns: `step`, from 0; `parameter`; `change`, in words; `effect`, by how much the mean of the metric changes by
    it, over the seeds with which both sides completed, its `standard_error` and interval of 90 %, `low` to `high`; the
    mean of the metric after it; the effect of all steps so far, `total`, and its `total_error`; how many `seeds` have
    ended and how many of these `diverged`; and the `verdict`.

    Args:
        results: the sweep of the trial.
        task: which trial, and how it is explained.
        all_seeds: whether as many seeds count as were trained, in place of those of the task.

    Raises:
        SweepError: as of `sweep.runner.explain.path_of`, or when no step is trained yet.
    """
    import pandas as pd

    path = path_of(results.record, task.trial, task.baseline, results.store)
    outcomes = outcomes_of(path, results.record, None if all_seeds else task.seeds, results.store)
    if NOTHING not in outcomes:
        raise SweepError(
            f"the way to {results.name}/{task.trial} is not trained yet; do so with: ", task.again(results.name)
        )
    metric, short = results.objective.metric, _short_names(results)
    first = before = outcomes[NOTHING]
    changed, is_max = NOTHING, results.objective.is_max
    words = "the middle values of the file" if path.baseline.name == MIDDLE else path.baseline.name
    rows = [_row(0, BASELINE, words, None, None, before, metric)]
    for step, group in enumerate(steps(path, outcomes, results.objective, task.order), 1):
        changed |= {group}
        after = outcomes[changed]
        found, total = (effect(each.values, after.values, is_max=is_max) for each in (before, first))
        change = change_words(path, group, short)
        verdict = _verdict(found, before, after)
        rows.append(_row(step, short.get(group, group), change, found, total, after, metric, verdict))
        before = after
    return pd.DataFrame(rows, columns=[*COLUMNS, metric, "total", "total_error", "seeds", "diverged", "verdict"])


def _row(
    step: int,
    parameter: str,
    change: str,
    found: Effect | None,
    total: Effect | None,
    after: Outcome,
    metric: str,
    verdict: str = "",
) -> dict[str, Any]:
    nothing = [math.nan] * 4
    numbers = nothing if found is None else [found.value, found.standard_error, found.low, found.high]
    return {
        **dict(zip(COLUMNS, [step, parameter, change, *numbers], strict=True)),
        metric: after.mean,
        "total": total.value if total else math.nan,
        "total_error": total.standard_error if total else math.nan,
        "seeds": len(after.values) + len(after.diverged),
        "diverged": len(after.diverged),
        "verdict": verdict,
    }


def _verdict(found: Effect, before: Outcome, after: Outcome) -> str:
    """Return what is known of a step; trainings that diverge count more than the means of the others."""
    if len(before.diverged) != len(after.diverged):
        return "diverges" if len(after.diverged) > len(before.diverged) else "keeps from diverging"
    return found.verdict


def _short_names(results: SweepTrials) -> Mapping[str, str]:
    return {each.name: each.short_name for each in parameters_of(results.record)}


def change_words(path: Path, group: str, short: Mapping[str, str]) -> str:
    """Return what changes with a group, such as `learning_rate 0.1 → 0.19`."""
    one, other = path.baseline.parameters, path.target.parameters
    names = [name for name in dict.fromkeys([*one, *other]) if path.group_of(name) == group]
    parts = []
    for name in names:
        old, new = one.get(name), other.get(name)
        if old == new:
            continue
        values = [format_value(name, value) if value is not None else "–" for value in (old, new)]
        parts.append(f"{short.get(name, name)} {values[0]} → {values[1]}")
    return ", ".join(parts) or short.get(group, group)


def sentences(table: pd.DataFrame, metric: str) -> Iterator[str]:
    """Yield the steps in words: by how much each changes the metric, and what did nothing."""
    rows = table.to_dict("records")
    for row in rows[1:]:
        yield f"{row['change']}: {_effect_words({str(key): value for key, value in row.items()})}"
    if not math.isnan(rows[-1]["total"]):
        begin, end = (format_value(metric, row[metric]) for row in (rows[0], rows[-1]))
        yield f"in all {_signed(rows[-1]['total'], rows[-1]['total_error'])}: {metric} {begin} → {end}"
    idle = [str(row["parameter"]) for row in rows[1:] if row["verdict"] == "nothing"]
    if idle:
        yield f"{listed(idle)} change{'s' if len(idle) == 1 else ''} nothing"
    unsure = [str(row["parameter"]) for row in rows[1:] if row["verdict"] == "not certain"]
    if unsure:
        seeds = counted(int(rows[0]["seeds"]), "seed")
        yield f"with {seeds} it cannot be told whether {listed(unsure)} matter{'s' if len(unsure) == 1 else ''} at all"


def _effect_words(row: dict[str, Any]) -> str:
    diverged = f"; diverged with {row['diverged']} of {counted(row['seeds'], 'seed')}" if row["diverged"] else ""
    if math.isnan(row["effect"]):
        return f"not known{diverged}"
    return f"{_signed(row['effect'], row['standard_error'])}{diverged}"


def _signed(value: float, error: float) -> str:
    """Return an effect with its standard error, in the digits that this one justifies."""
    if math.isnan(error):
        return f"{value:+.4g}"
    digits = _digits(error) if error else 4
    return f"{value:+.{digits}f} ± {error:.{digits}f}"


def _digits(error: float) -> int:
    """Return the decimals with which a number of that standard error is written."""
    return max(0, min(12, 1 - math.floor(math.log10(error))))
