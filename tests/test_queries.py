"""The queries of the documentation: other tools give the rows that `Sweep` gives."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest

import sweep

QUERIES = Path(__file__).parents[1] / "docs" / "snippets" / "queries.sql"
RELEASED = Path(__file__).parent / "store" / "data" / "released-3"
NAME = "digits-quickstart"
READ = ("sweeps", "trials", "leaderboard", "curves", NAME)
"""What the queries read, which DuckDB is given as Parquet."""


def queries():
    """The queries by the sentence above each."""
    return dict(part.removeprefix("-- ").split("\n", 1) for part in QUERIES.read_text().strip().split("\n\n"))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A database with a sweep of two completed and two diverged trials, and one more."""
    folder = copytree(RELEASED, tmp_path_factory.mktemp("queries"), dirs_exist_ok=True)
    path = folder / "sweeps.db"
    sweep.load(db=path).store.close()
    with closing(sqlite3.connect(path)) as plain:  # values that tell the sweeps apart are all that matters
        plain.execute("INSERT INTO sweeps SELECT 2, 'another', " + _others(plain, "sweeps", 2))
        plain.execute("INSERT INTO trials SELECT id + 10, 2, " + _others(plain, "trials", 2))
        plain.execute("UPDATE trials SET seconds = 7200, best_value = best_value / 2 WHERE sweep_id = 2")
        plain.commit()
    return path


def _others(plain, table, first):
    """The columns of a table from one on, and where they are read."""
    names = [name for _, name, *_ in plain.execute(f"PRAGMA table_info({table})")]
    return f"{', '.join(names[first:])} FROM {table}"


def as_expected(path):
    """What the queries must give, by `Sweep`."""
    first, other = (sweep.load(name, db=path) for name in (NAME, "another"))
    trials, best = first.trials(), first.best(5)
    rate = "learning_rate"
    completed = trials[trials["status"] == "completed"].sort_values(rate)
    diverged = trials[trials["status"] == "diverged"]
    curves = best[["rank", "trial"]].merge(first.epochs(), on="trial")
    groups = diverged.groupby(["diverged_place", "diverged_kind"])[rate].agg(["count", "min"]).reset_index()
    every = [(each.name, each.best(1).iloc[0], each.trials()["seconds"]) for each in (first, other)]
    return [
        completed[["trial", rate, "test_accuracy"]],
        curves.sort_values(["rank", "epoch"])[["rank", "trial", "epoch", "test_accuracy"]],
        groups.sort_values(["count", "diverged_place"], ascending=[False, True]),
        pd.DataFrame(sorted((name, row["trial"], "test_accuracy", row["test_accuracy"]) for name, row, _ in every)),
        pd.DataFrame([(name, len(seconds), seconds.sum() / 60) for name, _, seconds in every[::-1]]),
    ]


@pytest.fixture(scope="module")
def expected(path):
    return as_expected(path)


def by_sqlite(path):
    with closing(sqlite3.connect(path)) as plain:
        return [pd.DataFrame(plain.execute(query).fetchall()) for query in queries().values()]


def by_pandas(path):
    with closing(sqlite3.connect(path)) as plain:
        return [pd.read_sql(query, plain) for query in queries().values()]


def by_sweep(path):
    return [sweep.sql(query, db=path) for query in queries().values()]


def by_datasette(path):
    from datasette.app import Datasette

    async def ask():
        server = Datasette([str(path)], settings={"sql_time_limit_ms": 60_000})
        await server.invoke_startup()
        answers = [
            await server.client.get("/sweeps.json", params={"sql": query.rstrip(";"), "_shape": "array"})
            for query in queries().values()
        ]
        assert [answer.status_code for answer in answers] == [200] * len(answers), answers[0].text
        return [pd.DataFrame(answer.json()) for answer in answers]

    return asyncio.run(ask())


def by_duckdb(path):
    import duckdb

    with duckdb.connect() as connection:
        for name in READ:
            file = path.with_name(f"{name}.parquet")
            sweep.sql(f'SELECT * FROM "{name}"', db=path).to_parquet(file)
            connection.execute(f"CREATE VIEW \"{name}\" AS SELECT * FROM '{file}'")
        return [connection.execute(query).df() for query in queries().values()]


@pytest.mark.filterwarnings("ignore:.*(event loop|iscoroutinefunction|pkg_resources|unclosed)")
@pytest.mark.parametrize("by", [by_sqlite, by_pandas, by_sweep, by_datasette, by_duckdb])
def test_another_tool_gives_the_rows_of_sweep(path, expected, by):
    found = by(path)
    assert len(found) == len(expected) == 5
    for query, one, other in zip(queries(), found, expected, strict=True):
        assert [*map(tuple, one.to_numpy())] == [
            tuple(pytest.approx(each, rel=1e-12) if isinstance(each, float) else each for each in row)
            for row in other.to_numpy()
        ], query
        assert len(one) > 0, query


def test_they_read_by_an_index_what_is_of_one_sweep(path):
    for title, query in queries().items():
        plan = sweep.sql(f"EXPLAIN QUERY PLAN {query}", db=path)["detail"]
        scans = [line.partition(" USING COVERING")[0] for line in plan if re.match(r"SCAN (?!\(|json_each)", line)]
        whole = {"The best trial of each sweep.": {"SCAN trials USING INDEX ranking", "SCAN leaderboard"}}
        assert set(scans) <= whole.get(title, {"SCAN sweeps", "SCAN ranked"}), (title, scans)
