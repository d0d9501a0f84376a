"""Distributions: functions from the unit interval to the values of a parameter.

In an experiment file a distribution is a table with one of the keys `uniform`, `log_uniform`, `int` or `choice`. It can
stand wherever a value can stand.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sweep.errors import suggest
from sweep.records import Scalar
from sweep.space.priors import Likely, bell, checked_likely, likely_table, quantile

Number = TypeVar("Number", int, float)

Tree = Any
"""A table, a list, a scalar or, once parsed, a distribution."""

EXACT_INTEGERS = 2**53
"""Largest magnitude up to which every integer is exact as a float64, and so in any database column."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Real numbers between `low` and `high`, both included, with constant density."""

    low: float
    high: float
    log: bool = False
    """Whether the density of the logarithm is constant instead."""
    likely: Likely | None = None
    """Where good values are expected; see `sweep.space.priors`."""

    def __post_init__(self) -> None:
        for end in (self.low, self.high):
            if isinstance(end, bool) or not isinstance(end, int | float) or not abs(end) <= sys.float_info.max:
                raise ValueError(f"{self._key} needs two finite numbers, not {end!r}")
        if self.log and self.low <= 0:
            raise ValueError(f"log_uniform needs ends above 0, not {self.low!r}")
        _check_order(self._key, self.low, self.high)
        object.__setattr__(self, "likely", checked_likely(self.likely, self.low, self.high))

    @property
    def _key(self) -> str:
        return "log_uniform" if self.log else "uniform"

    def at(self, u: float) -> float:
        """Return the quantile of `u`, a number from 0 to 1."""
        return self.anywhere(u if self.likely is None else quantile(u, *self._bell()))

    def near(self, u: float) -> float:
        """Return the quantile of `u` among the values near the guess."""
        return self.anywhere(quantile(u, *self._bell(), share=1.0))

    def anywhere(self, u: float) -> float:
        """Return the quantile of `u` among all values, as without a guess."""
        # Both forms give the ends exactly, and neither can overflow on its way.
        value = self.low ** (1 - u) * self.high**u if self.log else self.low * (1 - u) + self.high * u
        return float(min(max(value, self.low), self.high))  # rounding may step just outside

    def _bell(self) -> tuple[float, float]:
        def scaled(value: float) -> float:
            return math.log(value) if self.log else value / 2  # halves, whose differences cannot overflow

        low, high = scaled(self.low), scaled(self.high)
        return bell(self.likely, lambda value: (scaled(value) - low) / ((high - low) or 1.0))

    def read(self, text: str) -> float:
        """Return the value that the text of a CSV cell stands for.

        Raises:
            ValueError: when the text is not a number in the range.
        """
        value = _number(float, text, "a number")
        if not self.low <= value <= self.high:
            raise ValueError(f"{text} is outside {self.low} to {self.high}")
        return value

    def table(self) -> dict[str, Any]:
        """Return the table that stands for it in an experiment file."""
        return {self._key: [self.low, self.high], **likely_table(self.likely)}


