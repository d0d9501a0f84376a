"""The tables of a pack: rows of the database as CSV, column by column as the schema has them, and back.

The tables and their columns are those of `sweep.store.schema`, so that what is kept of a trial is packed with it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, select

from sweep.errors import PackError
from sweep.pack.cells import WORDS, csv_line, kind_of, read_cell, write_cell
from sweep.store.digests import KEPT
from sweep.store.schema import batches, sweeps, trials

CHUNK = 1_000
"""Rows that are read or inserted at a time."""
LONGEST_CELL = 16 << 20
"""Characters of a cell, at most."""
TABLES = (sweeps, trials, *KEPT)
"""What is packed, so ordered that each row comes after those that it names."""


def member(table: Table) -> str:
    """Return the name of a table's file in a pack."""
    return f"{table.name}.csv"


def write_tables(connection: Connection, sweep_id: int, folder: Path, with_batches: bool) -> dict[str, Path]:
    """Write the tables of a sweep as files; return each by its name in a pack."""
    found = {}
    for table in TABLES:
        if table is not batches or with_batches:
            path = found[member(table)] = folder / member(table)
            rows = _rows(connection, table, sweep_id)
            write_csv(path, [column.name for column in table.c], _cells(list(table.c), rows))
    return found


def write_csv(path: Path, names: Sequence[str], rows: Iterable[list[str]]) -> None:
    """Write rows of cells as a CSV file with a header."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(csv_line(list(names)))
        stream.writelines(map(csv_line, rows))


def _rows(connection: Connection, table: Table, sweep_id: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of a sweep by the primary key, sorted here, since databases order text in ways of their own."""
    keys = [column.name for column in table.primary_key]
    places = [index for index, column in enumerate(table.c) if column.name in keys]
    if len(keys) == 1:
        query = select(table).where(_of_sweep(table, sweep_id)).order_by(table.c[keys[0]])
        yield from map(tuple, connection.execute(query))
        return
    ids = select(trials.c.id).where(trials.c.sweep_id == sweep_id).order_by(trials.c.id)
    for trial_id in connection.execute(ids).scalars().all():
        rows = map(tuple, connection.execute(select(table).where(table.c.trial_id == trial_id)))
        yield from sorted(rows, key=lambda row: [row[place] for place in places])


def _of_sweep(table: Table, sweep_id: int) -> ColumnElement[bool]:
    """Return the condition for the rows of a sweep, of a table with one key."""
    return table.c.id == sweep_id if table is sweeps else table.c.sweep_id == sweep_id


def _cells(columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]]) -> Iterator[list[str]]:
    kinds = [kind_of(column) for column in columns]
    for row in rows:
        yield [write_cell(kind, value) for kind, value in zip(kinds, row, strict=True)]


def columns_text() -> str:
    """Return what the columns of all tables are, as JSON: for readers who have nothing but the pack."""
    tables = {
        member(table): {
            "comment": table.comment,
            "columns": {
                column.name: {"type": kind_of(column), "comment": column.comment or _reference(column)}
                for column in table.c
            },
        }
        for table in TABLES
    }
    described: dict[str, Any] = {"cells": {"an empty cell": "a missing value", **WORDS}, "tables": tables}
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _reference(column: Column[Any]) -> str:
    """Return what a column without a comment is: a row's own number, or one of the row that it belongs to."""
    target = next(iter(column.foreign_keys), None)
    return f"id of {target.column.table.name}" if target else "number of the row in the database"


def load_table(connection: Connection, table: Table, lines: Iterable[str], place: str) -> int:
    """Insert the rows of a CSV file into a database; return their number.

    Args:
        connection: a transaction of the database, which has the table.
        table: the table.
        lines: the file.
        place: the name of the file in errors.

    Raises:
        PackError: when a row does not fit the table.
        StoreError: when the database refuses a row.
    """
    reader = csv.reader(lines, strict=True)
    limit = csv.field_size_limit(LONGEST_CELL)  # of the whole process, so that it is set back below
    try:
        names = next(reader, [])
        columns = _named(table, names, place)
        rows, total = _values(connection, columns, reader, place), 0
        marks = ", ".join("?" * len(columns))
        listed = ", ".join(f'"{name}"' for name in names)
        while chunk := list(islice(rows, CHUNK)):
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({listed}) VALUES ({marks})", chunk)
            total += len(chunk)
    except csv.Error as error:
        raise PackError(f"{place}, line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(limit)
    return total


def _named(table: Table, names: Sequence[str], place: str) -> list[Column[Any]]:
    """Return the columns that a header names; those of a later schema are missing in older packs."""
    strange = [name for name in names if name not in table.c]
    if strange or len(set(names)) < len(names) or not {key.name for key in table.primary_key} <= set(names):
        what = f"has the column {strange[0][:80]!r}" if strange else "lacks a key, or has two columns of one name"
        raise PackError(f"{place} {what}; it was not written by a sweep of this version or an older one")
    return [table.c[name] for name in names]


def _values(
    connection: Connection, columns: Sequence[Column[Any]], rows: Iterable[list[str]], place: str
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows as the driver takes them."""
    kinds = [kind_of(column) for column in columns]
    dialect = connection.dialect
    binds = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise PackError(f"{place}, row {number}: {len(row)} cells in place of {len(columns)}")
        values = []
        for column, kind, bind, cell in zip(columns, kinds, binds, row, strict=True):
            try:
                value = read_cell(kind, cell)
            except ValueError as error:
                raise PackError(f"{place}, row {number}, {column.name}: {error}") from None
            values.append(bind(value) if bind and value is not None else value)
        yield tuple(values)
