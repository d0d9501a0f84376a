"""How well probabilities agree with what has happened."""

from __future__ import annotations

import numpy as np

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

BINS = 10
"""Bins of equal width in which probabilities are compared with the share of the outcome."""
DRAWS = 200
"""Simulated outcomes of which the calibration error of right probabilities is the mean."""


def calibration_error(outcomes: Array, probabilities: Array) -> float:
    """Return the expected calibration error, Σ nᵦ/n · |share − mean probability| over bins b of equal width.

    M. Pakdaman Naeini, G. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015.
    """
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, outcomes - probabilities, BINS)
    return float(np.abs(gaps).sum() / len(outcomes))


def error_of_right(probabilities: Array) -> float:
    """Return the mean calibration error of these probabilities if they were right, which is not 0 for few trials."""
    rng = np.random.default_rng(0)
    draws = (rng.random((DRAWS, len(probabilities))) < probabilities).astype(np.float64)
    return float(np.mean([calibration_error(outcomes, probabilities) for outcomes in draws]))
