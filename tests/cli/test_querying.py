"""`sweep sql`: rows on standard output, and one sentence where there are none."""

import json

import pytest

import sweep
from tests.cli.conftest import NAME


@pytest.fixture
def database(shelf, monkeypatch):
    monkeypatch.setenv("SWEEP_DB", str(shelf.database))
    return shelf.database


def test_a_query_prints_its_rows(answer, database):
    query = "SELECT sweep, trial, value FROM leaderboard WHERE rank <= 2 ORDER BY 1, 2"
    code, out, err = answer("sql", query, "--format", "json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert rows == sweep.sql(query).to_dict("records")
    assert {(row["sweep"], row["trial"]) for row in rows if row["sweep"] == NAME} == {
        (NAME, trial) for trial in sweep.load(NAME).best(2)["trial"]
    }


def test_a_query_may_begin_with_a_comment(answer, database):
    for comment in ("-- the answer", "--format it is"):
        code, out, _ = answer("sql", f"{comment}\nSELECT 42 AS x", "--format", "json")
        assert (code, json.loads(out)) == (0, [{"x": 42}])


def test_without_a_query_everything_is_listed(answer, database):
    code, out, err = answer("sql")
    assert (code, err) == (0, "")
    for words in ("leaderboard", '"values"', f'"{NAME}"', "sweeps", "when the sweep was begun, UTC"):
        assert words in out


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT x FROM trials", "there is no column x; what there is to ask for lists: sweep sql"),
        ("DELETE FROM trials", "a query can only read"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("PRAGMA journal_mode = DELETE", "a query can only read"),
        ("VACUUM INTO 'new.db'", "a query can only read"),
        ("SELECT ?", "a query takes no parameters; "),
        ("-- nothing", "the query gives no table"),
    ],
)
def test_a_query_that_cannot_be_answered_is_one_sentence(answer, database, query, words):
    code, out, err = answer("sql", query)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert words in line
