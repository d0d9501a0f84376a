"""A user's own arrays from a NumPy archive (`.npz`)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from sweep.data.dataset import Array, Part
from sweep.data.formats.base import Format, Loaded, Request, Source
from sweep.data.labels import encode, question
from sweep.data.sources import Places, find_file, one_line, unreadable
from sweep.errors import DataError, shortened

_ARRAYS = ("x_train", "t_train", "x_test", "t_test")


def locate_npz(places: Places, *, file: str) -> Source:
    """Return the archive `file` that holds the arrays x_train, t_train, x_test and t_test.

    Raises: DataError if it is not there.
    """
    path = find_file(file, places)
    return Source(path.stem, (path,), partial(_load, path))


FORMAT = Format(locate_npz)


def _load(path: Path, request: Request) -> Loaded:
    """Return the archive's arrays, checked; those of more than two axes are flattened to (samples, features).

    x is real: (samples, features), (samples, rows, columns) or (samples, channels, rows, columns).
    t is (samples,): integers or strings, whose classes are those of both parts together, or numbers for regression.
    """
    arrays = _read(path)
    for part in ("train", "test"):
        _check_part(path, part, arrays[f"x_{part}"], arrays[f"t_{part}"])
    x_train, x_test = _unify(path, arrays["x_train"], arrays["x_test"])
    t, class_names, asked = _targets(path, arrays["t_train"], arrays["t_test"], request)
    samples, example = len(x_train), x_train.shape[1:]
    parts = {
        "train": Part(x_train.reshape(samples, -1), t[:samples]),
        "test": Part(x_test.reshape(len(x_test), -1), t[samples:]),
    }
    return Loaded(parts, class_names, (1, *example) if len(example) == 2 else example, question=asked)


def _targets(path: Path, train: Array, test: Array, request: Request) -> tuple[Array, tuple[str, ...], str | None]:
    """Return the targets of both parts, the names of the classes, and the question whether they are classes."""
    if (train.dtype.kind == "U") != (test.dtype.kind == "U"):
        raise DataError(f"{path}: t_train is {train.dtype} but t_test {test.dtype}; store both in the same way.")
    joined = np.concatenate([train, test])
    if request.task == "regression":
        if joined.dtype.kind == "U":
            raise DataError(f"{path}: t_train is text, but the target of a regression must be numbers.")
        return joined.astype(np.float64), (), None
    t, class_names = encode(joined, path)
    asked = question(class_names, len(t), f"{path}: t_train with t_test")
    if joined.dtype.kind == "f" and asked is None:
        asked = (
            f'{path}: t_train is of the type {train.dtype}: set data.task = "regression" to predict the numbers, or '
            'data.task = "classification" to make each number a class.'
        )
    request.check_stated(asked)
    return t, class_names, asked


def _read(path: Path) -> dict[str, Array]:
    # The file is opened here, as np.load leaves a file open that turns out not to be an archive.
    try:
        with path.open("rb") as stream:
            return _read_arrays(path, np.load(stream, allow_pickle=False))
    except DataError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # whatever zipfile and NumPy raise on another kind of file
        raise DataError(f"{path} is not an .npz archive: write it with numpy.savez.") from error


def _read_arrays(path: Path, archive: object) -> dict[str, Array]:
    if not isinstance(archive, NpzFile):
        raise DataError(f"{path} is a single array, not an .npz archive: write it with numpy.savez.")
    missing = [name for name in _ARRAYS if name not in archive.files]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)} (it holds {shortened(archive.files) or 'nothing'}): "
            f"save the arrays {', '.join(_ARRAYS)} with numpy.savez."
        )
    return {name: _read_array(path, archive, name) for name in _ARRAYS}


def _read_array(path: Path, archive: NpzFile, name: str) -> Array:
    try:
        array = archive[name]
    except Exception as error:  # whatever zipfile, zlib and NumPy's header parser raise on a damaged member
        raise DataError(
            f"{path}: the array {name} cannot be read ({one_line(error)}); save it again as plain numbers or strings."
        ) from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {name} is not an array; write the file with numpy.savez.")
    return array


def _check_part(path: Path, part: str, x: Array, t: Array) -> None:
    """Raise DataError unless x holds real examples and t one label or number for each."""
    if x.dtype.kind not in "biuf":
        raise DataError(f"{path}: x_{part} is of the type {x.dtype}; it must hold real numbers.")
    if x.ndim < 2 or x.size == 0:
        raise DataError(f"{path}: x_{part} has the shape {x.shape}; it must be (samples, features), both above 0.")
    if t.dtype.kind not in "iufU":
        raise DataError(
            f"{path}: t_{part} is of the type {t.dtype}; convert the labels with astype(int) or astype(str)."
        )
    if t.shape != (len(x),):
        raise DataError(
            f"{path}: t_{part} has the shape {t.shape} but x_{part} has {len(x)} rows; "
            f"it must be ({len(x)},), one label per row{_flattening(t, len(x))}."
        )
    if t.dtype.kind == "f":
        _check_finite(path, f"t_{part}", t)


def _flattening(t: Array, rows: int) -> str:
    """Return the advice how labels of two axes become (rows,), as the end of a sentence."""
    if t.ndim != 2 or len(t) != rows or t.dtype.kind == "U":
        return ""
    if t.shape[1] == 1:
        return ": take t[:, 0]"
    is_one_hot = bool(np.isin(t, (0, 1)).all() and (t.sum(axis=1) == 1).all())
    return ": these are one-hot labels, so take t.argmax(axis=1)" if is_one_hot else ""


def _unify(path: Path, x_train: Array, x_test: Array) -> tuple[Array, Array]:
    """Return both, finite, in one native dtype: their own, but uint8 for bool and at least float32."""
    if x_train.shape[1:] != x_test.shape[1:]:
        raise DataError(
            f"{path}: the examples of x_train have the shape {x_train.shape[1:]} "
            f"but those of x_test {x_test.shape[1:]}; make them the same."
        )
    dtype = np.result_type(x_train, x_test)
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    elif dtype.kind == "f":
        dtype = np.dtype(np.float32 if dtype.itemsize <= 4 else np.float64)
    with np.errstate(over="ignore"):  # an extended float beyond float64 is refused as infinite
        x_train, x_test = np.ascontiguousarray(x_train, dtype), np.ascontiguousarray(x_test, dtype)
    _check_finite(path, "x_train", x_train)
    _check_finite(path, "x_test", x_test)
    return x_train, x_test


def _check_finite(path: Path, name: str, x: Array) -> None:
    finite = np.isfinite(x)
    if not finite.all():
        first = tuple(int(index) for index in np.unravel_index(finite.argmin(), x.shape))
        place = ", ".join(map(str, first))
        raise DataError(f"{path}: {name}[{place}] is {x[first]}; every value must be finite in {x.dtype}.")
