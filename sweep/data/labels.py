"""Labels of any type as class indices, and targets of a regression as numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sweep.data.dataset import Array
from sweep.errors import DataError

MANY_CLASSES = 50
"""Number of numeric classes from which on they may be the target of a regression."""


_INTEGER = re.compile(r"0|[+-]?[1-9][0-9]{,999}")
"""An integer as Python writes it, with or without a sign; neither 007 nor 1_0 nor 1e2."""


def encode(labels: Array, path: Path) -> tuple[Array, tuple[str, ...]]:
    """Return the class index of each label, and the names of the classes in sorted order.

    Texts are classes as they are written, so "1.1" and "1.10" are two, unless all are integers as Python writes them,
    with or without a sign. Labels that are all numbers are ordered as numbers even if they are texts: 10 follows 9.

    Args:
        labels: (samples,) integers, finite floats or strings.
        path: the file they come from, for the error.

    Returns: (samples,) int64 in [0, classes), and the classes' names.
    Raises: DataError if there are fewer than two classes.
    """
    values, inverse = np.unique(labels, return_inverse=True)
    names = _names(values)
    ordered = sorted(set(names), key=_order(names))
    if len(ordered) < 2:
        raise DataError(f"{path} has the one class {ordered[0]} only: a classifier needs two classes or more.")
    rank = {name: index for index, name in enumerate(ordered)}
    indices = np.array([rank[name] for name in names], dtype=np.int64)
    return indices[inverse], tuple(ordered)


def _names(values: Array) -> list[str]:
    """Return the name of the class of each different label."""
    if values.dtype.kind == "f":
        return [str(int(value) if value.is_integer() else value) for value in values.tolist()]
    texts = [str(value).strip() for value in values]
    if all(map(_INTEGER.fullmatch, texts)) and len({int(text) for text in texts}) == len(set(texts)):
        return [str(int(text)) for text in texts]
    return [str(value) for value in values]


def _order(names: list[str]) -> Callable[[str], tuple[float, str]]:
    """Return the key by which classes are sorted: as numbers if all are, else as texts."""
    if all(map(_INTEGER.fullmatch, names)):
        return lambda name: (int(name), name)
    numbers = {name: number(name) for name in names}
    if None in numbers.values():
        return lambda name: (0, name)
    return lambda name: (numbers[name] or 0, name)


def question(class_names: tuple[str, ...], samples: int, where: str) -> str | None:
    """Return the sentence that asks for the task where classes look like numbers to be predicted, else None.

    They do if a number is not an integer, or if there are more than `MANY_CLASSES` and few samples share one.

    Args:
        class_names: from `encode`.
        samples: number of labels.
        where: the file and the column or array, for the sentence.
    """
    numbers = {number(name) for name in class_names}
    if None in numbers:
        return None
    is_whole = all(value is not None and value.is_integer() for value in numbers)
    if is_whole and (len(numbers) <= MANY_CLASSES or len(numbers) <= samples / 2):
        return None
    what = "numbers" if len(numbers) == len(class_names) else "spellings of numbers"
    return (
        f'{where} holds {len(class_names)} different {what} in {samples} samples: set data.task = "regression" to '
        'predict the number, or data.task = "classification" to make each number a class.'
    )


def number(text: str) -> float | None:
    """Return a finite number, or None if the text is not one."""
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
