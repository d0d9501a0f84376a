"""Tests of `sweep leaderboard --watch`: beside a running sweep, in a terminal, with a busy database, until Ctrl-C."""

import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

import sweep
from sweep.cli.output import watch
from sweep.errors import StoreBusy, StoreError
from sweep.store import Store
from tests.fault_tools import Command, held_up, wait_until

NAME = "digits-quickstart"
MINE = "sweep_id = (SELECT id FROM sweeps WHERE name = 'digits-quickstart')"
UNDONE = (
    f"UPDATE trials SET status = 'queued', best_value = NULL, best_epoch = NULL, tie_value = NULL, last_epoch = NULL, "
    f"seconds = NULL WHERE {MINE}"
)


@pytest.fixture
def change(copy_of_shelf):
    """Change the copy of the database while it is watched."""

    def execute(*statements):
        connection = sqlite3.connect(copy_of_shelf, timeout=30)
        with connection:
            for statement in statements:
                assert connection.execute(statement).rowcount > 0
        connection.close()

    return execute


@pytest.fixture
def done(copy_of_shelf):
    """The trials of the copy that completed, the best first."""
    return sweep.load(NAME, db=str(copy_of_shelf)).best(99)["trial"].tolist()


@pytest.fixture
def looks(monkeypatch):
    """Let looks follow each other at once; what is given is done before each of them, and after all there is an end."""
    monkeypatch.setattr(watch, "WATCH_SECONDS", 0)
    progress = Store.progress

    def script(*steps):
        left = list(steps)

        def look(store, sweep_id):
            assert left, "a look too many"
            if step := left.pop(0):
                step()
            return progress(store, sweep_id)

        monkeypatch.setattr(Store, "progress", look)
        return left

    return script


def counts_of(err):
    """The lines of standard error with the number of trials by status, or that tell of trouble: no caption."""
    lines = err.splitlines()
    assert lines[0] == "ranked by test_accuracy, each trial at its best epoch"
    assert lines[1].startswith("the best of many trials is in part the luckiest")
    return [line for line in lines[2:] if "450 test examples" not in line]


def status(number, value):
    return f"UPDATE trials SET status = '{value}' WHERE {MINE} AND number = {number}"


def tables(out):
    """The tables that were printed one after the other, as the numbers of their trials."""
    parts = re.split(r"^ +rank .*\n", out, flags=re.MULTILINE)[1:]
    return [[int(n) for n in re.findall(r"^ +\d+ +(\d+) ", part, re.MULTILINE)] for part in parts]


def fail(error):
    def step():
        raise error("the database is locked")

    return step


OPTIONS = [
    [],
    ["--worst"],
    ["--diverged"],
    ["-n", "2"],
    ["--by", "train_loss"],
    ["--where", "alpha < 0.3"],
    *[["--format", format] for format in ("csv", "json", "markdown")],
]


