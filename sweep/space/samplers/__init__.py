"""Samplers: ways to choose the points of a space at which trials are trained."""

from __future__ import annotations

from sweep.space.samplers.base import Sampler
from sweep.space.samplers.optuna import CmaEs, Gp, Tpe
from sweep.space.samplers.random import Random
from sweep.space.samplers.table import Table

KINDS: dict[str, type[Sampler]] = {
    "optuna:cmaes": CmaEs,
    "optuna:gp": Gp,
    "optuna:tpe": Tpe,
    "random": Random,
    "table": Table,
    "list": Table,  # the name of `table` in the first edition
}
"""Kind in an experiment file -> the sampler."""

__all__ = ["KINDS", "Sampler"]
