"""Tests of tables: what stands in a terminal of a given width, and in a pipe."""

import io
import math
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

import sweep
from sweep.cli.output import tables
from tests.cli.output.terminal import in_terminal

VALUES = {8.67e-05: "8.67e-05", math.nan: "", 1e300: "1e+300", -1.234e-12: "-1.234e-12", 0.5: "0.5"}
RANKED = ["rank", "trial", "test_accuracy"]


def ranking(parameters=0, metric="test_accuracy"):
    """A leaderboard of two trials with so many parameters, the values of which are 8.67e-05 and 1e300."""
    drawn = {f"parameter_{number}": [8.67e-05, 1e300] for number in range(parameters)}
    return pd.DataFrame({"rank": [1, 2], "trial": [17, 4], metric: [0.98, 0.97], **drawn})


def shown(frame, width, title=None, more=""):
    """The lines of a table on a console of so many columns."""
    out = io.StringIO()
    Console(width=width, file=out, highlight=False).print(tables.table(frame, title, more))
    lines = out.getvalue().splitlines()
    assert all(cell_len(line) <= width for line in lines)
    return lines


def head_and_rows(lines):
    rule = next(index for index, line in enumerate(lines) if line.strip().startswith("──"))
    rows = [line.split() for line in lines[rule + 1 :]]
    return lines[rule - 1].split(), rows[: rows.index([])]


