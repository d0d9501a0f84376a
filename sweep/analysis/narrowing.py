"""The next search after a random one: what changes in its space, and why.

The four steps of random search by hand, read from the ranked rows: options that none of the best has are left out, a
range at whose end the best lie is widened, one in a part of which they lie is narrowed to `likely` values there, and
what makes no difference is fixed.

What is fixed was measured in simulated searches of 60 and 100 trials. Idle parameters were fixed in 57 to 100 % where
noise was small and the others act linearly or quadratically, in 0 to 3 % beside sine shapes, and in 0 to 22 % where
noise was a fifth of the variance. A parameter that matters is seldom fixed where its effect is smooth, but 1 of 80
steps with 5 % of the variance was, and so were 9 to 24 % of those with two waves within the range and 5 to 10 % of the
variance: these are beyond a quadratic model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal

import numpy as np

from sweep.analysis.ends import likely_ends, widened
from sweep.analysis.evidence import absent_chance, excess_chance, span_chance, total_shares
from sweep.metrics import Objective
from sweep.records import Scalar
from sweep.space.coordinates import Array, Slot, from_parameters, slots
from sweep.space.distributions import Choice, Distribution, Integer, Tree, Uniform
from sweep.space.samplers.adaptive import Result
from sweep.space.screening import explained, fit, normal_scores

FEWEST = 20
"""Rows from which a search can be continued."""
CHANCE = 0.05
"""Probability below which what the best rows have in common is not taken for luck."""
FEWEST_BEST = 5
"""Rows that count as the best tenth at least."""
EDGE_ROWS, EDGE_OF, EDGE = 5, 10, 0.2
"""A range is widened where so many of so many best rows lie in its outer part."""
FIXED_SHARE = 0.01
"""Total share of a model's variance below which a parameter is fixed."""
FIXED_ROWS, FIXED_EXPLAINED = 60, 0.3
"""Rows, and the share that the model explains of rows left out, from which parameters are fixed at all."""

Path = tuple[str | int, ...]
Table = dict[str, Any]
Kind = Literal["likely", "widened", "dropped", "fixed", "noted"]


@dataclass(frozen=True, slots=True)
class Change:
    """What changes about one parameter of an experiment file."""

    kind: Kind
    path: Path
    """Keys and indices that lead to it in the tables of the file."""
    name: str
    """Its full name."""
    reason: str
    """One clause that says why, without the name."""
    value: Any = None
    """The keys of its distribution that change; the indices of the options that stay; or the value at which it is
    fixed. None where it is only noted."""

    def apply(self, table: Table) -> None:
        """Change the tables of a file in place."""
        here: Any = table
        for step in self.path[:-1]:
            here = here[step]
        last, old = self.path[-1], here[self.path[-1]]
        match self.kind:
            case "likely" | "widened":
                here[last] = {**old, **self.value}
            case "dropped":
                options = [old["choice"][index] for index in self.value]
                here[last] = options[0] if len(options) == 1 else {**old, "choice": options}
            case "fixed":
                here[last] = self.value


def applied(table: Table, changes: Sequence[Change]) -> Table:
    """Return the tables of a file with changes; those inside of an option come before that of its choice."""
    found = deepcopy(table)
    for change in sorted(changes, key=lambda each: -len(each.path)):
        change.apply(found)
    return found