class TestElsewhere:
    """Where the output is no terminal."""

    @pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
    def test_a_sweep_that_has_ended_is_shown_once_as_without_it(self, cli, looks, options):
        looks(None, None)
        assert cli("leaderboard", *options, "--watch") == cli("leaderboard", *options)

    def test_a_sweep_that_does_not_run_any_more_is_not_waited_for(self, cli, copy_of_shelf, change, done, looks):
        looks(None)
        change(status(done[0], "interrupted"), status(done[1], "failed"))
        answer = cli("leaderboard", "-w", "--db", copy_of_shelf)
        assert answer.code == 0
        assert tables(answer.out) == [done[2:]]
        assert "1 interrupted" in answer.err

    def test_it_is_printed_anew_when_it_has_changed(self, cli, copy_of_shelf, change, done, looks):
        change(status(done[1], "running"), status(done[2], "queued"))
        steps = looks(
            None,
            None,
            lambda: change(status(done[2], "running")),
            lambda: change(status(done[1], "completed")),
            None,
            lambda: change(status(done[2], "completed")),
        )
        answer = cli("leaderboard", "--watch", "--db", copy_of_shelf)
        assert (answer.code, steps) == (0, [])
        assert tables(answer.out) == [[done[0], *done[3:]], [*done[:2], *done[3:]], done]
        counts = [re.findall(r"\d+ (queued|running)", line) for line in counts_of(answer.err)]
        assert counts == [["queued", "running"], ["running"], ["running"], []]

    def test_records_are_separated_by_an_empty_line(self, cli, copy_of_shelf, change, done, looks):
        change(status(done[0], "running"))
        looks(None, None, lambda: change(status(done[0], "completed")))
        answer = cli("leaderboard", "--watch", "--format", "csv", "--db", copy_of_shelf)
        assert (answer.code, answer.err) == (0, "")
        first, second = answer.out.split("\n\n")
        assert second == cli("leaderboard", "--format", "csv", "--db", copy_of_shelf).out
        assert len(second.splitlines()) == len(first.splitlines()) + 1

    @pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
    def test_nothing_is_done_yet(self, cli, copy_of_shelf, change, looks, content, options):
        change(UNDONE)
        end = lambda: change(f"UPDATE trials SET status = 'interrupted' WHERE {MINE}")  # noqa: E731
        left = looks(None, None, end, None, None)
        answer = cli("leaderboard", *options, "--watch", "--db", copy_of_shelf)
        assert (answer.code, len(left)) == (0, 2)  # the last looks are those of the command below
        assert answer.out == cli("leaderboard", *options, "--db", copy_of_shelf).out
        assert "Error" not in answer.err
        advice = f"{NAME} was interrupted, and no trial is trained now; go on with: sweep resume {NAME}"
        assert (advice in answer.err) == ("--format" not in options)

    @pytest.mark.parametrize("error", [StoreBusy, StoreError])
    def test_while_the_database_is_busy_the_last_table_stays(self, cli, copy_of_shelf, change, done, looks, error):
        change(status(done[0], "running"))
        steps = looks(None, fail(error), fail(error), None, lambda: change(status(done[0], "completed")))
        answer = cli("leaderboard", "--watch", "--db", copy_of_shelf)
        assert (answer.code, steps) == (0, [])
        assert tables(answer.out) == [done[1:], done]
        lines = counts_of(answer.err)
        assert lines[1] == "the database is locked; trying again"
        assert [("running" in line) for line in lines] == [True, False, True, False]

    def test_an_error_at_the_first_look_is_an_error(self, cli, looks):
        looks(fail(StoreBusy))
        assert cli("leaderboard", "--watch").sentence(1) == "Error: the database is locked"

    @pytest.mark.parametrize(
        ("options", "code"),
        [(["-n", "0"], 2), (["--where", "alhpa < 1"], 2), (["--worst", "--diverged"], 2), (["qqq"], 1)],
        ids=str,
    )
    def test_a_mistake_is_answered_with_one_sentence(self, cli, options, code):
        assert cli("leaderboard", "--watch", *options).sentence(code) == cli("leaderboard", *options).sentence(code)

    def test_ctrl_c_does_not_wait_for_the_database(self, cli, copy_of_shelf, change, done, looks):
        change(status(done[0], "running"))
        lock = sqlite3.connect(copy_of_shelf, isolation_level=None, check_same_thread=False)
        lock.execute("PRAGMA journal_mode = DELETE")  # in which a writer can keep readers waiting
        ended, waited = threading.Event(), []

        def press():
            time.sleep(0.2)  # until the look is inside of SQLite, where nothing can interrupt it
            os.kill(os.getpid(), signal.SIGINT)
            waited.append(ended.wait(20))
            lock.execute("ROLLBACK")

        thread = threading.Thread(target=press)
        looks(None, lambda: (lock.execute("BEGIN EXCLUSIVE"), thread.start()))
        handler, others = signal.signal(signal.SIGINT, signal.default_int_handler), {thread, *threading.enumerate()}
        try:
            answer = cli("leaderboard", "--watch", "--db", copy_of_shelf)
            left = {*threading.enumerate()} - others
        finally:
            ended.set()
            thread.join()
            signal.signal(signal.SIGINT, handler)
            lock.close()
        assert answer.code == 130
        assert waited == [True]
        assert [each.daemon for each in left] == [True]  # the process need not wait for it
        assert tables(answer.out) == [done[1:]]


