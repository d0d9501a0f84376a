"""A data set: its parts, and what their values stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from sweep.data.encoding import Encoding

Array = NDArray[Any]
Task = Literal["classification", "regression"]
PartName = Literal["train", "validation", "test"]


@dataclass(frozen=True, eq=False)
class Part:
    """Samples that are used together: for training, for validation or for the test."""

    x: Array
    """(samples, features), in the data set's own dtype, such as uint8 for images; always finite."""
    t: Array
    """(samples,): int64 indices into the class names, or float64 targets in their own units."""


@dataclass(frozen=True)
class Target:
    """Mean and standard deviation of a regression target, in its own units."""

    mean: float
    """Mean of the training part."""
    scale: float
    """Standard deviation of the training part; 1 if the target is constant there."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification or regression problem.

    The arrays of a data set from the cache are read-only views of memory-mapped files, so all processes that open
    the same folder share one copy in memory.
    """

    name: str
    parts: Mapping[str, Part]
    """`train`, `test` and, where asked for, `validation`."""
    task: Task
    class_names: tuple[str, ...]
    """Name of each class, at least two; empty for regression."""
    shape: tuple[int, ...]
    """Shape of one example: (channels, rows, columns) of an image, (features,) of a row of a table."""
    sha256: str
    """Hexadecimal digest over the contents of the source files and the options they were loaded with."""
    target: Target | None = None
    """For standardizing the target of a regression; None for classification."""
    encoding: Encoding | None = None
    """How the columns of a table became features; None for other data sets."""

    @property
    def train(self) -> Part:
        """The training part."""
        return self.parts["train"]

    @property
    def validation(self) -> Part | None:
        """The validation part, None if there is not one."""
        return self.parts.get("validation")

    @property
    def test(self) -> Part:
        """The test part."""
        return self.parts["test"]

    @property
    def outputs(self) -> int:
        """Number of network outputs: one for each class, or one for regression."""
        return len(self.class_names) if self.task == "classification" else 1
