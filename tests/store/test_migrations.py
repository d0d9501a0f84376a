"""Files and servers of older schemas: brought to the present one whole, once, and never without a copy."""

import ast
import logging
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, inspect, text, true

import sweep.store
from sweep.errors import StoreError
from sweep.store import Store, migration
from sweep.store.digests import drawn_digests, sweep_digest, trial_digests
from sweep.store.migrations import digests_3
from sweep.store.schema import VERSION, metadata, trials
from tests.fault_tools import Command

DATA = Path(__file__).parent / "data"
MIGRATIONS = Path(sweep.store.__file__).parent / "migrations"
OLD = [1, 2]
"""Each has a file made by a sweep of that schema: trial 0 completed, 1 diverged, 2 was being trained, 3 is queued."""


@pytest.fixture(params=OLD)
def old(request, tmp_path):
    """A file of an older schema, alone in a folder."""
    return copy_of(request.param, tmp_path / "old")


def copy_of(version, folder):
    folder.mkdir()
    return Path(shutil.copy(DATA / f"schema-{version}.db", folder / "sweeps.db"))


def query(path, sql):
    with closing(sqlite3.connect(path)) as plain:
        return plain.execute(sql).fetchall()


def change(path, *statements):
    with closing(sqlite3.connect(path)) as plain:
        for statement in statements:
            assert plain.execute(statement).rowcount != 0, statement
        plain.commit()


def version_of(path):
    return query(path, "PRAGMA user_version")[0][0]


def dump(path):
    """Everything in a file, its version included."""
    with closing(sqlite3.connect(path)) as plain:
        return [version_of(path), *plain.iterdump()]


def names(folder):
    """The files in a folder, without the log that an open database has beside it."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm")))


def opened(path):
    """Open and close a store."""
    Store(str(path)).close()


def alembic(connection):
    """Alembic, to be told by the commands of its own."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "sweep.store:migrations")
    return config


def differences(connection):
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return compare_metadata(context, metadata)


