"""The value of a metric at an epoch, as an expression of SQL."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Double, FromClause, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from sweep.metrics import NATIVE_METRICS

_PLAIN = re.compile(r"[ -!#-\[\]-~]*")
"""Names that a JSON path of SQLite finds: ASCII without quotation marks and backslashes, which JSON escapes."""


def metric_value(table: FromClause, name: str) -> ColumnElement[Any]:
    """Return the value of a metric in a row of epochs, or of an alias of them; null where there is none."""
    if name in NATIVE_METRICS:
        return table.c[name]
    if _PLAIN.fullmatch(name):
        value: ColumnElement[Any] = table.c.metrics[name].as_float()
        return value
    return _InJson(table.c.metrics, literal(name))


class _InJson(GenericFunction[float]):
    """The number that a column of JSON has under a name, whatever its letters."""

    type = Double()
    inherit_cache = True
    name = "metric_in_json"


@compiles(_InJson)
def _of_server(element: _InJson, compiler: Any, **options: Any) -> str:
    column, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST({column} ->> {name} AS DOUBLE PRECISION)"


@compiles(_InJson, "sqlite")
def _of_file(element: _InJson, compiler: Any, **options: Any) -> str:
    column, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(SELECT json_each.value FROM json_each({column}) WHERE json_each.key = {name})"
