"""The comparison of computed derivatives with numerical ones, and its verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sweep.nn.layer import Array, Shape

Verdict = Literal["OK", "warning", "PROBLEM", "not checked"]
SEVERITY: tuple[Verdict, ...] = ("not checked", "OK", "warning", "PROBLEM")
"""The verdicts; of several, the last one in this order counts."""
FINEST, COARSEST = 1e-7, 1e-4
"""Largest relative errors of the verdicts "OK" and "warning"."""


@dataclass(frozen=True)
class Comparison:
    """The result of the check of one parameter of one layer, or of the input of a layer or of the loss."""

    layer: str
    parameter: str
    """"weights", "biases", "gamma", "beta" or "input"."""
    shape: Shape
    checked: int
    """Number of entries that were compared; of an input, directions."""
    kinks: int
    """Number of others that were chosen, but left out at a kink, too near to one, or as rounding hides them."""
    error: float
    """‖numeric − computed‖/(‖numeric‖ + ‖computed‖), in [0, 1]; NaN where nothing could be checked."""
    verdict: Verdict

    @property
    def entries(self) -> int:
        """Number of entries of the parameter."""
        return math.prod(self.shape)


def compare(numeric: Array, computed: Array, roundings: Array, variation: Array) -> tuple[float, Verdict]:
    """Return the relative error and the verdict; all arrays have shape (entries,).

    `roundings` are the errors that rounding may have caused in `numeric`, and `variation` those in `computed`, whose
    changes they are when the parameters vary in their last digits.
    """
    if not len(numeric):
        return math.nan, "not checked"
    difference, size = _norm(numeric - computed), _norm(numeric) + _norm(computed)
    rounding, noise = _norm(roundings + variation), 10 * _norm(variation)
    if not size or (noise and _norm(computed) <= noise and max(_norm(numeric), _norm(computed)) <= rounding):
        return 0.0, "OK"
    if difference <= rounding and rounding > COARSEST * size:
        return math.nan, "not checked"
    error = difference / size
    return error, "OK" if error <= FINEST else "warning" if error <= COARSEST else "PROBLEM"


def worst(results: Iterable[tuple[float, Verdict]]) -> tuple[float, Verdict]:
    """Return the most severe of several (error, verdict), and of those with the same verdict the largest error."""
    return max(results, key=lambda result: (SEVERITY.index(result[1]), np.nan_to_num(result[0], nan=np.inf)))


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array))
