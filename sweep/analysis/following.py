"""The plan of the search that follows another one: its space, and the model by which it is screened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweep.analysis.narrowing import Change, Table, applied, propose
from sweep.metrics import Objective
from sweep.space.coordinates import slots
from sweep.space.distributions import Tree
from sweep.space.samplers.adaptive import Result
from sweep.space.screening import explained, screened_model
from sweep.space.screens import Screen, described

KEEP = 0.01
"""The share of the space in which screened draws lie."""
LEAST_EXPLAINED = 0.05
"""The share of the scores' variance that a model must explain of results left out for draws to be screened by it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next search draws from, and how."""

    changes: Sequence[Change]
    """What changes in the space, and what is only noted."""
    table: Table
    """The tables of the file with these changes."""
    tree: Tree
    """Its sections that are searched, parsed."""
    screen: Screen | None
    """The model for the sampler `screen`; None where plain draws are as good."""
    explained: float
    """The share of the scores' variance that the model explains of results left out one by one."""


def plan(
    table: Table,
    parse: Callable[[Table], Tree],
    results: Sequence[Result],
    objective: Objective,
    seed: int,
    is_valid: Callable[[Table], bool] = lambda table: True,
    independent: Collection[int] | None = None,
) -> Plan:
    """Return the plan of the search that follows some results.

    Args:
        table: the tables of the last file.
        parse: returns the sections of such tables that are searched, parsed.
        results: of one or more searches, of different numbers.
        objective: of all of them.
        seed: of the next search.
        is_valid, independent: as of `propose`.
    """
    changes = propose(table, parse(table), results, objective, is_valid, independent)
    changed = applied(table, changes)
    tree = parse(changed)
    places = slots(tree)
    share = explained(places, results, objective)
    model = screened_model(places, results, objective, seed, 0, KEEP) if share >= LEAST_EXPLAINED else None
    screen = Screen(model, KEEP, described(places), digest(results)) if model else None
    return Plan(changes, changed, tree, screen, share)


def digest(results: Sequence[Result]) -> str:
    """Return the SHA-256 of results, whatever their order."""
    rows: list[Mapping[str, Any]] = [asdict(result) for result in sorted(results, key=lambda result: result.number)]
    return hashlib.sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
