"""Views: what other tools read is what we read, whatever sweeps and parameters are called."""

from contextlib import closing

import pytest
from sqlalchemy import delete, text, update

from sweep.metrics import Objective
from sweep.records import Epoch, Seeds, Trial
from sweep.store import Store, views
from sweep.store.frames import Selection
from sweep.store.repair.salvage import rebuild
from sweep.store.schema import sweeps
from sweep.store.views import create_wide_view, drop_wide_view
from tests.store.migration_setup import query
from tests.store.store_setup import RECORD, add, epoch, fill, finished

HOSTILE = {
    'quoted "x"': 1,
    "it's": 2,
    "a:b %s \\:c ?": 3.5,
    "Width": 4,
    "width": "wide",
    "trial": 5,
    "x.value": True,
    "日本語" * 30: 6,
    "日本語" * 30 + "2": 7,
    "*/ DROP TABLE sweeps; --\n": 8,
    "=cmd|' /C calc'!A0": 9,
    "long." + "n" * 200: 10,
}


def asked(store, sql):
    """The rows of a query, as tuples."""
    return [tuple(row) for row in store.sql(sql).itertuples(index=False)]


def drawn(*values):
    return [Trial(i, each, {}, Seeds(i, 0, 0)) for i, each in enumerate(values)]


def wide(store, sweep_id):
    with store.database.reading() as connection:
        return connection.execute(text(f"SELECT view FROM wide_views WHERE sweep_id = {sweep_id}")).scalar()


class TestLeaderboard:
    def test_it_names_the_rows_and_holds_no_configuration(self, store):
        first, second = add(store), add(store, name="second")
        for sweep_id in (first, second):
            for number in range(3):
                finished(store, sweep_id, number, [epoch(1, 0.5 + number / 10)])
        frame = store.sql("SELECT * FROM leaderboard WHERE sweep = 'second' ORDER BY rank")
        ranked = store.trials(second, selection=Selection("ranked"))
        assert frame["trial"].tolist() == ranked["trial"].tolist() == [2, 1, 0]
        assert set(frame["sweep_id"]) == {second}
        assert frame["trial_id"].nunique() == 3
        assert ", ".join(frame) == "sweep, rank, trial, metric, value, epoch, tie_value, seconds, sweep_id, trial_id"


class TestCurves:
    def test_ranks_are_those_of_the_leaderboard_and_unranked_trials_have_none(self, store):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0, 0.1), epoch(1, 0.5)])
        finished(store, sweep_id, 1, [epoch(0, 0.9)], "failed", error="no")
        finished(store, sweep_id, 2, [epoch(0, 0.1), epoch(1, 0.6)])
        ranked = "SELECT trial, rank, status, epoch, value FROM curves WHERE rank IS NOT NULL ORDER BY trial, epoch"
        assert asked(store, ranked) == [
            (0, 2, "completed", 0, 0.1),
            (0, 2, "completed", 1, 0.5),
            (2, 1, "completed", 0, 0.1),
            (2, 1, "completed", 1, 0.6),
        ]
        assert asked(store, "SELECT count(*) FROM curves WHERE trial = 1 AND rank IS NULL AND value = 0.9") == [(1,)]

    def test_the_value_is_that_of_any_objective(self, store):
        for number, name in enumerate(["rmse", "精度", 'a"b', "$x", "a.b[0]", "test_loss"]):
            sweep_id = add(store, 1, name=f"s{number}", objective=Objective(name, "min", tie_break=None))
            claim = store.claim(sweep_id, 0, "me:1")
            store.record(claim, [Epoch(1, 0.1, {name: 0.25, "b": 1}), Epoch(2, 0.1, {name: 0.125, "b": 1})], None)
            values = asked(store, f"SELECT value FROM curves WHERE sweep_id = {sweep_id} ORDER BY epoch")
            assert values == [(0.25,), (0.125,)], name

    @pytest.mark.parametrize("view", ["curves", "leaderboard", "metrics"])
    def test_a_condition_on_the_sweep_reads_no_other(self, tmp_path, view):
        with closing(Store(str(tmp_path / "sweeps.db"), create=True)) as store:
            for condition in ("sweep = 'first'", "sweep_id = 1"):
                plan = store.sql(f"EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE {condition}")["detail"]
                assert plan.str.contains(r"SEARCH trials USING (?:\w+ )+\(sweep_id=\?").any(), plan.tolist()
                assert not plan.str.contains("SCAN (?:trials|epochs|sweeps)").any(), plan.tolist()


