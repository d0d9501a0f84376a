"""One view, and how names and texts stand in the statements that make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

Column = tuple[str, str, str]
"""A column of a view: its name, what it is, and a comment."""


@dataclass(frozen=True, slots=True)
class View:
    """A view, as it is created."""

    name: str
    comment: str
    columns: Sequence[Column]
    source: str
    """What follows the columns: FROM and the rest."""

    def create(self, connection: Connection) -> None:
        """Create it, with its comments as each database keeps them."""
        is_sqlite = connection.dialect.name == "sqlite"
        name = quoted(self.name)
        listed = ",\n       ".join(_selected(column, is_sqlite) for column in self.columns)
        said = f"/* {_harmless(self.comment)} */ " if is_sqlite else ""
        execute(connection, f"CREATE VIEW {name} AS {said}\nSELECT {listed}\n{self.source}")
        if not is_sqlite:
            execute(connection, f"COMMENT ON VIEW {name} IS {literal(self.comment)}")
            for column, _, comment in self.columns:
                if comment:
                    execute(connection, f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(comment)}")


def quoted(name: str) -> str:
    """Return a name as it stands in a statement.

    >>> quoted('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(words: str) -> str:
    """Return text as it stands in a statement.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + words.replace("'", "''") + "'"


def _selected(column: Column, with_comment: bool) -> str:
    name, expression, comment = column
    said = f" /* {comment} */" if comment and with_comment else ""
    return f"{expression} AS {quoted(name)}{said}"


def _harmless(comment: str) -> str:
    return comment.replace("*/", "* /")


def execute(connection: Connection, statement: str) -> None:
    """Execute a statement as it is: a colon begins no parameter."""
    connection.execute(text(statement.replace(":", "\\:")))
