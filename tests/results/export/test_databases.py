"""Tests of the databases that are exported to: which are refused, what is said of them, what is left of a failure."""

import errno
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from sweep.errors import SweepError, UsageError
from sweep.results.export import tensorboard
from sweep.results.importing import import_sweep
from sweep.system.urls import without_password

KINDS = ("optuna", "mlflow")
SECRET = "s3cret"
AWAY = f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/lab"
"""A server that refuses connections."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "url",
    [
        *("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"),
        *("postgresql+psycopg://u:s3cret@127.0.0.1:PORT/x", "nonsense://u:s3cret@h/x"),
    ],
)
def test_what_keeps_nothing_is_refused(hostile, kind, url):
    with pytest.raises(UsageError, match="give one such as sqlite:///") as caught:
        hostile.export(url, format=kind)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_of_another_program_stays_as_it_is(hostile, kind, tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"not (one of Optuna's|a database of MLflow); name another one, such as"):
        hostile.export(f"sqlite:///{path}", format=kind)
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", [*KINDS, "import"])
def test_a_server_that_is_away_is_named_without_the_password(hostile, kind, tmp_path):
    with pytest.raises(SweepError, match=r"me:\*\*\*@127.* cannot be opened: .*refused.*; start the server") as caught:
        if kind == "import":
            import_sweep(AWAY, db=tmp_path / "new.db")
        hostile.export(AWAY, format=kind)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_no_part_of_a_failed_export_is_left(hostile, kind, tmp_path, monkeypatch):
    def failed(*arguments):
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(f"sweep.results.export.{kind}._insert", failed)
    with pytest.raises(SweepError, match="disk is full; free some space there and try again"):
        hostile.export(f"sqlite:///{tmp_path}/new.db", format=kind)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("kind", ["optuna", pytest.param("mlflow", marks=pytest.mark.slow)])
def test_a_killed_export_leaves_nothing_that_the_next_one_stumbles_over(hostile, hostile_database, kind, tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    script = (
        "import os, sweep\n"
        f"import sweep.results.export.{kind} as module\n"
        "module._insert = lambda *arguments: os.kill(os.getpid(), 9)\n"
        f"sweep.load('hostile', db={str(hostile_database)!r}).export({url!r}, format={kind!r})\n"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "new.db").exists()
    assert hostile.export(url, format=kind) > 0
    assert (tmp_path / "new.db").exists()
    left = {path.name for path in tmp_path.iterdir()} - {"new.db"}
    assert all(name.startswith(".sweep-") and ".partial" in name for name in left)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_not_there_or_not_written_is_one_sentence(hostile, kind, tmp_path, monkeypatch):
    with pytest.raises(
        SweepError, match=r"there is no folder '\S+/missing'; make it first|unable to open database file"
    ):
        hostile.export(f"sqlite:///{tmp_path}/missing/new.db", format=kind)

    def refuse(path):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(SweepError, match=r"new.db': Read-only file system; choose another place"):
        hostile.export(f"sqlite:///{tmp_path}/new.db", format=kind)


def test_no_part_of_a_failed_folder_is_left(hostile, tmp_path, monkeypatch):
    def full(path, content):
        if path.parent.name == "3":
            raise SweepError(f"cannot write '{path}'") from OSError(errno.ENOSPC, "No space left on device")
        path.write_bytes(content)

    monkeypatch.setattr(tensorboard, "write_whole", full)
    with pytest.raises(SweepError, match=r"tb/hostile/3/events.*'$"):
        hostile.export(tmp_path / "tb", format="tensorboard")
    assert not [*tmp_path.iterdir()]
    (tmp_path / "tb" / "hostile").mkdir(parents=True)
    with pytest.raises(SweepError, match=r"'; what \S+/tb/hostile holds of it is not complete$"):
        hostile.export(tmp_path / "tb", format="tensorboard")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:a/b?c@host:1/lab", "postgresql://me:***@host:1/lab"),
        ("postgresql://me@host/lab?password=x&sslpassword=y", "postgresql://me@host/lab?password=***&sslpassword=***"),
        ("postgresql://me:a@b/c:d@host:1/lab", "postgresql://me:***@host:1/lab"),
        ("postgresql://me@home:a@host/lab", "postgresql://me@home:***@host/lab"),
        ("postgresql://host:5432/lab", "postgresql://host:5432/lab"),
        ("C:/study.db", "C:/study.db"),
    ],
)
def test_passwords_are_hidden(url, shown):
    assert without_password(url) == shown