class TestMetrics:
    def test_each_metric_of_each_epoch_is_a_row(self, store):
        add(store, 1, name="other")
        sweep_id = add(store, 1, objective=Objective("val/acc %", "max", tie_break=None))
        own = {"val/acc %": 0.25, '損"失': 3, "test_loss": 0.5}
        store.record(
            store.claim(sweep_id, 0, "me:1"), [Epoch(1, 0.1, own), Epoch(2, 0.1, {"train_accuracy": 1.0})], None
        )
        assert asked(store, "SELECT * FROM metrics ORDER BY epoch, metric") == [
            ("first", 0, 1, "test_loss", 0.5, sweep_id, 2),
            ("first", 0, 1, "val/acc %", 0.25, sweep_id, 2),
            ("first", 0, 1, '損"失', 3.0, sweep_id, 2),
            ("first", 0, 2, "train_accuracy", 1.0, sweep_id, 2),
        ]

    @pytest.mark.parametrize("name", ["first", "metrics"])
    def test_a_database_without_the_view_gets_it_when_it_is_opened(self, tmp_path, name):
        path = tmp_path / "sweeps.db"
        with closing(Store(str(path), create=True)) as store:
            sweep_id = add(store, 1, name=name)
            with store.database.writing() as connection:  # as it was before there was one of this name
                connection.execute(text("DROP VIEW metrics"))
                create_wide_view(connection, sweep_id)
            assert wide(store, sweep_id) == name
        with closing(Store(str(path))) as store:
            assert asked(store, "SELECT metric FROM metrics") == []
            assert asked(store, f'SELECT trial FROM "{wide(store, sweep_id)}"') == [(0,)]


class TestValues:
    def test_each_drawn_value_is_a_row(self, store):
        store.add_sweep(RECORD, drawn({"training.lr": 0.5, "a.size": 3}, {"training.lr": 0.25, "b.size": "big"}))
        rows = asked(store, 'SELECT trial, parameter, short_name, type FROM "values" ORDER BY trial, parameter')
        assert rows == [
            (0, "a.size", "a.size", "int"),
            (0, "training.lr", "lr", "float"),
            (1, "b.size", "b.size", "str"),
            (1, "training.lr", "lr", "float"),
        ]
        values = asked(store, """SELECT value FROM "values" WHERE short_name = 'lr' ORDER BY trial""")
        assert values == [(0.5,), (0.25,)]
        assert asked(store, """SELECT text FROM "values" WHERE type = 'str'""") == [("big",)]


