"""What a stopping rule is: after each epoch of a trial it decides whether the trial goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sweep.metrics import Objective

Others = Callable[[int], Mapping[int, Sequence[float]]]
"""Epoch -> the values of the sweep's other trials that have had it, from epoch 1 to that epoch, by trial number."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How a trial has done so far."""

    trial: int
    """Its number."""
    values: Sequence[float]
    """Value of the objective's metric after each epoch, from epoch 1."""
    objective: Objective
    """How the trials of the sweep are ranked."""
    losses: Sequence[float] = ()
    """Loss of the training part after each epoch, the untrained network first; empty where it is not measured."""
    seconds: Sequence[float] = ()
    """Wall time of each epoch, from epoch 1; empty where it is not known."""

    @property
    def epoch(self) -> int:
        """The number of the last epoch."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Stop:
    """The decision that a trial ends here, with what was compared."""

    value: float
    """What the rule looked at."""
    threshold: float
    """What it would have had to reach."""
    reason: str
    """One clause that says why."""


class Rule(ABC):
    """A way to decide when a trial ends early.

    A rule is a frozen dataclass in a module of its own, and one entry of `KINDS`. Its fields are the options that the
    experiment file gives beside the kind; their annotations are checked, those of `typing.Annotated` included.
    """

    noun: ClassVar[str] = "rule"
    """What it is called in the reason."""

    @abstractmethod
    def decide(self, curve: Curve, others: Others) -> Stop | None:
        """Return why a trial ends after its last epoch, or None where it goes on.

        Asking for the others reads the database. Which of their epochs are there depends on which trials are trained at
        the same time, and so may the decision; that of a rule that does not ask depends on the trial alone.
        """


def decide(rules: Mapping[str, Rule], curve: Curve, others: Others) -> tuple[str, Stop] | None:
    """Return the decision of the first of some rules that stops a trial, with the rule's kind; None where none does."""
    for kind, rule in rules.items():
        if stop := rule.decide(curve, others):
            return kind, stop
    return None


def sentence(noun: str, kind: str, epoch: int, reason: str) -> str:
    """Return what is shown of a trial that was stopped, or left out before its first epoch."""
    if epoch == 0:
        return f"left out by the {noun} '{kind}': {reason}"
    return f"stopped after epoch {epoch} by the {noun} '{kind}': {reason}"
