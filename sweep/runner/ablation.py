"""The ablation path from one configuration to another: which parameter matters, found out by training what is between.

At each step one parameter more takes the value of the target: the one with which the result is best (Fawcett and Hoos,
"Analysing differences between algorithm configurations through ablation", Journal of Heuristics 22, 2016). What is
drawn inside an option of a choice changes together with that choice, since it is not there without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sweep.metrics import Objective
from sweep.records import Scalar
from sweep.space.distributions import Distribution, Tree
from sweep.space.trees import join

Changed = frozenset[str]
"""The groups of parameters that have the values of the target."""
NOTHING: Changed = frozenset()


@dataclass(frozen=True)
class End:
    """A configuration at one end of the path."""

    name: str
    """The trial that has it, such as `digits/12`, or what else it is."""
    configuration: Mapping[str, Any]
    parameters: Mapping[str, Scalar]
    """Its searched values by full name."""


@dataclass(frozen=True)
class Path:
    """What lies between two configurations of a sweep."""

    tree: Tree
    """The parsed sections of the experiment."""
    baseline: End
    target: End
    groups: tuple[str, ...]
    """Names of what differs, in the order of the file: parameters outside of choices, each with what is inside."""

    @classmethod
    def between(cls, tree: Tree, baseline: End, target: End) -> Path:
        """Return the path between two configurations."""
        pairs = _outermost(tree, baseline.configuration, target.configuration)
        return cls(tree, baseline, target, tuple(name for name, one, other in pairs if one != other))

    @property
    def whole(self) -> Changed:
        """All groups, as the target has them."""
        return frozenset(self.groups)

    def configuration(self, changed: Changed) -> dict[str, Any]:
        """Return the target's configuration with the baseline's values of all groups that are not changed."""
        kept = frozenset(self.groups) - changed
        return dict(_merged(self.tree, self.baseline.configuration, self.target.configuration, kept))

    def parameters(self, changed: Changed) -> dict[str, Scalar]:
        """Return the searched values of a configuration between the ends."""
        found = {}
        for name in dict.fromkeys([*self.baseline.parameters, *self.target.parameters]):
            group = self.group_of(name)
            source = self.baseline if group is not None and group not in changed else self.target
            if name in source.parameters:
                found[name] = source.parameters[name]
        return found

    def group_of(self, name: str) -> str | None:
        """Return the group that a parameter belongs to; None where it does not differ."""
        owners = (group for group in self.groups if name == group or name.startswith((f"{group}.", f"{group}[")))
        return next(owners, None)

    def label(self, changed: Changed) -> str:
        """Return what stands for a configuration in the database."""
        return ", ".join(group for group in self.groups if group in changed) or "nothing"


@dataclass(frozen=True)
class Outcome:
    """How the trainings of one configuration ended, by the number of their seed."""

    values: Mapping[int, float]
    """Of the objective, of those that completed."""
    diverged: frozenset[int] = frozenset()
    failed: frozenset[int] = frozenset()

    @property
    def mean(self) -> float:
        """The mean of those that completed; NaN where none did."""
        return fmean(self.values.values()) if self.values else math.nan

    def rank(self, objective: Objective) -> tuple[float, float]:
        """Return what orders outcomes, the best one largest: first by the share that completed, then by the mean."""
        ended = len(self.values) + len(self.diverged) + len(self.failed)
        share = len(self.values) / ended if ended else 0.0
        if not self.values:
            return share, -math.inf
        return share, self.mean if objective.is_max else -self.mean


Outcomes = Mapping[Changed, Outcome]
"""Those of the configurations whose trainings have all ended."""


def candidates(path: Path, done: Sequence[str], order: str) -> list[Changed]:
    """Return the configurations of which the next step is one, after the steps `done`.

    Args:
        order: `greedy` for all of them, `file` for the next parameter in the file alone.
    """
    left = [group for group in path.groups if group not in done]
    return [frozenset([*done, group]) for group in (left if order == "greedy" else left[:1])]


def steps(path: Path, outcomes: Outcomes, objective: Objective, order: str = "greedy") -> list[str]:
    """Return the groups in the order in which they change, as far as enough is trained to tell."""
    done: list[str] = []
    while len(done) < len(path.groups):
        following = candidates(path, done, order)
        if not all(changed in outcomes for changed in following):
            break
        best = max(following, key=lambda changed: outcomes[changed].rank(objective))  # the first of equal ones
        done += best.difference(done)
    return done


def trainings(groups: int, seeds: int, order: str) -> int:
    """Return how many trainings a path takes, the baseline included.

    >>> trainings(4, 3, "greedy"), trainings(4, 3, "file")
    (33, 15)
    """
    return seeds * (1 + (groups * (groups + 1) // 2 if order == "greedy" else groups))


def _outermost(tree: Tree, one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield name and both values of each distribution that is not inside an option of another one."""
    if isinstance(tree, Distribution):
        yield path, one, other
    elif isinstance(tree, dict):
        for key, child in tree.items():
            yield from _outermost(child, one[key], other[key], join(path, key))
    elif isinstance(tree, list):
        for index, child in enumerate(tree):
            yield from _outermost(child, one[index], other[index], f"{path}[{index}]")


def _merged(tree: Tree, baseline: Any, target: Any, kept: Changed, path: str = "") -> Any:
    """Return the target with the baseline's values of the distributions in `kept`."""
    if isinstance(tree, Distribution):
        return baseline if path in kept else target
    if isinstance(tree, dict):
        made = {key: _merged(child, baseline[key], target[key], kept, join(path, key)) for key, child in tree.items()}
        return {**target, **made}
    if isinstance(tree, list):
        return [
            _merged(child, baseline[index], target[index], kept, f"{path}[{index}]") for index, child in enumerate(tree)
        ]
    return target
