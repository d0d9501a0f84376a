"""The database under stress, for real: disks that are full or read-only, locks, several sweeps on one file."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sweep
from sweep.errors import StoreError, SweepError
from sweep.store import Store
from tests.engine_here import training_here
from tests.fault_tools import (
    PATIENCE_SECONDS,
    assert_same,
    assert_whole,
    figures,
    held_up,
    options,
    running,
    wait_until,
)

LONG = ["trials=4", "training.epochs=80", "training.batch_size={int=[20,40],step=10}", "training.checkpoint_every=30"]
RUN = ["run", "digits-quickstart", "--workers", "2", *options(LONG)]
QUIET = [*RUN, "--quiet"]
ENDINGS = ("", "-wal", "-shm")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The figures of the sweep when nothing disturbs it."""
    database = str(tmp_path_factory.mktemp("undisturbed") / "sweeps.db")
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.run("digits-quickstart", overrides=LONG, db=database)
    return figures(db=database)


class Disk:
    """A file system of its own of a few megabytes, mounted for real."""

    def __init__(self, folder):
        self.folder = folder
        self._mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder))

    def _mount(self, *arguments):
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
        if done.returncode and os.geteuid() != 0 and not os.environ.get("CI"):
            pytest.skip("only root may mount a file system")
        assert done.returncode == 0, done.stderr

    def fill(self):
        """Leave no space; return how to make it free again."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(4096))
            except OSError:
                pass
        return ballast.unlink

    def remount(self, how):
        """Make it read-only ("ro") or writable ("rw")."""
        self._mount("-o", f"remount,{how}", str(self.folder))


@pytest.fixture
def disk(tmp_path, monkeypatch):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = Disk(folder)
    monkeypatch.setenv("SWEEP_DB", str(folder / "sweeps.db"))
    yield mounted
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def errors_of(process):
    code, out, errors = process.end()
    assert "Traceback" not in errors, errors
    return code, out, errors


def test_on_a_full_disk_trials_wait_until_there_is_space_again(disk, command, undisturbed):
    process = command(*RUN)
    with held_up(process):
        make_space = disk.fill()
    until = time.monotonic() + 8
    wait_until(lambda: time.monotonic() > until or process.process.poll() is not None)
    assert process.process.poll() is None, process.end()
    make_space()
    code, _, errors = errors_of(process)
    assert code == 0, errors
    assert "cannot be written: database or disk is full; the trials wait and try again" in errors
    assert "the database can be written again" in errors
    assert_whole(sweep.load())
    assert_same(figures(), undisturbed)


def test_a_trial_waits_for_room_for_its_weights_and_says_so(disk, command, tmp_path):
    (tmp_path / "sweeps.db-files").symlink_to(disk.folder)
    make_space = disk.fill()
    few = options(["trials=1", "training.epochs=2"])
    process = command("run", "digits-quickstart", "--workers", "1", *few, SWEEP_DB=str(tmp_path / "sweeps.db"))

    def waiting():
        try:
            progress = sweep.load(db=str(tmp_path / "sweeps.db")).store.progress(1)
        except SweepError:  # it is just being made
            return False
        return any(trial.trouble for trial in progress.running)

    wait_until(waiting)
    time.sleep(2)  # longer than the whole training takes
    make_space()
    code, _, errors = errors_of(process)
    assert code == 0, errors
    assert "trial 0 waits and tries again: " in errors
    assert "No space left on device" in errors
    row = sweep.load(db=str(tmp_path / "sweeps.db")).trial(0)
    assert (row.status, row.error, bool(row.weights)) == ("completed", None, True)
    assert row.seconds < 2


def test_without_hope_the_sweep_ends_with_a_sentence_and_keeps_what_is_done(disk, command, undisturbed):
    # With one worker there is much left to write when the first trial has ended.
    process = command(*QUIET, "--workers", "1", SWEEP_PATIENCE="2")
    wait_until(lambda: len(done()) >= 1)
    with held_up(process):
        finished = done()
        make_space = disk.fill()
    code, out, errors = errors_of(process)
    assert (code, out) == (1, "")
    (sentence,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert "disk is full" in sentence
    assert not process.left()
    make_space()
    assert set(finished) <= set(done())
    assert errors_of(command("resume", "--quiet"))[0] == 0
    assert_same(figures(), undisturbed)


def done():
    """Return the numbers of the trials that have ended."""
    try:
        trials = sweep.load().trials()
    except (StoreError, sweep.errors.SweepError):
        return []
    return trials.loc[trials["status"].isin(["completed", "diverged"]), "trial"].tolist()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A file with a small finished sweep."""
    database = tmp_path_factory.mktemp("finished") / "sweeps.db"
    with training_here():
        sweep.run("digits-quickstart", overrides=["trials=4", "epochs=1"], db=str(database)).store.close()
    return database


@pytest.fixture
def read_only(disk, finished):
    """A small finished sweep on a disk that was made read-only."""
    shutil.copytree(finished.parent, disk.folder, dirs_exist_ok=True)
    before = (disk.folder / "sweeps.db").read_bytes()
    disk.remount("ro")
    yield disk
    disk.remount("rw")
    assert (disk.folder / "sweeps.db").read_bytes() == before


