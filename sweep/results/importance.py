"""What matters in sweeps of a database: their completed configurations, put to the questions of the analysis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.analysis.importance import Importance, importance
from sweep.analysis.predictors import is_missing
from sweep.analysis.sensitivity import Sensitivity, sensitivities
from sweep.analysis.survivors import Survivors, without_outliers
from sweep.errors import UsageError
from sweep.experiment.imported import source_of
from sweep.experiment.parameters import parse_sections, read_table
from sweep.metrics import Direction, Objective
from sweep.records import Parameter, Scalar
from sweep.space.conditions import with_conditions
from sweep.space.coordinates import Array, Slot, from_parameters, slots
from sweep.space.distributions import Choice, Tree
from sweep.space.samplers.adaptive import Result

if TYPE_CHECKING:
    from sweep.analysis.review.boundary import End
    from sweep.results.trials import SweepTrials

OUTSIDE = "outside"
"""What is said of configurations that do not lie in the space that the newest sweep searches."""


@dataclass(frozen=True)
class Study:
    """The ended configurations of sweeps in the space of the newest one."""

    tree: Tree
    """The sections that are searched, parsed."""
    objective: Objective
    places: Sequence[Slot]
    names: Sequence[str]
    """What tables call each slot."""
    parameters: Sequence[Parameter]
    """Those of the newest sweep."""
    results: Sequence[Result]
    """Of configurations that completed, diverged or were pruned, within the space; None as the value of diverged ones.
    """
    left_out: Mapping[str, int]
    """Number of other configurations, by status; `OUTSIDE` of those outside of the space."""

    @cached_property
    def coordinates(self) -> Array:
        """(results, slots), unit coordinates."""
        rows = [from_parameters(self.places, result.parameters) for result in self.results]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.places))

    @property
    def diverged(self) -> int:
        """Number of configurations that diverged."""
        return sum(result.value is None for result in self.results)

    @property
    def pruned(self) -> int:
        """Number of configurations that a stopping rule ended."""
        return sum(result.stopped_after is not None for result in self.results)

    @cached_property
    def survivors(self) -> Survivors:
        """The configurations that completed."""
        rows = [row for row, result in enumerate(self.results) if self.has_completed(result)]
        values = np.array([self.results[row].value for row in rows], dtype=np.float64)
        is_max, is_cut = self.objective.is_max, self.diverged > 0
        kept, outliers = without_outliers(values, is_max)
        left_out = self.left_out.get(OUTSIDE, 0)
        return Survivors(self.places, self.names, self.coordinates[rows], kept, is_max, is_cut, outliers, left_out)

    @staticmethod
    def has_completed(result: Result) -> bool:
        """Tell whether a configuration completed."""
        return result.value is not None and result.stopped_after is None

    @cached_property
    def importance(self) -> Importance:
        """What matters among those that completed."""
        return importance(self.survivors)

    def ends(self) -> list[End]:
        """Return the ends of ranges at which the best lie, one for each parameter at most."""
        import pandas as pd

        from sweep.analysis.review.boundary import ends

        rows = sorted((each for each in self.results if self.has_completed(each)), key=self._goodness, reverse=True)
        found = ends(pd.DataFrame([dict(each.parameters) for each in rows]), self.parameters)
        certain = [each for each in found if each.is_certain]
        return list({each.parameter.name: each for each in reversed(certain)}.values())[::-1]

    def _goodness(self, result: Result) -> float:
        assert result.value is not None
        return result.value if self.objective.is_max else -result.value

    def sensitivities(self) -> list[Sensitivity]:
        """Return how sensitive to the learning rate the options of choices are."""
        rows = [row for row, result in enumerate(self.results) if result.stopped_after is None]
        sign = 1.0 if self.objective.is_max else -1.0
        values = [self.results[row].value for row in rows]
        goodness = np.array([-np.inf if value is None else sign * value for value in values])
        return sensitivities(self.places, self.coordinates[rows], goodness)


def study_of(sweeps: Sequence[SweepTrials], by: str | None = None, direction: Direction | None = None) -> Study:
    """Return the ended configurations of some sweeps, the newest last.

    Args:
        sweeps: whose configurations count, each a row with the mean over its repeats.
        by, direction: the metric, as of `SweepTrials.ranked_by`, of all of them.

    Raises:
        UsageError: when a sweep is named twice, or they have no metric in common.
    """
    if len({each.name for each in sweeps}) < len(sweeps):
        raise UsageError("a sweep is named twice; name each sweep once")
    last = sweeps[-1]
    objective = last.ranked_by(by, direction)
    for each in sweeps[:-1]:
        if each.ranked_by(by, direction) != objective:
            raise UsageError(f"{each.name} is not ranked by {objective.metric}; name sweeps with the same objective")
    tree = parse_sections(read_table(last.record.experiment, last.name, last.record.overrides), last.name)
    ended: list[Result] = []
    left_out: Counter[str] = Counter()
    for each in sweeps:
        first = len(ended)
        for status, parameters, value, epochs in _configurations(each, objective):
            result = _result(len(ended), status, parameters, value, epochs)
            if result is None:
                left_out[status] += 1
            else:
                ended.append(result)
    places, absent = slots(tree), set[str]()
    if source_of(last.record) is not None:  # which says of no parameter that it belongs to an option
        places, absent = with_conditions(places, [result.parameters for result in ended[first:]])
    inside = [result for result in ended if _lies_in(places, result.parameters, absent)]
    results = [replace(result, number=number) for number, result in enumerate(inside)]
    left_out += Counter({OUTSIDE: len(ended) - len(results)})
    return Study(tree, objective, places, _names(places, last.parameters), last.parameters, results, left_out)


def _configurations(sweep: SweepTrials, objective: Objective) -> list[tuple[str, dict[str, Scalar], float, int | None]]:
    """Return status, drawn values, metric and number of epochs of each configuration."""
    from sweep.results.leaderboard import ranked_as_completed
    from sweep.results.repeats import configurations

    frame = ranked_as_completed(sweep.store.trials(sweep.record.id, objective))
    if sweep.repeats > 1:
        frame = configurations(frame, objective, sweep.repeats)
    searched = [each.name for each in sweep.parameters if each.name in frame]
    drawn = frame[searched].astype(object).to_dict("records") if searched else [{}] * len(frame)
    epochs = [None if is_missing(count) else int(count) for count in frame["epochs"].tolist()]
    rows = zip(frame["status"], drawn, frame[objective.metric].astype("float64"), epochs, strict=True)
    return [(str(status), _known(row), float(value), count) for status, row, value, count in rows]


def _known(row: Mapping[Any, Any]) -> dict[str, Scalar]:
    """Return the values that are there, as Python scalars."""
    plain = {str(name): value.item() if isinstance(value, np.generic) else value for name, value in row.items()}
    return {name: value for name, value in plain.items() if not is_missing(value)}


def _result(
    number: int, status: str, parameters: Mapping[str, Scalar], value: float, epochs: int | None
) -> Result | None:
    """Return how a configuration ended; None where it does not count."""
    if status == "diverged":
        return Result(number, parameters, None)
    if status not in ("completed", "pruned") or not np.isfinite(value):
        return None
    return Result(number, parameters, value, (epochs or 0) if status == "pruned" else None)


def _lies_in(places: Sequence[Slot], parameters: Mapping[str, Scalar], absent: Set[str]) -> bool:
    """Tell whether all parameters of a configuration, but those that may be absent, have values of the space."""
    coordinates = from_parameters(places, parameters)
    known = {slot.name for slot, place in zip(places, coordinates, strict=True) if not np.isnan(place)}
    always = {slot.name for slot in places if slot.parent is None} - absent
    return always <= known and {slot.name for slot in places} & parameters.keys() <= known


def _names(places: Sequence[Slot], parameters: Sequence[Parameter]) -> list[str]:
    """Return what each slot is called: its parameter's short name, with the option that it belongs to."""
    short = {each.name: each.short_name for each in parameters}
    found: list[str] = []
    for slot in places:
        name = short.get(slot.name, slot.name)
        if slot.parent is not None:
            around = places[slot.parent]
            assert isinstance(around.distribution, Choice)
            of = short.get(around.name, around.name)
            option = around.distribution.labels[slot.option]
            name = f"{name} ({option})" if of == name else f"{name} ({of}={option})"
        found.append(name)
    return found
