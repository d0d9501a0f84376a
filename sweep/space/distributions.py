"""Distributions: from a point of the unit interval to a value; and trees of values in which distributions stand.

A tree is what a TOML file holds: tables, lists and scalars. Wherever a value can stand, a distribution can: in the
file it is a table with one of the keys `uniform`, `log_uniform`, `int` or `choice`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeVar

from sweep.errors import suggest
from sweep.records import Parameter, Scalar

Number = TypeVar("Number", int, float)

Tree = Any
"""A table, a list, a scalar or, once parsed, a distribution."""

EXACT_INTEGERS = 2**53
"""Integers up to here are exact as floating-point numbers, and so in any database column."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Real numbers between `low` and `high`, both included, every one as likely."""

    low: float
    high: float
    log: bool = False
    """Whether every *logarithm* is as likely instead."""

    def __post_init__(self) -> None:
        kind = "log_uniform" if self.log else "uniform"
        for end in (self.low, self.high):
            if isinstance(end, bool) or not isinstance(end, int | float) or not abs(end) <= sys.float_info.max:
                raise ValueError(f"{kind} needs two finite numbers, not {end!r}")
        if self.log and self.low <= 0:
            raise ValueError(f"log_uniform needs ends above 0, not {self.low!r}")
        _check_order(kind, self.low, self.high)

    def at(self, u: float) -> float:
        """Return the value below which a fraction `u` of all draws lie; 0 <= u <= 1."""
        # Both forms give the ends exactly, and neither can overflow on its way.
        value = self.low ** (1 - u) * self.high**u if self.log else self.low * (1 - u) + self.high * u
        return float(min(max(value, self.low), self.high))  # rounding may step just outside

    def read(self, text: str) -> float:
        """Return the value that a CSV cell gives.

        Raises:
            ValueError: when the text is no number of the range.
        """
        value = _number(float, text, "a number")
        if not self.low <= value <= self.high:
            raise ValueError(f"{text} is outside {self.low} to {self.high}")
        return value


@dataclass(frozen=True, slots=True)
class Integer:
    """Integers low, low + step, … high, every one as likely; with `log`, about in proportion to 1/value."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        for end in (self.low, self.high, self.step):
            if isinstance(end, bool) or not isinstance(end, int) or abs(end) > EXACT_INTEGERS:
                raise ValueError(f"int needs integers of at most 2**53, not {end!r}")
        if not isinstance(self.log, bool):
            raise ValueError(f"log must be true or false, not {self.log!r}")
        _check_order("int", self.low, self.high)
        if self.step < 1:
            raise ValueError(f"step must be at least 1, not {self.step}")
        if (self.high - self.low) % self.step:
            last = self.high - (self.high - self.low) % self.step
            raise ValueError(f"{self.high} is not reached from {self.low} in steps of {self.step}; end at {last}")
        if self.log and (self.low < 1 or self.step != 1):
            raise ValueError("int with log = true needs a low end of at least 1 and takes no step")

    def at(self, u: float) -> int:
        """Return the value below which a fraction `u` of all draws lie; 0 <= u <= 1."""
        if self.log:
            value: float = (self.low - 0.5) ** (1 - u) * (self.high + 0.5) ** u
            return min(max(round(value), self.low), self.high)
        count = (self.high - self.low) // self.step + 1
        return self.low + self.step * min(int(u * count), count - 1)

    def read(self, text: str) -> int:
        """Return the value that a CSV cell gives.

        Raises:
            ValueError: when the text is no integer of the range.
        """
        value = _number(int, text, "an integer")
        if not self.low <= value <= self.high or (value - self.low) % self.step:
            raise ValueError(f"{text} is not one of {self.low}, {self.low + self.step}, … {self.high}")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several options, every one as likely; an option may be a tree that holds distributions itself."""

    options: tuple[Tree, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError("choice needs at least one option")

    def at(self, u: float) -> Tree:
        """Return the option below which a fraction `u` of all draws lie; 0 <= u <= 1."""
        return self.options[min(int(u * len(self.options)), len(self.options) - 1)]

    def read(self, text: str) -> Tree:
        """Return the option that a CSV cell names.

        Raises:
            ValueError: when no option has this label.
        """
        for option, label in zip(self.options, self.labels, strict=True):
            if _names(label, text) or _reads(option, text):
                return option
        raise ValueError(f"{text!r} is not an option; {suggest(text, map(str, self.labels))}")

    @property
    def labels(self) -> tuple[Scalar, ...]:
        """What stands in tables and charts for each option: scalars for themselves, trees as short text."""
        labels = [option if isinstance(option, Scalar) else _text(option) for option in self.options]
        counts = Counter(labels)
        return tuple(
            label if counts[label] == 1 or isinstance(option, Scalar) else f"{label}#{index + 1}"
            for index, (label, option) in enumerate(zip(labels, self.options, strict=True))
        )

    def label(self, option: Tree) -> Scalar:
        """Return the label of one of the options, itself and not an equal one."""
        return next(label for label, o in zip(self.labels, self.options, strict=True) if o is option)


Distribution = Uniform | Integer | Choice


def _names(label: Scalar, text: str) -> bool:
    """Tell whether a CSV cell means a label, as Python writes it, as TOML does, or as another form of its number."""
    if text == str(label):
        return True
    if isinstance(label, bool):
        return text == str(label).lower()
    try:
        return isinstance(label, int | float) and float(text) == label
    except ValueError:
        return False


def _reads(option: Tree, text: str) -> bool:
    """Tell whether an option is a distribution that has the value in a CSV cell."""
    if not isinstance(option, Distribution):
        return False
    try:
        option.read(text)
    except ValueError:
        return False
    return True


DISTRIBUTION_KEYS = ("uniform", "log_uniform", "int", "choice")


def _number(read: Callable[[str], Number], text: str, what: str) -> Number:
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"it is not {what}") from None


