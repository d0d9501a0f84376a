"""Bounds of the arguments of kinds, written once: in the signature of their function.

An experiment file is checked against the same annotations (`sweep.experiment.sections.registry`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

LARGEST = 2**31 - 1
"""The largest integer that every database holds; no network or training needs a larger one."""


@dataclass(frozen=True)
class Bounds:
    """The range of a finite number, as in `Annotated[float, Bounds(ge=0, lt=1)]`."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the schema by which pydantic checks the bounds; pydantic calls this."""
        given = {"gt": self.gt, "ge": self.ge, "lt": self.lt, "le": self.le}
        return {**handler(source), **{name: bound for name, bound in given.items() if bound is not None}}

    def holds(self, value: float) -> bool:
        """Return whether a value is finite and within the bounds."""
        return (
            math.isfinite(value)
            and (self.gt is None or value > self.gt)
            and (self.ge is None or value >= self.ge)
            and (self.lt is None or value < self.lt)
            and (self.le is None or value <= self.le)
        )

    def __str__(self) -> str:
        """Return the bounds in words, such as "above 0 and at most 1"."""
        return " and ".join(self._words())

    def _words(self) -> Iterator[str]:
        for words, bound in (("above", self.gt), ("at least", self.ge), ("below", self.lt), ("at most", self.le)):
            if bound is not None:
                yield f"{words} {bound}"
        if self.lt is None and self.le is None:
            yield "finite"


Count = Annotated[int, Bounds(ge=1, le=LARGEST)]
"""A number of things, at least one."""
Size = Annotated[int, Bounds(ge=0, le=LARGEST)]
"""A number of things, possibly none."""
Positive = Annotated[float, Bounds(gt=0)]
NonNegative = Annotated[float, Bounds(ge=0)]
Fraction = Annotated[float, Bounds(ge=0, lt=1)]


def check_arguments(function: Callable[..., Any], **values: Any) -> None:
    """Check arguments against the bounds and literals in a function's signature.

    Raises:
        ValueError: when one is not within them; the message names it.
    """
    hints = get_type_hints(function, include_extras=True)
    for name, value in values.items():
        valid = get_args(hints[name])
        if get_origin(hints[name]) is Literal and value not in valid:
            raise ValueError(f"{name} must be one of {', '.join(valid)}, not {value!r}")
        for bounds in getattr(hints[name], "__metadata__", ()):
            if not bounds.holds(value):
                raise ValueError(f"{name} must be {bounds}, not {value!r}")
