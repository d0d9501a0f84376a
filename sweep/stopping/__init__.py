"""Stopping rules: ways to end a trial early, from the values that it or those it competes with have reached so far."""

from __future__ import annotations

from collections.abc import Mapping

from sweep.stopping.asha import Asha
from sweep.stopping.base import Curve, Others, Rule, Stop, decide, sentence
from sweep.stopping.divergence import Divergence
from sweep.stopping.halving import Halving
from sweep.stopping.hyperband import Hyperband
from sweep.stopping.median import Median
from sweep.stopping.patience import Patience
from sweep.stopping.repeats import NoMoreRepeats, RepeatRule, Repeats, Wilcoxon
from sweep.stopping.rungs import Decision, RungRule, Standing, State

AnyRule = Rule | RungRule | RepeatRule

KINDS: dict[str, type[AnyRule]] = {
    "asha": Asha,
    "divergence": Divergence,
    "halving": Halving,
    "hyperband": Hyperband,
    "median": Median,
    "patience": Patience,
    "wilcoxon": Wilcoxon,
}
"""Kind in an experiment file -> the rule: one that looks at each trial after each epoch, a `RungRule` or a
`RepeatRule`."""

__all__ = [
    "KINDS",
    "AnyRule",
    "Curve",
    "Decision",
    "NoMoreRepeats",
    "Others",
    "RepeatRule",
    "Repeats",
    "Rule",
    "RungRule",
    "Standing",
    "State",
    "Stop",
    "decide",
    "repeat_rule",
    "rung_rule",
    "sentence",
    "worker_rules",
]


def worker_rules(rules: Mapping[str, AnyRule]) -> dict[str, Rule]:
    """Return the rules that look at each trial alone, which its worker asks, by kind."""
    return {kind: rule for kind, rule in rules.items() if isinstance(rule, Rule)}


def rung_rule(rules: Mapping[str, AnyRule]) -> tuple[str, RungRule] | None:
    """Return the rule that compares trials at rungs, of which there is at most one, with its kind."""
    return next(((kind, rule) for kind, rule in rules.items() if isinstance(rule, RungRule)), None)


def repeat_rule(rules: Mapping[str, AnyRule]) -> tuple[str, RepeatRule] | None:
    """Return the rule that compares repeated trainings, of which there is at most one, with its kind."""
    return next(((kind, rule) for kind, rule in rules.items() if isinstance(rule, RepeatRule)), None)
