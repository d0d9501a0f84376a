"""Tests of renaming and removing sweeps, and of notes and tags, on each kind of database."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from sqlalchemy import event, func, inspect, select, update
from sqlalchemy.engine import Engine

from sweep.errors import SweepError
from sweep.records import BatchLosses, Weights
from sweep.store import Store
from sweep.store.moving import WAITING
from sweep.store.renaming import Renamed
from sweep.store.repair.integrity import findings, kept_files
from sweep.store.schema import (
    batches,
    epochs,
    metadata,
    notes,
    parameter_names,
    parameters,
    sweeps,
    tags,
    trials,
    wide_views,
)
from sweep.system.processes import is_lost, owner
from tests.store.store_setup import add, epoch, finished, nobody

KEPT = (trials, parameters, epochs, batches, notes, tags, parameter_names, wide_views)


@pytest.fixture(autouse=True)
def own_results(monkeypatch, tmp_path):
    """The folder for files of a server's database."""
    monkeypatch.setenv("SWEEP_RESULTS", str(tmp_path))


def with_files(store, name, count=2):
    """Add a sweep with weights, marks and a chart; return its id."""
    sweep_id = add(store, count, name=name)
    place = store.files.relative_to(store.folder).as_posix()
    (store.files / name / "weights").mkdir(parents=True)
    (store.files / name / "chart.png").write_text(name)
    for number in range(count):
        file = f"{place}/{name}/weights/{number}-1-0.npz"
        (store.folder / file).write_text(f"{name}/{number}")
        kept = {"weights": Weights(file, 0, "0" * 64), "losses": [BatchLosses(1, (0.5, 0.25))]}
        finished(store, sweep_id, number, [epoch(0), epoch(1, 0.75)], **kept)
    store.note(sweep_id, 1, "seen")
    store.tag(sweep_id, None, ["kept"])
    return sweep_id


def rename(store, sweep_id, old, new):
    store.rename({old: new}, [Renamed(sweep_id, new, {})])


def views(store):
    """The names of all views."""
    with store.database.reading() as connection:
        return set(inspect(connection).get_view_names()) - {"leaderboard", "curves", "metrics", "values"}


def rows(store):
    with store.database.reading() as connection:
        return [connection.execute(select(func.count()).select_from(table)).scalar() for table in KEPT]


def content(folder):
    """All files of a folder, with what they hold."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def assert_agreeing(store):
    """Every digest is right, every file that the database names is there and that of its trial."""
    assert list(findings(store.database, is_lost, lambda done, total: None)) == []
    for file, _ in kept_files(store.database):
        name, number = Path(file).parts[-3], Path(file).name.partition("-")[0]
        assert (store.folder / file).read_text().rpartition("/")[2] == number
        assert name in store.names()
    assert not (store.files / WAITING).exists()
    assert views(store) == set(store.names())


class TestRemove:
    """Nothing of a sweep is left, and everything of others."""

    def test_a_sweep_goes_with_all_that_is_kept_of_it(self, store):
        first = with_files(store, "first")
        left, files = rows(store), content(store.files)
        second = with_files(store, "second", 3)
        store.remove([second])
        assert (rows(store), content(store.files)) == (left, files)
        assert store.names() == ["first"]
        assert views(store) == {"first"}
        store.remove([first])
        assert (rows(store), content(store.files)) == ([0] * len(KEPT), {})

    def test_every_table_is_looked_at_here(self):
        others = {"sweeps", "decisions"}
        assert {table.name for table in KEPT} | others >= {table.name for table in metadata.sorted_tables}

    def test_the_space_is_given_back(self, tmp_path):
        store = Store(str(tmp_path / "sweeps.db"), create=True)
        add(store, 2)
        store.database.checkpoint()
        before = store.database.path.stat().st_size
        large = add(store, 200, name="large")
        with store.database.writing() as connection:
            connection.execute(update(trials).where(trials.c.sweep_id == large).values(log="x" * 10_000))
        store.database.checkpoint()
        assert store.database.path.stat().st_size > before + 1_000_000
        assert store.remove([large]) > 1_000_000
        assert store.database.path.stat().st_size <= before + 4096

    def test_while_others_write_it_is_left_and_the_sweep_goes_all_the_same(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sweep.store.removal.BUSY_SECONDS", 0.01)
        store = Store(str(tmp_path / "sweeps.db"), create=True)
        large = add(store, 50)
        other = sqlite3.connect(store.database.path, isolation_level=None)
        original = sqlite3.connect

        def connect(*arguments, **options):
            other.execute("BEGIN IMMEDIATE")
            return original(*arguments, **options)

        monkeypatch.setattr("sweep.store.removal.sqlite3.connect", connect)
        assert store.remove([large]) == 0
        other.close()
        assert store.names() == []

    def test_one_that_is_gone_already(self, store):
        first = add(store)
        store.remove([first])
        with pytest.raises(SweepError, match="another process has removed the sweep meanwhile"):
            store.remove([first])

    def test_a_damaged_name_leads_to_no_other_folder(self, store):
        first, second = with_files(store, "first"), add(store, name="second")
        with store.database.writing() as connection:
            connection.execute(update(sweeps).where(sweeps.c.id == second).values(name=".."))
        before = content(store.files)
        store.remove([second])
        assert content(store.files) == before
        assert store.sweep().id == first


@pytest.fixture(scope="module")
def process():
    """A process that lives, and its name as an owner."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as started:
        born = psutil.Process(started.pid).create_time()
        yield f"{socket.gethostname()}:{started.pid}@{born:.2f}"
        started.stdin.close()


