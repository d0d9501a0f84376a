"""Mini-batches: rows of a data set, gathered and normalized in the form for layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sweep.data.normalization import Normalization
from sweep.nn.layer import Array, Dtype

Shuffle = Literal["epoch", "with_replacement", False]
"""A new order in each epoch, draws with replacement, or the data set's own order."""


GATHERED = 2**16
"""Elements of mini-batches that are gathered together: this saves small ones most of NumPy's overhead, and they stay in
the cache until they are used."""


class Batch:
    """Buffers for mini-batches, which are used again for each of them.

    Rows are gathered in the data set's dtype, and normalized and converted to the network's dtype in one pass: measured
    to be as fast as a normalized copy of the data set, with a quarter of its memory.
    """

    def __init__(self, x: Array, samples: int, dtype: Dtype, normalization: Normalization) -> None:
        features = x.shape[1]
        samples = min(len(x), max(samples, GATHERED // (features + 1)))
        self._x = x
        self._normalization = normalization
        self._raw = np.empty((samples, features), x.dtype)
        self._rows = np.ones((samples, features + 1), dtype)
        scale = normalization.scale
        self._is_uniform = scale.ndim == 0 and scale.dtype == dtype and np.can_cast(x.dtype, dtype)

    def gather(self, rows: Array) -> Array:
        """Return the given rows of the data set as vectors, shape (features + 1, samples)."""
        # mode="clip": the default mode buffers its output; rows are valid by construction.
        return self._normalized(self._x.take(rows, 0, self._raw[: len(rows)], "clip"))

    def gather_each(self, order: Array, runs: Sequence[tuple[int, int]]) -> Iterator[Array]:
        """Yield the rows of each run (start, stop) of `order` as vectors.

        The next ones may overwrite them.
        """
        longest = max(stop - start for start, stop in runs)
        together = max(1, GATHERED // self._rows.shape[1] // longest)
        for block in (runs[first : first + together] for first in range(0, len(runs), together)):
            begin, end = block[0][0], block[-1][1]
            x = self.gather(order[begin:end])
            for start, stop in block:
                yield x[:, start - begin : stop - begin]

    def slice(self, start: int, stop: int) -> Array:
        """Return consecutive rows of the data set as vectors, shape (features + 1, samples)."""
        return self._normalized(self._x[start:stop])

    def _normalized(self, raw: Array) -> Array:
        """Normalize the rows of `raw` into the buffer; return them as vectors."""
        rows = self._rows[: len(raw)]
        inside = rows[:, :-1]
        if self._is_uniform:
            # With a cast, NumPy computes short rows one by one: whole rows, with their ones, take half the time.
            np.copyto(inside, raw)
            self._normalization.apply(rows, rows)
            rows[:, -1] = 1
        else:
            self._normalization.apply(raw, inside)
        return rows.T


def runs(total: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of consecutive runs of `length`, the last one possibly shorter."""
    for start in range(0, total, length):
        yield start, min(start + length, total)


def split(total: int, parts: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of `parts` consecutive runs, whose lengths differ by at most one.

    The longer ones come first.
    """
    stops = np.cumsum([total // parts + (part < total % parts) for part in range(parts)]).tolist()
    yield from zip([0, *stops[:-1]], stops, strict=True)


@dataclass(frozen=True)
class Batching:
    """How an epoch is divided into mini-batches: by their size, or into a number of them."""

    batch_size: int | None = None
    batches_per_epoch: int | None = None
    shuffle: Shuffle = "epoch"

    def order(self, samples: int, rng: np.random.Generator) -> Array:
        """Return the indices of the samples of an epoch in their order, shape (samples,), int64."""
        if self.shuffle == "epoch":
            return rng.permutation(samples)
        if self.shuffle == "with_replacement":
            return rng.integers(0, samples, samples)
        return np.arange(samples)

    def runs(self, samples: int) -> list[tuple[int, int]]:
        """Return (start, stop) of each mini-batch."""
        if self.batches_per_epoch:
            return list(split(samples, min(self.batches_per_epoch, samples)))
        return list(runs(samples, self.batch_size or samples))

    def longest(self, samples: int) -> int:
        """Return the number of samples of the longest mini-batch."""
        if self.batches_per_epoch:
            return -(-samples // min(self.batches_per_epoch, samples))
        return min(self.batch_size or samples, samples)