@dataclass(frozen=True, slots=True)
class Integer:
    """Integers low, low + step, … high, equally likely, or with `log` about as 1/value."""

    low: int
    high: int
    step: int = 1
    log: bool = False
    likely: Likely | None = None
    """Where good values are expected; see `sweep.space.priors`."""

    def __post_init__(self) -> None:
        for end in (self.low, self.high, self.step):
            if isinstance(end, bool) or not isinstance(end, int) or abs(end) > EXACT_INTEGERS:
                raise ValueError(f"int needs integers of at most 2**53, not {end!r}")
        if not isinstance(self.log, bool):
            raise ValueError(f"log must be true or false, not {self.log!r}")
        _check_order("int", self.low, self.high)
        self._check_step()
        object.__setattr__(self, "likely", checked_likely(self.likely, self.low, self.high))

    def _check_step(self) -> None:
        if self.step < 1:
            raise ValueError(f"step must be at least 1, not {self.step}")
        if (self.high - self.low) % self.step:
            last = self.high - (self.high - self.low) % self.step
            raise ValueError(f"{self.high} is not reached from {self.low} in steps of {self.step}; end at {last}")
        if self.log and (self.low < 1 or self.step != 1):
            raise ValueError("int with log = true needs a low end of at least 1 and takes no step")

    def at(self, u: float) -> int:
        """Return the quantile of `u`, a number from 0 to 1."""
        return self.anywhere(u if self.likely is None else quantile(u, *bell(self.likely, self._place)))

    def near(self, u: float) -> int:
        """Return the quantile of `u` among the values near the guess."""
        return self.anywhere(quantile(u, *bell(self.likely, self._place), share=1.0))

    def anywhere(self, u: float) -> int:
        """Return the quantile of `u` among all values, as without a guess."""
        if self.log:
            value: float = (self.low - 0.5) ** (1 - u) * (self.high + 0.5) ** u
            return min(max(round(value), self.low), self.high)
        count = (self.high - self.low) // self.step + 1
        return self.low + self.step * min(int(u * count), count - 1)

    def _place(self, value: float) -> float:
        """Return the number from 0 to 1 of which a value is the quantile without `likely`."""
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return (math.log(value) - low) / (high - low)
        return (value - self.low + self.step / 2) / (self.high - self.low + self.step)

    def read(self, text: str) -> int:
        """Return the value that the text of a CSV cell stands for.

        Raises:
            ValueError: when the text is not one of the integers.
        """
        value = _number(_integer, text, "an integer")
        if not self.low <= value <= self.high or (value - self.low) % self.step:
            raise ValueError(f"{text} is not one of {self.low}, {self.low + self.step}, … {self.high}")
        return value

    def table(self) -> dict[str, Any]:
        """Return the table that stands for it in an experiment file."""
        options = {"step": self.step} if self.step != 1 else {}
        return {
            "int": [self.low, self.high],
            **options,
            **({"log": True} if self.log else {}),
            **likely_table(self.likely),
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several equally likely options, which may contain distributions themselves."""

    options: tuple[Tree, ...]
    labels: tuple[Scalar, ...] = field(init=False, repr=False, compare=False)
    """The value that tables show for each option: a scalar itself, a tree as short text."""

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError("choice needs at least one option")
        object.__setattr__(self, "labels", _labels(self.options))  # once, not for each draw

    def at(self, u: float) -> Tree:
        """Return the option whose part of the unit interval contains `u`, a number from 0 to 1."""
        return self.options[min(int(u * len(self.options)), len(self.options) - 1)]

    def read(self, text: str) -> Tree:
        """Return the option that the text of a CSV cell stands for.

        Raises:
            ValueError: when no option has this label.
        """
        for option, label in zip(self.options, self.labels, strict=True):
            if _stands_for(text, label) or _can_read(option, text):
                return option
        raise ValueError(f"{text!r} is not an option; {suggest(text, map(_spelled, self.labels))}")

    def label(self, option: Tree) -> Scalar:
        """Return the label of one of the options, found by identity rather than by equality."""
        return next(label for label, o in zip(self.labels, self.options, strict=True) if o is option)

    def table(self) -> dict[str, Any]:
        """Return the table that stands for it in an experiment file, its options as they are."""
        return {"choice": list(self.options)}


Distribution = Uniform | Integer | Choice


def _labels(options: Sequence[Tree]) -> tuple[Scalar, ...]:
    labels = [option if isinstance(option, Scalar) else _text(option) for option in options]
    counts = Counter(labels)
    return tuple(
        label if counts[label] == 1 or isinstance(option, Scalar) else f"{label}#{index + 1}"
        for index, (label, option) in enumerate(zip(labels, options, strict=True))
    )


def _spelled(label: Scalar) -> str:
    """Return a label as an experiment file spells it."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _stands_for(text: str, label: Scalar) -> bool:
    """Tell whether a CSV cell is a label in the form of Python, of TOML or of a number."""
    if text == str(label):
        return True
    if isinstance(label, bool):
        return text.lower() == _spelled(label)  # a spreadsheet writes TRUE
    try:
        return isinstance(label, int | float) and float(text) == label
    except ValueError:
        return False


def _can_read(option: Tree, text: str) -> bool:
    """Tell whether an option is a distribution that has the value in a CSV cell."""
    if not isinstance(option, Distribution):
        return False
    try:
        option.read(text)
    except ValueError:
        return False
    return True


def _integer(text: str) -> int:
    """Return an integer, also from 9.0, as pandas writes the integers of a column with gaps."""
    try:
        return int(text)
    except ValueError:
        value = float(text)
        if not value.is_integer():
            raise
        return int(value)


def _number(read: Callable[[str], Number], text: str, what: str) -> Number:
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"it is not {what}") from None


