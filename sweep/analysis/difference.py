"""How two trials differ: in what they were given, and from which epoch on in what they became."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sweep.analysis.review.tables import steady_jitter
from sweep.analysis.wording import number

ERRORS = 3.0
"""Standard deviations of a difference, made by jitter alone, that it must exceed to count."""


@dataclass(frozen=True, slots=True)
class Parting:
    """From where on the epochs of two trials differ."""

    common: int
    """Last epoch that both have; 0 is the untrained network."""
    same: int | None
    """Last epoch up to which all metrics are the same, bit for bit; None where already the first differs."""
    different: int | None
    """First epoch of training in which the metric differs by more than jitter; None where it never does."""
    limit: float
    """What jitter explains of a difference."""
    metric: str
    """The one that is compared."""


def changed(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name and both values of what differs, in order; None stands for what one lacks.

    >>> list(changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": "x"}))
    [('b', 2, 3), ('c', None, 'x')]
    """
    for name in dict.fromkeys([*first, *second]):
        one, other = first.get(name), second.get(name)
        if one != other or type(one) is not type(other):
            yield name, one, other


def parting(first: pd.DataFrame, second: pd.DataFrame, metric: str) -> Parting | None:
    """Return from where on two trials differ; None where they have no epoch in common.

    Jitter is that of the second half of each curve, from epoch to epoch, without single bad epochs; a difference counts
    where it exceeds three standard deviations of the difference of two such curves.

    Args:
        first, second: the epochs of each, with `epoch` and the metrics.
        metric: the one whose difference is to count.
    """
    metrics = [name for name in first if name in second and name not in ("trial", "epoch", "seconds")]
    both = first.merge(second, on="epoch", suffixes=("", "|second")).sort_values("epoch", ignore_index=True)
    if both.empty or not metrics:
        return None
    is_same = pd.Series(True, both.index)
    for name in metrics:
        one, other = both[name], both[f"{name}|second"]
        is_same &= (one == other) | (one.isna() & other.isna())
    count = int(is_same.cumprod().sum())
    gap = (both[metric] - both[f"{metric}|second"]).abs()
    limit = ERRORS * math.hypot(*(steady_jitter(_trained(frame, metric)[None]) for frame in (first, second)))
    beyond = both.loc[(gap > limit) & (both["epoch"] >= 1), "epoch"]
    return Parting(
        common=int(both["epoch"].iloc[-1]),
        same=int(both["epoch"][count - 1]) if count else None,
        different=int(beyond.iloc[0]) if len(beyond) else None,
        limit=limit,
        metric=metric,
    )


def _trained(frame: pd.DataFrame, metric: str) -> Any:
    """Return a metric after each epoch from 1."""
    rows = frame[(frame["epoch"] >= 1) & frame[metric].notna()].sort_values("epoch")
    return rows[metric].to_numpy(dtype=float)


def interesting(found: Parting, chosen: Sequence[int | None]) -> list[int]:
    """Return the epochs whose figures tell most: the first ones, where they part, those that stand for them, the last.

    A quarter, a half and three quarters of the way are among them.
    """
    shares = [round(found.common * share) for share in (0.25, 0.5, 0.75)]
    marked = [found.same, None if found.same is None else found.same + 1, found.different, *chosen]
    wanted = {1, found.common, *shares, *(each for each in marked if each is not None)}
    return sorted(each for each in wanted if each <= found.common)


def sentences(found: Parting | None) -> Iterator[str]:
    """Yield from where on two trials differ, in words."""
    if found is None:
        yield "they have no epoch in common"
        return
    if found.same is None:
        yield "they differ from the first epoch that both have"
    elif found.same == found.common:
        yield f"all metrics are the same, bit for bit, up to epoch {found.common}, the last that both have"
    else:
        yield f"they part in epoch {found.same + 1}: up to epoch {found.same} all metrics are the same, bit for bit"
    by = f"by more than jitter from epoch to epoch explains ({number(found.limit)})"
    if found.different is None:
        yield f"{found.metric} never differs {by}"
    else:
        yield f"{found.metric} first differs {by} in epoch {found.different}"