class TestRevisions:
    def test_the_last_one_is_the_version_of_the_schema(self):
        script = ScriptDirectory(str(MIGRATIONS))
        assert script.get_heads() == [f"{VERSION:04}"]
        assert [each.revision for each in script.walk_revisions()] == [f"{n:04}" for n in range(VERSION, 0, -1)]

    def test_they_use_nothing_that_may_change(self):
        modules = sorted(MIGRATIONS.rglob("*.py"))
        assert len(modules) >= VERSION + 2
        for module in modules:
            for node in ast.walk(ast.parse(module.read_text())):
                whole = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                for name in [node.module] if isinstance(node, ast.ImportFrom) else whole:
                    assert not name.startswith("sweep") or name.startswith("sweep.store.migrations"), module

    def test_alembic_is_only_there_when_there_is_something_to_do(self, tmp_path):
        code = (
            "import sys; from sweep.store import Store\n"
            "for _ in range(2): Store(sys.argv[1], create=True).close()\n"
            "assert 'alembic' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "sweeps.db")], check=True)

    def test_a_new_file_and_revisions_from_nothing_agree(self, tmp_path):
        Store(str(tmp_path / "new.db"), create=True).close()
        engine = create_engine(f"sqlite:///{tmp_path / 'revisions.db'}")
        with engine.begin() as connection:
            command.upgrade(alembic(connection), "head")
            assert differences(connection) == []
        engine.dispose()
        assert_same_schema(tmp_path / "revisions.db", tmp_path / "new.db")


def assert_same_schema(path, new):
    """Compare all definitions, comments included, but for the order of columns and one comment that stays."""
    stays = "owner TEXT /* host:process:parent that trains it; or did last */"
    expected = pieces(new)
    now = "owner TEXT /* host:process@start:parent@start that trains it; or did last */"
    assert expected[now] == 1
    expected[now] -= 1
    expected[stays] += 1
    assert +expected == pieces(path)


def pieces(path):
    """Cut the definitions of tables into columns and constraints."""
    found = Counter()
    for (sql,) in query(path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
        without_commas = re.sub(r"/\*.*?\*/", lambda comment: comment[0].replace(",", ";"), sql)
        found.update(re.split(r"\s*,\s*", " ".join(without_commas.split())))
    return found


class TestFile:
    def test_its_schema_is_that_of_a_new_file(self, old, tmp_path):
        opened(old)
        Store(str(tmp_path / "new.db"), create=True).close()
        assert_same_schema(old, tmp_path / "new.db")
        for pragma in ("application_id", "user_version", "journal_mode"):
            assert query(old, f"PRAGMA {pragma}") == query(tmp_path / "new.db", f"PRAGMA {pragma}")
        assert query(old, "SELECT * FROM alembic_version") == [(f"{VERSION:04}",)]
        assert query(old, "PRAGMA integrity_check") == [("ok",)]
        assert query(old, "PRAGMA foreign_key_check") == []
        engine = create_engine(f"sqlite:///{old}")
        with engine.connect() as connection:
            assert differences(connection) == []
        engine.dispose()

    def test_no_bit_of_what_it_held_has_changed(self, old, tmp_path):
        before = Path(shutil.copy(old, tmp_path / "before.db"))
        store = Store(str(old))
        for (table,) in query(before, "SELECT name FROM sqlite_master WHERE type = 'table'"):
            held = [name for _, name, *_ in query(before, f"PRAGMA table_info({table})")]
            columns = ", ".join(name for name in held if (table, name) != ("trials", "digest"))
            rows = query(before, f"SELECT {columns} FROM {table} ORDER BY 1, 2")
            assert query(old, f"SELECT {columns} FROM {table} ORDER BY 1, 2") == rows
            assert rows
        assert query(old, "SELECT * FROM leaderboard") == query(before, "SELECT * FROM leaderboard")
        frame = store.epochs(store.sweep().id)
        columns = "number AS trial, epoch, test_accuracy, test_loss, train_accuracy, train_loss, epochs.seconds"
        with closing(sqlite3.connect(before)) as plain:
            joined = "epochs JOIN trials ON trials.id = trial_id ORDER BY number, epoch"
            expected = pd.read_sql(f"SELECT {columns} FROM {joined}", plain)
        pd.testing.assert_frame_equal(frame, expected[frame.columns], check_exact=True)
        store.close()

    def test_its_copy_is_the_file_as_it_was(self, old):
        before, version = dump(old), version_of(old)
        old.chmod(0o640)
        opened(old)
        copy = old.with_name(f"sweeps.db.schema-{version}.backup")
        assert names(old.parent) == ["sweeps.db", copy.name]
        assert dump(copy) == before
        assert copy.stat().st_mode & 0o777 == 0o640

    def test_an_older_copy_is_never_overwritten(self, old):
        before, version = dump(old), version_of(old)
        for taken in (f"sweeps.db.schema-{version}.backup", f"sweeps.db.schema-{version}.backup.2"):
            old.with_name(taken).write_text(taken)
        opened(old)
        assert dump(old.with_name(f"sweeps.db.schema-{version}.backup.3")) == before
        for taken in (f"sweeps.db.schema-{version}.backup", f"sweeps.db.schema-{version}.backup.2"):
            assert old.with_name(taken).read_text() == taken

    def test_what_is_still_in_the_journal_is_copied_too(self, old):
        version = version_of(old)
        with closing(sqlite3.connect(old)) as writer:
            writer.execute("PRAGMA wal_autocheckpoint = 0")
            writer.execute("UPDATE sweeps SET description = 'in the journal'")
            writer.commit()
            opened(old)
            copy = old.with_name(f"sweeps.db.schema-{version}.backup")
            assert query(copy, "SELECT description FROM sweeps") == [("in the journal",)]

    def test_it_is_done_once_and_said_once(self, old, caplog):
        version = version_of(old)
        for _ in range(2):
            opened(old)
        (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        copy = f"{old}.schema-{version}.backup"
        assert said == f"brought {old} from schema {version} to {VERSION}; the file as it was is {copy}"

    def test_a_version_that_was_lost_is_told_from_the_columns(self, old):
        version = version_of(old)
        change(old, "PRAGMA user_version = 0")
        opened(old)
        assert version_of(old) == VERSION
        assert names(old.parent) == ["sweeps.db", f"sweeps.db.schema-{version}.backup"]

    def test_the_commands_go_on_with_it(self, old, monkeypatch):
        monkeypatch.setenv("SWEEP_DB", str(old))
        version = version_of(old)
        code, table, said = Command("leaderboard", "--format", "csv").end()
        assert (code, said.splitlines()) == (
            0,
            [f"brought {old} from schema {version} to {VERSION}; the file as it was is {old}.schema-{version}.backup"],
        )
        assert [line.split(",")[1] for line in table.splitlines()] == ["trial", "0"]
        code, _, said = Command("resume", "--quiet", "--workers", "1").end()
        assert (code, "brought" in said) == (0, False), said
        store = Store(str(old))
        assert set(store.trials(1)["status"]) <= {"completed", "diverged"}
        assert_sealed(store, {0, 1, 2, 3})
        store.close()


def assert_sealed(store, numbers):
    """The digests of these trials are right, and those of no others; what was drawn is right for all."""
    with store.database.reading() as connection:
        right, drawn = dict(trial_digests(connection, true())), dict(drawn_digests(connection, true()))
        rows = connection.execute(trials.select()).mappings().all()
        (sweep_row,) = connection.execute(metadata.tables["sweeps"].select()).mappings().all()
        assert sweep_row["digest"] == sweep_digest(connection, sweep_row["id"])
    assert {row["number"] for row in rows if row["digest"] == right[row["id"]]} == numbers
    assert {row["id"]: row["drawn_digest"] for row in rows} == drawn


TAMPERED = {
    "a bit of an epoch": "UPDATE epochs SET train_loss = train_loss * (1 + 1e-15) WHERE trial_id = 1 AND epoch = 1",
    "an epoch less": "DELETE FROM epochs WHERE trial_id = 1 AND epoch = 2",
    "text for a number": "UPDATE epochs SET seconds = 'short' WHERE trial_id = 1 AND epoch = 1",
    "another digest": "UPDATE trials SET digest = upper(digest) WHERE id = 1",
    "no digest": "UPDATE trials SET digest = NULL WHERE id = 1",
}


class TestDigests:
    def test_what_is_sound_is_sealed_but_what_is_being_trained(self, old):
        store = Store(str(old))
        assert_sealed(store, {0, 1, 3})
        assert store.trial(1, 2)["digest"] is None
        store.close()

    @pytest.mark.parametrize("tampering", TAMPERED)
    def test_what_was_tampered_with_is_not_sealed(self, old, tampering):
        change(old, TAMPERED[tampering])
        kept = query(old, "SELECT digest FROM trials WHERE id = 1")
        store = Store(str(old))
        assert_sealed(store, {1, 3})
        assert query(old, "SELECT digest FROM trials WHERE id = 1") == kept
        store.close()

    def test_a_queued_trial_may_have_epochs_that_were_digested(self, old):
        change(old, "UPDATE trials SET status = 'queued' WHERE id IN (1, 2)")
        store = Store(str(old))
        assert_sealed(store, {0, 1, 3})
        store.close()

    def test_a_row_that_cannot_be_read_hinders_no_other(self, old):
        change(old, "UPDATE trials SET configuration = '{' WHERE id = 2", "UPDATE sweeps SET environment = '{'")
        opened(old)
        (first, second, third, fourth) = query(old, "SELECT digest, drawn_digest FROM trials ORDER BY id")
        assert second == (None, None)
        assert all([*first, *fourth, third[1]])
        assert query(old, "SELECT digest FROM sweeps") == [(None,)]


SEVERAL = """
import sys
from sweep.store import Store
print("ready", flush=True)
sys.stdin.readline()
Store(sys.argv[1]).close()
"""


def open_at_once(url, count=4):
    """Open a database in several processes at once; return what they said."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SEVERAL, str(url)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * count
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * count, said
    return [line for text in said for line in text.splitlines()]


KILLED = """
import os, signal, shutil, sys
from itertools import count
from pathlib import Path
import alembic.command
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sweep.store import Store

source, folder = Path(sys.argv[1]), Path(sys.argv[2])
WATCHED = {"sqlite3.connect", "os.rename", "os.remove", "os.chmod", "open"}

def open_and_die(path, moment):
    moments = count()
    def step(*_, **__):
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
    def audit(name, arguments):
        if name in WATCHED and str(folder) in str(arguments[0]):
            step()
    sys.addaudithook(audit)
    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "after_cursor_execute", step)
    event.listen(Engine, "commit", step)
    Store(str(path)).close()

for moment in count():
    path = folder / f"{moment:03}" / "sweeps.db"
    path.parent.mkdir()
    shutil.copy(source, path)
    if not (child := os.fork()):
        open_and_die(path, moment)
        os._exit(0)
    if not os.waitpid(child, 0)[1]:
        break
"""


class TestFaults:
    def test_of_several_processes_one_does_it_and_the_others_wait(self, old):
        before, version = dump(old), version_of(old)
        (said,) = open_at_once(old)
        copy = old.with_name(f"sweeps.db.schema-{version}.backup")
        assert said == f"brought {old} from schema {version} to {VERSION}; the file as it was is {copy}"
        assert names(old.parent) == ["sweeps.db", copy.name]
        assert dump(copy) == before
        assert version_of(old) == VERSION

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_killed_at_any_moment_it_leaves_the_old_file_or_the_new_one(self, tmp_path):
        """Kill the process before its first step, before its second, and so on to the end."""
        folder = tmp_path / "killed"
        folder.mkdir()
        subprocess.run([sys.executable, "-c", KILLED, str(DATA / "schema-2.db"), str(folder)], check=True)
        copies = [each / "sweeps.db" for each in sorted(folder.iterdir())]
        before, after = dump(DATA / "schema-2.db"), dump(copies.pop())
        assert (before[0], after[0]) == (2, VERSION)
        states = []
        for path in copies:
            (states.append("old") if (found := dump(path)) == before else states.append("new"))
            assert found in (before, after), path
            if found == before:
                opened(path)
                assert dump(path) == after
            finished = [name for name in names(path.parent) if name.startswith("sweeps.db.")]
            assert finished
            assert [dump(path.with_name(name)) for name in finished] == [before] * len(finished)
            assert len(finished) <= 2
            assert len(names(path.parent)) == 1 + len(finished), "no draft is left"
        assert states == sorted(states, reverse=True)
        assert states.count("old") > 50

    def test_when_something_fails_nothing_has_happened(self, old, monkeypatch):
        before = dump(old)
        monkeypatch.setattr(digests_3, "hashlib", None)
        with pytest.raises(AttributeError):
            opened(old)
        assert dump(old) == before
        assert names(old.parent) == ["sweeps.db"]

    @pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs limits on files")
    def test_without_a_copy_nothing_is_done(self, old):
        before, version = dump(old), version_of(old)
        code = (
            "import resource, signal, sys; from sweep.store import Store; from sweep.errors import StoreError\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (35000, 35000))\n"
            "try: Store(sys.argv[1])\n"
            "except StoreError as error: print(error)"
        )
        said = subprocess.run([sys.executable, "-c", code, str(old)], check=True, capture_output=True, text=True)
        assert re.fullmatch(
            rf"no backup copy of {old} can be written beside it: disk I/O error; before it can be used it has to be "
            rf"brought from schema {version} to {VERSION}: make room, or .* with --db\n",
            said.stdout,
        )
        assert dump(old) == before
        assert names(old.parent) == ["sweeps.db"]


@pytest.fixture
def disk(tmp_path):
    """A folder with a file system of its own of half a megabyte; gives the folder and how to mount it anew."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*arguments):
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
        if done.returncode and os.geteuid() != 0 and not os.environ.get("CI"):
            pytest.skip("only root may mount a file system")
        assert done.returncode == 0, done.stderr

    mount("-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder))
    yield folder, mount
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class TestDisk:
    @pytest.mark.parametrize("version", OLD)
    def test_however_little_room_there_is_the_file_is_the_old_one_or_the_new_one(self, disk, version):
        folder, _ = disk
        source = DATA / f"schema-{version}.db"
        before, outcomes = dump(source), []
        for pages in range(0, 80, 2):
            path = copy_of(version, folder / "old")
            fill(folder / "ballast", 4096 * pages)
            outcomes.append(outcome(path))
            (folder / "ballast").unlink()
            if outcomes[-1] == "done":
                assert version_of(path) == VERSION
            else:
                assert dump(path) == before
            assert not [name for name in names(path.parent) if name.startswith(".")]
            shutil.rmtree(path.parent)
        assert outcomes[0] == "no room to look"
        assert outcomes[-1] == "done"
        assert "no copy" in outcomes
        assert set(outcomes) <= {"no room to look", "no copy", "no room to write", "done"}

    @pytest.mark.parametrize("journal", ["wal", "delete"])
    def test_on_a_read_only_disk_it_is_one_sentence(self, disk, journal):
        folder, mount = disk
        path = copy_of(2, folder / "old")
        query(path, f"PRAGMA journal_mode = {journal}")
        mount(str(folder), "-o", "remount,ro")
        said = refusal(path)
        mount(str(folder), "-o", "remount,rw")
        assert said == f"no backup copy of {path} can be written beside it: Read-only file system; {REMEDY}"
        assert names(path.parent) == ["sweeps.db"]

    @pytest.mark.parametrize("journal", ["wal", "delete"])
    def test_a_file_that_cannot_be_written_is_one_sentence(self, disk, journal):
        folder, mount = disk
        path = copy_of(2, folder / "old")
        query(path, f"PRAGMA journal_mode = {journal}")
        mount("--bind", str(path), str(path))
        mount("-o", "remount,ro,bind", str(path))
        said = refusal(path)
        subprocess.run(["umount", str(path)], check=True)
        assert said == f"the database {path} cannot be written: attempt to write a readonly database; {REMEDY}"
        assert names(path.parent) == ["sweeps.db"]


REMEDY = (
    f"before it can be used it has to be brought from schema 2 to {VERSION}: make room, or make it and its folder "
    "writable, or name a copy elsewhere with --db"
)


def refusal(path):
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        opened(path)
    assert path.read_bytes() == before
    return str(caught.value)


def fill(ballast, room):
    """Fill a disk but for some bytes."""
    with ballast.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            stream.truncate(max(0, stream.tell() - room))


def outcome(path):
    """Open a file; tell what came of it."""
    try:
        opened(path)
    except StoreError as error:
        assert ": make room" in str(error) or "cannot be read" in str(error)
        kinds = {"cannot be read": "no room to look", "no backup copy": "no copy", "cannot be": "no room to write"}
        return next(kind for words, kind in kinds.items() if words in str(error))
    return "done"


class TestServer:
    @pytest.fixture
    def url(self, postgres):
        """An empty database of a server."""
        return postgres.create_database()

    @pytest.fixture
    def engine(self, url):
        made = create_engine(url)
        yield made
        made.dispose()

    @pytest.fixture(params=OLD)
    def filled(self, request, engine):
        """A database of an older schema, from before there was a table with its version, with what the file holds."""
        with engine.begin() as connection:
            command.upgrade(alembic(connection), f"{request.param:04}")
            connection.execute(text("DROP TABLE alembic_version"))
            pour(DATA / f"schema-{request.param}.db", connection)
        return request.param

    def test_a_new_one_and_revisions_from_nothing_agree(self, postgres, engine):
        url = postgres.create_database()
        Store(url, create=True).close()
        with engine.begin() as connection:
            command.upgrade(alembic(connection), "head")
            assert differences(connection) == []
        new = create_engine(url)
        assert catalogue(engine) == catalogue(new)
        new.dispose()

    def test_an_old_one_is_brought_up_to_date_as_a_file_is(self, url, filled, tmp_path, caplog):
        store = Store(url)
        (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert said == f"brought {store.database.shown} from schema {filled} to {VERSION}"
        assert_sealed(store, {0, 1, 3})
        path = copy_of(filled, tmp_path / "old")
        file = Store(str(path))
        for name in ("trials", "epochs", "batches"):
            pd.testing.assert_frame_equal(getattr(store, name)(1), getattr(file, name)(1), check_exact=True)
        digests = "SELECT number, digest, drawn_digest FROM trials ORDER BY number"
        with store.database.reading() as one, file.database.reading() as other:
            assert differences(one) == []
            assert one.execute(text(digests)).all() == other.execute(text(digests)).all()
        store.close()
        file.close()

    def test_of_several_processes_one_does_it_and_the_others_wait(self, url, filled):
        (said,) = open_at_once(url)
        assert "s3cret" not in said
        assert said.endswith(f"from schema {filled} to {VERSION}")

    def test_when_something_fails_nothing_has_happened(self, url, filled, engine, monkeypatch):
        before = catalogue(engine)
        with monkeypatch.context() as patch, pytest.raises(AttributeError):
            patch.setattr(digests_3, "hashlib", None)
            opened(url)
        assert catalogue(engine) == before
        opened(url)

    def test_a_role_that_may_not_is_one_sentence(self, postgres, url, filled, engine):
        reader = f"reader_{filled}"  # a role belongs to the whole server
        with engine.begin() as connection:
            connection.execute(text(f"CREATE ROLE {reader} LOGIN PASSWORD 'r'"))
            connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"))
        as_reader = re.sub("//.*@", f"//{reader}:r@", url)
        with pytest.raises(StoreError, match=rf"schema {filled} to {VERSION}: open it once as the role that owns"):
            opened(as_reader)

    def test_a_newer_one_is_refused(self, url):
        store = Store(url, create=True)
        with store.database.writing() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
        for create in (True, False):
            with pytest.raises(StoreError, match=rf"newer sweep \(schema 99, this one knows {VERSION}\); upgrade"):
                Store(url, create=create)
        store.close()

    def test_one_of_another_application_is_left_alone(self, url, engine):
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('1975ea83b712')"))
        for create in (True, False):
            with pytest.raises(StoreError, match="'1975ea83b712' of another application; give sweep a database of"):
                Store(url, create=create)
        assert inspect(engine).get_table_names() == ["alembic_version"]


def pour(path, connection):
    """Insert all rows of a file into the tables of a server."""
    engine = create_engine(f"sqlite:///{path}")
    source, target = MetaData(), MetaData()
    target.reflect(connection)
    with engine.connect() as file:
        source.reflect(file)
        for table in target.sorted_tables:
            rows = [dict(row) for row in file.execute(source.tables[table.name].select()).mappings()]
            connection.execute(table.insert(), [{name: _in_utc(value) for name, value in row.items()} for row in rows])
    engine.dispose()


def _in_utc(value):
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


CATALOGUE = {
    "columns": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, "
    "col_description(table_name::regclass, ordinal_position) FROM information_schema.columns "
    "WHERE table_schema = 'public'",
    "tables": "SELECT relname, relkind, obj_description(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
}


def catalogue(engine):
    """Return all that a server knows of its tables, comments included."""
    with engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(text(sql.replace("::", "\\:\\:")))))
            for name, sql in CATALOGUE.items()
        }


def test_the_version_is_stated_for_alembic_and_for_older_sweeps(tmp_path):
    Store(str(tmp_path / "sweeps.db"), create=True).close()
    assert version_of(tmp_path / "sweeps.db") == VERSION
    engine = create_engine(f"sqlite:///{tmp_path / 'sweeps.db'}")
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == f"{VERSION:04}"
        assert migration.schema_version(connection) == VERSION
    engine.dispose()