def _check_order(kind: str, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"{kind} = [{low}, {high}] runs backwards; write [{high}, {low}]")


def _text(tree: Tree) -> str:
    """Return a tree as one line of text, with `*` for each distribution."""
    if isinstance(tree, Mapping):
        fixed = {k: v for k, v in tree.items() if k != "kind" and not isinstance(v, Distribution)}
        values = ", ".join(f"{key}={_text(value)}" for key, value in fixed.items())
        kind = str(tree.get("kind", ""))
        return f"{kind}({values})" if values or not kind else kind
    if isinstance(tree, list):
        return f"[{', '.join(map(_text, tree))}]"
    return "*" if isinstance(tree, Distribution) else str(tree)


DISTRIBUTION_KEYS = ("uniform", "log_uniform", "int", "choice")
"""The keys by which a table is recognized as a distribution."""


OPTIONS = {"uniform": ("likely",), "log_uniform": ("likely",), "int": ("step", "log", "likely")}
"""The keys that may stand beside that of a distribution."""


def parse_distribution(table: Mapping[str, Any]) -> Distribution:
    """Return the distribution that a table such as `{int = [10, 90], step = 10}` describes.

    Raises:
        ValueError: when the table is wrong; the message is the middle of a sentence.
    """
    kind = next(key for key in DISTRIBUTION_KEYS if key in table)
    options = {key: value for key, value in table.items() if key != kind}
    for key in options:
        if key not in OPTIONS.get(kind, ()):
            raise ValueError(f"{kind} takes no key {key!r}" + (" beside it" if key in DISTRIBUTION_KEYS else ""))
    value = table[kind]
    if not isinstance(value, list):
        raise ValueError(f"{kind} needs a list in square brackets, not {value!r}")
    if kind == "choice":
        return Choice(tuple(value))
    if len(value) != 2:
        raise ValueError(f"{kind} needs two ends, [low, high], not {value!r}")
    low, high = value
    if kind == "int":
        return Integer(low, high, **options)
    return Uniform(low, high, log=kind == "log_uniform", **options)


def uniform(low: float, high: float, likely: Likely | None = None) -> Uniform:
    """Return the uniform distribution of the real numbers from `low` to `high`.

    Args:
        likely: a value, or the two ends of a range, where good values are expected: three quarters of the draws are
            from there.

    Raises:
        ValueError: when an end is not finite, `low` is above `high`, or `likely` is outside of them.
    """
    return Uniform(low, high, likely=likely)


def log_uniform(low: float, high: float, likely: Likely | None = None) -> Uniform:
    """Return the distribution from `low` to `high`, both above 0, of uniform logarithm.

    Args:
        likely: as of `uniform`.

    Raises:
        ValueError: when an end is not finite and above 0, `low` is above `high`, or `likely` is outside of them.
    """
    return Uniform(low, high, log=True, likely=likely)


def integer(low: int, high: int, step: int = 1, log: bool = False, likely: Likely | None = None) -> Integer:
    """Return the distribution of the integers low, low + step, … high, both ends included.

    Args:
        log: whether a value is drawn about in proportion to 1/value; needs `low` >= 1 and a step of 1.
        likely: as of `uniform`.

    Raises:
        ValueError: when an end is not an integer of at most 2**53, or `high` is not reached in these steps.
    """
    return Integer(low, high, step, log, likely)


def choice(options: Sequence[Tree]) -> Choice:
    """Return the distribution of equally likely options, which may contain distributions.

    Raises:
        ValueError: when there is no option.
    """
    return Choice(tuple(options))
