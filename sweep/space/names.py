"""Names of parameters: the full one is a dotted path, the short one the end of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sweep.metrics import MEASURES, PARTS
from sweep.records import Parameter
from sweep.space.distributions import Choice, Distribution, Tree
from sweep.space.trees import distributions

COLUMNS = frozenset(
    [
        *("rank", "trial", "repeat", "status", "attempt", "epoch", "epochs", "seconds"),
        *("step", "place", "kind", "error"),
        *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"),
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
        )
        for name, alternatives in found.items()
    ]


def _is_log(alternatives: list[Distribution]) -> bool:
    ranges = [d for d in alternatives if not isinstance(d, Choice)]
    return bool(ranges) and all(d.log for d in ranges)


def _has_text(choice: Choice) -> bool:
    """Tell whether tables show an option as text, rather than as a number."""
    pairs = zip(choice.options, choice.labels, strict=True)
    return any(isinstance(label, str | bool) and not isinstance(option, Distribution) for option, label in pairs)


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
