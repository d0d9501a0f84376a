"""Copies of a database: whole, of one moment, also while it is written."""

import errno
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.event import listen

from sweep.errors import StoreError, UsageError
from sweep.store import Store
from sweep.store import backup as backups
from sweep.store.backup import backup
from sweep.store.connection import Database
from tests.store.store_setup import add, epoch, finished


@pytest.fixture
def url(tmp_path):
    return str(tmp_path / "sweeps.db")


def test_what_stands_in_the_log_is_in_the_copy(store, tmp_path):
    sweep_id = add(store)
    finished(store, sweep_id, 0, [epoch(0), epoch(1)])
    shutil.copy(tmp_path / "sweeps.db", tmp_path / "plain.db")
    reported = []
    with store.database.writing() as connection:  # somebody writes meanwhile
        connection.exec_driver_sql("UPDATE sweeps SET description = 'not committed'")
        backup(store.database, tmp_path / "new" / "copy.db", lambda done, total: reported.append((done, total)))
    copy = Store(str(tmp_path / "new" / "copy.db"))
    assert copy.sweep().description == "a test"
    assert copy.trial_epochs(sweep_id, 0) == store.trial_epochs(sweep_id, 0)
    copy.close()
    assert reported[-1][0] == reported[-1][1] > 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["copy.db"]
    with sqlite3.connect(tmp_path / "plain.db") as plain:  # the reason for all this
        assert plain.execute("SELECT count(*) FROM epochs").fetchone() == (0,)
    plain.close()


def test_what_is_written_meanwhile_neither_enters_the_copy_nor_begins_it_anew(store, tmp_path, monkeypatch):
    monkeypatch.setattr(backups, "PAGES", 1)
    sweep_id = add(store)
    left = []

    def progress(done, total):
        left.append(total - done)
        if len(left) in (2, 5):
            finished(store, sweep_id, len(left) // 5, [epoch(0)])

    backup(store.database, tmp_path / "copy.db", progress)
    assert left == sorted(left, reverse=True)
    copy = Store(str(tmp_path / "copy.db"))
    assert copy.trials(sweep_id)["status"].tolist() == ["queued"] * 3
    copy.close()
    assert store.trials(sweep_id)["status"].tolist() == ["completed", "completed", "queued"]


def test_a_plain_copy_holds_a_new_sweep_and_what_was_there_at_the_last_checkpoint(store, tmp_path):
    sweep_id = add(store)
    finished(store, sweep_id, 0, [epoch(0), epoch(1)])
    store.database.checkpoint()
    finished(store, sweep_id, 1, [epoch(0)])
    shutil.copy(tmp_path / "sweeps.db", tmp_path / "plain.db")
    plain = Store(str(tmp_path / "plain.db"))
    assert [plain.trial(sweep_id, number).status for number in range(3)] == ["completed", "queued", "queued"]
    plain.close()


def test_a_checkpoint_on_a_full_disk_is_left_for_the_next_time(store):
    asked = []

    def full(connection, cursor, statement, *others):
        asked.append(statement)
        raise sqlite3.OperationalError("database or disk is full")

    listen(store.database._engine, "before_cursor_execute", full)
    store.database.checkpoint()
    assert asked == ["PRAGMA wal_checkpoint(PASSIVE)"]


def test_beside_a_file_in_a_read_only_folder_nothing_is_made(store, tmp_path, monkeypatch):
    add(store)
    store.close()
    place, seen = tmp_path / "elsewhere", set()
    place.mkdir()
    monkeypatch.setattr(Database, "is_fixed", True)
    before = {path.name for path in tmp_path.iterdir()}
    backup(
        Database(str(tmp_path / "sweeps.db")),
        place / "copy.db",
        lambda done, total: seen.update(path.name for path in tmp_path.iterdir()),
    )
    assert seen == before
    with closing(Store(str(place / "copy.db"))) as copy:
        assert copy.sweep().description == "a test"


def test_a_full_disk_is_said_to_be_full(store, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(backups, "why_no_room", lambda folder: full)
    monkeypatch.setattr(backups, "copy_file", raising(sqlite3.OperationalError("disk I/O error")))
    with pytest.raises(StoreError, match="cannot be written: database or disk is full; free some space there"):
        backup(store.database, tmp_path / "copy.db")


def raising(error):
    def call(*arguments, **options):
        raise error

    return call


def test_a_file_that_exists_is_left_alone(store, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UsageError, match=r"mine exists already; name a new file"):
        backup(store.database, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_a_sentence(store, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"the copy .*copy\.db cannot be written: "):
        backup(store.database, Path(tmp_path, "file", "copy.db"))


def test_a_server_has_a_program_of_its_own(postgres, tmp_path):
    on_server = Store(postgres.create_database(), create=True)
    with pytest.raises(UsageError, match="copy it with pg_dump"):
        backup(on_server.database, tmp_path / "copy.db")
    on_server.close()
