"""The command that asks the database in SQL."""

from __future__ import annotations

from typing import Annotated

import typer

import sweep
from sweep.cli.options import Db, Format, app, print_table


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One SELECT; without it, the views and tables are listed.", metavar="[QUERY]")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """Ask the database in SQL; nothing can be changed.

    There are the views `leaderboard`, `curves` and `"values"`, and one for each sweep, named like it, with a column for
    each parameter. Without a query they are listed, and the tables, with all columns and what they hold.
    """
    frame = sweep.sql(query, db=db)
    print_table(frame, format, "Views and tables" if query is None else "Rows", "--format csv")
