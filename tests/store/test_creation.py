"""A database in a SQLite file: made whole, opened only where it is one of ours."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweep.errors import StoreError, SweepError
from sweep.records import Weights
from sweep.store import Store
from sweep.store.connection import parse_url
from sweep.store.digests import SINCE, SWEEPS_SINCE
from tests.store.store_setup import (
    ROOT,
    add,
    epoch,
    finished,
    row_of,
)


class TestSqliteFile:
    @pytest.fixture
    def url(self, tmp_path):
        return str(tmp_path / "sweeps.db")

    def test_a_word_among_the_numbers_of_epochs_is_damage(self, store, tmp_path):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0), epoch(1)])
        with sqlite3.connect(tmp_path / "sweeps.db") as plain:
            plain.execute("UPDATE epochs SET seconds = 'x' WHERE epoch = 1")
        plain.close()
        with pytest.raises(StoreError, match="damaged values"):
            store.epochs(sweep_id)

    def test_the_schema_says_what_each_column_holds(self, store, tmp_path):
        add(store)
        with sqlite3.connect(tmp_path / "sweeps.db") as plain:
            schema = "\n".join(row[0] for row in plain.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
            assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        plain.close()
        assert "/* value of the objective of the sweep at the epoch best_epoch */" in schema
        assert schema.count("/*") > 35

    def test_values_are_never_blobs(self, store, tmp_path):
        add(store)
        finished(store, 1, 0, [epoch(0)])
        plain = sqlite3.connect(tmp_path / "sweeps.db")
        for table in ("sweeps", "trials", "epochs", "parameters"):
            names = [row[1] for row in plain.execute(f"PRAGMA table_info({table})")]
            for name in names:
                types = {row[0] for row in plain.execute(f"SELECT typeof({name}) FROM {table}")}
                assert "blob" not in types, (table, name)
        plain.close()

    def test_a_missing_file_is_not_made_by_reading(self, tmp_path):
        with pytest.raises(StoreError, match=r"there is no database .*none\.db.*sweep\.run"):
            Store(str(tmp_path / "none.db"))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("create", [True, False])
    def test_an_empty_file_is_never_taken_for_a_new_database(self, tmp_path, create):
        path = tmp_path / "sweeps.db"
        path.touch()
        with pytest.raises(StoreError, match=r"sweeps\.db is empty or no file"):
            Store(str(path), create=create)
        assert path.stat().st_size == 0

    @pytest.mark.parametrize("create", [True, False])
    def test_a_foreign_database_is_left_alone(self, tmp_path, create):
        path = tmp_path / "other.db"
        plain = sqlite3.connect(path)
        plain.execute("CREATE TABLE sweeps (id INTEGER)")
        plain.commit()
        plain.close()
        before = path.read_bytes()
        with pytest.raises(StoreError, match="not one of sweep"):
            Store(str(path), create=create)
        assert path.read_bytes() == before

    def test_a_file_that_is_no_database(self, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("these are notes, and quite a few of them\n" * 50)
        with pytest.raises(StoreError, match=r"notes\.txt cannot be read: file is not a database"):
            Store(str(path))

    def test_a_file_of_the_first_schema_is_brought_up_to_date_and_loses_nothing(self, store, tmp_path):
        sweep_id = add(store, 2)
        finished(store, sweep_id, 0, [epoch(0), epoch(1, 0.75)])
        before = store.trials(sweep_id), store.epochs(sweep_id)
        store.close()
        plain = sqlite3.connect(tmp_path / "sweeps.db")
        for statement in (
            *(f'DROP VIEW "{name}"' for name in ("first", "curves", "metrics", "values", "leaderboard")),
            *(f"DROP TABLE {name}" for name in ("notes", "tags", "parameter_names", "wide_views")),
            "CREATE VIEW leaderboard AS SELECT number FROM trials",
            "ALTER TABLE trials RENAME COLUMN tie_value TO best_loss",
            *(f"ALTER TABLE trials DROP COLUMN {name}" for name in ("repeat", "log", "planned_epochs")),
            *(f"ALTER TABLE sweeps DROP COLUMN {name}" for name in ("repeats", "format", "objective", "direction")),
            *(f"ALTER TABLE sweeps DROP COLUMN {name}" for name in ("objective_epoch", "tie_break")),
            "DROP TABLE batches",
            "ALTER TABLE trials DROP COLUMN weights",
            "ALTER TABLE trials DROP COLUMN weights_epoch",
            "ALTER TABLE trials DROP COLUMN crashes",
            "ALTER TABLE trials DROP COLUMN drawn_digest",
            "ALTER TABLE trials DROP COLUMN checkpoint",
            "ALTER TABLE trials DROP COLUMN checkpoint_epoch",
            "DROP INDEX ranking",
            *(f"ALTER TABLE trials DROP COLUMN {name}" for name in SINCE),
            *(f"ALTER TABLE sweeps DROP COLUMN {name}" for name in SWEEPS_SINCE),
            "DROP TABLE decisions",
            "CREATE INDEX ranking ON trials (sweep_id, status, best_value)",
            "ALTER TABLE sweeps DROP COLUMN digest",
            "PRAGMA user_version = 1",
        ):
            plain.execute(statement)
        plain.close()

        opened = Store(str(tmp_path / "sweeps.db"))

        for one, other in zip(before, (opened.trials(sweep_id), opened.epochs(sweep_id)), strict=True):
            pd.testing.assert_frame_equal(one, other)
        finished(opened, sweep_id, 1, [epoch(0)], weights=Weights("first/weights/1-1.npz", 0))
        assert row_of(opened, sweep_id, 1)["weights"] == "first/weights/1-1.npz"
        assert opened.batches(sweep_id).empty
        opened.close()

    def test_a_newer_schema_is_refused(self, store, tmp_path):
        store.close()
        plain = sqlite3.connect(tmp_path / "sweeps.db")
        plain.execute("PRAGMA user_version = 99")
        plain.close()
        with pytest.raises(StoreError, match=r"newer sweep \(schema 99.*upgrade"):
            Store(str(tmp_path / "sweeps.db"))

    def test_a_truncated_file_is_one_sentence(self, store, tmp_path):
        add(store, 200)
        store.close()
        path = tmp_path / "sweeps.db"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(StoreError, match=r"sweeps\.db cannot be read: .*malformed"):
            opened = Store(str(path))
            opened.trials(opened.sweep().id)

    def test_a_folder_that_cannot_be_made_leaves_nothing(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(
            StoreError, match=r"cannot be created: [^;]*file is not a folder; name another place with db$"
        ):
            Store(str(tmp_path / "file" / "sweeps.db"), create=True)
        assert [p.name for p in tmp_path.iterdir()] == ["file"]

    def test_creating_leaves_one_file_and_may_be_done_twice(self, tmp_path):
        for _ in range(2):
            Store(str(tmp_path / "new" / "sweeps.db"), create=True).close()
        assert [p.name for p in (tmp_path / "new").iterdir()] == ["sweeps.db"]

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense://"])
    def test_urls_that_cannot_be_used(self, url):
        with pytest.raises(SweepError, match=r"^db (takes|needs)") as caught:
            Store(url, create=True)
        assert caught.value.exit_code == 2

    def test_writers_of_two_processes_wait_for_each_other(self, store, tmp_path):
        """Two processes write 100 epochs each, one commit an epoch, into one file; all arrive."""
        sweep_id = add(store, 2)
        code = (
            "import sys; from sweep.store import Store; from tests.epochs import measured\n"
            "store = Store(sys.argv[1]); number = int(sys.argv[2])\n"
            f"claim = store.claim({sweep_id}, number, f'me:{{number}}')\n"
            "for i in range(100): store.record(claim, [measured(i, 1.0, 0.5, 1.0, 0.5, 0.1)], None)\n"
        )
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path / "sweeps.db"), str(n)], env=os.environ, cwd=ROOT
            )
            for n in range(2)
        ]
        assert [p.wait() for p in processes] == [0, 0]
        frame = store.epochs(sweep_id)
        np.testing.assert_array_equal(frame.groupby("trial").size(), [100, 100])

    @pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
    def test_what_a_deleted_database_has_left_is_moved_aside(self, tmp_path, caplog, ending):
        old = Store(str(tmp_path / "sweeps.db"), create=True)
        add(old, name="deleted")
        content = Path(f"{tmp_path}/sweeps.db-wal").read_bytes()
        (tmp_path / "kept").write_bytes(content)
        old.close()
        (tmp_path / "sweeps.db").unlink()
        (tmp_path / "kept").rename(tmp_path / f"sweeps.db{ending}")
        new = Store(str(tmp_path / "sweeps.db"), create=True)
        assert new.names() == []
        new.close()
        assert (tmp_path / f"sweeps.db{ending}.old-0").read_bytes() == content
        assert f"sweeps.db{ending} was left by a deleted database" in caplog.text

    def test_a_log_of_a_database_that_is_there_is_left_alone(self, store, tmp_path):
        add(store)
        again = Store(str(tmp_path / "sweeps.db"), create=True)
        assert again.names() == ["first"]
        again.close()
        assert not list(tmp_path.glob("*.old-*"))


@pytest.mark.parametrize("given", ["postgres://u:p@h/d", "POSTGRESQL://u:p@h/d", " postgresql://u:p@h/d "])
def test_an_address_of_a_server_may_be_written_as_others_do(given):
    assert parse_url(given).render_as_string(hide_password=False) == "postgresql://u:p@h/d"
