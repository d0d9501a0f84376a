"""A user's own table from a file of comma-separated values (`.csv`)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sweep.data.dataset import Array
from sweep.data.labels import encode
from sweep.data.sources import Parts, Places, Source, find_file, one_line
from sweep.errors import DataError, suggest

if TYPE_CHECKING:
    import pandas as pd


def locate_csv(
    places: Places, *, file: str | Path, label: str, test_fraction: float = 0.25, split_seed: int = 0
) -> Source:
    """Return the table `file`, whose column `label` names the class and whose other columns are features.

    Args:
        places: the folders to look in.
        file: a UTF-8 file with a header row; compressed if its name ends in .gz, .bz2, .zip or .xz.
        label: name of the label column.
        test_fraction: fraction of the rows, drawn at random, that make the test part, in (0, 1).
        split_seed: seed of that draw, 0 or above.

    Raises: DataError if the file is not there or an option is out of range.
    """
    if not isinstance(test_fraction, int | float) or not 0 < test_fraction < 1:
        raise DataError(f"test_fraction is {test_fraction!r}: it must be a number between 0 and 1, both excluded.")
    if not isinstance(split_seed, int) or split_seed < 0:
        raise DataError(f"split_seed is {split_seed!r}: it must be an integer, 0 or above.")
    label = str(label)
    path = find_file(file, places)
    load = partial(_load, path, label, test_fraction, split_seed)
    options: dict[str, str | int | float] = {
        "label": label,
        "test_fraction": float(test_fraction),
        "split_seed": split_seed,
    }
    return Source(path.stem, (path,), load, options)


def _load(path: Path, label: str, test_fraction: float, split_seed: int) -> Parts:
    frame = _read(path, label)
    t, class_names = encode(_labels(path, frame, label), path)
    x = _features(path, frame.drop(columns=label))
    train, test = _split(path, len(x), test_fraction, split_seed)
    return Parts(x[train], t[train], x[test], t[test], class_names, x.shape[1:])


def _read(path: Path, label: str) -> pd.DataFrame:
    """Return the table with its labels as text, checked to have rows, a label column and other columns."""
    import pandas as pd

    try:
        # Only an empty cell counts as missing: "None" and "NA" are good names of classes.
        frame = pd.read_csv(
            path,
            dtype={label: str},
            keep_default_na=False,
            na_values=[""],
            skipinitialspace=True,
            low_memory=False,
        )
    except Exception as error:  # whatever pandas, its parser and the decompressors raise on a foreign file
        raise DataError(
            f"{path} cannot be read as comma-separated values ({one_line(error)}): "
            "save it as UTF-8 text with a header row."
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(f"{path} has rows with more cells than the header has names: give each column a name.")
    _check_columns(path, list(frame.columns), label)
    if frame.empty:
        raise DataError(f"{path} has a header but no rows: add the data.")
    return frame


def _check_columns(path: Path, columns: list[str], label: str) -> None:
    if len(columns) < 2:
        raise DataError(
            f"{path} has the column {columns[0]!r} alone: it needs a label and features, separated by commas."
        )
    if label not in columns:
        hint = suggest(label, columns) if len(columns) <= 20 else _closest_or_some(label, columns)
        raise DataError(f"{path} has no column {label!r} for the labels: {hint}")
    for position, column in enumerate(columns, start=1):
        # A nameless column is nearly always the row number that pandas wrote: as a feature it would give
        # away the order of the rows, and in a sorted file so the labels.
        if column == f"Unnamed: {position - 1}":
            raise DataError(f"{path}: column {position} has no name; name it, or remove it if it numbers the rows.")


def _closest_or_some(label: str, columns: Iterable[str]) -> str:
    hint = suggest(label, columns)
    return hint if hint.startswith("did") else f"it has {', '.join(list(columns)[:20])} and more."


def _labels(path: Path, frame: pd.DataFrame, label: str) -> Array:
    """Return the labels as (rows,) strings without surrounding blanks."""
    texts = frame[label].fillna("").str.strip()
    missing = (texts == "").to_numpy()
    if missing.any():
        row = int(missing.argmax()) + 1
        raise DataError(f"{path}: the label column {label!r} is empty in data row {row}; fill it or remove the row.")
    return texts.to_numpy(dtype=str)


def _features(path: Path, frame: pd.DataFrame) -> Array:
    """Return (rows, features): uint8 if all are integers in [0, 255], int64 if integers, else float64."""
    x = np.stack([_numbers(path, str(name), column) for name, column in frame.items()], axis=1)
    if x.dtype.kind in "iu" and x.min() >= 0 and x.max() <= 255:
        return x.astype(np.uint8)
    return x if x.dtype == np.int64 else x.astype(np.float64)


def _numbers(path: Path, name: str, column: pd.Series[float]) -> Array:
    """Return a column as (rows,) finite numbers."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").to_numpy()
    finite = np.isfinite(numbers)
    if not finite.all():
        row = int(finite.argmin())
        cell = column.iloc[row]
        holds = "is empty" if pd.isna(cell) else f"holds {str(cell)!r}"
        raise DataError(
            f"{path}: column {name!r} {holds} in data row {row + 1}, but features must be finite numbers; "
            "correct the cell or remove the column."
        )
    return numbers.astype(np.uint8) if numbers.dtype == np.bool_ else numbers


def _split(path: Path, rows: int, test_fraction: float, seed: int) -> tuple[Array, Array]:
    """Return the row numbers of the training and the test part, a random split without regard to classes."""
    order = np.random.default_rng(seed).permutation(rows)
    held_out = math.ceil(rows * test_fraction)  # as scikit-learn rounds, so the test part is never empty
    if held_out == rows:
        raise DataError(
            f"{path} has {rows} rows, and test_fraction = {test_fraction} leaves none for training: "
            "add rows or lower test_fraction."
        )
    return order[held_out:], order[:held_out]
