"""What matters, in sentences and in tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sweep.analysis.effects import Estimate
from sweep.analysis.forest import Curve, estimate
from sweep.analysis.importance import FEWEST, LEAST_EXPLAINED, Importance
from sweep.analysis.interactions import CHANCE, Pair
from sweep.analysis.sensitivity import Sensitivity
from sweep.analysis.survivors import groups, value_of
from sweep.analysis.wording import listed, number
from sweep.errors import counted
from sweep.space.coordinates import Slot
from sweep.space.distributions import Choice

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("share", "best_quarter", "worth", "danger")
"""The four answers, each with columns `_low` and `_high` beside it."""
TITLES = {
    "share": "share of variance",
    "best_quarter": "best quarter",
    "worth": "worth tuning",
    "danger": "dangerous",
    "best": "best at",
    "worst": "worst at",
}
"""Columns of the table for people."""
LEGEND = (
    "of the configurations that completed; in brackets 90 % intervals; share of variance: of what a model of them "
    "predicts, by the parameter alone; best quarter: its part in "
    "whether a configuration is among the best quarter; worth tuning: gain of the best value over the middle of the "
    "range, the others averaged; dangerous: loss of the worst value against the middle"
)
ROUGH = 0.4
"""Explained share of the variance below which the figures are called rough."""
MOST_NAMED = 3
"""At most this many pairs are named besides the strongest."""


def summary(found: Importance, metric: str) -> str:
    """Return how well the model explains what was reached, or why there are no figures, as a sentence."""
    survivors, rows = found.survivors, counted(found.survivors.rows, "configuration")
    if survivors.rows == 0:
        left_out = counted(survivors.outside, "configuration")
        why = f"no configuration within the ranges that are searched has completed, and {left_out} outside are left out"
        why = why if survivors.outside else "no configuration has completed yet"
        return f"{why}, so there is nothing to tell about what matters"
    if not survivors.places:
        return "no parameter was searched, so there is nothing that could matter"
    if survivors.rows < FEWEST:
        return f"{rows} completed; what matters among them can be told from {FEWEST} on"
    if not survivors.varied:
        return f"each parameter has the same value in all {rows} that completed, so nothing can be told of its effect"
    if survivors.are_huge:
        return f"values of {metric} are too large to compute their variance, so nothing can be told of what matters"
    if found.forest is None:
        return f"all {rows} that completed have the same {metric}, so no parameter matters among them"
    share = max(found.forest.explained, 0)
    if not found.has_figures:
        return (
            f"the parameters explain too little of {metric} in {rows} that completed, so no figure of what matters "
            f"would mean much: {_percent(share)} of the variance out of sample, where more than "
            f"{_percent(LEAST_EXPLAINED)} is needed"
        )
    words = f"{rows} completed; their parameters explain {_percent(share)} of the variance of {metric} out of sample"
    return words if share >= ROUGH else f"{words}, so the figures are rough: the rest is noise, or too seldom seen"


def sentences(found: Importance) -> list[str]:
    """Return what is known besides the table: pairs of parameters, and what was the same in all."""
    known = interaction_sentence(found)
    outliers = found.survivors.outliers
    if outliers and found.forest is not None:
        known.append(f"{counted(outliers, 'configuration')} that did far worse counted as the worst of the others")
    constant = [name for index, name in enumerate(found.survivors.names) if index not in found.survivors.varied]
    known += [f"the same in all that completed: {listed(constant)}"] if constant and found.forest else []
    return known


def interaction_sentence(found: Importance) -> list[str]:
    """Return which parameters act together, if that was tested."""
    pairs, told = found.interactions.pairs, found.interactions.told
    if not pairs or found.forest is None:
        return []
    if not told:
        return [f"no two parameters can be told to act together (p = {number(pairs[0].chance)} of the strongest pair)"]
    first, *others = told
    words = f"two parameters act together otherwise than each alone, for example {pair_sentence(found, *first.slots)}"
    if others:
        names = listed([_pair(found, pair) for pair in others[:MOST_NAMED]])
        rest = len(others) - MOST_NAMED
        words += f"; also {names}" + (f" and {rest} more" if rest > 0 else "")
    return [words]


def pair_sentence(found: Importance, first: int, second: int) -> str:
    """Return how much two parameters explain together beyond what each does, and the evidence."""
    assert found.forest is not None
    share = estimate(found.forest.pair_shares(groups(found.survivors, first), groups(found.survivors, second)))
    chances = [pair.chance for pair in found.interactions.pairs if set(pair.slots) == {first, second}]
    evidence = f"p = {number(chances[0])}, of all pairs together" if chances else "not tested"
    return f"{' × '.join(found.names([first, second]))}: {_percents(share)} of the variance ({evidence})"


def _pair(found: Importance, pair: Pair) -> str:
    return " × ".join(found.names(pair.slots))


def sensitivity_sentences(found: Sequence[Sensitivity], places: Sequence[Slot], names: Sequence[str]) -> list[str]:
    """Return the sensitivity to the learning rate of each option, a sentence for each choice."""
    words: list[str] = []
    for choice, rate in dict.fromkeys((each.choice, each.rate) for each in found):
        distribution = places[choice].distribution
        assert isinstance(distribution, Choice)
        own = [each for each in found if (each.choice, each.rate) == (choice, rate)]
        own.sort(key=lambda each: each.loss.value)
        parts = [f"{_value(distribution.labels[each.option])} {_interval(each.loss)}" for each in own]
        loss = f"mean loss over the range of {names[rate].partition(' (')[0]} against its best"
        is_alike = max(each.loss.low for each in own) <= min(each.loss.high for each in own)
        end = ", which cannot be told apart" if is_alike else ""
        words.append(f"{loss}, by {names[choice]}: {', '.join(parts)}{end}")
    return words


def importance_table(found: Importance) -> pd.DataFrame:
    """Return a row for each parameter, the largest share first, with the four answers and the ends of their intervals.

    `share` and `best_quarter` are parts of 1; `worth` and `danger` in units of the metric; `best` and `worst` are the
    values with which the metric is expected to be best and worst.
    """
    import pandas as pd

    rows: list[dict[str, object]] = []
    for matter in found.matters:
        row: dict[str, object] = {"parameter": found.survivors.names[matter.index]}
        for column in COLUMNS:
            known: Estimate | None = getattr(matter, column)
            ends = (None, None, None) if known is None else (known.value, known.low, known.high)
            row |= dict(zip((column, f"{column}_low", f"{column}_high"), ends, strict=True))
        rows.append({**row, "best": matter.best, "worst": matter.worst})
    numbers = [name for column in COLUMNS for name in (column, f"{column}_low", f"{column}_high")]
    frame = pd.DataFrame(rows, columns=["parameter", *numbers, "best", "worst"])
    return frame.astype(dict.fromkeys(numbers, "float64"))


def shown_table(found: Importance) -> pd.DataFrame:
    """Return the table for people: each answer with its interval in brackets."""
    import pandas as pd

    rows = [
        {
            "parameter": found.survivors.names[matter.index],
            TITLES["share"]: _percents(matter.share),
            TITLES["best_quarter"]: _percents(matter.best_quarter) if matter.best_quarter else "",
            TITLES["worth"]: _interval(matter.worth),
            TITLES["danger"]: _interval(matter.danger),
            TITLES["best"]: _value(matter.best),
            TITLES["worst"]: _value(matter.worst),
        }
        for matter in found.matters
    ]
    return pd.DataFrame(rows)


def effects_table(found: Importance, curves: Sequence[Curve]) -> pd.DataFrame:
    """Return the expectation of the metric along each parameter: a row for each level, or each tenth of a range.

    `value` is the middle of the tenth; `expectation` has a 90 % interval from `low` to `high`; `trials` is the number
    of configurations there.
    """
    import pandas as pd

    rows = []
    for each in curves:
        slot = found.survivors.places[each.index]
        column = found.survivors.coordinates[:, each.index]
        column = column[~np.isnan(column)]
        nearest = np.abs(column[:, None] - each.coordinates).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(each.coordinates))
        for coordinate, known, count in zip(each.coordinates.tolist(), each.estimates, counts.tolist(), strict=True):
            value = value_of(slot, coordinate)
            rows.append((found.survivors.names[each.index], value, known.value, known.low, known.high, count))
    return pd.DataFrame(rows, columns=["parameter", "value", "expectation", "low", "high", "trials"])


def pairs_table(found: Importance) -> pd.DataFrame:
    """Return a row for each pair that was tested, the strongest evidence first.

    `p` is the probability that any pair seems to be so strong where none is, and `is_told` whether that is small.
    """
    import pandas as pd

    rows = [(*found.names(pair.slots), pair.chance, pair.chance <= CHANCE) for pair in found.interactions.pairs]
    return pd.DataFrame(rows, columns=["first", "second", "p", "is_told"])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _percents(known: Estimate) -> str:
    return f"{_percent(known.value)} ({100 * known.low:.0f}–{100 * known.high:.0f})"


def _interval(known: Estimate) -> str:
    return f"{number(known.value)} ({number(known.low)}–{number(known.high)})"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return number(value, 3) if isinstance(value, float) else str(value)
