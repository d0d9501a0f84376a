"""The command that asks the database in SQL."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

import sweep
from sweep.cli.manual import Command
from sweep.cli.options import Db, Format, app, print_table

COMMENTED = re.compile(r"--(\s|[^=\n]*\n)")
"""How a query begins that has a comment first, and no option."""


class Query(Command):
    """A command that takes a query, which may begin with a comment as options do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what was given; a space before a query changes nothing."""
        read: list[str] = super().parse_args(ctx, [f" {each}" if COMMENTED.match(each) else each for each in args])
        return read


@app.command(cls=Query)
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One SELECT; without it, the views and tables are listed.", metavar="[QUERY]")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """Ask the database in SQL; nothing can be changed.

    There are the views `leaderboard`, `curves`, `metrics` and `"values"`, and one for each sweep, named like it, with a
    column for each parameter. Without a query they are listed, and the tables, with all columns and what they hold.
    """
    frame = sweep.sql(query, db=db)
    print_table(frame, format, "Views and tables" if query is None else "Rows", "--format csv")