class TestBesideARun:
    def test_it_follows_a_sweep_to_its_end(self):
        with ExitStack() as stack:
            run = Command("run", NAME, "--trials", "10", "--set", "epochs=30", "--workers", "1", "-q")
            stack.callback(run.clear)
            with held_up(run):
                watcher = Command("leaderboard", "--watch", "-n", "99")
                stack.callback(watcher.clear)
                first = next(line for line in watcher.process.stderr if "completed" in line or "queued" in line)
            code, out, err = watcher.end()
            assert run.end()[0] == 0
        assert code == 0
        results = sweep.load(NAME)
        assert re.search("queued.*running", first)
        assert re.fullmatch(rf"{NAME}: \d+ completed, \d+ diverged", err.splitlines()[-1])
        assert tables(out)[-1] == results.best(99)["trial"].tolist()
        lengths = [*map(len, tables(out))]
        assert lengths == sorted(lengths)

    def test_ctrl_c_ends_it(self, copy_of_shelf, change, done, shelf, monkeypatch):
        change(status(done[0], "running"))
        monkeypatch.setenv("SWEEP_DB", str(copy_of_shelf))
        watcher = Command("leaderboard", "--watch")
        try:
            lines = [watcher.process.stdout.readline() for _ in range(len(done) + 2)]
            watcher.process.send_signal(signal.SIGINT)
            code, _, err = watcher.end()
        finally:
            watcher.clear()
        assert tables("".join(lines)) == [done[1:]]
        assert code == 130
        assert "Traceback" not in err


class Terminal:
    """A command in a terminal, and what one sees there."""

    def __init__(self, *arguments, **environment):
        self._side, other = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sweep", *arguments],
            stdin=other,
            stdout=other,
            stderr=other,
            env={**os.environ, "TERM": "xterm", **environment},
        )
        os.close(other)
        self.written = ""

    def read(self):
        """Take what has been written since; return the text on the screen, lines that have scrolled off included."""
        while select.select([self._side], [], [], 0)[0]:
            try:
                new = os.read(self._side, 65536)
            except OSError:  # Linux says so that the other side is closed
                break
            if not new:
                break
            self.written += new.decode()
        return self._screen()

    def _screen(self):
        lines, row = [""], 0
        for token in re.findall(r"\x1b\[\??[\d;]*[A-Za-z]|\r|\n|[^\r\n\x1b]+", self.written):
            match token:
                case "\n":
                    row += 1
                    lines += [""] * (row + 1 - len(lines))
                case "\x1b[1A":
                    row -= 1
                case "\x1b[2K":
                    lines[row] = ""
                case _ if token[0] not in "\r\x1b":
                    lines[row] = token if token.startswith(lines[row]) else lines[row] + token
        return "\n".join(lines)

    def end(self):
        code = self.process.wait(60)
        screen = self.read()
        os.close(self._side)
        return code, screen

    def clear(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def watched(copy_of_shelf, change, done, shelf):
    """A watcher in a terminal of 11 lines; the sweep's best trial is running."""
    change(status(done[0], "running"))
    environment = {**shelf.environment, "SWEEP_DB": str(copy_of_shelf), "COLUMNS": "150", "LINES": "11"}
    terminal = Terminal("leaderboard", NAME, "--watch", **environment)
    wait_until(lambda: "..." in terminal.read())  # the end of a table that is too long is cut off
    yield terminal
    terminal.clear()


class TestTerminal:
    def test_one_table_takes_the_place_of_the_other(self, watched, change, done):
        assert f"{NAME}: " in watched.read().splitlines()[0]
        assert tables(watched.read()) == [done[1:2]]
        change(status(done[0], "completed"))
        wait_until(lambda: watched.read() and watched.process.poll() is not None)
        code, screen = watched.end()
        assert code == 0
        assert tables(screen) == [done]
        assert screen.count(f"{NAME}: ") == 1
        assert "running" not in screen
        assert "\x1b[1A" in watched.written
        assert watched.written.rindex("\x1b[?25h") > watched.written.rindex("\x1b[?25l")  # the cursor is there again

    def test_ctrl_c_ends_it_and_leaves_the_table(self, watched, done):
        watched.process.send_signal(signal.SIGINT)
        code, screen = watched.end()
        assert code == 130
        assert tables(screen) == [done[1:]]
        assert "Traceback" not in screen
        assert "1 running" in screen
        assert watched.written.rindex("\x1b[?25h") > watched.written.rindex("\x1b[?25l")
