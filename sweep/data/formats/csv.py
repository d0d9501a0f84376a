"""A user's own table from a text file of separated values (`.csv`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Len, Lt

from sweep.data.dataset import Array, Part
from sweep.data.encoding import fit_transform
from sweep.data.formats.base import Format, Loaded, Request, Source
from sweep.data.labels import encode, number, question
from sweep.data.sources import Places, find_file
from sweep.data.tables import Dialect, read_table
from sweep.errors import DataError, counted, suggest

if TYPE_CHECKING:
    import pandas as pd

Character = Annotated[str, Len(1, 1)]


class _Options(NamedTuple):
    """The options of a table, checked; see `locate_csv`."""

    label: str
    test_fraction: float
    split_seed: int
    drop: tuple[str, ...]
    dialect: Dialect

    @property
    def digested(self) -> Mapping[str, Any]:
        """The options that enter the digest: those of later versions only where they are not default."""
        first = {"label": self.label, "test_fraction": float(self.test_fraction), "split_seed": self.split_seed}
        later = {"drop": sorted(set(self.drop)), "separator": self.dialect.separator, "decimal": self.dialect.decimal}
        return first | {name: value for name, value in later.items() if value}


def locate_csv(
    places: Places,
    *,
    file: str,
    label: str,
    test_fraction: Annotated[float, Gt(0), Lt(1)] = 0.25,
    split_seed: Annotated[int, Ge(0), Lt(2**63)] = 0,
    drop: Sequence[str] = (),
    separator: Character | None = None,
    decimal: Character | None = None,
) -> Source:
    """Return the table `file`, whose column `label` holds the target and whose other columns are features.

    Args:
        places: the folders to look in.
        file: a UTF-8 file with a header row; compressed if its name ends in .gz, .bz2, .zip or .xz.
        label: name of the label column.
        test_fraction: fraction of the rows, drawn at random, that make the test part, in (0, 1).
        split_seed: seed of that draw, at least 0.
        drop: names of columns that are left out.
        separator: character between two cells; by default it is found.
        decimal: decimal point of numbers, "." or ","; by default it is found.

    Raises: DataError if the file is not there or an option is out of range.
    """
    if not isinstance(test_fraction, int | float) or not 0 < test_fraction < 1:
        raise DataError(f"test_fraction is {test_fraction!r}: it must be a number between 0 and 1, both excluded.")
    if not isinstance(split_seed, int) or split_seed < 0:
        raise DataError(f"split_seed is {split_seed!r}: it must be an integer, at least 0.")
    if isinstance(drop, str) or not all(isinstance(name, str) for name in drop):
        raise DataError(f"drop is {drop!r}: it must be a list of names of columns.")
    _check_dialect(separator, decimal)
    options = _Options(str(label), test_fraction, split_seed, tuple(drop), Dialect(separator, decimal))
    path = find_file(file, places)
    return Source(path.stem, (path,), partial(_load, path, options), options.digested)


FORMAT = Format(locate_csv)


def _check_dialect(separator: str | None, decimal: str | None) -> None:
    if separator is not None and (not isinstance(separator, str) or len(separator) != 1):
        raise DataError(f'separator is {separator!r}: it must be one character, such as ";".')
    if decimal not in (None, ".", ","):
        raise DataError(f'decimal is {decimal!r}: it must be "." or ",".')
    if decimal is not None and decimal == separator:
        raise DataError(f"separator and decimal are both {decimal!r}: they must be different.")


def _load(path: Path, options: _Options, request: Request) -> Loaded:
    """Return the parts of a table; levels, medians and gaps are learned from the training part alone."""
    frame, dialect = read_table(path, [options.label], [options.label], options.dialect)
    _check_columns(path, list(frame.columns), options)
    if frame.empty:
        raise DataError(f"{path} has a header but no rows: add the data.")
    labels = _labels(path, frame, options.label, dialect.decimal)
    t, class_names, asked = _targets(path, labels, options.label, request)
    rows = dict(zip(("train", "test"), _split(path, len(t), options), strict=True))
    if request.validation:
        kept, validation = request.cut(t[rows["train"]], str(path), class_names)
        rows |= {"train": rows["train"][kept], "validation": rows["train"][validation]}
    features = frame.drop(columns=[options.label, *options.drop])
    encoding, x = fit_transform(path, features, rows["train"], options.dialect)
    parts = {name: Part(x[chosen], t[chosen]) for name, chosen in rows.items()}
    return Loaded(parts, class_names, x.shape[1:], encoding, asked)


def _check_columns(path: Path, columns: list[str], options: _Options) -> None:
    if len(columns) < 2:
        raise DataError(
            f"{path} has the column {columns[0]!r} alone: it needs a label and features, separated by commas."
        )
    for name, what in [(options.label, "for the labels"), *((name, "to drop") for name in options.drop)]:
        if name not in columns:
            hint = _not_a_header(columns) or suggest(name, columns)
            raise DataError(f"{path} has no column {name!r} {what}: {hint}")
    if options.label in options.drop:
        raise DataError(f"{path}: the label column {options.label!r} cannot be dropped: take it out of `drop`.")
    if not set(columns) - {options.label, *options.drop}:
        raise DataError(f"{path} has no column beside the label that is not dropped: leave some for the features.")


def _not_a_header(columns: list[str]) -> str | None:
    """Return what to do if the first line of a table is a comment or data, None if it may be the header."""
    if columns[0].startswith("#"):
        return f"its first line, which begins with {columns[0]!r}, is not the header but a comment; remove it."
    numbers = [name for name in columns if number(name) is not None]
    if len(numbers) > (len(columns) - 1) / 2:
        return f"its first line has {numbers[0]!r} where a name should be; put the names of the columns above it."
    return None


def _labels(path: Path, frame: pd.DataFrame, label: str, decimal: str | None) -> Array:
    """Return the labels as (rows,) strings without surrounding blanks, numbers with a decimal point."""
    texts = frame[label].fillna("").str.strip()
    missing = (texts == "").to_numpy()
    if missing.any():
        row = int(missing.argmax()) + 1
        raise DataError(f"{path}: the label column {label!r} is empty in data row {row}; fill it or remove the row.")
    labels: Array = texts.to_numpy(dtype=str)
    if decimal == ",":
        pointed = np.char.replace(labels, ",", ".")
        return pointed if all(number(text) is not None for text in pointed) else labels
    return labels


def _targets(path: Path, labels: Array, label: str, request: Request) -> tuple[Array, tuple[str, ...], str | None]:
    """Return the targets, (rows,), the names of the classes, and the question whether they are classes."""
    if request.task == "regression":
        return _numbers(path, labels, label), (), None
    t, class_names = encode(labels, path)
    asked = question(class_names, len(t), f"{path}: the label column {label!r}")
    request.check_stated(asked)
    return t, class_names, asked


def _numbers(path: Path, labels: Array, label: str) -> Array:
    values = [number(text) for text in labels]
    if None in values:
        row = values.index(None)
        raise DataError(
            f"{path}: the label column {label!r} holds {str(labels[row])!r} in data row {row + 1}, but the target of a "
            "regression must be a finite number: correct the cell or remove the row."
        )
    return np.array(values, np.float64)


def _split(path: Path, rows: int, options: _Options) -> tuple[Array, Array]:
    """Return the row numbers of the training and the test part, a random split without regard to classes."""
    order = np.random.default_rng(options.split_seed).permutation(rows)
    held_out = math.ceil(rows * options.test_fraction)  # as scikit-learn rounds, so the test part is never empty
    if held_out == rows:
        raise DataError(
            f"{path} has {counted(rows, 'row')}, and test_fraction = {options.test_fraction} leaves none for training: "
            "add rows or lower test_fraction."
        )
    return order[held_out:], order[:held_out]
