"""Mini-batches: rows of a data set, gathered and normalised into the form that layers take."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sweep.data.normalization import Normalization
from sweep.nn.layer import Array, Dtype


class Batch:
    """Room for one mini-batch, filled again and again.

    Rows are gathered in the data set's own dtype and normalised on their way into the network's: measured as fast as
    keeping a normalised copy of the data set, in a quarter of the memory.
    """

    def __init__(self, x: Array, samples: int, dtype: Dtype, normalization: Normalization) -> None:
        features = x.shape[1]
        self._x = x
        self._normalization = normalization
        self._raw = np.empty((samples, features), x.dtype)
        self._rows = np.ones((samples, features + 1), dtype)
        self._inside = self._rows[:, :-1]

    def gather(self, rows: Array) -> Array:
        """Return the given rows of the data set as vectors, shape (features + 1, samples)."""
        # mode="clip": the default mode buffers its output; rows are valid by construction.
        self._x.take(rows, 0, self._raw, "clip")
        self._normalization.apply(self._raw, self._inside)
        return self._rows.T

    def slice(self, start: int, stop: int) -> Array:
        """Return consecutive rows of the data set as vectors, shape (features + 1, samples)."""
        self._normalization.apply(self._x[start:stop], self._inside)
        return self._rows.T


def runs(total: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of consecutive runs of `length`, the last one possibly shorter."""
    for start in range(0, total, length):
        yield start, min(start + length, total)
