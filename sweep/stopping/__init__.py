"""Stopping rules: ways to end a trial early, from the values that it has reached so far."""

from __future__ import annotations

from sweep.stopping.base import Curve, Others, Rule, Stop, decide
from sweep.stopping.median import Median

KINDS: dict[str, type[Rule]] = {
    "median": Median,
}
"""Kind in an experiment file -> the rule."""

__all__ = ["KINDS", "Curve", "Others", "Rule", "Stop", "decide"]
