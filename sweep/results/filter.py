"""Which rows of a frame satisfy a condition such as `alpha < 0.1 and not (batch_size >= 50)`.

The grammar, a corner of Python's:

    condition   comparison | condition and condition | condition or condition | not condition | (condition)
    comparison  operand (== | != | < | <= | > | >=) operand, chained if wanted: 0.1 < alpha < 0.2; = is ==
                | tag (== | !=) "text", of the tags of a trial, of which it may have several
    operand     a name | a number | "text" | true | false
    name        a column of the frame, or a searched parameter by its short or its full name

The text is parsed by `ast` and walked node by node: nothing of it is ever evaluated by Python.

A comparison with a missing value is false whatever it asks, so that none selects a trial that has no such
parameter; `not` turns it round, and `not (alpha == alpha)` finds just those trials. Numbers are compared as
float64, text by code points, and true and false, also written True and False, are the numbers 1 and 0.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from sweep.errors import UsageError, suggest
from sweep.records import Parameter

Rows = NDArray[np.bool_]

_LONGEST = 4_000
_GRAMMAR = "only comparisons (== != < <= > >=) joined by and, or, not and parentheses are understood"
_EXAMPLE = 'such as: alpha < 0.1 and activation == "relu"'
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_TEXT_OR_SIGN = r"""'(?:\\.|[^'\\]|'')*'|"(?:\\.|[^"\\]|"")*"|(?<![=!<>:])=(?!=)"""
"""Text in quotes, which may be doubled within it as in SQL, or a single sign."""
TRUTHS = {"true": True, "false": False}
"""The words of an experiment file, which mean the same here unless a column has such a name."""
_DESCRIPTIONS: dict[type[ast.expr], str] = {
    ast.Constant: "a value alone",
    ast.BinOp: "arithmetic",
    ast.UnaryOp: "arithmetic",
    ast.Call: "a call",
    ast.Compare: "a condition",
    ast.BoolOp: "a condition",
}


def matching(frame: pd.DataFrame, condition: str, parameters: Sequence[Parameter]) -> pd.Series[bool]:
    """Tell for each row of `frame` whether it satisfies `condition`: booleans on the frame's index.

    Raises:
        UsageError: the condition cannot be read, names what is not there, or compares text with a number.
    """
    try:
        rows = _Reader(frame, _columns_by_name(frame, parameters)).condition(_parsed(condition))
    except (RecursionError, MemoryError):
        raise _unusable(condition, "it is nested too deeply") from None
    except UsageError as error:
        raise _unusable(condition, str(error)) from None
    return pd.Series(rows, index=frame.index)


def columns_named(frame: pd.DataFrame, condition: str, parameters: Sequence[Parameter]) -> list[str]:
    """Return the columns of `frame` that a condition names which `matching` can use, in its order."""
    columns = _columns_by_name(frame, parameters)
    found = [columns[name] for name in _names(_parsed(condition)) if name in columns]
    return list(dict.fromkeys(name for name in found if name in frame))


