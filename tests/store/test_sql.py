"""Queries of users: read from any database, and never more than read."""

import _thread
import sqlite3
import threading
from contextlib import closing

import pandas as pd
import pytest

from sweep.errors import StoreError, UsageError
from sweep.store import Store
from tests.store.migration_setup import dump
from tests.store.store_setup import add, epoch, finished


@pytest.fixture
def filled(store):
    sweep_id = add(store, 2)
    finished(store, sweep_id, 0, [epoch(0), epoch(1, 0.75)])
    return store


class TestRows:
    def test_they_are_alike_from_each_database(self, filled):
        asked = (
            "SELECT sum(epoch) AS whole, max(best_epoch) AS best_epoch, min(started) AS started, "
            "count(best_value) AS counted FROM trials LEFT JOIN epochs ON epochs.trial_id = trials.id"
        )
        (row,) = filled.sql(asked).to_dict("records")
        assert (row["whole"], row["best_epoch"], row["counted"]) == (1, 1, 2)
        assert [type(row[name]).__name__ for name in ("whole", "counted")] == ["int", "int"]
        assert pd.Timestamp(row["started"]) == filled.trial(1, 0).started

    def test_whole_numbers_stay_whole_where_some_are_missing(self, filled):
        frame = filled.sql("SELECT number, best_epoch, best_value, error FROM trials ORDER BY number")
        assert frame.dtypes.astype(str).tolist() == ["int64", "Int64", "float64", "object"]
        assert frame.loc[0].tolist()[:3] == [0, 1, 0.75]
        assert frame.loc[1].isna().tolist() == [False, True, True, True]

    def test_names_are_unique_and_without_rows_there_are_columns(self, filled):
        frame = filled.sql("SELECT id, id, id AS id_2 FROM trials WHERE id < 0")
        assert (len(frame), frame.columns.is_unique, len(frame.columns)) == (0, True, 3)

    def test_every_table_and_view_can_be_read(self, filled):
        listed = filled.described()
        names = list(dict.fromkeys(listed["name"]))
        assert {"leaderboard", "curves", '"values"', "first", "trials", "notes", "tags"} <= set(names)
        for name in names:
            columns = listed.loc[(listed["name"] == name) & (listed["column"] != ""), "column"]
            found = [column.strip('"') for column in filled.sql(f"SELECT * FROM {name}")]
            assert [column.strip('"') for column in columns] in ([], found), name
            assert listed.loc[listed["name"] == name, "comment"].iloc[0] != "", name


REFUSED = {
    "DELETE FROM epochs": "can only read, and this one would write",
    "CREATE TABLE more (x INTEGER)": "can only read, and this one would write",
    "SELECT 1; DELETE FROM epochs": "one statement at a time",
    "COMMIT; DELETE FROM epochs": "one statement at a time|can only read",
    "SELECT nonsense FROM trials": "nonsense",
    "SELEC 1": "SELEC",
    'SELECT trial, "test_acuracy" FROM curves': "test_acuracy",
    'SELECT trial FROM leaderboard WHERE sweep = "it\'s"': "it's",
    "": "gives no table",
    "-- nothing": "gives no table",
}


class TestNames:
    def test_a_name_in_double_quotes_that_is_no_column_is_said_to_be_none(self, tmp_path):
        with closing(Store(str(tmp_path / "sweeps.db"), create=True)) as store:
            add(store, 1)
            with pytest.raises(UsageError, match=r"no column test_acuracy, did you mean test_accuracy.*'test_acuracy'"):
                store.sql('SELECT trial, "test_acuracy" FROM curves')
            with pytest.raises(UsageError, match=r"no column distance .*view metrics"):
                store.sql("SELECT trial, distance FROM curves")

    def test_quotes_that_are_right_change_nothing(self, filled):
        query = """SELECT number AS "a ""b", 'say "x"' AS said, max("number") -- "no name"
                   FROM "trials" /* "none" */ WHERE "first" IS NULL GROUP BY 1 ORDER BY "a ""b" """
        frame = filled.sql(query.replace('"first"', '"error"'))
        assert list(frame)[:2] == ['a "b', "said"]
        assert frame["said"].tolist() == ['say "x"'] * 2


class TestRefused:
    def test_it_is_one_sentence_and_nothing_is_written(self, filled):
        for query, words in REFUSED.items():
            with pytest.raises(UsageError, match=words) as caught:
                filled.sql(query)
            assert "\n" not in str(caught.value)
            assert filled.sql("SELECT count(*) AS n FROM epochs")["n"].tolist() == [2]

    @pytest.mark.parametrize(
        "query",
        ["ATTACH '{new}' AS other", "VACUUM INTO '{new}'", "PRAGMA user_version = 1", "PRAGMA query_only = OFF"],
    )
    def test_no_file_is_touched(self, tmp_path, query):
        with closing(Store(str(tmp_path / "sweeps.db"), create=True)) as store:
            add(store, 1)
            before, files = dump(tmp_path / "sweeps.db"), sorted(tmp_path.iterdir())
            with pytest.raises(UsageError):
                store.sql(query.format(new=tmp_path / "new.db"))
            assert (dump(tmp_path / "sweeps.db"), sorted(tmp_path.iterdir())) == (before, files)

    def test_a_server_that_is_asked_to_write_after_all_refuses(self, postgres):
        with closing(Store(postgres.create_database(), create=True)) as store:
            for query in (
                "SET TRANSACTION READ WRITE",
                "COMMIT",
                "SELECT set_config('transaction_read_only', 'off', true)",
            ):
                with pytest.raises(UsageError):
                    store.sql(query)
            add(store, 1)  # and goes on to be written by us

    def test_a_connection_that_the_server_ends_is_one_sentence(self, postgres, caplog):
        with closing(Store(postgres.create_database(), create=True)) as store:
            with pytest.raises(StoreError, match="its server has ended the connection; try again"):
                store.sql("SELECT pg_terminate_backend(pg_backend_pid())")
            assert store.sql("SELECT 1 AS one")["one"].tolist() == [1]
        assert not caplog.records

    def test_a_file_that_was_moved_away_is_not_made_anew(self, tmp_path):
        with closing(Store(str(tmp_path / "sweeps.db"), create=True)) as store:
            add(store, 1)
            (tmp_path / "sweeps.db").rename(tmp_path / "other.db")
            with pytest.raises(StoreError, match="moved away"):
                store.sql("SELECT 1")

    def test_a_locked_file_is_read(self, tmp_path):
        with closing(Store(str(tmp_path / "sweeps.db"), create=True)) as store:
            add(store, 1)
            with closing(sqlite3.connect(tmp_path / "sweeps.db", isolation_level=None)) as writer:
                writer.execute("BEGIN IMMEDIATE")
                assert store.sql("SELECT count(*) AS n FROM trials")["n"].tolist() == [1]


def test_an_endless_query_can_be_interrupted(tmp_path):
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with closing(Store(str(tmp_path / "sweeps.db"), create=True)) as store:
        timer = threading.Timer(0.1, _thread.interrupt_main)
        with pytest.raises(KeyboardInterrupt):
            timer.start()  # within, as the interrupt may come before the query
            store.sql(endless)
        timer.join()
