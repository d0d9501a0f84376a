"""Folders, limits and file systems as a command may find them: it runs, or one sentence names what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sweep
from sweep.errors import SweepError
from tests.fault_tools import options

SMALL = options(["trials=1", "epochs=1"])
RUN = ["run", "digits-quickstart", "--workers", "1", "-q", *SMALL]
NOT_UTF_8 = os.fsdecode(b"caf\xe9")


def run(*arguments, program=("-m", "sweep"), **options):
    """Run a command; return its exit code, and all that it says."""
    command = [sys.executable, "-P", *program, *arguments]
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, errors="replace", **options
    )
    return ended.returncode, ended.stdout


def test_a_folder_that_is_not_utf_8_is_named(tmp_path):
    folder = tmp_path / NOT_UTF_8
    folder.mkdir()
    code, said = run(*RUN, "--data", str(folder))
    assert code == 1
    assert (
        said == f"Error: the name of the folder {tmp_path}/caf\\xe9 is not UTF-8, so it cannot be stored; rename it\n"
    )


def test_a_database_in_a_folder_that_is_not_utf_8(tmp_path):
    folder = tmp_path / NOT_UTF_8
    folder.mkdir()
    code, said = run(*RUN, "--db", str(folder / "s.db"))
    assert (code, said.count("\n")) == (1, 1)
    assert f"{tmp_path}/caf\\xe9/s.db is not UTF-8" in said


@pytest.mark.parametrize("name", ["what? a#b 50%25 a&b=c"])
def test_the_folder_of_a_database_may_have_any_name(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    results = sweep.run("digits-quickstart", overrides=["trials=1", "epochs=1"], workers=1, db=f"{name}/s.db")
    assert results.trials()["status"].tolist() == ["completed"]
    assert {path.name for path in tmp_path.iterdir()} == {name}
    assert results.store.database.address == str(tmp_path / name / "s.db")  # read as a URL, it would be another file


WITHOUT_HOME = """
import pwd
def unknown(number): raise KeyError(number)
pwd.getpwuid = unknown
from sweep.cli import main
main()
"""


def test_without_a_home_there_is_no_database_either(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "SWEEP_CACHE")}
    code, said = run(*RUN, program=("-c", WITHOUT_HOME), env=environment, cwd=tmp_path)
    assert (code, said.count("\n")) == (1, 1)
    assert "SWEEP_CACHE" in said
    assert not Path(os.environ["SWEEP_DB"]).exists()


def test_a_low_limit_of_open_files_is_named_without_noise():
    line = f"ulimit -n 80; exec {sys.executable} -P -m sweep run digits-quickstart -q --workers 16"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "too many files are open" in ended.stderr


def test_shared_memory_that_is_full_is_named_without_noise():
    mount = "mount -t tmpfs -o size=4k tmpfs /dev/shm && dd if=/dev/zero of=/dev/shm/f bs=4k count=1 2>/dev/null"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount file systems")
    command = ["unshare", "-m", "sh", "-c", f'{mount}; exec "$@"', "sh", sys.executable, "-P", "-m", "sweep", *RUN]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "shared memory (/dev/shm) cannot be written: No space left on device" in ended.stderr


@pytest.mark.usefixtures("here")
def test_a_program_may_change_its_folder(tmp_path, monkeypatch):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    results = sweep.run("digits-quickstart", overrides=["trials=1", "epochs=1", "keep_weights=last"], db="s.db")
    monkeypatch.chdir(tmp_path / "two")
    results.store.close()
    assert len(results.best()) == 1
    assert results.predict(0).epoch == 1
    assert [*Path().iterdir()] == []


def test_a_program_whose_folder_is_gone_is_told_so(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        with pytest.raises(SweepError, match="the current folder does not exist any more"):
            sweep.run("digits-quickstart", overrides=["trials=1"], db="s.db")
    finally:
        os.chdir(tmp_path)
