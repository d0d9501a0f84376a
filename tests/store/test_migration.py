"""Files of older schemas: migrated whole, once, and never without a copy."""

import ast
import logging
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from sweep.metrics import Objective
from sweep.store import Store, migration
from sweep.store.schema import VERSION
from sweep.store.views import create_views
from tests.fault_tools import Command
from tests.store.migration_setup import (
    MIGRATIONS,
    alembic,
    assert_same_schema,
    assert_sealed,
    change,
    differences,
    dump,
    names,
    opened,
    query,
    version_of,
)
from tests.store.store_setup import row_of


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
            create_views(connection)
            assert differences(connection) == []
        engine.dispose()
        assert_same_schema(tmp_path / "revisions.db", tmp_path / "new.db")


class TestFile:
    def test_its_schema_is_that_of_a_new_file(self, old, tmp_path):
        version = version_of(old)
        opened(old)
        Store(str(tmp_path / "new.db"), create=True).close()
        assert_same_schema(old, tmp_path / "new.db", version)
        for pragma in ("application_id", "user_version", "journal_mode"):
            assert query(old, f"PRAGMA {pragma}") == query(tmp_path / "new.db", f"PRAGMA {pragma}")
        assert query(old, "SELECT * FROM alembic_version") == [(f"{VERSION:04}",)]
        assert query(old, "PRAGMA integrity_check") == [("ok",)]
        assert query(old, "PRAGMA foreign_key_check") == []
        engine = create_engine(f"sqlite:///{old}")
        with engine.connect() as connection:
            assert differences(connection) == []
        engine.dispose()

    def test_no_bit_of_what_it_had_has_changed(self, old, tmp_path):
        before = Path(shutil.copy(old, tmp_path / "before.db"))
        store = Store(str(old))
        for (table,) in query(before, "SELECT name FROM sqlite_master WHERE type = 'table'"):
            if table == "alembic_version":
                continue
            had = [name for _, name, *_ in query(before, f"PRAGMA table_info({table})") if name not in CHANGED]
            rows = query(before, f"SELECT {', '.join(had)} FROM {table} ORDER BY 1, 2")
            has = ", ".join(RENAMED.get(name, name) for name in had)
            assert query(old, f"SELECT {has} FROM {table} ORDER BY 1, 2") == rows
            assert rows or table == "decisions"
        value, tie_value = ("value", "tie_value") if version_of(before) >= 4 else ("test_accuracy", "test_loss")
        ranked = query(before, f"SELECT sweep, rank, trial, {value}, epoch, {tie_value}, seconds FROM leaderboard")
        assert ranked == query(old, "SELECT sweep, rank, trial, value, epoch, tie_value, seconds FROM leaderboard")
        assert len(ranked) == 1
        assert query(old, "SELECT DISTINCT metric FROM leaderboard") == [("test_accuracy",)]
        frame = store.epochs(store.sweep().id)
        columns = "number AS trial, epoch, test_accuracy, test_loss, train_accuracy, train_loss, epochs.seconds"
        with closing(sqlite3.connect(before)) as plain:
            joined = "epochs JOIN trials ON trials.id = trial_id ORDER BY number, epoch"
            expected = pd.read_sql(f"SELECT {columns} FROM {joined}", plain)
        pd.testing.assert_frame_equal(frame, expected[frame.columns], check_exact=True)
        store.close()

    def test_what_it_did_not_say_is_what_it_meant(self, old):
        experiment_format = 4 if version_of(old) >= 6 else 1
        store = Store(str(old))
        record = store.sweep()
        assert (record.objective, record.repeats, record.format) == (Objective(), 1, experiment_format)
        assert {store.trial(record.id, number).planned_epochs for number in range(4)} == {2}
        assert {store.trial(record.id, number).repeat for number in range(4)} == {0}
        store.close()

    def test_trials_that_end_after_iterations_have_the_epochs_that_they_had(self, old):
        is_stated = version_of(old) >= 4
        configuration = "json_set(json_remove(configuration, '$.training.epochs'), '$.training.iterations', 7)"
        change(old, f"UPDATE trials SET configuration = {configuration}", "UPDATE sweeps SET epochs = 9")
        store = Store(str(old))
        planned = [store.trial(1, number).planned_epochs for number in range(4)]
        assert (store.trial(1, 0).status, planned) == ("completed", [2, 2, 2, 2] if is_stated else [2, 9, 9, 9])
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

    def test_the_commands_go_on_with_it(self, old, answer, here, monkeypatch, caplog):
        monkeypatch.setenv("SWEEP_DB", str(old))
        version = version_of(old)
        arguments = ["leaderboard", "--format", "csv"]
        if version == 1:  # a process of its own prints what is logged
            code, table, said = Command(*arguments).end()
            lines = said.splitlines()
        else:
            (code, table, _), lines = answer(*arguments), caplog.messages
        assert (code, lines) == (
            0,
            [f"brought {old} from schema {version} to {VERSION}; the file as it was is {old}.schema-{version}.backup"],
        )
        assert [line.split(",")[1] for line in table.splitlines()] == ["trial", "0"]
        code, _, said = answer("resume", "--quiet")
        assert (code, "brought" in said) == (0, False), said
        store = Store(str(old))
        assert set(store.trials(1)["status"]) <= {"completed", "diverged"}
        assert_sealed(store, {0, 1, 2, 3})
        store.close()


DIGEST = "SELECT digest FROM sweeps"
CHANGED = ("digest",)
RENAMED = {"deaths": "crashes", "best_loss": "tie_value"}
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
        assert row_of(store, 1, 2)["digest"] is None
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
        is_digested = version_of(old) >= 3  # whose digests are over the status, too
        change(old, "UPDATE trials SET status = 'queued' WHERE id IN (1, 2)")
        store = Store(str(old))
        assert_sealed(store, {3} if is_digested else {0, 1, 3})
        store.close()

    def test_a_row_that_cannot_be_read_hinders_no_other(self, old):
        kept = (None, None), (None,)
        if version_of(old) >= 3:
            kept = *query(old, "SELECT digest, drawn_digest FROM trials WHERE id = 2"), *query(old, DIGEST)
        change(old, "UPDATE trials SET configuration = '{' WHERE id = 2", "UPDATE sweeps SET environment = '{'")
        opened(old)
        (first, second, third, fourth) = query(old, "SELECT digest, drawn_digest FROM trials ORDER BY id")
        assert second == kept[0]
        assert all([*first, *fourth, third[1]])
        assert query(old, DIGEST) == [kept[1]]


def test_the_version_is_stated_for_alembic_and_for_older_sweeps(tmp_path):
    Store(str(tmp_path / "sweeps.db"), create=True).close()
    assert version_of(tmp_path / "sweeps.db") == VERSION
    engine = create_engine(f"sqlite:///{tmp_path / 'sweeps.db'}")
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == f"{VERSION:04}"
        assert migration.schema_version(connection) == VERSION
    engine.dispose()
