"""Logistic regression with few parameters: penalized by a ridge, or by Firth's term.

The probability of an outcome at a point x is p(x) = 1 / (1 + exp(−b₀ − b·x)). Without a penalty the maximum of the
likelihood lies at infinity where a plane separates the outcomes, as it often does with few of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

STEPS = 100
"""Most steps of Newton's method; a handful is usual."""
HALVINGS = 30
"""Most halvings of one step."""
TOLERANCE = 1e-7
"""Largest part of a step at which the maximum counts as reached."""
LONGEST = 5.0
"""Longest part of a step of Firth's method, far from its maximum."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted logistic regression."""

    weights: Array
    """The intercept, then the weight of each column."""
    covariance: Array
    """Of the weights: the inverse of the penalized information, or for Firth's method of the information."""

    def logits(self, columns: Array) -> Array:
        """Return the logarithms of the odds, a number a row of `columns`."""
        found: Array = self.weights[0] + columns @ self.weights[1:]
        return found

    def probabilities(self, columns: Array) -> Array:
        """Return the probabilities of the outcome, a number a row of `columns`."""
        return expit(self.logits(columns))


def expit(logits: Array) -> Array:
    """Return the probabilities of some logarithms of odds; none overflows."""
    found: Array = 0.5 * (1 + np.tanh(logits / 2))
    return found


def logit(probabilities: Array) -> Array:
    """Return the logarithms of the odds of probabilities within (0, 1)."""
    found: Array = np.log(probabilities) - np.log1p(-probabilities)
    return found


def log_loss(outcomes: Array, probabilities: Array) -> float:
    """Return the mean of −log p over the outcomes, where p is the probability that each was given."""
    given = np.where(outcomes > 0, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(given, 1e-12, None)).mean())


def ridge(columns: Array, outcomes: Array, penalties: float | Array, start: Array | None = None) -> Logistic:
    """Return the fit that maximizes the log-likelihood less Σ penaltyⱼ bⱼ² / 2; the intercept is free.

    Args:
        columns: a row for each trial, standardized, as a penalty depends on the scale.
        outcomes: 0 or 1 of each trial.
        penalties: above 0, one for all columns or one for each.
        start: weights to start from; by default no column has any influence.
    """
    design = with_ones(columns)
    penalty = np.concatenate([[0.0], np.broadcast_to(np.asarray(penalties, dtype=np.float64), (columns.shape[1],))])

    def step(weights: Array) -> tuple[Array, Array]:
        chances = expit(design @ weights)
        information = (design.T * (chances * (1 - chances))) @ design + np.diag(penalty)
        return design.T @ (outcomes - chances) - penalty * weights, _regular(information)

    def height(weights: Array) -> float:
        return _log_likelihood(design @ weights, outcomes) - float(penalty @ weights**2) / 2

    return _maximum(_start(outcomes, columns.shape[1]) if start is None else start, step, height)


def firth(columns: Array, outcomes: Array) -> Logistic:
    """Return the fit that maximizes the log-likelihood plus half the logarithm of the information's determinant.

    It is finite also where a plane separates the outcomes, and its bias is of second order: D. Firth, "Bias reduction
    of maximum likelihood estimates", Biometrika 80 (1993); for logistic regression G. Heinze and M. Schemper, "A
    solution to the problem of separation in logistic regression", Statistics in Medicine 21 (2002), whose modified
    score Σ (yᵢ − pᵢ + hᵢ (½ − pᵢ)) xᵢ is used, with hᵢ the diagonal of the hat matrix.

    Args:
        columns: of full rank together with the intercept, and of similar scales.
        outcomes: 0 or 1 of each trial.
    """
    design = with_ones(columns)

    def step(weights: Array) -> tuple[Array, Array]:
        chances = expit(design @ weights)
        spread = chances * (1 - chances)
        information = _regular((design.T * spread) @ design)
        leverage = spread * np.einsum("ij,ji->i", design, np.linalg.solve(information, design.T))
        score: Array = design.T @ (outcomes - chances + leverage * (0.5 - chances))
        return score, information

    def height(weights: Array) -> float:
        logits = design @ weights
        spread = expit(logits) * expit(-logits)
        determinant = np.linalg.slogdet(_regular((design.T * spread) @ design))[1]
        return _log_likelihood(logits, outcomes) + float(determinant) / 2

    return _maximum(np.zeros(columns.shape[1] + 1), step, height, LONGEST)


def with_ones(columns: Array) -> Array:
    """Return columns with one of ones before them."""
    return np.hstack([np.ones((len(columns), 1)), columns])


def _start(outcomes: Array, count: int) -> Array:
    """Return the weights that give each trial the share of the outcome."""
    share = (outcomes.sum() + 0.5) / (len(outcomes) + 1)
    return np.concatenate([[np.log(share / (1 - share))], np.zeros(count)])


def _log_likelihood(logits: Array, outcomes: Array) -> float:
    return float(-np.logaddexp(0, np.where(outcomes > 0, -logits, logits)).sum())


def _regular(information: Array) -> Array:
    """Return an information that can be solved, also where all probabilities are 0 or 1."""
    return information + 1e-10 * np.eye(len(information))


def _maximum(
    weights: Array,
    step: Callable[[Array], tuple[Array, Array]],
    height: Callable[[Array], float],
    longest: float = np.inf,
) -> Logistic:
    """Return the maximum of a function by Newton's method, with steps that are halved until they go up."""
    score, information = step(weights)
    top = height(weights)
    for _ in range(STEPS):
        move = np.linalg.solve(information, score)
        move *= min(1.0, longest / max(float(np.abs(move).max()), 1e-300))
        for _ in range(HALVINGS):
            new = height(weights + move)
            if new >= top - 1e-12 * abs(top):
                break
            move /= 2
        weights, top = weights + move, new
        score, information = step(weights)
        if np.abs(move).max() < TOLERANCE:
            break
    covariance: Array = np.linalg.inv(information).astype(np.float64)
    return Logistic(weights, covariance)
