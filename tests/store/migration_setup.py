"""Files of older schemas, and what is looked at when they are opened."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import true

import sweep.store
from sweep.store import Store
from sweep.store.digests import drawn_digests, sweep_digest, trial_digests
from sweep.store.schema import metadata, trials

DATA = Path(__file__).parent / "data"


MIGRATIONS = Path(sweep.store.__file__).parent / "migrations"


OLD = [1, 2, 3, 4, 5, 6, 7, 8]
"""Each has a file made by a sweep of that schema: trial 0 completed, 1 diverged, 2 was being trained, 3 is queued."""


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


def plant_fault(patch):
    """Let the last revision fail when it has made its last table."""
    create = op.create_table

    def planted(name, *columns, **options):
        create(name, *columns, **options)
        if name == "wide_views":
            raise RuntimeError("planted")

    patch.setattr(op, "create_table", planted)


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


def assert_same_schema(path, new, made_by=0):
    """Compare all definitions, comments included, but for the order of columns and one comment of schemas 1 and 2."""
    stays = "owner TEXT /* host:process:parent that trains it; or did last */"
    expected = pieces(new)
    now = "owner TEXT /* host:process@start:parent@start that trains it; or did last */"
    assert expected[now] == 1
    if made_by < 3:
        expected[now] -= 1
        expected[stays] += 1
    assert +expected == pieces(path)


WIDE = "SELECT view FROM wide_views"
"""The views of single sweeps."""


def pieces(path):
    """Cut the definitions of tables, and of the views of all sweeps, into columns and constraints."""
    found = Counter()
    for (sql,) in query(path, f"SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT IN ({WIDE})"):
        without_commas = re.sub(r"/\*.*?\*/", lambda comment: comment[0].replace(",", ";"), sql)
        found.update(re.split(r"\s*,\s*", " ".join(without_commas.split())))
    return found


def assert_sealed(store, numbers):
    """The digests of these trials are right, and those of no others; what was drawn is right for all."""
    with store.database.reading() as connection:
        right, drawn = dict(trial_digests(connection, true())), dict(drawn_digests(connection, true()))
        rows = connection.execute(trials.select()).mappings().all()
        (sweep_row,) = connection.execute(metadata.tables["sweeps"].select()).mappings().all()
        assert sweep_row["digest"] == sweep_digest(connection, sweep_row["id"])
    assert {row["number"] for row in rows if row["digest"] == right[row["id"]]} == numbers
    assert {row["id"]: row["drawn_digest"] for row in rows} == drawn


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
