"""The best configurations of a search, trained again with fresh seeds: tables of them and of their pairs, and words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sweep.analysis.effects import Estimate
from sweep.analysis.logistic import Array
from sweep.analysis.seed_variance import SeedVariance
from sweep.analysis.shrinkage import LEVEL, Noise, Shrunk, noise_of, shrunk
from sweep.analysis.superiority import MOST_SEEDS, Comparison, comparisons, seeds_needed, told_from
from sweep.errors import counted

if TYPE_CHECKING:
    import pandas as pd

PERCENT = f"{LEVEL:.0%}".replace("%", " %")

LEAST_GAP = 1e-6
"""Standard deviations of a training; what is less is rounding."""


@dataclass(frozen=True)
class Finalists:
    """Configurations with fresh seeds, the one of which most is expected first."""

    trials: tuple[int, ...]
    """Number of a trial that has each configuration."""
    before: tuple[float, ...]
    """Value of each in the search, by which it was chosen."""
    values: Array
    """(configurations, seeds), larger ones better; NaN where there is none, -inf for a training that diverged."""
    known: tuple[Shrunk, ...]
    pairs: tuple[Comparison, ...]
    sign: float
    """1 where more is better, -1 where less is: then all values but these of the search have the other sign."""

    @property
    def seeds(self) -> list[int]:
        """How many trainings of each have ended, those that diverged included."""
        return [int(each) for each in (~np.isnan(self.values)).sum(axis=1)]

    @property
    def diverged(self) -> list[int]:
        """How many trainings of each diverged."""
        return [int(each) for each in np.isneginf(self.values).sum(axis=1)]

    @property
    def chosen(self) -> int:
        """Index of the one that was the best in the search."""
        return int(np.argmax(self.sign * np.array(self.before)))


def finalists_of(trainings: pd.DataFrame, before: Mapping[int, float], *, is_max: bool) -> Finalists:
    """Return what trainings with fresh seeds tell of configurations.

    Args:
        trainings: `trial` (whose configuration it has), `seed`, `status` and `value`, a row for each training. Those
            that neither completed nor diverged do not count.
        before: value of each trial in the search; with repeats the mean of its configuration.
        is_max: whether more is better.
    """
    sign = 1.0 if is_max else -1.0
    trials, seeds = sorted(before), sorted(set(trainings["seed"]))
    values = np.full((len(trials), len(seeds)), math.nan)
    columns = (trainings[name].tolist() for name in ("trial", "seed", "status", "value"))
    for trial, seed, status, value in zip(*columns, strict=True):
        if status in ("completed", "diverged"):
            values[trials.index(trial), seeds.index(seed)] = sign * value if status == "completed" else -math.inf
    known = shrunk(np.where(np.isfinite(values), values, math.nan))
    lucky = [sign * before[trial] for trial in trials]
    order = sorted(range(len(trials)), key=lambda index: (*_rank(known[index]), -lucky[index]))
    values = values[order]
    return Finalists(
        tuple(trials[index] for index in order),
        tuple(before[trials[index]] for index in order),
        values,
        tuple(known[index] for index in order),
        tuple(comparisons(values)),
        sign,
    )


def _rank(known: Shrunk) -> tuple[bool, float]:
    """Return what orders configurations: first by what is expected; those without any value come last."""
    value = known.expected.value
    return math.isnan(value), 0.0 if math.isnan(value) else -value


def finalists_table(found: Finalists, metric: str) -> pd.DataFrame:
    """Return one row for each configuration, the one of which most is expected first.

    Columns: `rank`, `trial`, the mean of the metric, its `standard_error`, the `expected` value (shrunk towards that of
    all) and its interval of 90 %, `low` to `high`, how many `seeds` have ended, how many of these `diverged`, the value
    `before`, in the search, and by how much that was better than what is expected, `shrinkage`, with its interval of
    90 %, `shrinkage_low` to `shrinkage_high`.
    """
    import pandas as pd

    rows = []
    for place, (trial, before, known) in enumerate(zip(found.trials, found.before, found.known, strict=True)):
        value, shrinkage = _signed(known.expected, found.sign), shrinkage_of(found, place)
        rows.append(
            {
                "rank": place + 1,
                "trial": trial,
                metric: found.sign * known.mean,
                "standard_error": known.standard_error,
                "expected": value.value,
                "low": value.low,
                "high": value.high,
                "seeds": found.seeds[place],
                "diverged": found.diverged[place],
                "before": before,
                "shrinkage": shrinkage.value,
                "shrinkage_low": shrinkage.low,
                "shrinkage_high": shrinkage.high,
            }
        )
    return pd.DataFrame(rows)


def _signed(estimate: Estimate, sign: float) -> Estimate:
    """Return an estimate of values with their own sign."""
    if sign > 0:
        return estimate
    return _minus(estimate)


def shrinkage_of(found: Finalists, index: int) -> Estimate:
    """Return by how much the value in the search was better than what is expected; below 0 where it was worse."""
    lucky, known = found.sign * found.before[index], found.known[index].expected
    return Estimate(lucky - known.value, lucky - known.high, lucky - known.low)


def pairs_table(found: Finalists) -> pd.DataFrame:
    """Return one row for each pair of configurations, in the order of their ranks.

    Columns: `trial` and `other`; the `difference` of their means, above 0 where the first one's is larger, with
    intervals `low` to `high` that hold together for all pairs; the `probability` that a training of the first ends
    better, with its own interval, `probability_low` to `probability_high`; and the `verdict`.
    """
    import pandas as pd

    rows = []
    for each in found.pairs:
        difference = _signed(each.difference, found.sign)
        probability = each.probability
        rows.append(
            {
                "trial": found.trials[each.one],
                "other": found.trials[each.other],
                "difference": difference.value,
                "low": difference.low,
                "high": difference.high,
                "probability": probability.value,
                "probability_low": probability.low,
                "probability_high": probability.high,
                "verdict": _verdict(each),
            }
        )
    columns = ["trial", "other", "difference", "low", "high"]
    columns += ["probability", "probability_low", "probability_high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _verdict(pair: Comparison) -> str:
    if not pair.is_told:
        return "cannot be told apart"
    return "better" if pair.probability.value > 0.5 else "worse"


def sentences(found: Finalists, variance: SeedVariance | None = None) -> Iterator[str]:
    """Yield what the table says.

    Args:
        found: the finalists.
        variance: that of their accuracies over seeds, where it was split.
    """
    if _noise(found) is None:
        yield "the spread over seeds is known once two trainings of a configuration with fresh seeds have completed"
        yield from _diverged_words(found)
        return
    yield _shrinkage_words(found)
    if len(found.trials) > 1:
        yield from _apart_words(found)
    yield from _diverged_words(found)
    if variance is not None:
        yield _variance_words(variance)


def _shrinkage_words(found: Finalists) -> str:
    """Return how much of the best value of the search was luck."""
    index = found.chosen
    known, before = found.known[index], f"trial {found.trials[index]}, the best of the search with"
    value = f"{before} {found.before[index]:.4g}"
    if math.isnan(known.expected.low):
        return f"{value}, has not completed with any fresh seed"
    expected, shrinkage = _signed(known.expected, found.sign), shrinkage_of(found, index)
    word, amount = ("worse", shrinkage) if shrinkage.value >= 0 else ("better", _minus(shrinkage))
    lucky = ", so it was lucky" if shrinkage.low > 0 else ""
    return f"{value}: with fresh seeds {_amount(expected)} is expected, {word} by {_amount(amount)}{lucky}"


def _minus(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def _noise(found: Finalists) -> Noise | None:
    """Return the variance of the trainings that completed."""
    return noise_of(np.where(np.isfinite(found.values), found.values, math.nan))


def _amount(estimate: Estimate) -> str:
    """Return an estimate with its interval, in the digits that the width of the interval justifies."""
    digits = _digits(estimate.high - estimate.low)
    return f"{estimate.value:.{digits}f} ({PERCENT}: {estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def _digits(width: float) -> int:
    """Return the decimals with which a number is written whose interval is that wide."""
    return max(0, min(12, 1 - math.floor(math.log10(width)))) if width > 0 else 4


def _apart_words(found: Finalists) -> Iterator[str]:
    """Yield from which configurations the first can be told apart, and what it would take."""
    first = found.trials[0]
    told, same = told_from(found.pairs, 0)
    if told:
        better = all(each.probability.value > 0.5 for each in found.pairs if each.one == 0 and each.is_told)
        verb = "is better than" if better else "can be told apart from"
        yield f"trial {first} {verb} {_listed([found.trials[index] for index in told])}"
    if same:
        yield f"trial {first} cannot be told apart from {_listed([found.trials[index] for index in same])}"
    if 1 in same:
        yield _needed_words(found)


def _listed(trials: Sequence[int]) -> str:
    words = [str(trial) for trial in trials]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _needed_words(found: Finalists) -> str:
    """Return how many seeds it would take to tell the first two apart."""
    noise = _noise(found)
    gap = found.known[0].expected.value - found.known[1].expected.value
    one, other = found.trials[:2]
    if noise is None or noise.residual <= 0 or gap <= LEAST_GAP * math.sqrt(noise.residual):
        return f"nothing is known of a difference between {one} and {other}, so take the one that is cheaper"
    size = gap / math.sqrt(noise.residual)
    needed = seeds_needed(size)
    many = f"about {needed} seeds each" if needed else f"more than {MOST_SEEDS} seeds each"
    digits = _digits(gap)
    return (
        f"{one} is expected to be better than {other} by {gap:.{digits}f}, {size:.2g} standard deviations of a "
        f"training; to tell them apart takes {many}"
    )


def _diverged_words(found: Finalists) -> Iterator[str]:
    for trial, diverged, seeds in zip(found.trials, found.diverged, found.seeds, strict=True):
        if diverged:
            means = "which its mean leaves out" if diverged < seeds else "so it has no mean"
            yield f"trial {trial} diverged with {diverged} of {counted(seeds, 'fresh seed')}, {means}"


def _variance_words(variance: SeedVariance) -> str:
    """Return how the variance between seeds is split."""
    total, own = math.sqrt(variance.total), variance.true_deviation
    spread = f"accuracies differ from seed to seed with a standard deviation of {total:.2g}"
    examples = f"{variance.examples:,} test examples"
    if not own:
        return (
            f"{spread}, no more than trainings would that are equally good on endless data: by chance each is right "
            f"about others of the {examples}"
        )
    return (
        f"{spread}; by chance each is right about others of the {examples}, and on endless data about {own:.2g} would "
        f"be left (estimated from {variance.trainings} trainings)"
    )
