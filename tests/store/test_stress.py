"""Many processes on one database, for real: nobody meets an error, and no row that was acknowledged is ever lost.

SWEEP_STRESS_SECONDS says how long; what was reached is printed.
"""

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import select

from sweep.metrics import Objective
from sweep.records import Seeds, SweepRecord, Trial
from sweep.store import Ending, Store
from sweep.store.digests import trial_digests
from sweep.store.repair.integrity import findings
from sweep.store.schema import trials
from sweep.system.processes import is_lost, owner
from tests.epochs import measured
from tests.fault_tools import wait_until

SECONDS = float(os.environ.get("SWEEP_STRESS_SECONDS") or 1)
WRITERS, READERS = 8, 2
TRIALS, EPOCHS = 50, 20
MOST_AT_ONCE = 5
LONGEST_PAUSE_SECONDS = 0.05

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["sweep.store", "pandas", "psycopg", "pytest"])


def epoch_of(sweep_id, number, epoch):
    """Return an epoch whose figures tell which one it is."""
    rng = random.Random(f"{sweep_id}/{number}/{epoch}")
    return measured(epoch, *(rng.random() for _ in range(5)))


def add_sweep(store):
    """Add a sweep under a name that no other process gives."""
    configuration = {"training": {"epochs": EPOCHS - 1}}
    drawn = [Trial(number, {"lr": number / TRIALS}, configuration, Seeds(number, 1, 2)) for number in range(TRIALS)]
    record = SweepRecord(
        name=uuid4().hex,
        **{"description": "", "seed": 0, "epochs": EPOCHS - 1, "experiment": "", "overrides": [], "fingerprint": ""},
        **{"datasets": [], "data_folder": None, "experiment_folder": None, "environment": {}},
    )
    store.add_sweep(record, drawn)


def claims(store, rng):
    """Take one trial after the other of the newest sweep, against all other processes; begin one where none is left."""
    while True:
        sweep_id = store.sweep().id
        queued = store.queued(sweep_id)
        rng.shuffle(queued)
        for number in queued:
            if claim := store.claim(sweep_id, number, owner()):
                yield sweep_id, claim
        if not queued:
            add_sweep(store)


def train(store, sweep_id, claim, rng, acknowledge):
    """Write all epochs of a trial, a few at a time, as workers do; acknowledge each when it is stored."""
    all_epochs = [epoch_of(sweep_id, claim.number, n) for n in range(EPOCHS)]
    written = 0
    while written < EPOCHS:
        upto = written + rng.randint(1, MOST_AT_ONCE)
        new, best = all_epochs[written:upto], max(all_epochs[:upto], key=lambda epoch: epoch.metrics["test_accuracy"])
        if upto < EPOCHS:
            store.record(claim, new, best)
        else:
            store.finish(claim, Ending("completed", 1.5), new, best)
        acknowledge(sweep_id, claim.number, [epoch.number for epoch in new])
        written = upto


def write(url, file, ready, seconds):
    """Write trials for so long; note what is stored, line by line, in a file."""
    store, rng = Store(url), random.Random()
    with file.open("ab", buffering=0) as stream:

        def acknowledge(sweep_id, number, epochs):
            stream.write("".join(f"{sweep_id} {number} {epoch}\n" for epoch in epochs).encode())

        ready()
        end = time.monotonic() + seconds
        for sweep_id, claim in claims(store, rng):
            train(store, sweep_id, claim, rng, acknowledge)
            if time.monotonic() > end:
                break
    store.close()


def read(url, file, ready, seconds):
    """Read all there is for so long; each answer must be possible at some moment."""
    store = Store(url)
    ready()
    end, reads = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        listed = store.sweeps()
        assert (listed["trials"] == TRIALS).all()
        sweep_id = store.sweep().id
        progress = store.progress(sweep_id)
        assert sum(progress.counts.values()) == TRIALS
        assert len(progress.running) == progress.counts.get("running", 0)
        assert len(store.trials(sweep_id)) == len(store.trials(sweep_id, Objective().by("test_loss"))) == TRIALS
        for _, epochs in store.epochs(sweep_id).groupby("trial")["epoch"]:
            assert epochs.tolist() == list(range(len(epochs)))
        reads += 1
    file.write_text(str(reads))
    store.close()


def nothing():
    """Do nothing."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database of each kind with one sweep."""
    is_file = request.param == "sqlite"
    made = str(tmp_path / "sweeps.db") if is_file else request.getfixturevalue("postgres").create_database()
    store = Store(made, create=True)
    add_sweep(store)
    store.close()
    return made