def _check_order(kind: str, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"{kind} = [{low}, {high}] runs backwards; write [{high}, {low}]")


def _text(tree: Tree) -> str:
    """Write a tree on one line; what is drawn further down stands as its own parameter, and here as `*`."""
    if isinstance(tree, Mapping):
        fixed = {k: v for k, v in tree.items() if k != "kind" and not isinstance(v, Distribution)}
        values = ", ".join(f"{key}={_text(value)}" for key, value in fixed.items())
        kind = str(tree.get("kind", ""))
        return f"{kind}({values})" if values or not kind else kind
    if isinstance(tree, list):
        return f"[{', '.join(map(_text, tree))}]"
    return "*" if isinstance(tree, Distribution) else str(tree)


def parse_distribution(table: Mapping[str, Any]) -> Distribution:
    """Make a distribution of a table such as `{int = [10, 90], step = 10}`.

    Raises:
        ValueError: when the table is wrong; the message is the middle of a sentence.
    """
    kind = next(key for key in DISTRIBUTION_KEYS if key in table)
    options = {key: value for key, value in table.items() if key != kind}
    for key in options:
        if kind != "int" or key not in ("step", "log"):
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
    return Uniform(low, high, log=kind == "log_uniform")


def join(path: str, key: str) -> str:
    """Return the dotted path of a key within a path; an odd key is quoted."""
    key = key if re.fullmatch(r"[\w-]+", key) else repr(key)
    return f"{path}.{key}" if path else key


def parse_tree(tree: Tree, path: str = "") -> Tree:
    """Replace every table that describes a distribution, at any depth, by the distribution.

    Raises:
        ValueError: with the dotted path of the mistake at the start of its message.
    """
    if isinstance(tree, dict):
        if not any(key in tree for key in DISTRIBUTION_KEYS):
            return {key: parse_tree(value, join(path, key)) for key, value in tree.items()}
        if isinstance(tree.get("choice"), list):
            # An option stands where the choice stands, so what is drawn inside it is named without its index.
            tree = {**tree, "choice": [parse_tree(option, path) for option in tree["choice"]]}
        try:
            return parse_distribution(tree)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    if isinstance(tree, list):
        return [parse_tree(value, f"{path}[{index}]") for index, value in enumerate(tree)]
    return tree


