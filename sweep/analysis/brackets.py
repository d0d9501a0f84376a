"""Brackets: ranks that a test set cannot tell apart, by paired tests of classifiers on the same examples.

Two classifiers differ in accuracy only by the examples that one of them has right and the other wrong, the discordant
ones. If they were equally accurate, each discordant example would speak for either of them with probability 1/2. So
the p-value is that of a binomial distribution (McNemar 1947), here the mid-p-value, which unlike the exact one does not
call too few differences, and stays below its level all the same (Fagerland, Lydersen and Laake 2013, "The McNemar test
for binary matched-pairs data: mid-p and asymptotic are better than exact conditional").

All rows of a table are compared with each other, and the p-values corrected by Holm's method for that number of
comparisons: with a probability of 95 % no two of the rows that are equally accurate are told apart. That the rows are
the best of more trials only makes their differences smaller. The range of ranks of a row reaches from the first to the
last row that it is not told apart from. The first bracket is the range of the best.

What is tested is whether the networks, as they were trained, differ on new examples of the same kind. That another seed
would give another network is not covered; nor is that each epoch was chosen on the same examples, but for that this
favors both of a pair alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
"""Probability that any two rows are told apart though they are equally accurate, at most."""
MOST_ROWS = 200
"""So many rows of a table are compared, the first ones, which are 19,900 pairs."""


@dataclass(frozen=True)
class Brackets:
    """The ranks of a table that the examples cannot tell apart."""

    ranges: tuple[tuple[int, int], ...]
    """Of each row the first and the last rank, from 1, that it cannot be told apart from."""
    examples: int
    """Number of the examples on which they were compared."""
    part: str
    """Part of the data set that they are from."""

    @property
    def labels(self) -> list[str]:
        """The range of each row as text, such as "1–7"."""
        return [str(first) if first == last else f"{first}–{last}" for first, last in self.ranges]

    @property
    def sentence(self) -> str:
        """One line that says what the first bracket is."""
        last = self.ranges[0][1]
        by = f"{self.examples:,} {self.part} examples (paired McNemar tests, 5 %, Holm)"
        if last == 1:
            return f"the first is told apart from the others shown by {by}"
        more = ", and perhaps more," if last == self.ranges[-1][1] else ""
        return f"the first {last}{more} cannot be told apart by {by}"


def brackets(
    correct: Sequence[NDArray[np.bool_]], part: str = "test", ranks: Sequence[int] | None = None
) -> Brackets | None:
    """Return the ranks that cannot be told apart; None for fewer than two rows, or other than the same examples.

    Args:
        correct: whether each example is right, for each row of a table by rank; the first `MOST_ROWS` count.
        part: of the data set.
        ranks: of the rows, in order; None where they are 1, 2, ….
    """
    correct = correct[:MOST_ROWS]
    if len(correct) < 2 or len({len(each) for each in correct}) > 1 or not len(correct[0]):
        return None
    alike = ~told_apart(np.array(correct))
    first, last = alike.argmax(1), len(alike) - 1 - alike[:, ::-1].argmax(1)
    named = ranks or range(1, len(alike) + 1)
    ranges = tuple((named[low], named[high]) for low, high in zip(first, last, strict=True))
    return Brackets(ranges, len(correct[0]), part)


def told_apart(correct: NDArray[np.bool_], level: float = LEVEL) -> NDArray[np.bool_]:
    """Return which of all pairs of classifiers differ significantly, (trials, trials), from (trials, examples)."""
    rows = len(correct)
    first, second = np.triu_indices(rows, 1)
    discordant, hits = _discordant(correct), correct.sum(1, dtype=np.int64)
    wins = (discordant + hits[first] - hits[second]) // 2
    told = np.zeros((rows, rows), bool)
    told[first, second] = told[second, first] = holm(mcnemar(wins, discordant - wins)) <= level
    return told


def _discordant(correct: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return on how many examples each pair differs, in the order of `np.triu_indices`."""
    packed = np.packbits(correct, axis=1)
    words = np.pad(packed, [(0, 0), (0, -packed.shape[1] % 8)]).view(np.uint64)
    counts = [np.bitwise_count(words[i + 1 :] ^ words[i]).sum(1, dtype=np.int64) for i in range(len(words))]
    return np.concatenate(counts)


def mcnemar(wins: Any, losses: Any) -> NDArray[np.float64]:
    """Return the two-sided mid-p-values of McNemar's test for the discordant examples of pairs, (pairs,).

    With n discordant ones, of which the fewer speak for one side, k, it is 2·P(X < k) + P(X = k), X ~ Bin(n, 1/2).

    Args:
        wins: number of examples that the first of each pair alone has right.
        losses: number of those that the second alone has right.
    """
    n = np.add(wins, losses, dtype=np.int64)[:, None]
    k = np.minimum(wins, losses, dtype=np.int64)[:, None]
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, n.max() + 1)))])
    # Terms 4·√n below the last one, eight standard deviations, are less than 1e-13 of it. (SciPy has this as `bdtr`,
    # but a table of ten rows is printed before that is imported.)
    terms = np.arange(4 * int(np.sqrt(n.max())) + 2)
    i = np.maximum(k - terms, 0)
    logs = log_factorial[n] - log_factorial[i] - log_factorial[n - i] - n * np.log(2.0)
    probabilities = np.where(terms <= k, np.exp(logs), 0.0)
    result: NDArray[np.float64] = np.minimum(2 * probabilities.sum(1) - probabilities[:, 0], 1.0)
    return result


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values that are corrected for their number by Holm's step-down method (1979)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted
