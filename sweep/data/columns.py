"""The cells of one column of a table: numbers, texts, gaps and dates told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sweep.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

GAPS = frozenset(["", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"])
"""What stands for a missing number, in any case; for a missing text only the empty cell does."""
_BOOLEANS = {"true": 1.0, "false": 0.0}
_OTHER_NUMBER = re.compile(r"[+-]?[$€£]?\d{1,3}(([.,' ]\d{3})*|\d*)([.,]\d+)?\s?[%$€£]?")
"""A number as it is written elsewhere: 1,5 or 12 % or 1.234,56 or $5."""
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = rf"""(\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](\d{{2}}|\d{{4}})
|\d{{1,2}}[-\ ]{_MONTH}[-\ ]\d{{2,4}}|{_MONTH}\ \d{{1,2}},?\ \d{{2,4}})"""
_TIME = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_DATE = re.compile(rf"{_DAY}([T\ ]+\d{{1,2}}:\d{{2}}.*)?|{_TIME}", re.IGNORECASE | re.VERBOSE)


def texts_of(cells: pd.Series[Any]) -> NDArray[Any]:
    """Return the cells as (rows,) strings without surrounding blanks; a gap is the empty string."""
    return cells.astype("str").str.strip().fillna("").to_numpy(dtype=object)


def numbers_of(place: str, name: str, cells: pd.Series[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the cells as (rows,) numbers, NaN in gaps, and where the gaps are.

    Raises: DataError that names the first cell that is neither a finite number nor a gap.
    """
    numbers, gaps = _parse(cells)
    wrong = ~np.isfinite(numbers) & ~gaps
    if wrong.any():
        raise DataError(
            f"{place}: column {name!r} holds {_first(cells, wrong)}, but features must be finite numbers; "
            "correct the cell, or leave it empty if the value is not known."
        )
    return numbers, gaps


def is_text(place: str, name: str, cells: pd.Series[Any]) -> bool:
    """Return whether a column holds text, checked to be text of which features can be made.

    Raises: DataError if most of its different values are dates, or most are numbers.
    """
    numbers, gaps = _parse(cells)
    wrong = np.isnan(numbers) & ~gaps
    if not wrong.any():
        return False
    texts = [text for text in dict.fromkeys(texts_of(cells)) if text.casefold() not in GAPS]
    dates = [text for text in texts if _DATE.fullmatch(text)]
    if len(dates) > len(texts) / 2:
        raise DataError(
            f"{place}: column {name!r} holds dates such as {dates[0]!r}, which cannot be inputs as they are: replace "
            "it by numbers (the year, the month, days since the first), or name it in `drop`."
        )
    if sum(map(_is_like_a_number, texts)) > len(texts) / 2:
        raise DataError(
            f"{place}: column {name!r} holds {_first(cells, wrong)}, but most of its values are numbers, and features "
            "must be finite numbers or text throughout: correct the cell, leave it empty, set `decimal` if that is "
            "how the file writes numbers, or name the column in `drop`."
        )
    return True


def _is_like_a_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return bool(_OTHER_NUMBER.fullmatch(text))
    return True


def _parse(cells: pd.Series[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return numbers, NaN where a cell is not one, and where the gaps are."""
    import pandas as pd

    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "biuf":
        values = cells.to_numpy()
        return values, np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), np.bool_)
    texts = cells.astype("str").str.strip().fillna("")
    lowered = texts.str.casefold()
    gaps = lowered.isin(GAPS)
    if lowered[~gaps].isin(list(_BOOLEANS)).all():
        numbers = lowered.map(_BOOLEANS)
    else:
        numbers = pd.to_numeric(texts.mask(gaps), errors="coerce")
    return np.asarray(numbers.to_numpy(), _number_type(numbers)), gaps.to_numpy(dtype=np.bool_)


def _number_type(numbers: pd.Series[Any]) -> Literal["float64"] | np.dtype[Any]:
    own = numbers.dtype
    return own if isinstance(own, np.dtype) and own.kind in "iuf" else "float64"


def _first(cells: pd.Series[Any], wrong: NDArray[np.bool_]) -> str:
    """Return the first wrong cell and its place."""
    row = int(wrong.argmax())
    return f"{str(cells.iloc[row])!r} in data row {row + 1}"
