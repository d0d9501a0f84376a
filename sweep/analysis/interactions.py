"""Which pairs of parameters act together otherwise than the sum of what each does: a permutation test.

The test of Freedman and Lane (1983): the residuals of the additive model are permuted, and the products of two
parameters' first-order terms are compared with what they explain of permuted residuals. The most that any pair explains
by chance bounds the probability that even one pair is named wrongly. In simulations a level of 0.05 gave false alarms
in 7 %, and 0.02 in 3 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sweep.analysis.additive import DEGREE, orthonormal, terms
from sweep.analysis.survivors import Survivors
from sweep.space.coordinates import Array

PERMUTATIONS = 399
CHANCE = 0.02
"""The probability of any false pair, up to which pairs are named."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two parameters and the evidence that they act together."""

    first: int
    """Index of its slot."""
    second: int
    chance: float
    """The probability that any pair seems to be so strong where none is."""

    @property
    def slots(self) -> tuple[int, int]:
        """The indices of both."""
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class Interactions:
    """All pairs that could be tested, the strongest first."""

    pairs: Sequence[Pair]

    @property
    def told(self) -> list[Pair]:
        """The pairs that the evidence carries."""
        return [pair for pair in self.pairs if pair.chance <= CHANCE]


def find_interactions(survivors: Survivors) -> Interactions:
    """Return the evidence for each pair of varied slots; no pairs where there are too few rows."""
    rows = survivors.rows
    additive = _additive(survivors)
    if additive is None:
        return Interactions([])
    residuals = _residual(additive, survivors.values - survivors.values.mean())
    if float(residuals @ residuals) <= 1e-20 * max(float(survivors.values @ survivors.values), 1e-300):
        return Interactions([])
    free = rows - additive.shape[1]
    first_order = {index: terms(survivors, index, 1) for index in survivors.varied}
    spaces = {pair: _products(additive, *(first_order[index] for index in pair)) for pair in _pairs(survivors)}
    spaces = {pair: space for pair, space in spaces.items() if 0 < space.shape[1] <= free // 4}
    if not spaces:
        return Interactions([])
    rng = np.random.default_rng(0)
    permuted = residuals[np.stack([rng.permutation(rows) for _ in range(PERMUTATIONS)], axis=1)]
    candidates = np.hstack([residuals[:, None], _residual(additive, permuted)])
    tails = np.stack([_tails(space, candidates, free) for space in spaces.values()])
    least = tails[:, 1:].min(axis=0)
    chances = [float((1 + (least <= tail).sum()) / (1 + PERMUTATIONS)) for tail in tails[:, 0]]
    ordered = sorted(zip(tails[:, 0].tolist(), spaces, chances, strict=True))
    return Interactions([Pair(*pair, chance) for _, pair, chance in ordered])


def _pairs(survivors: Survivors) -> list[tuple[int, int]]:
    return list(combinations(survivors.varied, 2))


def _additive(survivors: Survivors) -> Array | None:
    """Return an orthonormal basis of the additive model of the highest degree that leaves half of the rows free."""
    for degree in range(DEGREE, 0, -1):
        blocks = [terms(survivors, index, degree) for index in survivors.varied]
        made = orthonormal(np.hstack([np.ones((survivors.rows, 1)), *blocks]))
        if made.shape[1] <= survivors.rows // 2:
            return made
    return None


def _residual(basis: Array, columns: Array) -> Array:
    found: Array = columns - basis @ (basis.T @ columns)
    return found


def _products(additive: Array, first: Array, second: Array) -> Array:
    """Return an orthonormal basis of what the products of two parameters' terms add to the additive model."""
    products = np.einsum("ri,rj->rij", first, second).reshape(len(first), -1)
    size = np.linalg.norm(products, axis=0)
    left = _residual(additive, products[:, size > 0] / size[size > 0])
    # A product that the additive model has already leaves rounding errors alone.
    return orthonormal(left[:, np.linalg.norm(left, axis=0) > 1e-6])


def _tails(space: Array, candidates: Array, free: int) -> Array:
    """Return the probability of what each column's share explained by a space is at least, were its rows normal.

    It makes spaces of different dimensions d comparable: the share has the beta distribution of d/2, (free − d)/2.
    """
    from scipy.special import betaincc

    dimension = space.shape[1]
    share = ((space.T @ candidates) ** 2).sum(axis=0) / (candidates**2).sum(axis=0)
    found: Array = betaincc(dimension / 2, (free - dimension) / 2, np.clip(share, 0.0, 1.0))
    return found
