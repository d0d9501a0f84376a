"""A band that holds a whole distribution function with a given probability, whatever the distribution.

Of n independent draws, the probability F(y) of a value at most as large as the k-th smallest is distributed as the
k-th smallest of n uniform numbers, Beta(k, n - k + 1), or lies above it where values are tied (and the probability of
a smaller value below it). So one band around these n Beta distributions, of the same probability in each tail at each
k, serves all F: the equal-tailed LD band (Learned-Miller and DeStefano 2008; Lourie, Cho and He 2024,
arXiv 2311.09480). The tails are found from the exact probability that uniform numbers keep within the band, which is
computed as a Poisson process that is cut off at the ends (Moscovich and Nadler 2017).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sweep.analysis.logistic import Array

LARGEST = 2_000
"""Above this many draws the tails are extrapolated, to the safe side."""
DECLINE = 0.25
"""The tails fall more slowly than n to the power of minus this from there on."""
LEAST = 1e-12
"""What stands for a probability that rounding has made 0 or less."""
MARGIN = 1e-3
"""For rounding, at the ends of a search for a logarithm."""


class Bounds(NamedTuple):
    """Ends of F at the draws, the smallest first."""

    lower: Array
    """Of F at each draw and above it, up to the next."""
    upper: Array
    """Of F below each draw, down to the one before."""


def bounds(n: int, tails: float) -> Bounds:
    """Return the ends of Beta(k, n - k + 1) for k from 1 to n, half of the probability `tails` beyond each end."""
    from scipy.special import betaincinv

    rank = np.arange(1, n + 1)
    lower = betaincinv(rank, n + 1 - rank, tails / 2)
    return Bounds(lower, 1 - lower[::-1])  # one minus the k-th smallest is distributed as the k-th largest


def coverage(band: Bounds) -> float:
    """Return the probability that n sorted uniform numbers lie between their bounds, all at once."""
    from scipy.special import gammaln

    n = len(band.lower)
    log_factorials = gammaln(np.arange(n + 2) + 1.0)
    times = np.concatenate([band.lower, band.upper, [1.0]])
    kinds = np.concatenate([np.ones(n), -np.ones(n), [0.0]])
    chances, fewest, most, bound, now = np.ones(1), 0, 0, 0, 0.0  # chances: of fewest, fewest + 1, ... points so far
    for place in np.argsort(times, kind="stable"):
        if (rate := n * (times[place] - now)) > 0:
            new = np.arange(most - fewest + 1)
            poisson = np.exp(new * np.log(rate) - rate - log_factorials[: len(new)])
            chances, now = np.convolve(chances, poisson)[: len(new)], times[place]
        most += kinds[place] > 0
        bound += kinds[place] < 0
        chances, fewest = chances[max(bound - fewest, 0) :], max(bound, fewest)
    return float(chances[n - fewest] / np.exp(n * np.log(n) - n - log_factorials[n]))


@lru_cache(maxsize=64)
def tails(n: int, level: float) -> float:
    """Return the probability in the tails at each draw with which the band holds a whole F with probability `level`."""
    from scipy.optimize import brentq

    if n > LARGEST:
        return float(tails(LARGEST, level) * (LARGEST / n) ** DECLINE)

    def excess(logarithm: float) -> float:
        missing = 1 - coverage(bounds(n, float(np.exp(logarithm))))
        return float(np.log(max(missing, LEAST)) - np.log(1 - level))  # nearly a line

    # The draws may miss their bounds each apart from the others, or all together.
    low, high = np.log((1 - level) / n) - MARGIN, np.log(1 - level) + MARGIN
    return float(np.exp(brentq(excess, low, high, xtol=1e-6)))


@lru_cache(maxsize=64)
def band(n: int, level: float) -> Bounds:
    """Return the band of n draws that holds a whole F with probability `level`."""
    return bounds(n, tails(n, level))