class TestARunningSweep:
    """It is neither renamed nor removed."""

    def assert_refused(self, store, sweep_id, words):
        before = rows(store), content(store.files), store.names()
        with pytest.raises(SweepError, match=words):
            store.remove([sweep_id])
        with pytest.raises(SweepError, match=words):
            rename(store, sweep_id, "first", "new")
        assert (rows(store), content(store.files), store.names()) == before

    def test_while_a_process_trains_a_trial(self, store, process):
        sweep_id = with_files(store, "first")
        store.extend(sweep_id, [0], 5)
        store.claim(sweep_id, 0, process)
        number = process.partition(":")[2].partition("@")[0]
        self.assert_refused(store, sweep_id, f"first is being trained by process {number}; stop it first, with Ctrl-C")

    def test_between_two_trials_of_a_process(self, store, process):
        sweep_id = with_files(store, "first")
        store.extend(sweep_id, [0], 5)
        with store.database.writing() as connection:
            connection.execute(update(trials).where(trials.c.number == 1).values(owner=process))
        self.assert_refused(store, sweep_id, "first is being trained by process")

    def test_on_another_host(self, store):
        sweep_id = with_files(store, "first")
        store.extend(sweep_id, [0], 5)
        store.claim(sweep_id, 0, "elsewhere:12@1.00:11@1.00")
        self.assert_refused(store, sweep_id, "on elsewhere, by process 11; stop it there first")

    def test_a_trial_whose_process_is_gone_stops_nobody(self, store, process):
        sweep_id = with_files(store, "first")
        store.extend(sweep_id, [0], 5)
        store.claim(sweep_id, 0, f"{process.partition('@')[0]}@12.00")
        rename(store, sweep_id, "first", "new")
        store.remove([sweep_id])
        assert store.names() == []

    def test_nor_does_the_process_that_asks(self, store):
        sweep_id = with_files(store, "first")
        store.extend(sweep_id, [0], 5)
        with store.database.writing() as connection:
            connection.execute(update(trials).where(trials.c.number == 1).values(owner=owner()))
        store.remove([sweep_id])

    def test_the_list_says_so(self, store, process):
        sweep_id = with_files(store, "first")
        assert [each.status for each in store.listed()] == ["completed"]
        store.extend(sweep_id, [0], 5)
        assert [each.status for each in store.listed()] == ["unfinished"]
        store.claim(sweep_id, 0, process)
        assert [each.status for each in store.listed()] == ["running"]
        store.requeue(sweep_id, nobody)
        store.record_end(sweep_id, "the time is over")
        assert [each.status for each in store.listed()] == ["ended"]


