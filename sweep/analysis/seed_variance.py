"""How much of the variance between trainings is due to the test set being finite.

Of R trainings of one configuration on the same N examples, let c_ri be 1 where training r is right about example i. The
accuracies of the trainings have the variance V = var_r(mean_i c_ri). That is (1/N²) times the sum of all covariances of
two examples; those of an example with itself, var_r(c_ri), are there only because the examples are finitely many. What
two different examples have in common is the variance of the accuracy on the distribution that they are drawn from:

    true = (N V - mean_i var_r(c_ri)) / (N - 1),    test set = V - true.

Both are unbiased with variances over R - 1, so an estimate of the true variance may be below 0. Jordan, "Calibrated
chaos: variance between runs of neural network training is harmless and inevitable" (arXiv 2304.01910).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SeedVariance:
    """The variance of the accuracy of one configuration over seeds, and its two parts."""

    total: float
    """Between the accuracies on these examples."""
    true: float
    """Of the accuracies on the distribution that the examples are drawn from; an estimate may be below 0."""
    examples: int
    trainings: int

    @property
    def test_set(self) -> float:
        """The part that is due to the test set being finite."""
        return self.total - self.true

    @property
    def true_deviation(self) -> float:
        """The standard deviation of the true accuracies, 0 where their variance was estimated below that."""
        return math.sqrt(max(0.0, self.true))


def seed_variance(correct: NDArray[np.bool_]) -> SeedVariance:
    """Return the variance over trainings of the same configuration, split.

    Args:
        correct: (trainings, examples), whether each was right about each; at least two of both.

    Raises:
        ValueError: when there are fewer.
    """
    trainings, examples = correct.shape
    if min(trainings, examples) < 2:
        raise ValueError(f"at least 2 trainings on 2 examples are needed, not {trainings} on {examples}")
    total = float(np.var(correct.mean(axis=1), ddof=1))
    own = float(np.var(correct, axis=0, ddof=1).mean())
    return SeedVariance(total, (examples * total - own) / (examples - 1), examples, trainings)


def pooled(found: Sequence[SeedVariance]) -> SeedVariance | None:
    """Return the mean of the variances of several configurations, weighted by their degrees of freedom."""
    if not found:
        return None
    weights = np.array([each.trainings - 1 for each in found], dtype=float)
    return SeedVariance(
        float(np.average([each.total for each in found], weights=weights)),
        float(np.average([each.true for each in found], weights=weights)),
        round(float(np.mean([each.examples for each in found]))),
        int(sum(each.trainings for each in found)),
    )
