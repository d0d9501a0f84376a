"""From the columns of a table to numeric features, fitted to the training part alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweep.data.columns import is_text, numbers_of, texts_of
from sweep.data.tables import Dialect, check_names, read_table
from sweep.errors import DataError, shortened

if TYPE_CHECKING:
    import pandas as pd

_Array = NDArray[Any]
MOST_LEVELS = 1_000
"""Levels of a text column; more are taken for a mistake, such as a column of names or of row numbers."""


@dataclass(frozen=True)
class Column:
    """How one column becomes features: a number is one, a text is one for each level."""

    name: str
    levels: tuple[str, ...] | None = None
    """Different texts of the training part, sorted; None for a column of numbers."""
    median: float | None = None
    """Median of the training part, which fills gaps; None for a column of text."""
    marks_gaps: bool = False
    """Whether there are gaps in the training part, and so one more feature that is 1 in a gap, else 0."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, such as `age`, `color=red` and `age is missing`."""
        values = (self.name,) if self.levels is None else tuple(f"{self.name}={level}" for level in self.levels)
        return (*values, f"{self.name} is missing") if self.marks_gaps else values

    def encode(self, place: str, cells: pd.Series[Any]) -> Iterator[_Array]:
        """Yield each feature, (rows,); numbers in their own dtype, all else as uint8.

        Raises: DataError if a cell of a column of numbers is neither a finite number nor empty.
        """
        if self.levels is None:
            numbers, gaps = numbers_of(place, self.name, cells)
            filled = np.where(gaps, self.median or 0.0, numbers) if gaps.any() else numbers
            yield filled.astype(np.uint8) if filled.dtype == np.bool_ else filled
        else:
            texts = texts_of(cells)
            gaps = texts == ""
            yield from _one_hot(texts, self.levels)
        if self.marks_gaps:
            yield gaps.astype(np.uint8)


def _one_hot(texts: _Array, levels: tuple[str, ...]) -> _Array:
    """Return (levels, rows) uint8, all 0 where a text is not one of the levels."""
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(
        categories=[np.array(levels, object)], handle_unknown="ignore", sparse_output=False, dtype=np.uint8
    )
    encoder.fit(np.array([levels[:1]], object))
    encoded: _Array = encoder.transform(texts[:, None]).T
    return encoded


@dataclass(frozen=True)
class Encoding:
    """How a table becomes features; `fit` makes one, and it can be kept as JSON."""

    columns: tuple[Column, ...]
    dtype: str = "float64"
    """Of the data set that it was fitted to."""
    separator: str | None = None
    """Of new files, if it was stated for the first one; None to find it."""
    decimal: str | None = None
    """Of new files, if it was stated for the first one; None to find it."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all features, in order."""
        return tuple(name for column in self.columns for name in column.features)

    def encode(self, place: str, frame: pd.DataFrame) -> _Array:
        """Return (rows, features) in the smallest dtype that holds all numbers exactly.

        That is uint8 if all are integers in [0, 255], int64 if all are integers, else float64.

        Args:
            place: the file that the table comes from, for errors.
            frame: has all columns, in any order; others are left out.

        Raises: DataError if a column is missing or holds what it cannot.
        """
        missing = [repr(column.name) for column in self.columns if column.name not in frame.columns]
        if missing:
            raise DataError(f"{place} has no column {shortened(missing)}, which the network was trained on.")
        x = np.stack([each for column in self.columns for each in column.encode(place, frame[column.name])], axis=1)
        if x.dtype.kind in "iu" and x.min() >= 0 and x.max() <= 255:
            return x.astype(np.uint8)
        return x if x.dtype == np.int64 else x.astype(np.float64)

    def transform(self, table: pd.DataFrame | str | Path) -> _Array:
        """Return the features of new rows, (rows, features), as the network takes them.

        Args:
            table: a table or a file of one; the label column may be missing, and columns that were not trained on
                are left out.

        Returns: an array of the data set's own dtype, or of float64 where that does not hold the numbers exactly.
        Raises: DataError if the table is empty, cannot be read, or lacks a column, or a cell is not a number.
        """
        if isinstance(table, str | Path):
            place, frame = str(table), self._read(Path(table))
        else:
            place, frame = "the table", table.rename(columns=lambda name: str(name).strip())
            check_names(place, list(frame.columns))
        if frame.empty:
            raise DataError(f"{place} has no rows: add the data.")
        x = self.encode(place, frame)
        with np.errstate(invalid="ignore"):
            own = x.astype(self.dtype)
        return own if np.array_equal(own, x) else x.astype(np.float64)

    def _read(self, path: Path) -> pd.DataFrame:
        names = [column.name for column in self.columns]
        texts = [column.name for column in self.columns if column.levels is not None]
        return read_table(path, names, texts, Dialect(self.separator, self.decimal)).frame

    def to_json(self) -> str:
        """Return the encoding as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Encoding:
        """Return the encoding that `to_json` has written.

        Raises: ValueError or TypeError if the text is not one.
        """
        given = json.loads(text)
        columns = tuple(
            Column(**{**column, "levels": None if column["levels"] is None else tuple(column["levels"])})
            for column in given.pop("columns")
        )
        return cls(columns, **given)


def fit(path: Path, frame: pd.DataFrame, rows: _Array) -> Encoding:
    """Return the encoding of a table, whose levels and medians are those of the training part.

    Args:
        path: the file that the table comes from, for errors.
        frame: the features of all parts.
        rows: of the training part.

    Raises: DataError if a column is empty, holds dates, is a number in some rows and text in others, or has too
        many levels; each names the column.
    """
    return Encoding(tuple(_fit_column(path, str(name), cells, rows) for name, cells in frame.items()))


def fit_transform(path: Path, frame: pd.DataFrame, rows: _Array, dialect: Dialect) -> tuple[Encoding, _Array]:
    """Return the encoding of a table, fitted to its training rows, and the features of all rows.

    `dialect` is what was stated of the file's, which new files share.
    """
    encoding = fit(path, frame, rows)
    x = encoding.encode(str(path), frame)
    return replace(encoding, dtype=str(x.dtype), separator=dialect.separator, decimal=dialect.decimal), x


def _fit_column(path: Path, name: str, cells: pd.Series[Any], rows: _Array) -> Column:
    if is_text(str(path), name, cells):
        return _fit_text(path, name, texts_of(cells)[rows])
    numbers, gaps = numbers_of(str(path), name, cells)
    _refuse_empty(path, name, gaps[rows])
    from sklearn.impute import SimpleImputer

    training = np.where(gaps, np.nan, numbers.astype(np.float64))[rows]
    (median,) = SimpleImputer(strategy="median").fit(training[:, None]).statistics_
    return Column(name, median=float(median), marks_gaps=bool(gaps[rows].any()))


def _fit_text(path: Path, name: str, texts: _Array) -> Column:
    from sklearn.preprocessing import OneHotEncoder

    _refuse_empty(path, name, texts == "")
    (levels,) = OneHotEncoder().fit(texts[texts != ""][:, None]).categories_
    if len(levels) > MOST_LEVELS:
        raise DataError(
            f"{path}: column {name!r} has {len(levels)} different texts in the training part, and at most "
            f"{MOST_LEVELS} can become inputs: name it in `drop`, or merge its texts into fewer."
        )
    return Column(name, levels=tuple(map(str, levels)), marks_gaps=bool((texts == "").any()))


def _refuse_empty(path: Path, name: str, gaps: _Array) -> None:
    if gaps.all():
        raise DataError(
            f"{path}: column {name!r} is empty in every row of the training part: fill it or name it in `drop`."
        )