class TestWide:
    def test_it_has_a_column_for_each_parameter_in_its_own_type(self, store):
        sweep_id = fill(store)
        frame = store.sql("SELECT * FROM first ORDER BY trial")
        trials = store.trials(sweep_id)
        assert frame["number"].tolist() == trials["number"].tolist()
        assert frame["text"].tolist() == trials["text"].tolist()
        assert frame["whole"].tolist()[:2] == [2**53, -(2**53)]
        assert [bool(each) for each in frame["flag"][:2]] == [True, False]
        assert frame["mixed"].tolist()[:2] == ["relu", "0.1"]
        for ours, theirs in (("status", "status"), ("value", "test_accuracy"), ("epoch", "epoch")):
            assert frame[ours].fillna(-1).tolist() == trials[theirs].fillna(-1).tolist()

    @pytest.mark.parametrize("more", [0, 60])
    def test_hostile_names_of_parameters_are_columns(self, store, more):
        store.add_sweep(RECORD, drawn(HOSTILE | {f"p{n}": n for n in range(more)}, {}))
        frame = store.sql("SELECT * FROM first ORDER BY trial")
        folded = [name.casefold() for name in frame]
        assert len(set(folded)) == len(folded)
        known = len(views.HEAD), len(frame.columns) - len(views.TAIL)
        found = frame.iloc[0, known[0] : known[1]].tolist()
        assert sorted(map(str, found)) == sorted(map(str, [*HOSTILE.values(), *range(more)])) or True in found
        assert len(found) == len(HOSTILE) + more
        assert frame.loc[0, 'quoted "x"'] == 1
        assert frame.loc[0, "*/ DROP TABLE sweeps; --\n"] == 8
        assert frame.iloc[1, known[0] : known[1]].isna().all()

    def test_names_that_differ_in_case_only_say_which_they_are(self, store):
        store.add_sweep(RECORD, drawn({"parameters.Lr": 1, "training.lr": 2, "parameters.sqlite_x": 3}))
        columns = "SELECT [parameters.Lr], [training.lr], sqlite_x FROM first"
        if not store.database.is_sqlite:
            columns = columns.replace("[", '"').replace("]", '"')
        assert asked(store, columns) == [(1, 2, 3)]

    def test_three_hundred_parameters(self, store):
        store.add_sweep(RECORD, drawn(*({f"p{n}": n + i for n in range(300)} for i in range(3))))
        assert asked(store, "SELECT trial, p0, p299 FROM first ORDER BY trial") == [(i, i, 299 + i) for i in range(3)]

    def test_names_that_are_taken_get_another(self, store):
        names = ["trials", "values", "A", "a", "sqlite_x", "pg_x", "ranking", "sweep_1", "x" * 90, "x" * 90 + "y"]
        ids = [add(store, 1, name=name) for name in names]
        found = [wide(store, sweep_id) for sweep_id in ids]
        assert len({name.casefold() for name in found}) == len(names)
        assert found[2] == "A"
        for sweep_id, view in zip(ids, found, strict=True):
            expected = asked(store, f"SELECT id FROM trials WHERE sweep_id = {sweep_id}")
            assert asked(store, f'SELECT trial_id FROM "{view}"') == expected

    def test_it_grows_with_its_sweep(self, store):
        sweep_id = store.add_sweep(RECORD, drawn({"a": 1}))
        store.add_trials(sweep_id, [Trial(1, {"a": 2.5, "x.b": "new"}, {}, Seeds(1, 0, 0))], [])
        assert asked(store, "SELECT trial, a, b FROM first ORDER BY trial") == [(0, 1.0, None), (1, 2.5, "new")]

    def test_without_parameters_there_is_one_too(self, store):
        store.add_sweep(RECORD, drawn({}))
        assert asked(store, "SELECT trial, status FROM first") == [(0, "queued")]

    def test_it_is_renamed_and_removed_with_its_sweep(self, store):
        sweep_id = add(store, 1)
        with store.database.writing() as connection:
            connection.execute(update(sweeps).values(name="other"))
            create_wide_view(connection, sweep_id)
        assert asked(store, "SELECT trial FROM other") == [(0,)]
        with store.database.writing() as connection:
            drop_wide_view(connection, sweep_id)
            connection.execute(delete(sweeps))
        listed = store.described()
        assert "other" not in set(listed["name"])
        assert add(store, 1, name="other") > 0

    def test_only_the_newest_sweeps_have_one(self, store, monkeypatch):
        monkeypatch.setattr(views, "MOST_WIDE", 2)
        ids = [add(store, 1, name=name) for name in ("one", "two", "three")]
        assert [wide(store, sweep_id) for sweep_id in ids] == [None, "two", "three"]
        with store.database.writing() as connection:
            views.drop_views(connection)
            views.create_views(connection)
        assert [wide(store, sweep_id) for sweep_id in ids] == [None, "two", "three"]
        assert asked(store, "SELECT lr FROM three") == [(0.0,)]

    def test_a_role_that_may_create_nothing_goes_without(self, postgres, caplog):
        url = postgres.create_database()
        owner = Store(url, create=True)
        with owner.database.writing() as connection:
            for statement in (
                "CREATE ROLE writes LOGIN PASSWORD 'w'",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO writes",
                "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO writes",
            ):
                connection.execute(text(statement))
        as_writer = owner.database.url.set(username="writes", password="w").render_as_string(hide_password=False)
        with closing(Store(as_writer)) as store:
            sweep_id = add(store, 1)
            assert store.sweep("first").id == sweep_id
            assert wide(store, sweep_id) is None
        assert "permission denied" in caplog.text
        owner.close()


VIEWS = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name"


def test_a_rebuilt_file_has_all_views(tmp_path):
    path = tmp_path / "sweeps.db"
    with closing(Store(str(path), create=True)) as store:
        add(store, 2)
    before = query(path, VIEWS)
    page = path.read_bytes().index(b"network")  # of a configuration, so that no index is all that is wrong
    with path.open("r+b") as file:
        file.seek(page // 4096 * 4096)
        file.write(bytes(8))
    rebuild(path)
    assert query(path, VIEWS) == before == [("curves",), ("first",), ("leaderboard",), ("metrics",), ("values",)]
    assert query(path, "SELECT count(*) FROM first") == query(path, "SELECT count(*) FROM trials")


def test_times_have_three_decimals_and_old_ones_keep_theirs(tmp_path):
    path = tmp_path / "sweeps.db"
    with closing(Store(str(path), create=True)) as store:
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        times = query(path, "SELECT started, finished, heartbeat FROM trials WHERE number = 0")[0]
        assert all(len(each.partition(".")[2]) == 3 for each in (*times, *query(path, "SELECT created FROM sweeps")[0]))
        with store.database.writing() as connection:
            connection.execute(text("UPDATE trials SET started = '2026-01-31 16:43:14.787691' WHERE number = 0"))
        started = store.trial(sweep_id, 0).started
        assert started.microsecond == 787691
        with store.database.writing() as connection:  # what was read may be written back
            connection.execute(update(views.trials).values(started=started))
        assert query(path, "SELECT DISTINCT started FROM trials") == [("2026-01-31 16:43:14.787691",)]
