"""Arguments of the public functions: taken as users give them, or refused by name."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sweep.errors import Argument, UsageError

LARGEST = 2**63 - 1
"""The largest integer that a database holds."""


def whole(value: Any, name: str) -> int:
    """Return an integer of any type, such as one of NumPy.

    Raises:
        UsageError: when it is not an integer, or too large for any database.
    """
    try:
        found = operator.index(value)
    except TypeError:
        raise UsageError(Argument(name), f" takes a whole number, not {value!r}") from None
    if abs(found) > LARGEST:
        raise UsageError(Argument(name), f" takes a whole number up to {LARGEST:,}, not {_shortened(found)}")
    return found


def count(value: Any, name: str) -> int:
    """Return an integer that is at least 1.

    Raises:
        UsageError: when it is not one.
    """
    if (found := whole(value, name)) < 1:
        raise UsageError(Argument(name), f" takes a number from 1 on, not {found}")
    return found


def _shortened(number: int) -> str:
    text = str(number) if abs(number) < 10**60 else "one of more than 60 digits"
    return text if len(text) <= 30 else f"{text[:27]}..."


def text(value: Any, name: str) -> str:
    """Return a text.

    Raises:
        UsageError: when it is not one.
    """
    if not isinstance(value, str):
        raise UsageError(Argument(name), f" takes text, not {value!r}")
    return value


def number(value: Any, name: str) -> float:
    """Return a number of any type, such as one of NumPy.

    Raises:
        UsageError: when it is not a number.
    """
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        raise UsageError(Argument(name), f" takes a number, not {value!r}")
    return float(value)


def folder_or_file(value: Any, name: str) -> Path:
    """Return a path with a leading ~ replaced by the user's home, if that is known.

    Raises:
        UsageError: when it is not a path.
    """
    try:
        path = Path(os.fsdecode(value))
    except TypeError:
        raise UsageError(Argument(name), f" takes a path, not {value!r}") from None
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def texts(value: Any, name: str) -> list[str]:
    """Return a list of texts; a single one stands for a list of it.

    Raises:
        UsageError: when it is not one, or not all are text.
    """
    values = [value] if isinstance(value, str) else _listed(value, name, "texts")
    for each in values:
        if not isinstance(each, str):
            raise UsageError(Argument(name), f" takes text, or a list of texts, not {each!r}")
    return values


def wholes(value: Any, name: str) -> list[int]:
    """Return a list of integers; a single one stands for a list of it.

    Raises:
        UsageError: when it is not one, or not all are integers.
    """
    is_one = hasattr(value, "__index__") and not getattr(value, "ndim", 0)
    return [whole(each, name) for each in ([value] if is_one else _listed(value, name, "whole numbers"))]


def _listed(value: Any, name: str, what: str) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise UsageError(Argument(name), f" takes a list of {what}, not {value!r}")
    return list(value)
