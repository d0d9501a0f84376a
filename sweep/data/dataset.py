"""A data set as every other room sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification problem whose arrays are read-only views of memory-mapped files.

    All processes that open the same cached folder share one copy in memory.
    """

    name: str
    x_train: Array
    """(samples, features), in the data set's own dtype, such as uint8 for images; always finite."""
    t_train: Array
    """(samples,) int64, indices into `class_names`."""
    x_test: Array
    """(samples, features), dtype and features as in `x_train`."""
    t_test: Array
    """(samples,) int64, indices into `class_names`."""
    class_names: tuple[str, ...]
    """What each index stands for; at least two."""
    shape: tuple[int, ...]
    """Shape of one example: (channels, rows, columns) of an image, (features,) of a row of a table."""
    sha256: str
    """Hexadecimal digest over the contents of the source files and the options they were loaded with."""
