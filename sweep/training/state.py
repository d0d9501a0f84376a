"""What users' own trainers save: any nesting of arrays, tensors, numbers, text and bytes, as arrays and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.errors import WeightsError
from sweep.training.checkpoint import Snapshot

PREFIX = "arrays"
"""Prefix of the keys by which arrays are stored."""
ARRAY, TENSOR, BYTES, TUPLE, MAPPING = (f"sweep:{kind}" for kind in ("array", "tensor", "bytes", "tuple", "mapping"))
"""Keys of a JSON object with one member that stands for what JSON has not; mappings are lists of pairs, since their
keys may be numbers, as in the state of an optimizer of PyTorch."""

Arrays = dict[str, NDArray[Any]]


def pack(epoch: int, values: Mapping[str, Any], about: Mapping[str, Any]) -> Snapshot:
    """Return a snapshot of values by name.

    Raises:
        WeightsError: when a value cannot be saved.
    """
    arrays: Arrays = {}
    state = {}
    for name, value in values.items():
        try:
            if not isinstance(name, str):
                raise TypeError("names must be text")
            state[name] = _encoded(name, value, arrays)
        except (TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"the state {name!r} cannot be saved ({error}); save arrays, tensors, numbers, text, bytes, and lists "
                "and mappings of these"
            ) from None
    return Snapshot(epoch, arrays, state, about)


def unpack(snapshot: Snapshot) -> dict[str, Any]:
    """Return the mapping that `pack` was given, in copies; arrays of shape () become NumPy scalars."""
    arrays = {key: array.copy() for key, array in snapshot.arrays.items()}
    values = {name: _decoded(value, arrays) for name, value in snapshot.state.items()}
    # Files from before nested values name their arrays by these keys alone.
    return {key.removeprefix(f"{PREFIX}."): _with_bytes(array[()]) for key, array in arrays.items()} | values


def _with_bytes(value: Any) -> Any:
    return value.tobytes() if isinstance(value, np.void) else value


def _encoded(path: str, value: Any, arrays: Arrays) -> Any:
    """Return a value as JSON; arrays are put into `arrays`."""
    if isinstance(value, bytes):
        return {BYTES: _stored(path, np.frombuffer(value, np.uint8), arrays)}
    if hasattr(value, "detach"):
        return {TENSOR: _stored(path, value.detach().cpu().numpy(), arrays)}
    if isinstance(value, np.generic) or hasattr(value, "__array__"):
        return {ARRAY: _stored(path, value, arrays)}
    if isinstance(value, Mapping):
        pairs = [[_key(key), _encoded(f"{path}.{key}", member, arrays)] for key, member in value.items()]
        return {MAPPING: pairs}
    if isinstance(value, list | tuple):
        members = [_encoded(f"{path}.{index}", member, arrays) for index, member in enumerate(value)]
        return members if isinstance(value, list) else {TUPLE: members}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{path} is an object of the type {type(value).__name__}")


def _key(key: Any) -> Any:
    if key is None or (isinstance(key, bool | int | float | str) and not isinstance(key, np.generic)):
        return key
    raise TypeError(f"{key!r} is no key that can be saved")


def _stored(path: str, value: Any, arrays: Arrays) -> str:
    """Put a copy of an array into `arrays`; return its key there."""
    array = np.array(value)
    if array.dtype.hasobject:
        raise TypeError(f"{path} holds Python objects")
    key = f"{PREFIX}.{path}"
    while key in arrays:  # such as those of "a.b", and of "b" within "a"
        key += "_"
    arrays[key] = array
    return key


def _decoded(value: Any, arrays: Arrays) -> Any:
    """Return the value that JSON stands for, and remove its arrays from `arrays`."""
    if isinstance(value, list):
        return [_decoded(member, arrays) for member in value]
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    if kind == MAPPING:
        return {key: _decoded(member, arrays) for key, member in inner}
    if kind == TUPLE:
        return tuple(_decoded(member, arrays) for member in inner)
    if kind == BYTES:
        return arrays.pop(inner).tobytes()
    if kind == TENSOR:
        return _tensor(arrays.pop(inner))
    return arrays.pop(inner)[()] if kind == ARRAY else value


def _tensor(array: NDArray[Any]) -> Any:
    import torch

    return torch.from_numpy(array)
