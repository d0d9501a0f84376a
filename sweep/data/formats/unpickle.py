"""Pickles of plain containers and arrays of bytes, read without running code that they name.

The names that a pickle of arrays needs stand for classes of this module, which only record what NumPy would be given.
A list of allowed names is not enough: a few bytes of harmless opcodes make `pickle` fill the memory or overflow the
stack, so the opcodes are checked before it reads them.
"""

from __future__ import annotations

import pickle
import pickletools
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sweep.data.dataset import Array
from sweep.data.sources import one_line, unreadable
from sweep.errors import DataError

_OPCODES = {
    "leaf": "BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "GLOBAL STACK_GLOBAL REDUCE",
    "tuple": "TUPLE TUPLE1 TUPLE2 TUPLE3",
    "put": "BINPUT LONG_BINPUT MEMOIZE",
    "get": "BINGET LONG_BINGET",
    "stop": "STOP",
    "other": "PROTO FRAME MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 EMPTY_LIST EMPTY_DICT "
    "APPEND APPENDS SETITEM SETITEMS BUILD",
}
_GROUPS = {name: group for group, names in _OPCODES.items() for name in names.split()}
_MOST_TUPLES = 60  # an array needs six


class StoredType:
    """Type of an array as a pickle describes it."""

    __slots__ = ("code",)

    def __init__(self, code: object, *flags: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Ignore the state, which adds nothing to a type of single bytes."""


class StoredArray:
    """Array as a pickle describes it."""

    __slots__ = ("_state",)

    def __init__(self, *arguments: object) -> None:
        self._state: object = None

    def __setstate__(self, state: object) -> None:
        """Record (version, shape, type, whether column by column, values)."""
        self._state = state

    def uint8(self) -> Array | None:
        """Return a copy of the array in C order, None if its type is not uint8 or its values do not fill its shape."""
        match self._state:
            case (int(), tuple(shape), StoredType(code="u1" | b"u1"), bool(by_columns), bytes(values)):
                return _shaped(values, shape, "F" if by_columns else "C")
        return None


def _shaped(values: bytes, shape: tuple[object, ...], order: Literal["C", "F"]) -> Array | None:
    lengths = tuple(length for length in shape if type(length) is int and length >= 0)
    if lengths != shape:
        return None
    try:
        return np.frombuffer(values, np.uint8).reshape(lengths, order=order).copy()
    except ValueError:
        return None


_NDARRAY = object()  # named as the class to create, never called

# NumPy 2 moved its core; the pickles of CIFAR-10 were published long before.
_GLOBALS: dict[tuple[str, str], object] = {
    ("numpy.core.multiarray", "_reconstruct"): StoredArray,
    ("numpy._core.multiarray", "_reconstruct"): StoredArray,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): StoredType,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> object:
        """Return the substitute for a name in an array's pickle; nothing is imported."""
        if (module_name, global_name) not in _GLOBALS:
            raise pickle.UnpicklingError(f"it asks for {f'{module_name}.{global_name}'!r}")
        return _GLOBALS[module_name, global_name]


def unpickle(path: Path) -> object:
    """Return what a pickle of protocol 2 to 4 holds: containers, numbers, strings and instances of `StoredArray`.

    What Python 2 wrote as a string becomes bytes.

    Raises: DataError if the file cannot be read or is damaged, or holds or asks for anything else.
    """
    try:
        content = path.read_bytes()
        _check_opcodes(content)
        return _Unpickler(BytesIO(content), encoding="bytes").load()
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # whatever pickletools and pickle raise on damaged files
        raise DataError(
            f"{path} is damaged or not a pickle of plain containers and arrays ({one_line(error)[:120]}): "
            "download it again."
        ) from error


def _check_opcodes(content: bytes) -> None:
    """Raise ValueError if a pickle is incomplete, or does more than build containers no larger than itself."""
    leaves: dict[Any, bool] = {}  # by place in the memo
    group, tuples = "", 0
    for opcode, argument, position in pickletools.genops(content):
        before, group = group, _GROUPS.get(opcode.name, "")
        match group:
            case "":
                raise ValueError(f"it uses the opcode {opcode.name}")
            case "put":
                place = len(leaves) if argument is None else argument
                if place > len(content):  # the memo has all the places before it too
                    raise ValueError("it needs more memory than it should")
                leaves[place] = before == "leaf"
            case "get" if not leaves.get(argument):
                raise ValueError("it uses a container twice")
            case "tuple":
                tuples += 1
            case "stop" if position != len(content) - 1:
                raise ValueError("it goes on after its end")
    # A tuple's hash is the only step that recurses: without limit where tuples nest, without end where they repeat.
    if tuples > _MOST_TUPLES:
        raise ValueError("it holds more tuples than arrays do")
