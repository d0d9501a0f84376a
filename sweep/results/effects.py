"""What each parameter, and what two together, do to the metric of a sweep: frames and charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sweep.analysis.forest import Curve, Forest, curve, curves_within
from sweep.analysis.importance_report import effects_table, interaction_sentence, pair_sentence, summary
from sweep.analysis.survivors import value_of
from sweep.errors import Argument, SweepError, UsageError, suggest
from sweep.metrics import Direction
from sweep.records import Parameter
from sweep.results.format import format_value
from sweep.results.importance import Study, study_of
from sweep.space.coordinates import Slot
from sweep.space.distributions import Choice

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.results.trials import SweepTrials


def told_study(sweep: SweepTrials, by: str | None, direction: Direction | None) -> tuple[Study, Forest]:
    """Return what is known about what matters in a sweep, where its figures mean something.

    Raises:
        SweepError: when they do not; with the reason.
    """
    study = study_of([sweep], by, direction)
    found = study.importance
    if found.forest is None or not found.has_figures:
        raise SweepError(f"{sweep.name}: {summary(found, study.objective.metric)}")
    return study, found.forest


def effects_of(study: Study, forest: Forest, x: Sequence[str]) -> pd.DataFrame:
    """Return the expectation of the metric along parameters, by default all, those that matter most first."""
    return effects_table(study.importance, [curve(forest, index) for index in chosen(study, x)])


def chosen(study: Study, x: Sequence[str]) -> list[int]:
    """Return the slots of some parameters by name, by default of all, the largest share first.

    Raises:
        UsageError: when there is no such parameter, or it does not differ among the trials.
    """
    ranked = [each.index for each in study.importance.matters]
    if not x:
        return ranked
    found: list[int] = []
    known = {study.names[index]: index for index in ranked}
    for name in x:
        # A parameter that several options of a choice have is several slots.
        own = [index for index in ranked if name in (study.names[index], study.places[index].name)]
        own = own or [index for index in ranked if study.names[index].startswith(f"{name} (")]
        if not own:
            raise UsageError(f"'{name}' is not a parameter that differs among the trials: {suggest(name, known)}")
        found += own
    return list(dict.fromkeys(found))


def parameter_of(slot: Slot, name: str) -> Parameter:
    """Return a slot as charts need to know it."""
    distribution = slot.distribution
    if isinstance(distribution, Choice):
        return Parameter(name, name, categorical=not slot.is_numeric, options=distribution.labels)
    return Parameter(name, name, log=distribution.log, low=float(distribution.low), high=float(distribution.high))


def rows_of(study: Study) -> pd.DataFrame:
    """Return the configurations that completed, a column for each slot by name, and `value`, the metric."""
    import pandas as pd

    rows = [result for result in study.results if study.has_completed(result)]
    columns = {
        name: [
            None if np.isnan(place) else result.parameters[slot.name]
            for place, result in zip(study.survivors.coordinates[:, index].tolist(), rows, strict=True)
        ]
        for index, (slot, name) in enumerate(zip(study.places, study.names, strict=True))
    }
    return pd.DataFrame({**columns, "value": [result.value for result in rows]})


def draw_effects(study: Study, forest: Forest, x: Sequence[str], title: str) -> Figure:
    """Draw the expectation of the metric along parameters."""
    from sweep.results import plots

    places = chosen(study, x)
    parameters = [parameter_of(study.places[index], study.names[index]) for index in places]
    facts = summary(study.importance, study.objective.metric)
    effects = effects_of(study, forest, x)
    return plots.effect_chart(effects, rows_of(study), parameters, study.objective, facts=facts, title=title)


def draw_interaction(study: Study, forest: Forest, x: Sequence[str], title: str) -> Figure:
    """Draw two parameters that act together, by default the two with the strongest evidence.

    Raises:
        SweepError: when the evidence carries none, and none are named.
        UsageError: when not two are named.
    """
    from sweep.results import plots

    first, second = _pair(study, x)
    places, names = study.places, study.names
    parts = curves_within(forest, first, second)
    curves = _frame(study, first, second, parts)
    facts = pair_sentence(study.importance, first, second)
    parameter = parameter_of(places[first], names[first])
    return plots.interaction_chart(curves, parameter, names[second], study.objective, facts=facts, title=title)


def _pair(study: Study, x: Sequence[str]) -> tuple[int, int]:
    """Return the slot of the horizontal axis and the other one; of two by evidence, a number comes first."""
    if x:
        found = chosen(study, x)
        if len(found) != 2:
            raise UsageError("an interaction is that of two parameters; name two with ", Argument("x"))
        return found[0], found[1]
    told = study.importance.interactions.told
    if not told:
        said = interaction_sentence(study.importance) or ["there are too few trials to tell whether two act together"]
        raise SweepError(f"{said[0]}; to see two of them all the same, name both with ", Argument("x"))
    first, second = told[0].first, told[0].second
    shares = {each.index: each.share.value for each in study.importance.matters}
    ranked = sorted((first, second), key=lambda index: (not study.places[index].is_numeric, -shares[index]))
    return ranked[0], ranked[1]


def _frame(study: Study, first: int, second: int, parts: Sequence[tuple[float, float, Curve]]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for low, high, each in parts:
        for coordinate, known in zip(each.coordinates.tolist(), each.estimates, strict=True):
            value = value_of(study.places[first], coordinate)
            rows.append((_words(study.places[second], low, high), value, known.value, known.low, known.high))
    return pd.DataFrame(rows, columns=["part", "value", "expectation", "low", "high"])


def _words(slot: Slot, low: float, high: float) -> str:
    """Return a part of a range, or an option, in words."""
    if low == high:
        return str(value_of(slot, low))
    ends = (value_of(slot, place) for place in (low, high))
    return " to ".join(format_value("", float(f"{end:.2g}") if isinstance(end, float) else end) for end in ends)