def acknowledged(folder):
    """Return how often each (sweep, trial, epoch) was acknowledged."""
    lines = [line for file in folder.glob("writer-*") for line in file.read_text().splitlines()]
    return Counter(tuple(map(int, line.split())) for line in lines)


def stored(store):
    """Return how often each (sweep, trial, epoch) is stored, having compared its figures."""
    found = Counter()
    for name in store.names():
        sweep_id = store.sweep(name).id
        frame = store.epochs(sweep_id)
        columns = ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"]
        for number, row in zip(frame["trial"], frame[columns].itertuples(index=False), strict=True):
            assert measured(*row) == epoch_of(sweep_id, number, row.epoch)
            found[sweep_id, number, row.epoch] += 1
    return found


def assert_sound(store):
    """Every trial that is not running has the right digest, and nothing else is wrong with the database."""
    with store.database.reading() as connection:
        ended = trials.c.status != "running"
        kept = dict(connection.execute(select(trials.c.id, trials.c.digest).where(ended)).all())
        assert kept == dict(trial_digests(connection, ended))
    assert [each for each in findings(store.database, is_lost, lambda done, total: None) if each.is_damage] == []
    if store.database.is_sqlite:
        with closing(sqlite3.connect(store.database.path)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def stress(url, folder, seconds):
    """Let writers and readers loose for so long; return what was acknowledged."""
    barrier = processes.Barrier(WRITERS + READERS, timeout=60)
    targets = {f"writer-{n}": write for n in range(WRITERS)} | {f"reader-{n}": read for n in range(READERS)}
    started = [
        processes.Process(target=target, args=(url, folder / file, barrier.wait, seconds))
        for file, target in targets.items()
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * (WRITERS + READERS)
    reads = sum(int(file.read_text()) for file in folder.glob("reader-*"))
    assert reads > 0
    written = acknowledged(folder)
    print(
        f"\n{written.total() / seconds:.0f} rows/s by {WRITERS} writers, {reads / seconds:.1f} reads/s, {seconds:g} s"
    )
    return written


def assert_nothing_is_lost(url, folder, seconds):
    written = stress(url, folder, seconds)
    store = Store(url)
    assert stored(store) == written
    assert set(written.values()) == {1}
    assert_sound(store)
    store.close()


def test_writers_and_readers_meet_no_error_and_lose_nothing(url, tmp_path):
    assert_nothing_is_lost(url, tmp_path, SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_writers_and_readers_for_a_minute(url, tmp_path):
    assert_nothing_is_lost(url, tmp_path, 60)


def test_what_killed_writers_have_acknowledged_is_stored(url, tmp_path):
    kills = killed_at_random(url, tmp_path)
    store = Store(url)
    written, found = acknowledged(tmp_path), stored(store)
    assert set(written.values()) == set(found.values()) == {1}
    assert written.keys() <= found.keys(), "acknowledged, but lost"
    assert_sound(store)
    print(f"\n{kills} writers killed; {written.total()} rows acknowledged, {len(found - written)} more stored")

    assert requeue(store) > 0
    write_the_rest(store)
    while requeue(store):  # a server may have come to the last claim of a dead writer only now
        write_the_rest(store)
    assert set(store.sweeps()["completed"]) == {TRIALS}
    assert_sound(store)
    store.close()


def killed_at_random(url, folder):
    """Kill writers at random moments for a while, and start others in their place; return how many were killed."""
    rng, kills, living, end = random.Random(3), 0, [], None
    try:
        while end is None or time.monotonic() < end:
            while len(living) < WRITERS:
                file = folder / f"writer-{kills + len(living)}"
                living.append(processes.Process(target=write, args=(url, file, nothing, 600)))
                living[-1].start()
            if end is None:  # on a busy machine it may take long until a writer writes
                wait_until(lambda: acknowledged(folder))
                end = time.monotonic() + SECONDS
            time.sleep(rng.uniform(0, LONGEST_PAUSE_SECONDS))
            kill(living.pop(rng.randrange(WRITERS)))
            kills += 1
    finally:
        for process in living:
            kill(process)
    return kills + len(living)


def kill(process):
    """Kill a process that has met no error so far."""
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def requeue(store):
    """Queue what dead writers have left; return how many trials that were."""
    return sum(store.requeue(store.sweep(name).id, is_lost) for name in store.names())


def write_the_rest(store):
    """Train every trial that is queued."""
    for name in store.names():
        sweep_id = store.sweep(name).id
        for number in store.queued(sweep_id):
            claim = store.claim(sweep_id, number, owner())
            train(store, sweep_id, claim, random.Random(), lambda *row: None)