def distributions(tree: Tree, path: str = "") -> Iterator[tuple[str, Distribution]]:
    """Yield (full name, distribution) for all that a parsed tree holds, those inside options included."""
    if isinstance(tree, Distribution):
        yield path, tree
        if isinstance(tree, Choice):
            for option in tree.options:
                yield from distributions(option, path)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from distributions(value, join(path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from distributions(value, f"{path}[{index}]")


Pick = Callable[[str, Distribution, int], Tree]
"""(full name, distribution, depth) -> one of its values or options; the depth tells a distribution that is itself an
option from the choice around it, as both have one name: 0 for the outermost"""


def draw(tree: Tree, pick: Pick, drawn: dict[str, Scalar], path: str = "", depth: int = 0) -> Tree:
    """Replace every distribution of a parsed tree by the value that `pick` takes; note the values in `drawn`."""
    if isinstance(tree, Distribution):
        value = pick(path, tree, depth)
        drawn[path] = tree.label(value) if isinstance(tree, Choice) else value
        return draw(value, pick, drawn, path, depth + 1)
    if isinstance(tree, dict):
        return {key: draw(value, pick, drawn, join(path, key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [draw(value, pick, drawn, f"{path}[{index}]") for index, value in enumerate(tree)]
    return tree


def covering(tree: Tree) -> list[Tree]:
    """Return trees without distributions in which each end of each range and each option occurs at least once."""
    if isinstance(tree, Choice):
        return [covered for option in tree.options for covered in covering(option)]
    if isinstance(tree, Uniform | Integer):
        return [tree.at(0.0), tree.at(1.0)]
    if isinstance(tree, dict):
        return [dict(zip(tree, values, strict=True)) for values in _side_by_side(tree.values())]
    if isinstance(tree, list):
        return [list(values) for values in _side_by_side(tree)]
    return [tree]


def _side_by_side(trees: Any) -> list[tuple[Tree, ...]]:
    """Return rows with one covering value of each tree, the first filling in where a tree has fewer."""
    columns = [covering(tree) for tree in trees]
    missing = object()
    return [
        tuple(columns[i][0] if value is missing else value for i, value in enumerate(row))
        for row in zip_longest(*columns, fillvalue=missing)
    ] or [()]


def parameters(tree: Tree, reserved: frozenset[str] = frozenset()) -> list[Parameter]:
    """List what a parsed tree searches, in its order, with short names that avoid each other and `reserved`."""
    found: dict[str, list[Distribution]] = {}
    for name, distribution in distributions(tree):
        found.setdefault(name, []).append(distribution)
    return [
        Parameter(
            name,
            _short_name(name, found, reserved),
            log=_is_log(alternatives),
            categorical=any(isinstance(d, Choice) and _has_text(d) for d in alternatives),
        )
        for name, alternatives in found.items()
    ]


def _is_log(alternatives: list[Distribution]) -> bool:
    ranges = [d for d in alternatives if not isinstance(d, Choice)]
    return bool(ranges) and all(d.log for d in ranges)


def _has_text(choice: Choice) -> bool:
    """Tell whether an option stands as text in tables; one that is a distribution stands as what it draws."""
    pairs = zip(choice.options, choice.labels, strict=True)
    return any(isinstance(label, str | bool) and not isinstance(option, Distribution) for option, label in pairs)


def _short_name(name: str, names: Mapping[str, object], reserved: frozenset[str]) -> str:
    """Return the shortest tail of a dotted path that is the tail of no other path and not reserved."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        tail = ".".join(parts[-length:])
        rivals = [other for other in names if other != name and ("." + other).endswith("." + tail)]
        if not rivals and tail not in reserved:
            return tail
    return name
