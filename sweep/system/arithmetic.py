"""The version of the arithmetic: changes of the code that have moved the last bits of results.

It is stored with the environment in which a sweep is begun, so that figures of an older version are known as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ARITHMETIC = 2
"""Version of the arithmetic of our networks; where none is stored, it is 1. Raise it with each change below."""

CHANGES: dict[int, dict[str, str]] = {
    2: {
        "adam": "Adam scales gradients before it squares them",
        "batch_norm": "batch normalization evaluates with running means that are not rounded",
        "rmsprop": "RMSProp scales gradients before it squares them",
        "sigmoid": "small sigmoids keep their relative precision",
        "softplus": "small slopes of softplus keep their relative precision",
        "swish": "small values of swish keep their relative precision",
    },
}
"""Version -> kind in a configuration -> what has moved the last bits of networks with that kind; of others, nothing."""


def arithmetic_of(environment: Mapping[str, Any]) -> int:
    """Return the version of the arithmetic in a stored environment or state."""
    return int(environment.get("arithmetic", 1))


def moved_since(version: int, configuration: Mapping[str, Any]) -> list[str]:
    """Return what has moved the last bits of a trial's figures after a version of the arithmetic."""
    kinds = {text for section in ("network", "training") for text in _texts(configuration.get(section))}
    later = [changes for number, changes in sorted(CHANGES.items()) if number > version]
    return [what for changes in later for kind, what in changes.items() if kind in kinds]


def _texts(tree: Any) -> Iterator[str]:
    """Yield the texts in nested mappings and lists, such as the names of kinds."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for member in tree.values():
            yield from _texts(member)
    elif isinstance(tree, list | tuple):
        for member in tree:
            yield from _texts(member)