@pytest.mark.parametrize("width", [32, 33, 47, 80, 100, 133, 240])
def test_the_ranking_and_every_number_that_is_shown_are_whole(width):
    head, rows = head_and_rows(shown(ranking(8), width))
    assert head[:3] == RANKED
    assert [row[:3] for row in rows] == [["1", "17", "0.9800"], ["2", "4", "0.9700"]]
    assert head[3:] == [f"parameter_{number}" for number in range((width - 32) // 14)][:8]
    assert rows[0][3:] == ["8.67e-05"] * (len(head) - 3)
    assert rows[1][3:] == ["1e+300"] * (len(head) - 3)


def test_what_is_left_out_is_said_with_how_to_see_it():
    lines = shown(ranking(8), 80, more="--format csv")
    words = " ".join(map(str.strip, lines)).partition("5 columns left out for lack of width ")[2]
    names = ", ".join(f"parameter_{number}" for number in range(3, 8))
    assert words == f"({names}); a wider terminal or --format csv shows all"
    assert not re.search(r"^[ …]+$", lines[1].strip())


def test_parameters_stay_before_all_that_is_not_ranked_by():
    frame = ranking(2).assign(seconds=1.5)
    frame.insert(3, "epoch", [12, 3])
    frame.insert(4, "test_loss", [0.1, 0.2])
    head, _ = head_and_rows(lines := shown(frame, 70))
    assert head == [*RANKED, "epoch", "parameter_0", "parameter_1"]
    assert "(test_loss, seconds)" in " ".join(lines)
    head, _ = head_and_rows(shown(frame.drop(columns="rank"), 53))  # such as of the trials that diverged
    assert head == ["trial", "test_accuracy", "test_loss", "parameter_0"]


def test_a_value_has_the_decimals_of_the_metric_that_its_row_names():
    frame = pd.DataFrame({"sweep": ["a", "b"], "metric": ["test_accuracy", "rmse"], "best": [0.98, 0.98]})
    assert [row[-1] for row in head_and_rows(shown(frame, 80))[1]] == ["0.9800", "0.98"]


def test_one_column_is_not_several():
    assert "1 column left out for lack of width (parameter_3); a wider terminal shows all" in " ".join(
        shown(ranking(4), 80)
    )


def test_nothing_is_said_where_all_fits():
    assert "left out" not in "".join(shown(ranking(2), 80))


@pytest.mark.parametrize(("value", "text"), VALUES.items(), ids=VALUES.values())
def test_a_number_is_whole_or_its_column_is_not_there(value, text):
    frame = ranking().assign(x=[value, 0.5])
    for width in range(32, 62):
        head, rows = head_and_rows(shown(frame, width))
        assert "…" not in "".join(map("".join, rows))
        assert ("x" in head) == (width >= 32 + 3 + max(len(text), len("0.5")))
        if "x" in head and text:
            assert rows[0][3] == text


def test_a_long_header_takes_several_lines_where_the_ranking_would_not_fit():
    lines = shown(ranking(metric="validation_accuracy"), 32)
    assert "validation_" in lines[1]
    assert "accuracy" in lines[2]
    assert head_and_rows(lines)[1][0] == ["1", "17", "0.9800"]


def test_rows_are_stacked_where_not_even_the_ranking_fits():
    lines = shown(ranking(1), 24)
    assert lines[1:5] == ["rank 1", "trial 17", "test_accuracy 0.9800", "parameter_0 8.67e-05"]


@pytest.mark.parametrize("width", [70, 80, 100])
def test_long_labels_wrap_and_lose_nothing(width):
    label = " ".join(["affine-8,relu"] * 12)
    lines = shown(ranking().assign(layers=[label, "tanh"]), width)
    assert len(re.findall("affine-8,relu", "".join(lines))) == 12
    assert "left out" not in "".join(lines)


def test_a_long_label_does_not_hide_the_columns_behind_it():
    head, _ = head_and_rows(shown(ranking().assign(layers=["affine " * 12, "tanh"], x=[8.67e-05, 1.0]), 52))
    assert head == [*RANKED, "x"]


def test_numbers_among_text_are_whole():
    mixed = pd.Series([8.67e-05, "a long label that says much more than it needs to"], dtype=object)
    for width in range(68, 120):
        assert "8.67e-05" in "\n".join(shown(ranking().assign(x=mixed), width))


def test_wide_letters_count_as_two():
    frame = ranking().assign(類別=["手寫數字分類器", "貓"], x=[1.0, 2.0])
    for width in range(32, 82):
        assert ("手寫數字分類器" in "".join(shown(frame, width))) == (width >= 32 + 3 + 14)


def test_text_does_not_move_the_cursor():
    assert "\x1b" not in "".join(shown(ranking().assign(x=["\x1b[2J\n\ttext", "b"]), 80))


def test_columns_of_the_same_name_are_both_shown():
    frame = pd.DataFrame([[1, 2.5, 3.5]], columns=["true", "a", "a"])
    assert head_and_rows(shown(frame, 80)) == (["true", "a", "a"], [["1", "2.5", "3.5"]])


PRINTING = """
import pandas as pd
from sweep.cli.output.tables import print_frame
print_frame(pd.DataFrame({"rank": [1], **{f"parameter_number_{n}": [8.67e-05] for n in range(60)}}))
"""


def test_a_pipe_has_no_width():
    done = subprocess.run(
        [sys.executable, "-c", PRINTING],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "40"},
    )
    head, rows = head_and_rows(done.stdout.splitlines())
    assert head == ["rank", *(f"parameter_number_{number}" for number in range(60))]
    assert rows == [["1", *["8.67e-05"] * 60]]
    assert "left out" not in done.stdout


def test_sixty_parameters_in_a_terminal():
    lines = in_terminal(80, ["-c", PRINTING], os.environ)
    head, rows = head_and_rows(lines)
    assert head == ["rank", "parameter_number_0", "parameter_number_1", "parameter_number_2"]
    assert rows == [["1", "8.67e-05", "8.67e-05", "8.67e-05"]]
    assert "57 columns left out" in "".join(lines)


COMMANDS = ("leaderboard", "list", "show 0")
IN_TURN = f"""
import contextlib, sys
from sweep.cli.entry import main
for command in {COMMANDS}:
    sys.argv = ["sweep", *command.split()]
    print("command", command, flush=True)
    with contextlib.suppress(SystemExit):
        main()
    print("end", flush=True)
"""


@pytest.fixture(scope="module", params=[40, 80, 100])
def width(request):
    return request.param


@pytest.fixture(scope="module")
def terminal(shelf, width):
    """What each command shows in a pseudo-terminal, as lines; all are run by one process."""
    lines = in_terminal(width, ["-c", IN_TURN], shelf.environment)
    begins = [lines.index(f"command {command}") + 1 for command in COMMANDS]
    return {command: lines[begin : lines.index("end", begin)] for command, begin in zip(COMMANDS, begins, strict=True)}


class TestTerminal:
    """Commands in a pseudo-terminal."""

    def test_the_leaderboard(self, shelf, terminal):
        lines = terminal["leaderboard"]
        best = sweep.load(db=shelf.database).best()
        head, rows = head_and_rows(lines)
        assert head[:3] == RANKED
        assert set(head) <= {*best.columns}
        assert [row[1] for row in rows] == [*best["trial"].astype(str)]
        assert [row[2] for row in rows] == [f"{value:.4f}" for value in best["test_accuracy"]]
        left_out = len(best.columns) - len(head)
        assert f"{left_out} columns left out for lack of width" in " ".join(lines)

    def test_all_sweeps(self, terminal):
        text = "\n".join(terminal["list"])
        assert "digits-quickstart" in text
        assert re.search(r"best +0\.\d{4}$|\btrials\b.*\bbest\b", text, re.MULTILINE)
        assert "…" not in text.replace(", …)", "")

    def test_one_trial(self, terminal, width):
        lines = terminal["show 0"]
        head, rows = head_and_rows(lines)
        assert head[0] == "epoch"
        assert [row[0] for row in rows] == ["0", "1", "2"]
        assert ("sweep export --epochs" in " ".join(lines)) == (width < 80)


def test_the_verdict_of_a_gradient_check_is_never_left_out():
    long = {"shape": "(10, 99, 3, 3)", "entries": 99999, "checked": 100, "kinks": 0}
    frame = pd.DataFrame([{"layer": "batch_norm[1]", "parameter": "weights", **long, "error": 1e-9, "verdict": "OK"}])
    header = " ".join(shown(frame, 50))
    for name in ("layer", "parameter", "error", "verdict"):
        assert name in header
    assert "entries" not in header.partition("left out")[0]


@pytest.mark.parametrize(
    "title", [None, "Sweeps", "a title that is longer than all of the lines of the table below it"]
)
def test_a_table_in_which_nothing_wraps_looks_as_rich_draws_it(title):
    frame = pd.DataFrame({"sweep": ["a", "日本語", "[b]x[/b]"], "trials": [1, 22, 333], "best": [0.5, None, 0.25]})
    made, out = tables.table(frame, title), io.StringIO()
    by_rich = made._wrapped([(column, column.full) for column in made.columns])
    Console(width=100, file=out, highlight=False).print(by_rich)
    assert shown(frame, 100, title) == out.getvalue().splitlines()