class TestRename:
    """Rows and files have the new name."""

    def test_its_files_go_with_it(self, store):
        with_files(store, "other")
        sweep_id = with_files(store, "first")
        before = content(store.files)
        rename(store, sweep_id, "first", "new")
        assert content(store.files) == {name.replace("first", "new"): text for name, text in before.items()}
        assert sorted(store.names()) == ["new", "other"]
        assert_agreeing(store)

    def test_trials_that_name_it_name_it_still(self, store):
        sweep_id, other = add(store, name="first"), add(store, name="First")
        with store.database.writing() as connection:
            for number, origin in enumerate(["first/0@3", "First/0@3", "first.x/0@3"]):
                which = (trials.c.sweep_id == other) & (trials.c.number == number)
                connection.execute(update(trials).where(which).values(forked_from=origin, taken_from=origin[:-2]))
        rename(store, sweep_id, "first", "new")
        rows = [store.trial(other, number) for number in range(3)]
        assert [row.forked_from for row in rows] == ["new/0@3", "First/0@3", "first.x/0@3"]
        assert [row.taken_from for row in rows] == ["new/0", "First/0", "first.x/0"]

    def test_a_name_that_is_taken_meanwhile(self, store):
        sweep_id, _ = with_files(store, "first"), with_files(store, "new")
        before = content(store.files)
        with pytest.raises(SweepError, match="there is a sweep 'new' already"):
            rename(store, sweep_id, "first", "new")
        assert content(store.files) == before
        assert_agreeing(store)


class TestMarks:
    """Notes and tags."""

    def test_they_belong_to_a_sweep_or_to_a_trial(self, store):
        sweep_id, other = add(store), add(store, name="other")
        store.tag(sweep_id, None, ["b", "a", "b"])
        store.tag(sweep_id, None, ["a"])
        store.tag(sweep_id, 2, ["<b>", "日本語", "=cmd|'x'"])
        store.tag(other, 2, ["c"])
        assert store.tags(sweep_id) == {None: ("a", "b"), 2: ("<b>", "=cmd|'x'", "日本語")}
        assert store.untag(sweep_id, None, ["a", "c"]) == ["a"]
        assert store.tags(sweep_id)[None] == ("b",)
        assert store.tags(other) == {2: ("c",)}

    def test_notes_are_kept_in_their_order(self, store):
        sweep_id = add(store)
        for number, text in ((None, "one\ntwo"), (1, "<script>"), (None, "\0 \ud800")):
            store.note(sweep_id, number, text)
        found = store.notes(sweep_id)
        assert [(note.trial, note.text) for note in found] == [
            (None, "one\ntwo"),
            (1, "<script>"),
            (None, r"\x00 \ud800"),
        ]
        (listed,) = store.listed()
        assert (listed.notes, listed.tags) == (3, ())


FILE_EVENTS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir"}


def killed_at(moment, work):
    """Do some work in a process that is killed before its so-manyeth write; return whether it came so far."""
    child = os.fork()
    if child == 0:
        left = [moment]

        def step(name="", *_):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            writes = ("UPDATE", "DELETE", "BEGIN")
            event.listen(Engine, "before_cursor_execute", lambda c, cursor, sql, *_: sql.startswith(writes) and step())
            event.listen(Engine, "commit", lambda *_: step())
            sys.addaudithook(lambda name, _: name in FILE_EVENTS and step())
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


class TestKilled:
    """Whenever it is killed, the next one who opens the database finds all of it or nothing."""

    @pytest.fixture
    def filled(self, tmp_path):
        def fill():
            folder = tmp_path / "work"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(tmp_path / "filled", folder)
            return str(folder / "sweeps.db")

        store = Store(str(tmp_path / "filled" / "sweeps.db"), create=True)
        self.ids = with_files(store, "first"), with_files(store, "second")
        store.close()
        return fill

    def every_moment(self, filled, work):
        """Yield the store as it is found after the work was killed before each step."""
        for moment in range(1_000):
            path = filled()
            if not killed_at(moment, lambda path=path: work(Store(path))):
                break
            store = Store(path)
            yield store
            store.close()
        assert moment > 10

    def test_in_the_middle_of_a_rename(self, filled):
        first, _ = self.ids
        found = []
        for store in self.every_moment(filled, lambda store: rename(store, first, "first", "new")):
            assert_agreeing(store)
            (name,) = set(store.names()) - {"second"}
            found.append(name)
            assert (store.files / name / "chart.png").read_text() == "first"
            assert {path.name for path in store.files.iterdir()} == {name, "second"}
        assert found == sorted(found)
        assert set(found) == {"first", "new"}

    def test_in_the_middle_of_a_removal(self, filled):
        first, _ = self.ids
        found = []
        for store in self.every_moment(filled, lambda store: store.remove([first])):
            assert_agreeing(store)
            found.append(sorted(store.names()))
            assert {path.name for path in store.files.iterdir()} == set(store.names())
            if "first" in store.names():
                assert len(content(store.files / "first")) == 3
        assert [names for n, names in enumerate(found) if names not in found[:n]] == [["first", "second"], ["second"]]
