"""The validation part: a seeded random cut from the training part."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.errors import DataError

Rows = NDArray[np.intp]


def cut(t: NDArray[Any], fraction: float, seed: int, name: str, class_names: tuple[str, ...]) -> tuple[Rows, Rows]:
    """Return the rows that remain in the training part and those of the validation part, each in order.

    Classes are stratified: each gives `fraction` of its rows, rounded, but at least one, and keeps at least one.
    Without classes, the rows are drawn from all rows.

    Args:
        t: (samples,) class indices, or targets of any values if `class_names` is empty.
        fraction: of the rows, in [0, 1); 0 cuts nothing.
        seed: of the draw.
        name: of the data set, for the error.
        class_names: for the error.

    Raises: DataError if a class has one row only, or there is one row in all.
    """
    if not fraction:
        return np.arange(len(t)), np.arange(0)
    groups = [np.flatnonzero(t == index) for index in range(len(class_names))] if class_names else [np.arange(len(t))]
    rng = np.random.default_rng(seed)
    drawn = []
    for index, rows in enumerate(groups):
        if len(rows) == 1:
            raise DataError(_too_few(name, class_names[index] if class_names else None))
        drawn.append(rng.permutation(rows)[: _share(len(rows), fraction)])
    validation = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(t)), validation), validation


def _share(rows: int, fraction: float) -> int:
    """Return the number of validation rows: rounded, and at least one on each side; 0 of no rows."""
    return min(rows - 1, max(1, math.floor(rows * fraction + 0.5))) if rows else 0


def _too_few(name: str, class_name: str | None) -> str:
    whose = f"the class {class_name!r}" if class_name is not None else "the data set"
    return (
        f"{name}: {whose} has 1 sample in the training part, and a validation part needs at least 2 of each class: "
        "add samples, remove the class, or set validation = 0."
    )