def _columns_by_name(frame: pd.DataFrame, parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return the column that each name stands for."""
    columns = {name: p.short_name for p in parameters for name in (p.name, p.short_name)}
    return columns | {name: name for name in frame.columns}


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the names in a parsed condition."""
    name = _name(node)
    if name is not None:
        yield name
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _unusable(condition: str, reason: str) -> UsageError:
    shown = condition if len(condition) <= 80 else condition[:77] + "..."
    # repr() shows control characters and lone surrogates as escapes, which any terminal can print.
    return UsageError(f"cannot use the condition {shown!r}: {reason}")


def _parsed(condition: str) -> ast.expr:
    if not condition.strip():
        raise UsageError(f"it is empty; write one {_EXAMPLE}")
    if len(condition) > _LONGEST:
        raise UsageError(f"it has {len(condition):,} characters, the most is {_LONGEST:,}")
    try:
        with warnings.catch_warnings():
            # Python comments on odd spellings such as "\d" or 1or 2 on standard error.
            warnings.simplefilter("ignore")
            return ast.parse(_with_double_signs(condition.strip()), mode="eval").body
    except SyntaxError as error:
        raise UsageError(f"{error.msg}; write it {_EXAMPLE}") from None
    except ValueError:
        raise UsageError("it holds characters that are not text") from None


def _with_double_signs(condition: str) -> str:
    """Return a condition with == in place of each =, and texts with a doubled quote, as in SQL, as Python has them."""
    return re.sub(_TEXT_OR_SIGN, _as_python, condition)


def _as_python(match: re.Match[str]) -> str:
    if (found := match[0]) == "=":
        return "=="
    if re.match(r"\s*['\"]", match.string[match.end() :]):
        raise UsageError("two texts stand side by side; a quote within one is doubled, such as 'it''s'")
    quote = found[0]
    return quote + found[1:-1].replace(quote * 2, f"\\{quote}") + quote


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of a comparison, a value for each row; a row that has neither number nor text is missing."""

    label: str
    numbers: NDArray[np.float64]
    """(rows,), NaN where the value is no number."""
    texts: NDArray[np.object_]
    """(rows,), None where the value is no text."""

    @property
    def is_number(self) -> Rows:
        return ~np.isnan(self.numbers)

    @property
    def is_text(self) -> Rows:
        return pd.notna(self.texts)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns the nodes of a parsed condition into one boolean per row of a frame."""

    frame: pd.DataFrame
    columns: Mapping[str, str]
    """The frame's column that each name stands for."""

    def condition(self, node: ast.expr) -> Rows:
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                return reduce(operator.and_, map(self.condition, parts))
            case ast.BoolOp(op=ast.Or(), values=parts):
                return reduce(operator.or_, map(self.condition, parts))
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return ~self.condition(part)
            case ast.Compare(left=first, ops=comparisons, comparators=others):
                if "tag" not in self.columns and any(_name(side) == "tag" for side in (first, *others)):
                    return self.tagged(node)
                compares = [_comparison(comparison) for comparison in comparisons]
                sides = map(self.operand, (first, *others))
                return reduce(operator.and_, map(_compared, compares, pairwise(sides)))
        raise UsageError(f"{_described(node)} is not a comparison; {_GRAMMAR}")

    def tagged(self, node: ast.Compare) -> Rows:
        """Tell which trials have a tag, or do not have it; the frame has no column where none has any."""
        sides, sign = (node.left, *node.comparators), node.ops[0]
        names = [side.value for side in sides if isinstance(side, ast.Constant) and isinstance(side.value, str)]
        if len(sides) == 2 and len(names) == 1 and isinstance(sign, ast.Eq | ast.NotEq):
            texts = self.frame.get("tags", pd.Series(None, self.frame.index, dtype=object))
            has = np.array([isinstance(text, str) and names[0] in text.split(", ") for text in texts], dtype=bool)
            return has if isinstance(sign, ast.Eq) else ~has
        raise UsageError('a trial may have several tags, so write tag == "good" or tag != "good", in quotes')

    def operand(self, node: ast.expr) -> _Operand:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return self.constant(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return self.constant(-value)
            case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=int() | float() as value)):
                return self.constant(+value)
        name = _name(node)
        if name is None:
            raise UsageError(f"{_described(node)} cannot be compared; {_GRAMMAR}")
        if name not in self.columns:
            if name in TRUTHS:
                return self.constant(TRUTHS[name])
            hint = suggest(name, set(self.columns if "." in name else self.columns.values()))
            raise UsageError(f"there is no '{name}' here (text is written in quotes, \"{name}\"): {hint}")
        # A parameter that no trial has yet has no column: all its values are missing.
        missing = pd.Series(np.nan, index=self.frame.index)
        return _column(name, self.frame.get(self.columns[name], missing))

    def constant(self, value: float | str) -> _Operand:
        rows = len(self.frame)
        if isinstance(value, str):
            return _Operand(repr(value), np.full(rows, np.nan), np.full(rows, value, dtype=object))
        try:
            number = float(value)
        except OverflowError:
            raise UsageError("a number in it is too large") from None
        return _Operand(f"{number:g}", np.full(rows, number), np.full(rows, None, dtype=object))


def _comparison(node: ast.cmpop) -> Callable[[Any, Any], Any]:
    if type(node) not in _COMPARISONS:
        raise UsageError(f"'in' and 'is' do not compare values; {_GRAMMAR}")
    return _COMPARISONS[type(node)]


def _name(node: ast.AST) -> str | None:
    """Spell out a name as a parameter's path is written, or None if the node is something else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=part):
            path = _name(owner)
            return path and f"{path}.{part}"
        case ast.Subscript(value=owner, slice=ast.Constant(value=int() as index)):
            path = _name(owner)
            return path and f"{path}[{index}]"
    return None


def _described(node: ast.expr) -> str:
    """Name a node that has no place in a condition, in words of the user's."""
    name = _name(node)
    if name is not None:
        return f"'{name}' alone"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        return "what & or | joins"
    return next((words for kind, words in _DESCRIPTIONS.items() if isinstance(node, kind)), "such an expression")


def _column(name: str, values: pd.Series[Any]) -> _Operand:
    if is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return _Operand(name, numbers, np.full(len(values), None, dtype=object))
    items = values.tolist()
    return _Operand(
        name,
        np.array([float(item) if isinstance(item, int | float) else np.nan for item in items], dtype=np.float64),
        np.array([item if isinstance(item, str) else None for item in items], dtype=object),
    )


def _compared(compare: Callable[[Any, Any], Any], sides: tuple[_Operand, _Operand]) -> Rows:
    """Compare two operands row by row; where one is a number and the other text they are merely unequal."""
    left, right = sides
    numbers = left.is_number & right.is_number
    texts = left.is_text & right.is_text
    mixed = (left.is_number & right.is_text) | (left.is_text & right.is_number)
    if mixed.any() and not (numbers | texts).any():
        number, text = (left, right) if left.is_number.any() else (right, left)
        if (word := text.label.strip("'").lower()) in TRUTHS:
            raise UsageError(f"{number.label} is not text; write {word} without quotes")
        raise UsageError(f"{number.label} is a number and {text.label} is text, which cannot be compared")
    rows = mixed if compare is operator.ne else np.zeros_like(mixed)
    rows[numbers] = compare(left.numbers[numbers], right.numbers[numbers])
    rows[texts] = compare(left.texts[texts], right.texts[texts])
    return rows
