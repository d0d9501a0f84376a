"""Queries in SQL of users' own."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.results.hints import naming_database

if TYPE_CHECKING:
    import pandas as pd


@naming_database
def sql(query: str | None = None, *, db: str | Path | None = None) -> pd.DataFrame:
    """Return the rows of a query in SQL, which can change nothing.

    The views are `leaderboard`, `curves`, `metrics`, `"values"` and one for each sweep, named like it, with a column
    for each parameter. Without a query these are listed, and the tables, with their columns.

    Args:
        query: one statement, such as "SELECT trial, value FROM leaderboard WHERE rank <= 5".
        db: URL or file of the database, as of `database_url`.

    Raises:
        SweepError: when the query is wrong or would write, or there is no such database.
    """
    from sweep.arguments import text
    from sweep.results.opening import database_url
    from sweep.store import Store

    with closing(Store(database_url(db))) as store:
        return store.described() if query is None else store.sql(text(query, "query"))
