"""What to say where a condition selects no trial that is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from sweep.errors import counted
from sweep.results.filter import columns_named, matching
from sweep.results.format import format_value
from sweep.results.repeats import configurations

if TYPE_CHECKING:
    from sweep.metrics import Direction
    from sweep.results.trials import SweepTrials

MOST_VALUES = 8
"""At most this many values of a column are listed."""


def unmatched(results: SweepTrials, where: str, by: str | None = None, direction: Direction | None = None) -> str:
    """Return a sentence on the trials that satisfy a condition, or on the values of the columns that it names.

    Args:
        results: the sweep, of which no trial that was to be shown satisfies it.
        where: the condition.
        by: the metric that is ranked by; by default that of the sweep.
        direction: whether more or less of it is better, where that is not known.
    """
    frame, objective = results.trials(by, direction), results.ranked_by(by, direction)
    if results.repeats > 1:
        others = [name for name in results.metrics() if name in frame and name != objective.metric]
        frame = configurations(frame, objective, results.repeats, others)
    found = frame.loc[matching(frame, where, results.parameters), "status"].value_counts()
    if len(found):
        verb = "satisfies" if found.sum() == 1 else "satisfy"
        counts = ", ".join(f"{count} {status}" for status, count in found.items())
        return f"{counted(found.sum(), 'trial')} {verb} the condition: {counts}"
    columns = columns_named(frame, where, results.parameters)
    return "; ".join(["no trial satisfies the condition", *(described(name, frame[name]) for name in columns)])


def described(name: str, values: pd.Series) -> str:
    """Return what values a column has, written as in a condition.

    >>> described("shuffle", pd.Series([False, "epoch", None, False]))
    'shuffle has the values false, "epoch" (text in quotes, all else without)'
    """
    present = values.dropna()
    if present.empty:
        return f"{name} has no values"
    distinct = list(dict.fromkeys((type(value), value) for value in present))
    if is_numeric_dtype(present.dtype) and not is_bool_dtype(present.dtype) and len(distinct) > 1:
        return f"{name} is between {format_value(name, present.min())} and {format_value(name, present.max())}"
    texts = [_written(name, value) for _, value in distinct]
    listed = ", ".join(texts[:MOST_VALUES]) + (", …" if len(texts) > MOST_VALUES else "")
    mixed = any(kind is str for kind, _ in distinct) and any(kind is not str for kind, _ in distinct)
    note = " (text in quotes, all else without)" if mixed else ""
    return f"{name} has the value{'s' * (len(texts) > 1)} {listed}{note}"


def _written(name: str, value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else format_value(name, value)
