"""Atomic writes, full disks, and paths that a database names."""

import errno
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.system.files import is_full, within, write_whole


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
        with pytest.raises(SweepError, match=r"cannot write '.*': No such file or directory") as caught:
            write_whole(tmp_path / "missing" / "a.bin", b"")
        assert not is_full(caught.value)


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
