"""Commands that a signal ends at any moment: within three seconds, with one line, and nothing left running."""

import os
import pty
import signal
import sqlite3
import time

import pytest

import sweep
from sweep.errors import SweepError
from tests.engine_here import training_here
from tests.fault_tools import options, running, wait_until

ENOUGH = options(["trials=200", "epochs=2000"])
RUN = ["run", "digits-quickstart", "--workers", "2", *ENOUGH]
LONGEST_SECONDS = 3
CONTINUE = ["continue", "0", "--epochs", "9000"]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def has_workers(command):
    """Whether one of its workers has been started."""
    return any("loky" in " ".join(each.cmdline()) for each in command.left() if each.pid != command.process.pid)


MOMENTS = {
    "while it imports": lambda command: time.sleep(0.15),
    "while it plans": lambda command: time.sleep(0.6),
    "as a worker starts": lambda command: wait_until(lambda: has_workers(command)),
    "in the first second": lambda command: wait_until(running),
    "in the middle": lambda command: wait_until(lambda: running() and len(sweep.load().epochs())),
}


SIGNALS = [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, True), (signal.SIGHUP, False)]
"""Each with whether it goes to the workers, too."""
SEEN = [*zip(MOMENTS, [SIGNALS[0]] * 5, strict=True), *zip([*MOMENTS][1:], SIGNALS[1:] + SIGNALS[1:2], strict=True)]
"""Each moment with Ctrl-C, and each other signal at one of them or two."""


def seen_or_slow(moment, number, is_to_all):
    """One case; those that are like others, but for the moment, are left to the slow tests."""
    is_slow = (moment, (number, is_to_all)) not in SEEN
    return pytest.param(moment, number, is_to_all, marks=[pytest.mark.slow] * is_slow)


@pytest.mark.parametrize(
    ("moment", "number", "is_to_all"), [seen_or_slow(moment, *each) for moment in MOMENTS for each in SIGNALS]
)
def test_one_line_at_any_moment(command, moment, number, is_to_all):
    process = command(*RUN)
    MOMENTS[moment](process)
    (os.killpg if is_to_all else os.kill)(process.process.pid, number)
    assert process.process.wait(LONGEST_SECONDS) == CODES[number]
    _, out, errors = process.end()
    assert out == ""
    (line,) = [line for line in errors.splitlines() if not line.startswith("preparing")]
    assert line.startswith("stopped")
    wait_until(lambda: not process.left())
    assert "sweep resume" in line or not is_stored()


def is_stored():
    try:
        return bool(sweep.load())
    except SweepError:
        return False


def test_the_hint_names_the_database(command, tmp_path, monkeypatch):
    database = str(tmp_path / "my sweeps.db")
    process = command(*RUN, "-q", "--db", database)
    monkeypatch.setenv("SWEEP_DB", database)
    wait_until(running)
    process.process.send_signal(signal.SIGINT)
    kept = "stopped; what has ended is kept, and the rest goes on from its checkpoints or begins again. Go on with: "
    expected = f"{kept}sweep resume digits-quickstart --db '{database}'\n"
    assert process.end() == (130, "", expected)


def test_a_closed_terminal_ends_it_with_its_state_saved(command):
    ours, theirs = pty.openpty()
    process = command(*RUN, before=["setsid", "--ctty", "--wait"], stdin=theirs)
    os.close(theirs)
    wait_until(running)
    os.close(ours)  # as the window does
    wait_until(lambda: not process.left())
    assert "running" not in set(sweep.load().trials()["status"])


def test_a_database_that_does_not_answer_is_not_waited_for(command):
    process = command(*RUN, "-q")
    wait_until(running)
    with sqlite3.connect(os.environ["SWEEP_DB"], isolation_level=None, timeout=60) as lock:
        lock.execute("BEGIN IMMEDIATE")
        process.process.send_signal(signal.SIGINT)
        assert process.process.wait(LONGEST_SECONDS) == 130
        lock.execute("ROLLBACK")
    lock.close()
    errors = process.end()[2]
    assert errors.count("\n") == 1
    assert "sweep resume" in errors


def test_the_chart_at_the_end_does_not_delay_it(command):
    process = command("run", "digits-quickstart", "--workers", "2", *options(["trials=2", "epochs=1"]))
    wait_until(lambda: is_stored() and set(sweep.load().trials()["status"]) == {"completed"})
    process.process.send_signal(signal.SIGINT)
    code, _, errors = process.end()
    assert code == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "moment"),
    [
        (["resume"], "while it plans"),
        (["resume"], "as a worker starts"),
        (["resume"], "in the first second"),
        (CONTINUE, "as a worker starts"),
        pytest.param(CONTINUE, "while it plans", marks=pytest.mark.slow),
        pytest.param(CONTINUE, "in the first second", marks=pytest.mark.slow),
    ],
)
def test_trials_that_go_on_end_as_well(command, arguments, moment):
    with training_here():
        sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1", "keep_weights=last"])
    if arguments == ["resume"]:
        results = sweep.load()
        results.store.extend(results.record.id, [0, 1], 9000)
    process = command(*arguments, "--workers", "1", "-q")
    MOMENTS[moment](process)
    os.killpg(process.process.pid, signal.SIGINT)
    code, _, errors = process.end()
    assert (code, errors.count("\n")) == (130, 1), errors
