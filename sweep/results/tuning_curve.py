"""The tuning curve of a sweep: how good the best of n of its random trials is, and what more of them may bring."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sweep.errors import SweepError, UsageError
from sweep.experiment.parents import parent_of
from sweep.metrics import Objective, metric
from sweep.results.independent import NEEDS, Draws, check_independent, independent_draws

if TYPE_CHECKING:
    import pandas as pd

    from sweep.analysis.tuning_curve import TuningCurve
    from sweep.results.trials import SweepTrials

FEWEST = 10
"""Trials below which the summary after a sweep has no word on luck."""
STEPS = (1, 2, 5)


def curve_of(results: SweepTrials) -> tuple[TuningCurve, Draws]:
    """Return the tuning curve of a sweep and the draws that it is of.

    Raises:
        SweepError: when the sweep has no independent draws.
    """
    draws = check_independent(results, "tuning curve")
    if draws.table.empty:
        raise SweepError(f"{results.name} has no tuning curve, since all of its trials that have ended failed")
    return made(draws), draws


def made(draws: Draws) -> TuningCurve:
    """Return the tuning curve of draws, of which there is at least one."""
    from sweep.analysis.tuning_curve import TuningCurve

    return TuningCurve(draws.values, draws.objective.is_max)


def counts_up_to(most: int) -> list[int]:
    """Return 1, 2, 5, 10, and so on below a number, and that number.

    >>> counts_up_to(12)
    [1, 2, 5, 10, 12]
    """
    powers = [step * 10**power for power in range(len(str(most))) for step in STEPS]
    return [*(count for count in powers if count < most), most]


def table(curve: TuningCurve, counts: Iterable[float], quantile: float = 0.5) -> pd.DataFrame:
    """Return one row for each number of trials: `trials`, `best`, `low` and `high`, the ends of the band.

    An end that is not known is infinite, as is a value of trials that diverged.
    """
    import numpy as np
    import pandas as pd

    counts = list(counts)
    best = curve.best_of(counts, quantile)
    low, high = np.minimum(best.worse, best.better), np.maximum(best.worse, best.better)
    return pd.DataFrame({"trials": counts, "best": best.value, "low": low, "high": high})


def checked_counts(counts: Sequence[float] | None, most: int) -> list[float]:
    """Return numbers of trials, by default some up to `most`.

    Raises:
        UsageError: when one is not above 0.
    """
    if counts is None:
        return [*counts_up_to(most)]
    if not counts or not all(0 < each < math.inf for each in counts):
        raise UsageError("numbers of trials must be above 0; give such as 1, 10 and 100")
    return list(counts)


def summary(results: SweepTrials) -> list[str]:
    """Return what the summary after a sweep says of luck: a line on the best of some trials, and one on further ones.

    Returns: nothing of fewer than ten trials, of twins, or where all diverged; else why there is no curve, if so.
    """
    if parent_of(results.record) is not None:
        return []
    draws = independent_draws(results)
    if draws.reason and results.record.trials // results.repeats >= FEWEST:
        return [f"no tuning curve, which needs {NEEDS}: {draws.reason}"]
    if len(draws.table) < FEWEST or draws.table["value"].isna().all():
        return []
    curve, noun = made(draws), "configurations" if results.repeats > 1 else "trials"
    return [_best_line(curve, draws, noun), *_further_line(curve, draws, noun)]


def _best_line(curve: TuningCurve, draws: Draws, noun: str) -> str:
    """Return the band at ten trials, or at fewer where it is open there, and at all."""
    total = len(draws.table)
    first = max(count for count in counts_up_to(10) if count == 1 or count <= curve.largest)
    rows = table(curve, [first, total] if first < total else [total])
    words = [range_words(draws.objective, low, high) for low, high in zip(rows["low"], rows["high"], strict=True)]
    note = f"; {draws.note}" if draws.note else ""
    if len(words) == 1:
        return f"median best of {total} {noun}: {words[0]} (95 %{note})"
    count = f"{first} {noun}" if first > 1 else f"1 {noun.removesuffix('s')}"
    return f"median best of {count}: {words[0]}, of {total}: {words[1]} (95 %{note})"


def range_words(objective: Objective, low: float, high: float) -> str:
    """Return a range as words; an end that is not known is infinite.

    >>> range_words(Objective("test_accuracy"), 0.9, 0.95), range_words(Objective("rmse", "min"), -math.inf, 1.5)
    ('0.9000–0.9500', 'at most 1.5')
    """
    from sweep.results.format import format_value

    ends = [format_value(objective.metric, each) for each in (low, high)]
    if math.isinf(low) and math.isinf(high):
        return "not known"
    if math.isinf(low):
        return f"at most {ends[1]}"
    if math.isinf(high):
        return f"at least {ends[0]}"
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def _further_line(curve: TuningCurve, draws: Draws, noun: str) -> list[str]:
    """Return what as many trials again may bring."""
    from sweep.analysis.wording import number

    scores, total = curve.scores, len(curve.scores)
    lowest, highest = metric(draws.objective.metric).limits
    room = highest - scores[-1] if curve.is_max else -scores[-1] - lowest
    if room <= 0:
        return []  # none can be better
    is_tied = total > 1 and scores[-1] == scores[-2]
    line = f"another {total} {noun} beat the best of these with probability {'at most ' if is_tied else ''}1/2"
    gain = curve.most_gain(total)
    if gain is None:
        return [line]
    verb = "raise" if curve.is_max else "lower"
    bound = number(min(gain, room))
    return [f"{line}, and {verb} it by at most {bound} (95 %, if good values thin out towards a limit)"]
