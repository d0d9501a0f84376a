"""Labels of any type as class indices, and targets of a regression as numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from sweep.data.dataset import Array
from sweep.errors import DataError

MANY_CLASSES = 50
"""Number of numeric classes from which on they may be the target of a regression."""


def encode(labels: Array, path: Path) -> tuple[Array, tuple[str, ...]]:
    """Return the class index of each label, and the names of the classes in sorted order.

    Labels that are all numbers are ordered as numbers even if they are stored as text, so that 10 follows 9,
    and texts of the same number ("1", "1.0") are one class.

    Args:
        labels: (samples,) integers, finite floats or strings.
        path: the file they come from, for the error.

    Returns: (samples,) int64 in [0, classes), and the classes' names.
    Raises: DataError if there are fewer than two classes.
    """
    values, inverse = np.unique(labels, return_inverse=True)
    keys = _sort_keys(values)
    ordered = sorted(set(keys))
    if len(ordered) < 2:
        raise DataError(f"{path} has the one class {ordered[0]} only: a classifier needs two classes or more.")
    rank = {key: index for index, key in enumerate(ordered)}
    indices = np.array([rank[key] for key in keys], dtype=np.int64)
    return indices[inverse], tuple(str(key) for key in ordered)


def _sort_keys(values: Array) -> list[Any]:
    """Return the values as integers if all are, else as finite numbers if all are, else as strings."""
    if values.dtype.kind in "iu":
        return [int(value) for value in values]
    texts = [str(value) for value in values]
    try:
        return [int(text) for text in texts]
    except ValueError:
        pass
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return texts
    if not all(map(math.isfinite, numbers)):
        return texts
    return [int(number) if number.is_integer() else number for number in numbers]


def question(class_names: tuple[str, ...], samples: int, where: str) -> str | None:
    """Return the sentence that asks for the task where classes look like numbers to be predicted, else None.

    They do if one of them is not an integer, or if there are more than `MANY_CLASSES` and few samples share one.

    Args:
        class_names: from `encode`.
        samples: number of labels.
        where: the file and the column or array, for the sentence.
    """
    numbers = [number(name) for name in class_names]
    if any(value is None for value in numbers):
        return None
    is_whole = all(value is not None and value.is_integer() for value in numbers)
    if is_whole and (len(numbers) <= MANY_CLASSES or len(numbers) <= samples / 2):
        return None
    return (
        f'{where} holds {len(numbers)} different numbers in {samples} samples: set data.task = "regression" to predict '
        'the number, or data.task = "classification" to make each number a class.'
    )


def number(text: str) -> float | None:
    """Return a finite number, or None if the text is not one."""
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
