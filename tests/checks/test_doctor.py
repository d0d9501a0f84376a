"""The doctor: no flipped bit passes unseen, and what is repaired is what an undisturbed sweep gives."""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import sweep
from sweep.checks import doctor
from sweep.errors import SweepError
from sweep.store.repair.mend import restart
from sweep.store.repair.wal import lost_transactions
from tests.engine_here import training_here
from tests.fault_tools import assert_same, assert_whole, figures
from tests.store.store_setup import row_of

OVERRIDES = ["trials=12", "training.epochs=6", "training.record_batches=true", "training.batch_size=300"]
TABLES = ("sweeps", "trials", "parameters", "epochs", "batches")


def meaning(value):
    """Return a stored value as it is read: JSON has numbers, of which the last digit may be too fine to matter, and
    any letter may stand between a date and its time, as a comma may before parts of a second."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d([.,]\d+)?", value):
        return f"{value[:10]} {value[11:].replace(',', '.')}"
    try:
        return json.loads(value) if value.startswith("{") else value
    except ValueError:
        return value


def content(path):
    """Return every row of the database, or None where not all of it can be read."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            rows = {
                t: sorted(repr([*map(meaning, row)]) for row in database.execute(f"SELECT * FROM {t}")) for t in TABLES
            }
        except (sqlite3.Error, UnicodeDecodeError):
            rows = None
    database.close()
    return rows


def copy_to(source, target):
    for ending in ("", "-wal"):
        if Path(f"{source}{ending}").exists():
            shutil.copy(f"{source}{ending}", f"{target}{ending}")