def paths(tree: Tree, path: Path = ()) -> Iterator[Path]:
    """Yield the keys and indices that lead to each slot in the tables of a file, in the order of `slots`."""
    if isinstance(tree, Distribution):
        yield path
        if isinstance(tree, Choice):
            for index, option in enumerate(tree.options):
                yield from paths(option, (*path, "choice", index))
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from paths(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from paths(value, (*path, index))


@dataclass(frozen=True)
class Evidence:
    """The rows of a search, the best first."""

    places: Sequence[Slot]
    results: Sequence[Result]
    coordinates: Array
    """A row a result, a column a slot."""
    independent: Collection[int] | None = None
    """Numbers of the results whose parameters were drawn independently of each other; None for all."""

    @classmethod
    def of(
        cls,
        tree: Tree,
        results: Sequence[Result],
        objective: Objective,
        independent: Collection[int] | None = None,
    ) -> Evidence:
        """Return the rows in their order; of equal ones, the earlier first."""
        results = sorted(results, key=lambda result: result.number)
        scores, places = normal_scores(results, objective), slots(tree)
        ordered = [results[index] for index in np.argsort(-scores, kind="stable").tolist()]
        coordinates = np.array([from_parameters(places, row.parameters) for row in ordered])
        return cls(places, ordered, coordinates, independent)

    def column(self, index: int) -> tuple[list[Result], Array]:
        """Return the rows in which a slot is there, and its coordinates in them."""
        there = ~np.isnan(self.coordinates[:, index])
        rows = [row for row, is_there in zip(self.results, there.tolist(), strict=True) if is_there]
        return rows, self.coordinates[there, index]

    def independent_column(self, index: int) -> Array:
        """Return the coordinates of a slot in the rows that were drawn independently, and in which it is there."""
        rows, column = self.column(index)
        if self.independent is None:
            return column
        found: Array = column[[row.number in self.independent for row in rows]]
        return found


@dataclass
class Proposal:
    """Changes that are found one after the other."""

    evidence: Evidence
    table: Table
    """The tables of the file."""
    at: Sequence[Path]
    """Where each slot is in them."""
    is_valid: Callable[[Table], bool]
    """Tells whether tables would be accepted."""
    changes: list[Change] = field(default_factory=list)
    dropped: dict[int, set[int]] = field(default_factory=dict)
    """Options that are left out, by the slot of their choice."""

    def add(self, kind: Kind, index: int, reason: str, value: Any = None) -> bool:
        """Add a change unless the tables would not be accepted with it; return whether it was added."""
        change = Change(kind, self.at[index], self.evidence.places[index].name, reason, value)
        if not self.is_valid(applied(self.table, [*self.changes, change])):
            return False
        self.changes.append(change)
        return True

    def is_gone(self, index: int) -> bool:
        """Tell whether a slot is inside of an option that is left out."""
        slot = self.evidence.places[index]
        if slot.parent is None:
            return False
        return slot.option in self.dropped.get(slot.parent, set()) or self.is_gone(slot.parent)


def propose(
    table: Table,
    tree: Tree,
    results: Sequence[Result],
    objective: Objective,
    is_valid: Callable[[Table], bool] = lambda table: True,
    independent: Collection[int] | None = None,
) -> list[Change]:
    """Return what changes in the space of a search, in the order of its parameters.

    Args:
        table: the tables of the file, as they are read.
        tree: the sections of it that are searched, parsed.
        results: of the search, at least `FEWEST`; and of others, where they are of the same kind.
        is_valid: tells whether changed tables would be accepted as an experiment.
        independent: numbers of the results whose parameters were drawn independently of each other; None for all. Only
            by them are options left out: an option that a model avoids is rare among the best for that alone.
    """
    evidence = Evidence.of(tree, results, objective, independent)
    proposal = Proposal(evidence, table, list(paths(tree)), is_valid)
    idle = idle_slots(tree, evidence, objective)
    for index, slot in enumerate(evidence.places):
        if proposal.is_gone(index):
            continue
        if index in idle and _fix(proposal, index, idle[index]):
            continue
        if slot.is_numeric:
            _consider_range(proposal, index)
        else:
            _consider_options(proposal, index)
    return proposal.changes


def idle_slots(tree: Tree, evidence: Evidence, objective: Objective) -> Mapping[int, float]:
    """Return the share of the variance of each slot that makes no difference, where that can be told."""
    places = evidence.places
    if len(evidence.results) < FIXED_ROWS or explained(places, evidence.results, objective) < FIXED_EXPLAINED:
        return {}
    model = fit(places, evidence.results, objective)
    if model is None:
        return {}
    parents = {slot.parent for slot in places}
    shares = total_shares(model, places, 0)
    alone = [index for index, slot in enumerate(places) if slot.parent is None and index not in parents]
    return {index: shares[index] for index in alone if shares[index] < FIXED_SHARE}


def _fix(proposal: Proposal, index: int, share: float) -> bool:
    """Fix a parameter at its value in the best row, if that has one."""
    slot, best = proposal.evidence.places[index], proposal.evidence.results[0]
    value: Tree = best.parameters.get(slot.name)
    if value is None:
        return False
    if isinstance(slot.distribution, Choice):
        place = slot.distribution.labels.index(value)
        value = _value(proposal.table, proposal.at[index])["choice"][place]
    limit = f"{max(share, 0.001) * 100:.1g} %"
    reason = (
        f"fixed at its value in the best trial, as it makes no difference: at most {limit} of the variance of a "
        f"model of {len(proposal.evidence.results)} trials"
    )
    return proposal.add("fixed", index, reason, value)


def _value(table: Table, path: Path) -> Any:
    here: Any = table
    for step in path:
        here = here[step]
    return here


def _consider_options(proposal: Proposal, index: int) -> None:
    """Leave out the options that none of the best fifth has, unless that may be luck."""
    slot = proposal.evidence.places[index]
    assert isinstance(slot.distribution, Choice)
    column = proposal.evidence.independent_column(index)
    best = ceil(len(column) / 5)
    codes = [round(code) for code in column.tolist()]
    labels = slot.distribution.labels
    gone = [
        option
        for option in range(len(labels))
        if option not in codes[:best] and absent_chance(len(codes), best, codes.count(option)) < CHANCE
    ]
    kept = [option for option in range(len(labels)) if option not in gone]
    if not gone or not kept:
        return
    named = " and ".join(shown(labels[option]) for option in gone)
    reason = f"without {named}, which none of the best {best} of {len(codes)} trials has"
    if proposal.add("dropped", index, reason, kept):
        proposal.dropped[index] = set(gone)


def _consider_range(proposal: Proposal, index: int) -> None:
    """Widen a range at whose end the best rows lie, or narrow it to where they lie."""
    rows, column = proposal.evidence.column(index)
    if len(rows) < FEWEST:
        return
    if isinstance(proposal.evidence.places[index].distribution, Choice):
        _note_end(proposal, index, column)
        return
    is_low, is_high = _widen(proposal, index, column, upper=False), _widen(proposal, index, column, upper=True)
    if not (is_low or is_high):
        _narrow(proposal, index, rows, column)


def at_edge(column: Array, upper: bool) -> int:
    """Return how many of the best rows lie in the outer part of a range; 0 where that is not more than by chance."""
    outer = column > 1 - EDGE if upper else column < EDGE
    found = int(outer[:EDGE_OF].sum())
    if found < EDGE_ROWS or excess_chance(len(column), EDGE_OF, int(outer.sum()), found) >= CHANCE:
        return 0
    return found


def _widen(proposal: Proposal, index: int, column: Array, upper: bool) -> bool:
    """Widen one end of a range if the best rows lie there; return whether they do."""
    found = at_edge(column, upper)
    if not found:
        return False
    distribution = proposal.evidence.places[index].distribution
    assert not isinstance(distribution, Choice)
    low, high, side = distribution.low, distribution.high, "upper" if upper else "lower"
    for change in reversed(proposal.changes):  # the other end may be widened already
        if change.path == proposal.at[index] and change.kind == "widened":
            low, high = next(iter(change.value.values()))
    end = widened(distribution, upper)
    seen = f"{found} of the best {EDGE_OF} trials lie in its {side} fifth"
    key = next(iter(distribution.table()))
    reason = f"widened from {shown(high if upper else low)} to {shown(end)}, as {seen}" if end is not None else ""
    ends = [low, end] if upper else [end, high]
    if end is None or not proposal.add("widened", index, reason, {key: ends}):
        proposal.add("noted", index, f"{seen}, but beyond its end there is nothing to search")
    return True


def _note_end(proposal: Proposal, index: int, column: Array) -> None:
    """Note that the best rows have the first or the last of some numbers."""
    distribution = proposal.evidence.places[index].distribution
    assert isinstance(distribution, Choice)
    labels, codes = distribution.labels, np.floor(column * len(distribution.options)).astype(int)
    for option, what in ((0, "below"), (len(labels) - 1, "beyond")):
        found, having = int((codes[:EDGE_OF] == option).sum()), int((codes == option).sum())
        if found >= EDGE_ROWS and excess_chance(len(codes), EDGE_OF, having, found) < CHANCE:
            end = shown(labels[option])
            reason = f"{found} of the best {EDGE_OF} trials have {end}, the {'first' if option == 0 else 'last'} option"
            proposal.add("noted", index, f"{reason}; consider values {what} it")


def _narrow(proposal: Proposal, index: int, rows: Sequence[Result], column: Array) -> None:
    """Let most values of a range come from where the best tenth lies, unless that may be luck."""
    slot = proposal.evidence.places[index]
    assert isinstance(slot.distribution, Uniform | Integer)
    best = max(FEWEST_BEST, ceil(len(rows) / 10))
    low, high = float(column[:best].min()), float(column[:best].max())
    within = int(((column >= low) & (column <= high)).sum())
    if span_chance(len(rows), best, within) >= CHANCE:
        return
    values = [float(row.parameters[slot.name]) for row in rows[:best]]
    ends = likely_ends(slot.distribution, min(values), max(values))
    if ends[0] == ends[1] or ends == (slot.distribution.low, slot.distribution.high):
        return
    integers = all(isinstance(row.parameters[slot.name], int) for row in rows[:best])
    first, last = (shown(int(v) if integers else v) for v in (min(values), max(values)))
    reason = f"the best {best} of {len(rows)} trials lie between {first} and {last}"
    proposal.add("likely", index, reason, {"likely": list(ends)})


def shown(value: Scalar | None) -> str:
    """Return a value for a sentence; a number with three significant digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)
