"""Who shows the progress where: bars in a terminal, lines elsewhere, nobody where that is wanted."""

import io
import sys

import pytest

import sweep
from sweep.display import Lines, Live, default_observer, lines
from sweep.engines import RunOptions
from sweep.observer import Silent
from sweep.records import Progress, Remaining, RunningTrial

SMALL = {"overrides": ["trials=2", "epochs=1", "network.hidden=[8]", "keep_weights=none"]}
RUNNING = (RunningTrial(2, 5, 0.75, planned=10, curve=(0.5, 0.6, 0.7, 0.72, 0.75)),)


def progress(done, running=RUNNING, left=30.0):
    counts = {"completed": done, "running": len(running), "queued": 10 - done - len(running)}
    remaining = None if left is None else Remaining(left, left, left)
    return Progress(counts, 0.875, running, 10, name="digits", left=remaining)


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Let standard error be a terminal of 80 columns, from the test itself since each phase has streams of its own."""

    def enter():
        monkeypatch.setattr(sys, "stderr", Terminal())
        for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "20"}.items():
            monkeypatch.setenv(name, value)
        return sys.stderr

    return enter


def test_a_program_shows_a_line_at_the_end(here, capsys):
    sweep.run("digits-quickstart", **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("2/2 trials · best 0.")


def test_nobody_is_told_where_the_observer_is_none(here, capsys):
    sweep.run("digits-quickstart", observer=None, **SMALL)
    assert capsys.readouterr() == ("", "")
    assert isinstance(RunOptions.of({"observer": None}).observer, Silent)


def test_a_terminal_has_bars_and_a_dumb_one_lines(terminal, monkeypatch):
    terminal()
    assert isinstance(default_observer(), Live)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(default_observer(), Lines)


def test_the_panel_is_written_over_and_notes_stay(terminal):
    stream, live = terminal(), Live()
    live.note("preparing the data set digits")
    with live:
        live.update(progress(2))
        live.note("warning: the disk is full")
        live.update(progress(3))
        live.update(progress(10, running=()))
    written = stream.getvalue()
    assert written.index("preparing") < written.index("2/10 trials") < written.index("warning: the disk is full")
    assert "\x1b[1A" in written  # the cursor goes up
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    last = written[written.rindex("100 %") :]
    assert "10/10 trials" in last
    assert "trial 2" not in last


def test_a_second_sweep_has_a_panel_of_its_own(terminal):
    stream, live = terminal(), Live()
    for _ in range(2):
        with live:
            live.update(progress(10, running=()))
    assert stream.getvalue().count("\x1b[?25h") == 2


def test_lines_become_rarer_the_longer_it_takes(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(lines.time, "monotonic", lambda: now[0])
    observer = Lines()
    for second in range(1, 20_000):
        now[0] = float(second)
        observer.update(progress(second // 2_000, running=(RunningTrial(2, second % 11, None),), left=3600.0))
        observer._line = ""  # as if each line were a new one
    written = capsys.readouterr().err.splitlines()
    assert written[0] == "0/10 trials · best 0.8750 · about 60 min left"
    assert 150 < len(written) < 300


def test_the_end_is_told_at_once(capsys):
    Lines().update(progress(10, running=()))
    assert capsys.readouterr().err == "10/10 trials · best 0.8750\n"
