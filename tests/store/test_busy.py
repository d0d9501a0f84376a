"""Tests of databases that are locked, or whose disk is full: who waits, for how long, and what is said."""

import shutil
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from sweep.errors import StoreBusy, StoreError, StoreFull, UsageError
from sweep.store import Store, room
from sweep.store import connection as database
from sweep.store.retry import retry_while_busy
from tests.store.store_setup import add

LOCKED = "cannot be written: database is locked; end the program that holds it, or wait for it, and try again$"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sweeps.db"
    with closing(Store(str(path), create=True)) as store:
        add(store)
    return path


@pytest.fixture
def disk(tmp_path):
    """A small disk with a database, whose files can be filled up."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


def fill(folder, left):
    free = shutil.disk_usage(folder).free - left
    (folder / "filler").write_bytes(bytes(free))


@pytest.mark.parametrize("work", ["tag", "rename", "add", "remove"])
def test_a_command_waits_for_a_lock_and_says_so(file, work, monkeypatch, caplog):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.4)
    monkeypatch.setattr("sweep.store.retry.BUSY_SECONDS", 0.4)
    monkeypatch.setattr(database, "PROBE_SECONDS", 0.1)
    with closing(Store(str(file))) as store, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        works = {
            "tag": lambda: store.tag(1, None, ["good"]),
            "rename": lambda: store.rename({"digits": "new"}, []),
            "add": lambda: add(store, name="new"),
            "remove": lambda: store.remove([1]),
        }
        begun = time.monotonic()
        with pytest.raises(StoreError, match=LOCKED):
            works[work]()
        assert 0.3 < time.monotonic() - begun < 5
    assert caplog.messages == [f"another program is writing to {file}; waiting"]


def test_trials_wait_in_silence(file, monkeypatch, caplog):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
    monkeypatch.setattr(database, "PROBE_SECONDS", 0.1)
    monkeypatch.setenv("SWEEP_PATIENCE", "0.5")
    with closing(Store(str(file))) as store, closing(sqlite3.connect(file)) as other:
        store.database.trains = True
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="database is locked; that has not changed for 0 s; end the program"):
            store.tag(1, None, ["good"])
    assert not caplog.messages


@pytest.mark.parametrize(("error", "tries"), [(StoreFull, 1), (StoreBusy, 2)])
def test_on_a_full_disk_no_command_tries_again(error, tries):
    seen = []

    def once():
        seen.append(1)
        if len(seen) == 2:
            return "done"
        raise error("no")

    if tries == 1:
        with pytest.raises(StoreFull):
            retry_while_busy(once, is_patient=False)
    else:
        assert retry_while_busy(once, is_patient=False) == "done"
    assert len(seen) == tries


def test_a_full_disk_is_read_and_refuses_to_be_written(disk):
    path = disk / "sweeps.db"
    with closing(Store(str(path), create=True)) as store:
        add(store)
    fill(disk, 0)
    with closing(Store(str(path))) as store:
        assert len(store.names()) == len(store.sql("SELECT name FROM sweeps")) == 1
        with pytest.raises(StoreFull, match="disk is full; free some space there and try again"):
            store.tag(1, None, ["good"])
    (disk / "filler").unlink()
    fill(disk, room.ROOM - 4096)
    begun = time.monotonic()
    with closing(Store(str(path))) as store, pytest.raises(StoreFull, match="disk is full; free some space"):
        for number in range(2000):
            store.note(1, None, f"{number}" * 2000)
    assert time.monotonic() - begun < 20


@pytest.fixture
def server(postgres):
    with closing(Store(postgres.create_database(), create=True)) as store:
        add(store)
        yield store


def test_nothing_is_kept_of_what_a_query_has_made(server):
    server.sql("SELECT lo_create(0)")
    with server.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_largeobject_metadata").scalar_one() == 0


@pytest.mark.parametrize("query", ["COPY (SELECT 1) TO PROGRAM 'true'", "/* a */ (copy sweeps FROM '/x'", "CALL f()"])
def test_only_what_reads_is_asked(server, query):
    with pytest.raises(UsageError, match=r"would write \(it begins with \w+, not SELECT or WITH"):
        server.sql(query)
    assert len(server.sql("-- all\n(SELECT name FROM sweeps)")) == 1


def test_another_spelling_of_a_server_says_the_right_one():
    with pytest.raises(StoreError, match=r"write postgresql\+psycopg:// at its beginning"):
        Store("postgresql+nope://h/d")
