"""Sweeps, trials and epochs as the tests of the store make them."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update

from sweep.records import BatchLosses, Seeds, SweepRecord, Trial
from sweep.store import Ending
from sweep.store.columns import milliseconds
from sweep.store.digests import drawn_digests, trial_digests
from sweep.store.schema import trials
from tests.epochs import measured

RECORD = SweepRecord(
    name="first",
    description="a test",
    seed=7,
    epochs=5,
    experiment="name = 'first'",
    overrides=["training.epochs=5"],
    fingerprint="f" * 64,
    datasets=[{"dataset": {"kind": "csv", "file": "x.csv"}, "sha256": "0" * 64}],
    data_folder=None,
    experiment_folder=None,
    environment={"numpy": "2"},
)


def trial(number, **parameters):
    configuration = {"training": {"batch_size": 10}, "network": {"activation": {"kind": "relu"}}}
    return Trial(number, parameters, configuration, Seeds(number, 2**63 - 1, 0))


def epoch(number, accuracy=0.5, loss=1.0):
    return measured(number, loss + 0.1, accuracy / 3, loss, accuracy, 0.25)


def nobody(owner, silent_seconds):
    """No owner is alive."""
    return True


def everybody(owner, silent_seconds):
    """Every owner is alive."""
    return False


def add(store, count=3, **changes):
    return store.add_sweep(replace(RECORD, **changes), [trial(i, lr=0.1 * i) for i in range(count)])


def finished(store, sweep_id, number, epochs, status="completed", **values):
    claim = store.claim(sweep_id, number, "me:1")
    best = max(epochs, key=lambda e: e.metrics["test_accuracy"], default=None)
    losses = values.pop("losses", ())
    store.finish(claim, Ending(status, 1.5, **values), epochs, best, losses)


ROOT = Path(__file__).parents[2]


AWKWARD_NUMBERS = [-0.0, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, 0.1, float(2**53), 1 / 3]


AWKWARD_TEXTS = ["it's", '"quoted"', "back\\slash %s :x {y}", "línea\nβ 🙂", "", " ", "NULL"]


def fill(store):
    """Add a sweep of awkward values, whose first trial is completed."""
    rare = [{"whole": 2**53, "flag": True, "mixed": "relu"}, {"whole": -(2**53), "flag": False, "mixed": 0.1}]
    values = zip(AWKWARD_NUMBERS, AWKWARD_TEXTS, rare + [{}] * len(AWKWARD_NUMBERS), strict=False)
    drawn = [{"number": number, "text": text, **others} for number, text, others in values]
    sweep_id = store.add_sweep(RECORD, [Trial(i, each, {}, Seeds(i, 0, 0)) for i, each in enumerate(drawn)])
    epochs = [measured(i, 1.0, 0.5, value, 0.0, 0.25) for i, value in enumerate(AWKWARD_NUMBERS)]
    finished(store, sweep_id, 0, epochs, losses=[BatchLosses(1, (-0.0, 5e-324))])
    return sweep_id


def at_once(code, url, count):
    """Run code in several processes that begin at the same moment; return what each has printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, url, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(count)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * count
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    return said


def seals(store):
    """Return the digests of all trials as they are now."""
    with store.database.reading() as connection:
        return [*trial_digests(connection, trials.c.id > 0), *drawn_digests(connection, trials.c.id > 0)]


def row_of(store, sweep_id, number):
    """Return all columns of a trial by name, as the table has them."""
    this = (trials.c.sweep_id == sweep_id) & (trials.c.number == number)
    with store.database.reading() as connection:
        return dict(connection.execute(select(trials).where(this)).mappings().one())


def assert_times_are_in_utc(store):
    """Every time that is stored is in UTC, whatever zone the server is in."""
    before = milliseconds(datetime.now(UTC).replace(tzinfo=None))
    sweep_id = add(store)
    finished(store, sweep_id, 0, [epoch(0)])
    store.heartbeat(store.claim(sweep_id, 1, "me:1"))
    after = datetime.now(UTC).replace(tzinfo=None)
    times = [row_of(store, sweep_id, 0)[name] for name in ("started", "heartbeat", "finished")]
    times += [row_of(store, sweep_id, 1)["heartbeat"], store.sweep().created]
    assert all(before <= moment <= after for moment in times)
    (listed,) = store.sweeps()["created"]
    assert before.replace(microsecond=0) <= listed <= after
    (lease,) = store.leases(sweep_id).values()
    assert 0 <= lease.silent_seconds <= lease.seconds < 60
    with store.database.writing() as connection:  # what was read may be written back
        connection.execute(update(trials).where(trials.c.number == 0).values(started=times[0]))
    assert row_of(store, sweep_id, 0)["started"] == times[0]
