"""What is measured, and what is better: metrics, and the objective by which trials are ranked.

The ranking rule is written here once; SQL, pandas, progress, charts and kept weights all ask the objective.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol, TypeVar

Direction = Literal["max", "min"]
ChosenEpoch = Literal["best", "last"]

PARTS = ("train", "validation", "test")
"""Parts of a data set, whose names begin the names of our metrics, such as `test_accuracy`."""


class Measure(NamedTuple):
    """A kind of figure that can be computed for each part of a data set."""

    direction: Direction
    limits: tuple[float, float] = (-math.inf, math.inf)
    """Lowest and highest possible value."""
    decimals: int | None = None
    """Decimals in tables; None for four significant digits."""
    of_counts: str | None = None
    """`module:function` that computes it from the counts of (true class, predicted class), where `training.metrics`
    may ask for it."""


MEASURES: dict[str, Measure] = {
    "accuracy": Measure("max", (0.0, 1.0), 4),
    "balanced_accuracy": Measure("max", (0.0, 1.0), 4, "sweep.training.measures:balanced_accuracy"),
    "f1": Measure("max", (0.0, 1.0), 4, "sweep.training.measures:f1"),
    "loss": Measure("min"),
    "r2": Measure("max", (-math.inf, 1.0), 4),
    "rmse": Measure("min", (0.0, math.inf)),
}
"""Name of a measure -> its description; a metric of ours is named PART_MEASURE."""


CURVATURE: dict[str, Direction] = {"instability": "min", "sharpness": "min"}
"""Metrics of our networks that are of no part: those of `training.record_sharpness`; less of them is more stable."""


NATIVE_METRICS = ("test_accuracy", "test_loss", "train_accuracy", "train_loss")
"""Metrics of a classifier without a validation part, in the order of tables."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that is recorded after each epoch."""

    name: str
    part: str | None = None
    """Part of the data set that it describes; None for a user's own metric."""
    direction: Direction | None = None
    """Whether larger or smaller is better; None for a user's own metric."""
    limits: tuple[float, float] = (-math.inf, math.inf)
    """Lowest and highest possible value."""
    decimals: int | None = None
    """Decimals in tables; None for four significant digits."""


def metric(name: str) -> Metric:
    """Return the description of a metric; of a name that is not ours only the name is known.

    >>> metric("test_accuracy").direction
    'max'
    >>> metric("perplexity").direction is None
    True
    """
    part, _, measure = name.partition("_")
    if part not in PARTS or measure not in MEASURES:
        return Metric(name)
    known = MEASURES[measure]
    return Metric(name, part, known.direction, known.limits, known.decimals)


class SortKey(NamedTuple):
    """One key of an order; trials without a value come last, whatever the direction."""

    column: str
    ascending: bool


class Measured(Protocol):
    """Anything with metrics: an epoch."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Values by the names of the metrics."""


AnyEpoch = TypeVar("AnyEpoch", bound=Measured)


@dataclass(frozen=True, slots=True)
class Objective:
    """How trials are ranked: by the value of a metric at each trial's best or last epoch.

    Equal values are ordered by the lower value of `tie_break` at that epoch, then by the lower trial number.
    """

    metric: str = "test_accuracy"
    direction: Direction = "max"
    epoch: ChosenEpoch = "best"
    """The epoch that stands for the trial: the first with the best value, or the last."""
    tie_break: str | None = "test_loss"
    """A metric of which less is better; None for none."""

    @property
    def is_max(self) -> bool:
        """Whether a larger value is better."""
        return self.direction == "max"

    @property
    def judged_part(self) -> str | None:
        """The part of which each example is right or wrong where the metric is an accuracy; None for other metrics.

        Not the training part, which nothing is to be learned from about new examples.
        """
        part, _, measure = self.metric.partition("_")
        return part if measure == "accuracy" and part in PARTS and part != "train" else None

    def is_better(self, value: float, other: float) -> bool:
        """Tell whether a value is strictly better than another."""
        return value > other if self.is_max else value < other

    def replaces(self, new: Measured, chosen: Measured | None) -> bool:
        """Tell whether a later epoch replaces the chosen one as the epoch that stands for the trial."""
        if chosen is None or self.epoch == "last":
            return True
        value, other = new.metrics[self.metric], chosen.metrics[self.metric]
        return value > other if self.direction == "max" else value < other

    def choose(self, epochs: Iterable[AnyEpoch]) -> AnyEpoch | None:
        """Return the epoch that stands for a trial, given its epochs in order; None without epochs."""
        chosen: AnyEpoch | None = None
        for epoch in epochs:
            if self.replaces(epoch, chosen):
                chosen = epoch
        return chosen

    def sort_keys(self, best_first: bool = True) -> list[SortKey]:
        """Return the order of a ranking, best or worst first; the trial number, ascending, is its last key."""
        keys = [SortKey(self.metric, self.is_max is not best_first)]
        if self.tie_break not in (None, self.metric):
            keys.append(SortKey(str(self.tie_break), best_first))
        return [*keys, SortKey("trial", True)]

    def known_direction(self, name: str) -> Direction | None:
        """Return whether larger or smaller is better of another metric of the same sweep, None where it is not known.

        A metric of a user's own may be called as one of `CURVATURE`; ours are beside an objective that is of a part.
        """
        own = CURVATURE if metric(self.metric).part else {}
        return metric(name).direction or own.get(name)

    def by(self, name: str, direction: Direction | None = None) -> Objective:
        """Return the objective that ranks by another metric at its own best or last epoch.

        Raises:
            ValueError: when the direction is neither known nor given.
        """
        if name == self.metric:
            return self
        known = direction or self.known_direction(name)
        if known is None:
            raise ValueError(f"whether more or less of {name} is better is not known; give a direction, max or min")
        return replace(self, metric=name, direction=known)
