"""Whatever happens during a migration, the file is the old one or the new one."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from sweep.errors import StoreError
from sweep.store.schema import VERSION
from tests.store.migration_setup import (
    DATA,
    OLD,
    copy_of,
    dump,
    names,
    open_at_once,
    opened,
    plant_fault,
    query,
    version_of,
)

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

for moment in count(0, int(sys.argv[3])):
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
    @pytest.mark.parametrize("old", [1], indirect=True)
    def test_of_several_processes_one_does_it_and_the_others_wait(self, old):
        before, version = dump(old), version_of(old)
        (said,) = open_at_once(old)
        copy = old.with_name(f"sweeps.db.schema-{version}.backup")
        assert said == f"brought {old} from schema {version} to {VERSION}; the file as it was is {copy}"
        assert names(old.parent) == ["sweeps.db", copy.name]
        assert dump(copy) == before
        assert version_of(old) == VERSION

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.parametrize("every", [16, pytest.param(1, marks=pytest.mark.slow)])
    def test_killed_at_any_moment_it_leaves_the_old_file_or_the_new_one(self, tmp_path, every):
        """Kill the process before its first step, before its second, and so on to the end; or every few steps."""
        folder = tmp_path / "killed"
        folder.mkdir()
        subprocess.run([sys.executable, "-c", KILLED, str(DATA / "schema-2.db"), str(folder), str(every)], check=True)
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
        assert states.count("old") > 50 / every

    def test_when_something_fails_nothing_has_happened(self, old, monkeypatch):
        before = dump(old)
        plant_fault(monkeypatch)
        with pytest.raises(RuntimeError, match="planted"):
            opened(old)
        assert dump(old) == before
        assert names(old.parent) == ["sweeps.db"]

    @pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs limits on files")
    @pytest.mark.parametrize("old", [OLD[0], OLD[-1]], indirect=True)
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
            rf"brought from schema {version} to {VERSION}: make room, or .* with db\n",
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
        for pages in range(0, 80, 2 if version in (OLD[0], OLD[-1]) else 5):
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
        assert outcomes[0] == "no room to write"
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
    "writable, or name a copy elsewhere with db"
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
