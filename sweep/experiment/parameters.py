"""What an experiment file searches, read without the models that check it.

A stored sweep was checked when it was begun, and these models take as long to import as a sweep to be ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sweep.errors import ExperimentError
from sweep.experiment.toml import override, read_toml
from sweep.metrics import NATIVE_METRICS
from sweep.records import Parameter
from sweep.space.distributions import Tree, parameters, parse_tree

SECTIONS = ("data", "network", "training")
KEYS = ("name", "description", "trials", "seed", "sampler", *SECTIONS)
"""Of an experiment file, at its top."""

RESERVED = frozenset(
    [
        *("rank", "trial", "status", "attempt", "epoch", "epochs", "seconds", "step", "place", "kind", "error"),
        *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"),
        *NATIVE_METRICS,
    ]
)
"""Columns of the tables, which no parameter may take as its short name."""


def read_table(text: str, source: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the tables of an experiment file with the changes of the command line; `source` names it in errors.

    Raises:
        ExperimentError: when the text is not TOML.
        UsageError: when a change cannot be made.
    """
    try:
        table = read_toml(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise ExperimentError(f"{source} is not valid TOML: {error}") from None
    for change in overrides:
        override(table, SECTIONS, change, KEYS)
    return table


def sections(table: dict[str, Any], source: str) -> Tree:
    """Return the sections that can be searched, with distributions in their places.

    Raises:
        ExperimentError: when one of these is wrong.
    """
    try:
        return {section: parse_tree(table[section], section) for section in SECTIONS}
    except ValueError as error:
        raise ExperimentError(f"{source}: {error}") from None


def searched(tree: Tree) -> list[Parameter]:
    """Return what the sections search, in the order of the file."""
    return parameters(tree, RESERVED)
