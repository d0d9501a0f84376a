"""Names of parameters: the full one is a dotted path, the short one the end of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sweep.metrics import MEASURES, PARTS
from sweep.records import Parameter, Scalar
from sweep.space.distributions import Choice, Distribution, Integer, Tree
from sweep.space.trees import distributions

COLUMNS = frozenset(
    [
        *("rank", "trial", "repeat", "status", "attempt", "epoch", "epochs", "seconds"),
        *("step", "place", "kind", "error", "finding"),
        *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind", "ranked_epochs"),
        *("network_parameters", "multiplications"),
    ]
)
"""Columns of the tables of trials and epochs, besides metrics and parameters; a metric cannot have such a name."""

RESERVED = COLUMNS | {f"{part}_{measure}" for part in PARTS for measure in MEASURES}
"""Names that no parameter has as its short name: columns of the tables, and our metrics."""


def parameters(tree: Tree, reserved: Collection[str] = frozenset()) -> list[Parameter]:
    """Return the parameters of a parsed tree; short names are unique and not `reserved`."""
    found: dict[str, list[Distribution]] = {}
    for name, distribution in distributions(tree):
        found.setdefault(name, []).append(distribution)
    return [
        Parameter(
            name,
            short_name(name, found, reserved),
            log=_is_log(alternatives),
            categorical=any(isinstance(d, Choice) and _has_text(d) for d in alternatives),
            **_searched(alternatives),
        )
        for name, alternatives in found.items()
    ]


def _is_log(alternatives: list[Distribution]) -> bool:
    ranges = [d for d in alternatives if not isinstance(d, Choice)]
    return bool(ranges) and all(d.log for d in ranges)


def _searched(alternatives: list[Distribution]) -> dict[str, Any]:
    """Return the searched range as `low` and `high`, or the `options` if there are no others."""
    ranges = [d for d in alternatives if not isinstance(d, Choice)]
    labels = [label for d in alternatives if isinstance(d, Choice) for label in _own_labels(d)]
    if not ranges:
        return {"options": tuple({(type(label), label): label for label in labels}.values())}
    numbers = [label for label in labels if not isinstance(label, str | bool)]
    ends = [*numbers, *(end for d in ranges for end in (d.low, d.high))]
    (first, *others) = alternatives
    step = first.step if isinstance(first, Integer) and not others else 1
    return {"low": min(ends), "high": max(ends), "step": step}


def _own_labels(choice: Choice) -> list[Scalar]:
    """Return the labels of the options that are not distributions themselves."""
    pairs = zip(choice.options, choice.labels, strict=True)
    return [label for option, label in pairs if not isinstance(option, Distribution)]


def _has_text(choice: Choice) -> bool:
    """Tell whether tables show an option as text, rather than as a number."""
    return any(isinstance(label, str | bool) for label in _own_labels(choice))


def short_name(name: str, names: Mapping[str, object], reserved: Collection[str] = frozenset()) -> str:
    """Return the shortest end of a path that is the end of no other and not reserved."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        tail = ".".join(parts[-length:])
        if tail not in reserved and matches(tail, names) == [name]:
            return tail
    return name


def matches(name: str, full_names: Iterable[str]) -> list[str]:
    """Return the full names that end so, or only the one that is equal to `name`."""
    full_names = list(full_names)
    if name in full_names:
        return [name]
    return [full for full in full_names if full.endswith("." + name)]
