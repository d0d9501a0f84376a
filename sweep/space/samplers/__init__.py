"""Samplers: ways to choose the points of a space at which trials are trained."""

from __future__ import annotations

from sweep.space.samplers.base import Sampler
from sweep.space.samplers.given import Given
from sweep.space.samplers.grid import Grid
from sweep.space.samplers.halton import Halton
from sweep.space.samplers.imported import Imported
from sweep.space.samplers.latin_hypercube import LatinHypercube
from sweep.space.samplers.optuna import CmaEs, Gp, Tpe
from sweep.space.samplers.random import Random
from sweep.space.samplers.screen import Screen
from sweep.space.samplers.screened import Screened
from sweep.space.samplers.sobol import Sobol
from sweep.space.samplers.table import Table

KINDS: dict[str, type[Sampler]] = {
    "given": Given,
    "grid": Grid,
    "halton": Halton,
    "imported": Imported,
    "latin_hypercube": LatinHypercube,
    "optuna:cmaes": CmaEs,
    "optuna:gp": Gp,
    "optuna:tpe": Tpe,
    "random": Random,
    "screen": Screen,
    "screened": Screened,
    "sobol": Sobol,
    "table": Table,
    "list": Table,  # the name of `table` in the first edition
}
"""Kind in an experiment file -> the sampler."""

__all__ = ["KINDS", "Sampler"]
