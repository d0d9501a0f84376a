"""Sweeps side by side: how good the best of n random trials of each is, which is better, and what it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweep.errors import UsageError, counted
from sweep.results.independent import Draws
from sweep.results.tuning_curve import checked_counts, counts_up_to, curve_of, table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.analysis.comparing import Chance
    from sweep.analysis.tuning_curve import TuningCurve
    from sweep.metrics import Objective
    from sweep.results.trials import SweepTrials


@dataclass(frozen=True)
class Comparison:
    """Some sweeps compared with the first of them."""

    table: pd.DataFrame
    """One row for each number of trials and sweep: `trials`, `sweep`, `best`, `low`, `high`, `seconds` that so many
    trials take one after the other, `better`, the probability to be better than as many of the first sweep, with its
    interval from `better_low` to `better_high`; missing where there are too few trials for an interval."""
    sentences: Sequence[str]
    """What follows, a sentence each."""
    remarks: Sequence[str]
    """In what the sweeps differ, so that they are hardly comparable."""
    curves: Mapping[str, TuningCurve]
    """By the names of the sweeps."""
    objective: Objective

    def readable(self) -> pd.DataFrame:
        """Return the table for people: with words for infinite ends, and the three probabilities as one."""
        from sweep.results.format import format_value

        worst = -math.inf if self.objective.is_max else math.inf
        words = {worst: "diverged", -worst: "open"}
        shown = self.table.drop(columns=["better_low", "better_high"])
        for name in ("best", "low", "high"):
            shown[name] = [words.get(each) or format_value(self.objective.metric, each) for each in shown[name]]
        chances = self.table[["better", "better_low", "better_high"]].itertuples(index=False)
        shown["better"] = ["" if math.isnan(p) else f"{p:.2f} ({low:.2f}–{high:.2f})" for p, low, high in chances]
        return shown

    def plot(self) -> Figure:
        """Draw the tuning curves of all sweeps."""
        from sweep.results import plots

        return plots.tuning_curves(plots.tuning_points(self.curves), self.objective, title=" and ".join(self.curves))


def compare(sweeps: Sequence[SweepTrials], counts: Sequence[float] | None = None) -> Comparison:
    """Compare what random search finds in some sweeps.

    Args:
        sweeps: at least two, each ranked by the same metric.
        counts: numbers of trials; by default 1, 2, 5, 10 and so on up to the most that all have.

    Raises:
        UsageError: when the sweeps cannot be compared, or a number is not above 0.
        SweepError: when the trials of one are not independent draws that ran to their end.
    """
    import pandas as pd

    _check(sweeps)
    found = {each.name: curve_of(each) for each in sweeps}
    curves = {name: curve for name, (curve, _) in found.items()}
    asked = checked_counts(counts, min(len(curve.scores) for curve in curves.values()))
    parts = [_rows(name, found[name], asked, sweeps[0].name, curves) for name in curves]
    rows = pd.concat(parts, ignore_index=True).sort_values("trials", kind="stable", ignore_index=True)
    sentences = [line for each in sweeps[1:] for line in _sentences(sweeps[0].name, each.name, found)]
    notes = [f"of {name}: {draws.note}" for name, (_, draws) in found.items() if draws.note]
    return Comparison(rows, sentences, [*_remarks(sweeps), *notes], curves, sweeps[0].objective)


def _check(sweeps: Sequence[SweepTrials]) -> None:
    names, first = [each.name for each in sweeps], sweeps[0]
    if len(sweeps) < 2:
        raise UsageError("name at least two sweeps to compare")
    if len(set(names)) < len(names):
        raise UsageError("a sweep is named twice; name each sweep once")
    for each in sweeps[1:]:
        ours, theirs = first.objective, each.objective
        if (ours.metric, ours.direction) != (theirs.metric, theirs.direction):
            ranked = [f"{one.name} is ranked by {one.objective.metric} ({one.objective.direction})" for one in sweeps]
            raise UsageError(f"{ranked[0]} and {ranked[sweeps.index(each)]}; compare sweeps of the same metric")


def _remarks(sweeps: Sequence[SweepTrials]) -> list[str]:
    """Return in what the sweeps differ, besides what they search."""
    found = []
    if len({_digests(each) for each in sweeps}) > 1:
        found.append("they have different data, so that a better value need not be a better search")
    if len({each.record.epochs for each in sweeps}) > 1:
        epochs = ", ".join(f"{each.name} {each.record.epochs}" for each in sweeps)
        found.append(f"they have different numbers of epochs ({epochs}); compare their seconds, too")
    if len({each.objective.epoch for each in sweeps}) > 1:
        chosen = ", ".join(f"{each.name} by its {each.objective.epoch} epoch" for each in sweeps)
        found.append(f"a trial does not count alike: {chosen}")
    if len({each.repeats for each in sweeps}) > 1:
        found.append("they have different numbers of repeats, and a mean of more trainings is less a matter of luck")
    return found


def _digests(sweep: SweepTrials) -> frozenset[str]:
    return frozenset(str(entry.get("sha256")) for entry in sweep.record.datasets)


def _rows(
    name: str,
    drawn: tuple[TuningCurve, Draws],
    asked: Sequence[float],
    first: str,
    curves: Mapping[str, TuningCurve],
) -> pd.DataFrame:
    """Return the rows of one sweep."""
    from sweep.analysis.comparing import chance_of_better

    curve, draws = drawn
    rows = table(curve, asked)
    rows.insert(1, "sweep", name)
    rows["seconds"] = rows["trials"] * float(draws.table["seconds"].mean())
    chances: list[Sequence[float]] = [(math.nan,) * 3] * len(asked)
    if name != first:
        found = [chance_of_better(curve, curves[first], n, n) for n in asked]
        chances = [chance if chance.is_known else chances[0] for chance in found]
    rows[["better", "better_low", "better_high"]] = chances
    return rows


def _sentences(first: str, other: str, found: Mapping[str, tuple[TuningCurve, Draws]]) -> list[str]:
    """Return which of two sweeps is better after as many trials, and after as many seconds."""
    from sweep.analysis.comparing import LEAST, chance_of_better

    (ours, our_draws), (theirs, their_draws) = found[first], found[other]
    most = int(min(len(ours.scores), len(theirs.scores)) / LEAST)
    if most < 1:
        return [f"{first} and {other} have too few trials to tell which is better; {LEAST} of each at least"]
    same = max(each for each in counts_up_to(LEAST * most) if each <= most)
    chance = chance_of_better(theirs, ours, same, same)
    lines = [_verdict(first, other, chance, f"after {counted(same, 'trial')} of each")]
    means = [float(draws.table["seconds"].mean()) for draws in (our_draws, their_draws)]
    if not all(math.isfinite(each) and each > 0 for each in means):
        return lines
    costs = [_seconds(float(draws.table["seconds"].median())) for draws in (our_draws, their_draws)]
    lines.append(f"a trial takes {costs[0]} in {first} and {costs[1]} in {other} (medians)")
    time = min(len(curve.scores) / LEAST * mean for curve, mean in zip((ours, theirs), means, strict=True))
    n, m = time / means[0], time / means[1]
    if n >= 1 and m >= 1:
        after = f"after {_seconds(time)} of each ({n:.3g} trials of {first} and {m:.3g} of {other})"
        lines.append(_verdict(first, other, chance_of_better(theirs, ours, m, n), after))
    return lines


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.2g} s"


def _verdict(first: str, other: str, chance: Chance, after: str) -> str:
    interval = f"{chance.value:.2f} ({chance.low:.2f} to {chance.high:.2f})"
    line = f"{after}, the best of {other} is better than that of {first} with probability {interval}"
    return line if chance.is_decided else f"{line}: which is better cannot be told"
