"""Stopping rules: ways to end a trial early, from the values that it or those it competes with have reached so far."""

from __future__ import annotations

from sweep.stopping.asha import Asha
from sweep.stopping.base import Curve, Others, Rule, Stop, decide
from sweep.stopping.divergence import Divergence
from sweep.stopping.halving import Halving
from sweep.stopping.hyperband import Hyperband
from sweep.stopping.median import Median
from sweep.stopping.patience import Patience
from sweep.stopping.rungs import Decision, RungRule, Standing

AnyRule = Rule | RungRule

KINDS: dict[str, type[AnyRule]] = {
    "asha": Asha,
    "divergence": Divergence,
    "halving": Halving,
    "hyperband": Hyperband,
    "median": Median,
    "patience": Patience,
}
"""Kind in an experiment file -> the rule: one that looks at each trial after each epoch, or a `RungRule`."""

__all__ = ["KINDS", "AnyRule", "Curve", "Decision", "Others", "Rule", "RungRule", "Standing", "Stop", "decide"]