def test_on_a_read_only_disk_results_can_be_looked_at(read_only, answer, tmp_path):
    for arguments in (["list"], ["leaderboard"], ["show", "0"], ["plot", "-o", str(tmp_path / "chart.png")]):
        code, _, errors = answer(*arguments)
        assert code == 0, errors
    assert (tmp_path / "chart.png").exists()


@pytest.mark.parametrize(
    "arguments", [["run", "digits-quickstart", "--name", "b"], ["plot"], ["continue", "0", "--epochs", "9"]]
)
def test_on_a_read_only_disk_nothing_can_be_written_which_is_a_sentence(read_only, answer, arguments):
    code, out, errors = answer(*arguments)
    assert (code, out) == (1, "")
    (sentence,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert "readonly" in sentence.replace("-", "").replace("read only", "readonly").lower()


HOLD = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE" if sys.argv[2] == "write" else "BEGIN")
database.execute("SELECT count(*) FROM epochs").fetchall()
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


def hold(how, seconds):
    """Let another process hold a lock on the database for some seconds."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, os.environ["SWEEP_DB"], how, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    return holder


@pytest.mark.parametrize("seconds", [15, pytest.param(30, marks=pytest.mark.slow)])
def test_a_database_that_is_locked_for_long_costs_only_time(command, undisturbed, seconds):
    process = command(*RUN)
    wait_until(running)
    with hold("write", seconds) as holder:
        before = sweep.load().epochs()
        holder.wait()
    code, _, errors = errors_of(process)
    assert code == 0, errors
    assert "cannot be written: database is locked; the trials wait" in errors
    assert len(before) < len(sweep.load().epochs())
    assert_same(figures(), undisturbed)


def test_neither_a_killed_writer_nor_a_reader_that_never_ends_holds_anybody_up(command, undisturbed):
    Store(os.environ["SWEEP_DB"], create=True).close()
    holder = hold("write", PATIENCE_SECONDS)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with sqlite3.connect(os.environ["SWEEP_DB"], timeout=1, isolation_level=None) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")
    database.close()
    process = command(*QUIET)
    wait_until(running)
    with hold("read", PATIENCE_SECONDS) as holder:
        code, _, errors = errors_of(process)
        assert code == 0, errors
        assert holder.poll() is None
        assert_same(figures(), undisturbed)
        holder.kill()


def test_sweeps_watchers_and_charts_share_one_file(command, undisturbed, tmp_path):
    first = command(*QUIET)
    wait_until(running)
    second = command(
        "run", "digits-quickstart", "--name", "second", "--workers", "1", "-q", *options(["trials=3", "epochs=40"])
    )
    watcher = command("leaderboard", "digits-quickstart", "--watch", "--format", "csv")
    charts = 0
    while first.process.poll() is None:
        code, _, errors = errors_of(command("plot", "digits-quickstart", "-o", str(tmp_path / "chart.png")))
        assert code == 0, errors
        charts += 1
    for process in (first, second, watcher):
        code, _, errors = errors_of(process)
        assert code == 0, errors
        assert "Error" not in errors
    assert charts >= 1
    assert_whole(sweep.load("second"))
    assert_same(figures("digits-quickstart"), undisturbed)


def test_a_file_that_is_moved_away_in_the_middle_of_a_sweep_is_missed(command, tmp_path):
    process = command(*QUIET, *options(["trials=2", "epochs=200"]), SWEEP_PATIENCE="1")
    path = Path(os.environ["SWEEP_DB"])
    with held_up(process):
        for ending in ENDINGS:
            shutil.move(f"{path}{ending}", tmp_path / f"moved.db{ending}")
    code, _, errors = errors_of(process)
    assert code == 1, errors
    (sentence,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert str(path) in sentence
    assert not path.exists(), "it was not begun anew"
    assert errors_of(command("resume", "--quiet", "--db", str(tmp_path / "moved.db")))[0] == 0
    assert_whole(sweep.load(db=str(tmp_path / "moved.db")))


def test_a_file_that_is_moved_away_and_back_costs_only_time(command, tmp_path):
    process = command(*QUIET, *options(["trials=2", "epochs=200"]))
    path = Path(os.environ["SWEEP_DB"])
    with held_up(process):
        for ending in ENDINGS:
            shutil.move(f"{path}{ending}", tmp_path / f"moved.db{ending}")
    assert process.process.poll() is None
    for ending in ENDINGS:
        shutil.move(tmp_path / f"moved.db{ending}", f"{path}{ending}")
    code, _, errors = errors_of(process)
    assert code == 0, errors
    assert_whole(sweep.load())


def test_a_file_that_is_replaced_by_another_ends_the_sweep_with_a_sentence(command, tmp_path):
    process = command(*QUIET, *options(["trials=2", "epochs=200"]))
    path = Path(os.environ["SWEEP_DB"])
    with held_up(process):
        with sqlite3.connect(path) as old, sqlite3.connect(tmp_path / "copy.db") as copy:
            old.backup(copy)
        old.close()
        copy.close()
        (tmp_path / "copy.db").replace(path)
    code, _, errors = errors_of(process)
    assert code == 1, errors
    (sentence,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert f"the database {path} has been replaced by another file" in sentence
