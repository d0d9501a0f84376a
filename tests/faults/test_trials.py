"""Trials that crash, freeze or exhaust the process that trains them: only they fail, and the message says why."""

import os
import re
import signal
import sqlite3
import time
from contextlib import closing

import sweep
from tests.fault_tools import assert_whole, running, wait_until, widths_experiment, worker_of

REASONS = {
    111: "its worker process has died 3 times, the last time of this: it was killed by SIGSEGV",
    112: "out of memory (MemoryError)",
    113: "stopped, because it took longer than 5 s",
    114: "stopped, because it took longer than 5 s",
    115: "SystemExit: enough",
    116: "its worker process has died 3 times, the last time of this: it ended itself with exit code 3",
    117: "Private: of my own",
    118: "its worker process has died 3 times, the last time of this: it was killed by SIGKILL",
}
HEALTHY = range(120, 130)
ADDRESS_SPACE_KIB = 8 * 1024 * 1024


def test_each_faulty_trial_fails_alone_and_says_why(tmp_path, faulty_workers, command):
    widths = [w for pair in zip(REASONS, HEALTHY, strict=False) for w in pair] + list(HEALTHY)[len(REASONS) :]
    limited = ("bash", "-c", f'ulimit -v {ADDRESS_SPACE_KIB}; exec "$@"', "limited")
    process = command(
        *("run", widths_experiment(tmp_path, widths), "--workers", "2", "--timeout", "5"),
        before=limited,
        PYTHONPATH=faulty_workers,
    )
    code, _, errors = process.end()

    assert code == 0, errors
    results = sweep.load("widths")
    trials = results.trials().set_index("hidden[0]")
    failed = trials[trials["status"] == "failed"]
    assert failed["error"].to_dict() == REASONS
    assert trials.loc[list(HEALTHY), "status"].eq("completed").all()
    assert trials.loc[list(HEALTHY), "attempt"].eq(1).all()
    assert trials["attempt"].to_dict() == {w: 3 if w in (111, 116, 118) else 1 for w in widths}
    assert trials.loc[[113, 115, 117], "epochs"].eq(1).all()  # what was done before is kept
    assert f"{len(REASONS)} failed" in errors
    assert not process.left()


def test_a_sweep_with_too_many_failures_stops_and_can_be_retried(tmp_path, faulty_workers, command):
    file = widths_experiment(tmp_path, [117] * 30)
    code, out, errors = command("run", file, "--workers", "2", "--max-failures", "3", PYTHONPATH=faulty_workers).end()

    assert (code, out) == (1, "")
    failures = int(re.search(r"Error: stopped after (\d+) trials that failed", errors)[1])
    assert "sweep resume widths" in errors
    assert "Traceback" not in errors
    statuses = sweep.load().trials()["status"]
    assert 4 <= failures <= (statuses == "failed").sum() < 15  # some more may have failed before they were stopped
    assert statuses.isin(["queued", "interrupted"]).sum() == 30 - (statuses == "failed").sum()

    assert command("resume", "--retry-failed", "-q").end()[0] == 0  # without the faults
    assert_whole(sweep.load())


def test_workers_that_cannot_start_are_one_sentence(tmp_path, faulty_workers, command):
    code, _, errors = command(
        "run",
        widths_experiment(tmp_path, [20, 21]),
        "--workers",
        "1",
        PYTHONPATH=faulty_workers,
        SWEEP_TEST_EXIT_AT_START="1",
    ).end()
    assert code == 1
    assert "Error: worker processes end as soon as they are started (it ended itself with exit code 7)" in errors
    assert "--workers" in errors
    assert "Traceback" not in errors
    assert sweep.load().trials()["status"].eq("queued").all()


def dump():
    """Return every row of the database."""
    with sqlite3.connect(os.environ["SWEEP_DB"]) as database:
        lines = list(database.iterdump())
    database.close()
    return lines


def freeze(process):
    """Stop a process, but not while it writes: the database would be locked until it wakes up."""
    os.kill(process, signal.SIGSTOP)
    try:
        with closing(sqlite3.connect(os.environ["SWEEP_DB"], timeout=0.2, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.OperationalError:
        os.kill(process, signal.SIGCONT)
        return False
    return True


def test_a_frozen_worker_that_wakes_up_writes_nothing(tmp_path, command, monkeypatch):
    monkeypatch.setenv("SWEEP_SILENCE", "2")
    # Enough epochs for any processor: a worker writes about once a second, and must have written before it is done.
    first = command("run", widths_experiment(tmp_path, [20, 21], epochs=2500), "--workers", "1", "-q")
    (row,) = wait_until(lambda: [row for row in running("widths") if row.last_epoch])
    wait_until(lambda: freeze(worker_of(row)))
    frozen = time.monotonic()
    before = wait_until(lambda: time.monotonic() - frozen > 2.5 and running("widths"))
    assert [each.attempt for each in before] == [1]

    assert command("resume", "--workers", "1", "-q").end()[0] == 0  # overtakes it
    results = sweep.load()
    assert_whole(results)
    overtaken = dump()
    os.kill(worker_of(row), signal.SIGCONT)
    code, _, errors = first.end()

    assert code == 0, errors
    assert dump() == overtaken, "rows were written by a stale attempt"
    assert results.trial(row.number).attempt == 2
    assert not first.left()


def test_the_faults_are_real(tmp_path, here):
    """Without them the same widths train, so the other tests have seen the planted faults."""
    assert_whole(sweep.run(widths_experiment(tmp_path, list(REASONS))))
