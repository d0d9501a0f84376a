"""Regularization: the cost of large weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.nn.layer import Array


class Penalty(NamedTuple):
    """The cost l1·Σ|w| + l2/2·Σw² of the weights w; biases are excluded.

    Its gradient is l1·sign(w) + l2·w.

    (A published document has the cost λ/2·Σ|w| but the gradient λ·sign(w); this cost has that gradient.)
    """

    l1: float = 0.0
    l2: float = 0.0

    def add_gradient(self, weights: Array, gradient: Array) -> None:
        """Add the gradient of the cost to `gradient`, of the weights' shape."""
        if self.l2:
            gradient += self.l2 * weights
        if self.l1:
            gradient += self.l1 * np.sign(weights)
