"""Atomic writes, full disks, and paths that a database names."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sweep.errors import SweepError, UsageError
from sweep.system.files import check_place, check_replaced, is_full, make_folder, reason, within, write_whole


class TestWriting:
    def test_a_file_is_replaced_and_nothing_else_is_left(self, tmp_path):
        path = tmp_path / "a.bin"
        path.write_bytes(b"old")
        write_whole(path, b"new")
        assert path.read_bytes() == b"new"
        assert [*tmp_path.iterdir()] == [path]

    def test_a_write_that_fails_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "a.bin"
        path.write_bytes(b"old")

        def fail(self, target):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(SweepError, match=r"cannot write '.*a\.bin': No space left on device") as caught:
            write_whole(path, b"new")
        assert is_full(caught.value)
        assert path.read_bytes() == b"old"
        assert [*tmp_path.iterdir()] == [path]

    def test_a_missing_folder_is_a_sentence(self, tmp_path):
        with pytest.raises(SweepError, match=r"cannot write '.*': there is no folder '.*missing'; make it") as caught:
            write_whole(tmp_path / "missing" / "a.bin", b"")
        assert not is_full(caught.value)

    def test_a_file_where_a_folder_must_be_is_named(self, tmp_path):
        (tmp_path / "f.txt").touch()
        for refused in (write_whole, lambda path, _: check_place(path), lambda path, _: make_folder(path)):
            with pytest.raises(SweepError, match=r"'.*/f\.txt' is not a folder; choose another place$"):
                refused(tmp_path / "f.txt" / "a" / "x.html", b"")

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("", "Is a directory; name a file in it"),
            ("no/x.csv", "there is no folder '.*/no'; make it first"),
            ("n" * 300, "File name too long; choose a shorter name"),
        ],
    )
    def test_a_place_is_refused_before_and_while_it_is_written(self, tmp_path, name, words):
        for refused in (write_whole, lambda path, _: check_place(path)):
            with pytest.raises(SweepError, match=rf"^cannot write '.*': {words}$"):
                refused(tmp_path / name, b"")

    @pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EPERM, errno.EIO])
    def test_each_reason_says_what_to_do(self, tmp_path, number):
        words = reason(OSError(number, os.strerror(number)), tmp_path / "a.bin")
        assert words.startswith(f"{os.strerror(number)}; ") and words.endswith("choose another place")


class TestWithin:
    def test_a_file_below_the_folder(self, tmp_path):
        assert within(tmp_path, "a", "b.npz") == tmp_path / "a" / "b.npz"
        assert within(tmp_path, "a/../b.npz").resolve() == (tmp_path / "b.npz").resolve()

    @pytest.mark.parametrize("name", ["../b.npz", "/etc/passwd", "a/../../b.npz"])
    def test_a_file_elsewhere_is_refused(self, tmp_path, name):
        with pytest.raises(SweepError, match="names a file outside of"):
            within(tmp_path, name)

    def test_a_link_that_leads_out_is_refused(self, tmp_path):
        (tmp_path / "inner").mkdir()
        (tmp_path / "inner" / "link").symlink_to(tmp_path)
        with pytest.raises(SweepError, match="names a file outside of"):
            within(tmp_path / "inner", "link/secret")


def test_no_error_is_no_full_disk():
    assert not is_full(None)
    assert is_full(OSError(errno.EDQUOT, "quota"))


def test_a_link_stays_one_and_its_file_is_written(tmp_path):
    real, link = tmp_path / "folder" / "real.csv", tmp_path / "link.csv"
    real.parent.mkdir()
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to("folder/real.csv")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["real.csv"]


def test_a_link_to_a_file_that_is_not_there_makes_it(tmp_path):
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_whole(tmp_path / "link.csv", b"new")
    assert (tmp_path / "real.csv").read_bytes() == b"new"


def test_a_read_only_file_is_refused_by_name(tmp_path):
    path = tmp_path / "kept.csv"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(SweepError, match=r"cannot write '.*kept.csv': it is read-only"):
        write_whole(path, b"new")
    assert path.read_text() == "old"


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(path, b"new")
    assert path.is_fifo()
    assert os.read(reading, 9) == b"new"
    os.close(reading)


@pytest.mark.parametrize("name", ["a.db", "a.db-wal", "a.db-shm", "link.csv"])
def test_no_database_is_written_over(tmp_path, name):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE some (value)")
        connection.commit()
        (tmp_path / "link.csv").symlink_to("a.db")
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(UsageError, match=f"{name}' is a database, which is not written over; choose another name"):
            write_whole(tmp_path / name, b"new")
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_of_another_kind_is_not_replaced(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("name = 'mine'")
    with pytest.raises(UsageError, match=r"mine.toml' is there already and is no pack; choose another name, or delete"):
        check_replaced(path, b"PK", "pack")
    for content in (b"", b"PK-"):
        path.write_bytes(content)
        check_replaced(path, b"PK", "pack")
    check_replaced(tmp_path / "missing", b"PK", "pack")
