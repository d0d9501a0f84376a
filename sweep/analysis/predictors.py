"""The columns that a model of an outcome is fitted to, made of the drawn values of trials.

Whole numbers above 0, such as a batch size or a width, and numbers that are drawn in their logarithm enter by it; a
momentum by the logarithm of 1 − momentum, which is what divides the learning rate of a long run; all other numbers as
they are. Each option of a choice has a column, one in all for two options. What is not there, as another option of the
choice around it was drawn, gets the mean of its column, and a further column tells whether it is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sweep.records import Parameter, Scalar

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Scale = Literal["log", "complement", "linear", "option", "presence"]

MOMENTA = ("momentum", "beta1", "beta2")
"""Last parts of the names of numbers in [0, 1) of which it matters how far from 1 they are."""
LEARNING_RATES = ("learning_rate", "lr")
"""Last parts of the names of learning rates."""
SHARPNESS = Parameter("sharpness", "sharpness", log=True)
"""The metric of the untrained network that stands beside the parameters where it is stored."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """One column: what it is made of, and how."""

    parameter: Parameter
    scale: Scale
    """`log` is ln x, `complement` is ln(1 − x), `linear` is x; `option` and `presence` are 0 or 1."""
    mean: float
    deviation: float
    """By which the column is standardized, together with the mean."""
    option: Scalar | None = None
    """The option that a column of a choice stands for."""
    reference: Scalar | None = None
    """The option that it is compared with, the other one or the commonest."""

    @property
    def is_number(self) -> bool:
        """Whether it stands for a number, not for what was drawn of a choice."""
        return self.scale not in ("option", "presence")

    @property
    def label(self) -> str:
        """Return its name in tables, such as `batch_size`, `1 − momentum` or `activation=relu`."""
        name = self.parameter.short_name
        match self.scale:
            case "complement":
                return f"1 − {name}"
            case "option":
                return f"{name}={self.option}"
            case "presence":
                return f"{name} is there"
            case _:
                return name

    def standardized(self, values: Sequence[Any]) -> Array:
        """Return the column of some values; what is missing has its mean, 0."""
        found = (raw(values, self.scale, self.option) - self.mean) / self.deviation
        return np.where(np.isfinite(found), found, 0.0)


def raw(values: Sequence[Any], scale: Scale, option: Scalar | None = None) -> Array:
    """Return a column before it is standardized, NaN where a value is missing or out of its range."""
    if scale == "presence":
        return np.array([float(not is_missing(value)) for value in values])
    if scale == "option":
        return np.array([math.nan if is_missing(value) else float(is_same(value, option)) for value in values])
    numbers = as_numbers(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "log":
            numbers = np.where(numbers > 0, np.log(numbers), np.nan)
        elif scale == "complement":
            numbers = np.where(numbers < 1, np.log1p(-numbers), np.nan)
    return numbers


def is_missing(value: Any) -> bool:
    """Tell whether a trial has no such value."""
    return (
        value is None
        or (isinstance(value, float | np.floating) and math.isnan(value))
        or type(value).__name__ == "NAType"
    )


def is_same(value: Any, option: Any) -> bool:
    """Tell whether a value is an option; true is not 1, and 16.0 is 16."""
    return bool(value == option) and isinstance(value, bool | np.bool_) == isinstance(option, bool | np.bool_)


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, which true and false are not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def as_numbers(values: Iterable[Any]) -> Array:
    """Return values as numbers, NaN for what is missing or none."""
    return np.array([float(value) if is_number(value) else math.nan for value in values], dtype=np.float64)


def predictors(parameters: Sequence[Parameter], values: Mapping[str, Sequence[Any]]) -> list[Predictor]:
    """Return the columns of some parameters; what is the same in all trials has none.

    Args:
        parameters: what was searched.
        values: of each trial by the parameter's full name, None or NaN where it has none; as of a frame.
    """
    found: list[Predictor] = []
    for parameter in parameters:
        found += _of(parameter, list(values[parameter.name]))
    columns: list[Array] = []
    kept: list[Predictor] = []
    for each in found:
        column = each.standardized(list(values[each.parameter.name]))
        # Whether a parameter is there is often what an option tells already.
        if each.scale == "presence" and any(np.allclose(np.abs(column), np.abs(other)) for other in columns):
            continue
        columns.append(column)
        kept.append(each)
    return sorted(kept, key=found.index)


def _of(parameter: Parameter, values: Sequence[Any]) -> list[Predictor]:
    """Return the columns of one parameter."""
    known = [value for value in values if not is_missing(value)]
    if not known:
        return []
    found: list[Predictor | None] = []
    if all(map(is_number, known)):
        found.append(_made(parameter, _scale(parameter, as_numbers(known)), values))
    else:
        options = _options(known)
        found += [_made(parameter, "option", values, each, options[0]) for each in options[len(options) == 2 :]]
    if len(known) < len(values):
        found.append(_made(parameter, "presence", values))
    return [each for each in found if each is not None]


def _scale(parameter: Parameter, numbers: Array) -> Scale:
    last = parameter.name.rpartition(".")[2]
    if last in MOMENTA and ((numbers >= 0) & (numbers < 1)).all():
        return "complement"
    is_whole = bool((numbers % 1 == 0).all())
    return "log" if (numbers > 0).all() and (parameter.log or is_whole) else "linear"


def _options(known: Sequence[Any]) -> list[Scalar]:
    """Return the options that were drawn, the commonest first; true and 1 are two."""
    counts: dict[tuple[bool, str], int] = {}
    options: dict[tuple[bool, str], Any] = {}
    for value in known:
        key = isinstance(value, str), str(value)
        counts[key] = counts.get(key, 0) + 1
        options.setdefault(key, value)
    return [options[key] for key in sorted(counts, key=lambda key: (-counts[key], key))]


def _made(
    parameter: Parameter,
    scale: Scale,
    values: Sequence[Any],
    option: Scalar | None = None,
    reference: Scalar | None = None,
) -> Predictor | None:
    """Return a column; None where all trials have the same value."""
    column = raw(values, scale, option)
    column = column[np.isfinite(column)]
    deviation = float(column.std()) if len(column) else 0.0
    # Of equal values the deviation is that of rounding.
    if deviation <= 1e-12 * max(1.0, float(np.abs(column).max(initial=0.0))):
        return None
    return Predictor(parameter, scale, float(column.mean()), deviation, option, reference)


def matrix(columns: Sequence[Predictor], values: Mapping[str, Sequence[Any]], rows: int) -> Array:
    """Return the standardized columns side by side, a row a trial."""
    found = [each.standardized(list(values[each.parameter.name])) for each in columns]
    return np.stack(found, axis=1) if found else np.empty((rows, 0))


def independent(columns: Sequence[Predictor], design: Array) -> list[int]:
    """Return the places of columns that no others add up to: of each choice the commonest option is left out."""
    chosen: list[int] = []
    # The columns of a choice come in the order of their options; numbers first, so that they are kept.
    order = sorted(range(len(columns)), key=lambda place: (not columns[place].is_number, place))
    order = [place for place in order if not _is_commonest(columns, place)]
    for place in order:
        trial = np.hstack([np.ones((len(design), 1)), design[:, [*chosen, place]]])
        if np.linalg.matrix_rank(trial, tol=1e-6 * math.sqrt(len(design))) == trial.shape[1]:
            chosen.append(place)
    return sorted(chosen)


def _is_commonest(columns: Sequence[Predictor], place: int) -> bool:
    """Tell whether a column is that of the first of at least three options."""
    own = [
        each
        for each, column in enumerate(columns)
        if column.scale == "option" and column.parameter.name == columns[place].parameter.name
    ]
    return len(own) > 1 and own[0] == place


def is_learning_rate(parameter: Parameter) -> bool:
    """Tell by its name whether a parameter is a learning rate."""
    return parameter.name.rpartition(".")[2] in LEARNING_RATES