def damages(path):
    """Return what the doctor says is wrong."""
    try:
        return [finding.words for finding in doctor.examine(str(path)).damages]
    except SweepError as error:
        return [str(error)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A sweep with all kinds of trials, in a file without a log, and its figures."""
    path = tmp_path_factory.mktemp("finished") / "sweeps.db"
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        results = sweep.run("digits-quickstart", overrides=OVERRIDES, db=str(path))
        whole = figures(db=str(path))
        assert {"completed", "diverged"} <= set(results.trials()["status"])
        store, sweep_id = results.store, results.record.id
        with store.database.writing() as connection:  # some that wait, and one that was stopped
            for number in (1, 4):
                restart(connection, row_of(store, sweep_id, number)["id"])
        store.close()
    assert not Path(f"{path}-wal").exists()
    return path, whole


@pytest.fixture
def damaged(finished, tmp_path, monkeypatch):
    """A copy of the finished sweep, to be damaged."""
    shutil.copytree(finished[0].parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("SWEEP_DB", str(tmp_path / "sweeps.db"))
    return tmp_path / "sweeps.db"


def test_a_sound_database_is_sound(damaged):
    report = doctor.examine(str(damaged))
    assert (report.damages, report.notes) == ([], [])
    assert (report.counts.sweeps, report.counts.trials) == (1, 12)


@pytest.mark.parametrize("flips", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_flipped_bit_passes_unseen(finished, tmp_path, flips):
    original, truth = finished[0].read_bytes(), content(finished[0])
    rng, classes = random.Random(7), Counter()
    for number in range(flips):
        path = tmp_path / f"{number}.db"
        place = rng.randrange(len(original) * 8)
        changed = bytearray(original)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        is_changed, found = content(path) != truth, bool(damages(path))
        classes[f"{'changed' if is_changed else 'harmless'}, {'found' if found else 'silent'}"] += 1
        for left in tmp_path.iterdir():
            left.unlink()
    print(f"\n{flips} flipped bits: {dict(classes)}")
    assert classes["changed, silent"] == 0
    assert classes["changed, found"] > flips / 6
    assert classes["harmless, silent"] > 0  # it does not cry wolf at everything


KILLED = """
import os, signal, sys
from sweep.records import Epoch
from sweep.store import Store, Ending
store = Store(sys.argv[1])
sweep_id = store.sweep().id
for number in store.queued(sweep_id)[:1] * 1:
    claim = store.claim(sweep_id, number, "me:1")
    for i in range(60):
        metrics = {"train_loss": 1.0, "train_accuracy": 0.5, "test_loss": 1.0 + i, "test_accuracy": 0.5}
        store.record(claim, [Epoch(i, 0.1, metrics)], None)
    store.finish(claim, Ending("diverged", 1.0), [], None)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("flips", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_no_flipped_byte_of_the_log_passes_unseen(damaged, tmp_path, flips):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(damaged)], check=False)
    assert killed.returncode == -signal.SIGKILL
    log = Path(f"{damaged}-wal")
    original = log.read_bytes()
    assert lost_transactions(log) == 0
    keep = tmp_path / "keep"
    keep.mkdir()
    copy_to(damaged, keep / "a.db")
    copy_to(keep / "a.db", keep / "truth.db")
    truth = content(keep / "truth.db")
    assert truth is not None
    rng, classes = random.Random(8), Counter()
    for _ in range(flips):
        path = tmp_path / "flipped.db"
        copy_to(keep / "a.db", path)
        changed, place = bytearray(original), rng.randrange(len(original) - 8)
        changed[place : place + 8] = bytes(byte ^ rng.randrange(1, 256) for byte in changed[place : place + 8])
        Path(f"{path}-wal").write_bytes(changed)
        found = bool(damages(path))
        assert Path(f"{path}-wal").read_bytes() == changed, "looking has changed something"
        is_changed = content(path) != truth
        classes[f"{'changed' if is_changed else 'harmless'}, {'found' if found else 'silent'}"] += 1
        for ending in ("", "-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
    print(f"\n{flips} times 8 flipped bytes of the log: {dict(classes)}")
    assert classes["changed, silent"] == 0
    assert classes["changed, found"] > flips / 2


def sql(path, *statements):
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


OTHER = "(SELECT id FROM trials WHERE number = 5)"
ACCIDENTS = {
    "an epoch changed": (
        f"UPDATE epochs SET test_loss = test_loss + 1e-12 WHERE trial_id = {OTHER}",
        "is not what was written",
    ),
    "an epoch gone": (f"DELETE FROM epochs WHERE trial_id = {OTHER} AND epoch = 3", "is not what was written"),
    "a result changed": ("UPDATE trials SET best_value = 0.999 WHERE number = 5", "is not what was written"),
    "another learning rate": (
        f"UPDATE parameters SET number = 0.5 WHERE trial_id = {OTHER}",
        "drawn for it has changed",
    ),
    "another seed": ("UPDATE trials SET seed_weights = 7 WHERE number = 5", "drawn for it has changed"),
    "no JSON": ("UPDATE trials SET configuration = '{' WHERE number = 5", "digits-quickstart/5 cannot be read"),
    "no time": ("UPDATE trials SET started = 'noon' WHERE number = 5", "digits-quickstart/5 cannot be read"),
    "a text for a number": (f"UPDATE epochs SET seconds = 'x' WHERE trial_id = {OTHER}", "is not what was written"),
    "bytes for a text": ("UPDATE trials SET error = X'00' WHERE number = 5", "digits-quickstart/5 cannot be read"),
    "a trial gone": (f"DELETE FROM trials WHERE id = {OTHER}", "digits-quickstart/5 is missing"),
    "a trial of no sweep": ("UPDATE trials SET sweep_id = 99 WHERE number = 5", "belongs to no row of sweeps"),
    "a trial of another number": ("UPDATE trials SET number = 77 WHERE number = 5", "digits-quickstart/5 is missing"),
    "a waiting trial changed": ("UPDATE trials SET crashes = 2 WHERE number = 4", "is not what was written"),
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("accident", ACCIDENTS)
def test_what_is_found_is_repaired_and_trained_again_to_the_same_bits(finished, damaged, accident):
    statement, words = ACCIDENTS[accident]
    sql(damaged, statement)
    report = doctor.examine(str(damaged))
    assert any(words in finding.words for finding in report.damages), report.damages

    after, copy = doctor.repair(str(damaged), report)

    assert after.damages == []
    assert content(copy) is not None
    assert_same_after_resuming(finished)


def assert_same_after_resuming(finished):
    results = sweep.resume()
    assert_whole(results)
    assert_same(figures(), finished[1])
    assert doctor.examine(os.environ["SWEEP_DB"]).damages == []


@pytest.mark.usefixtures("here")
def test_a_file_with_an_unreadable_page_is_rebuilt(finished, damaged):
    page = 4096
    content_before = bytearray(damaged.read_bytes())
    with sqlite3.connect(damaged) as database:
        root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'batches'").fetchone()[0]
    database.close()
    last = (root - 1) * page + 8  # where the root, which has no row of its own, names the last of its pages
    for number in (root, int.from_bytes(content_before[last : last + 4])):
        content_before[(number - 1) * page : number * page] = random.Random(1).randbytes(page)
    damaged.write_bytes(content_before)
    report = doctor.examine(str(damaged))
    assert report.damages
    after, copy = doctor.repair(str(damaged), report)
    assert after.damages == []
    assert copy.read_bytes() == content_before
    assert_same_after_resuming(finished)


@pytest.mark.usefixtures("here")
def test_a_lost_index_is_made_again(damaged, finished):
    with sqlite3.connect(damaged) as database:
        database.execute("PRAGMA writable_schema = ON")
        root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ranking'").fetchone()[0]
    database.close()
    changed = bytearray(damaged.read_bytes())
    changed[root * 4096 - 400 : root * 4096] = b"\xff" * 400
    damaged.write_bytes(changed)
    report = doctor.examine(str(damaged))
    assert {finding.cure for finding in report.damages} == {"rebuild"}, report.damages
    after, _ = doctor.repair(str(damaged), report)
    assert after.damages == []
    assert_same_after_resuming(finished)


def test_a_changed_sweep_row_is_never_sealed_again(damaged):
    sql(damaged, "UPDATE sweeps SET environment = '{}'")
    report = doctor.examine(str(damaged))
    assert ["what is stored of the sweep itself has changed" in finding.words for finding in report.damages] == [True]
    assert len(doctor.repair(str(damaged), report)[0].damages) == 1


@pytest.mark.parametrize("change", ["trials = 4", "id = 9", "trials = 44"])
def test_a_changed_sweep_row_costs_no_trial(damaged, change):
    rows = content(damaged)["trials"]
    with sqlite3.connect(damaged) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(f"UPDATE sweeps SET {change}")
    database.close()
    report = doctor.examine(str(damaged))
    assert report.damages
    doctor.repair(str(damaged), report)
    assert content(damaged)["trials"] == rows


def test_a_trial_without_an_owner_is_a_note_and_goes_back(damaged, finished):
    store = sweep.load().store
    store.claim(store.sweep().id, 1, "nowhere")
    report = doctor.examine(str(damaged))
    assert report.damages == []
    (note,) = report.notes
    assert note.words == "digits-quickstart/1 is running without an owner"
    assert doctor.repair(str(damaged), report)[0].notes == []
    assert store.status(store.sweep().id, 1) == "queued"


def test_tables_of_another_program_are_a_note(damaged):
    sql(damaged, "CREATE TABLE studies (study_id INTEGER)")
    sql(damaged, "CREATE TABLE version_info (version_info_id INTEGER)")
    report = doctor.examine(str(damaged))
    assert report.damages == []
    (note,) = report.notes
    assert note.words.startswith("2 tables of another program: studies, version_info; sweep does not touch them")


def test_lost_weights_are_a_note(damaged):
    results = sweep.load()
    (results.store.folder / results.trial(5).weights.file).unlink()
    (note,) = doctor.examine(str(damaged)).notes
    assert "are gone" in note.words


@pytest.mark.usefixtures("here")
def test_on_a_server_it_finds_and_mends_the_same(postgres, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEP_RESULTS", str(tmp_path))
    url = postgres.create_database()
    monkeypatch.setenv("SWEEP_DB", url)
    results = sweep.run("digits-quickstart", overrides=["trials=3", "epochs=2"])
    whole = figures()
    report = doctor.examine(url)
    assert (report.findings, report.counts.trials) == ([], 3)
    with results.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE epochs SET test_loss = test_loss + 1e-12 WHERE epoch = 1")
        connection.exec_driver_sql("DELETE FROM parameters WHERE trial_id = (SELECT max(id) FROM trials)")
    report = doctor.examine(url)
    assert len(report.damages) == 3

    after, copy = doctor.repair(url, report)

    assert (after.findings, copy) == ([], None)
    sweep.resume()
    assert_same(figures(), whole)
    assert doctor.examine(url).findings == []


class TestCommand:
    def test_it_says_that_all_is_well(self, answer, damaged):
        code, out, _ = answer("doctor")
        assert (code, out.startswith(f"{damaged} is sound: 1 sweep, 12 trials, ")) == (0, True)

    def test_it_finds_and_repairs(self, answer, damaged):
        sql(damaged, ACCIDENTS["an epoch changed"][0])
        code, out, errors = answer("doctor")
        assert (code, out) == (1, "damage: digits-quickstart/5: what is stored of it is not what was written\n")
        assert "Error: 1 finding in" in errors
        assert "sweep doctor --repair" in errors
        code, out, errors = answer("doctor", "--repair")
        assert code == 0
        assert "repaired 1 of 1 finding; the file as it was: " in errors
        assert "is sound" in out

    def test_where_nothing_can_be_repaired_it_says_so_and_makes_no_copy(self, answer, damaged):
        sql(damaged, "UPDATE sweeps SET environment = '{}'")
        before = sorted(path.name for path in damaged.parent.iterdir())
        code, _, errors = answer("doctor", "--repair")
        assert code == 1
        assert "repaired" not in errors.replace("what is left cannot be repaired", "")
        assert "1 finding in" in errors
        assert sorted(path.name for path in damaged.parent.iterdir()) == before

    @pytest.mark.parametrize("size", [0, 100, 5000, 20000])
    def test_a_truncated_file_is_a_sentence_and_stays(self, answer, damaged, size):
        damaged.write_bytes(damaged.read_bytes()[:size])
        code, _, errors = answer("doctor")
        assert code == 1
        assert "Error: " in errors
        assert "Traceback" not in errors
        assert "sweep doctor" not in errors  # which would send its user in a circle
        assert damaged.stat().st_size == size

    @pytest.mark.parametrize("options", [[], ["--repair"]])
    def test_a_file_without_its_list_of_tables_is_to_be_restored(self, answer, damaged, options):
        with damaged.open("r+b") as file:
            file.seek(8192)
            file.write(bytes(20096))
        before = damaged.read_bytes()
        code, _, errors = answer("doctor", *options)
        assert code == 1
        assert "restore it from a backup; SQLite's own program prints what it can still read: sqlite3 " in errors
        assert damaged.read_bytes() == before
