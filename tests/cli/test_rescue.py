"""The command rescue: what it prints of twins that are trained, and what it refuses."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import sweep
from sweep.results.rescue import outcomes, totals


@pytest.fixture
def database(rescued):
    return ["--db", str(rescued.store.database.path)]


def test_of_one_trial_its_twins_are_shown_and_what_suffices(cli, rescued, database):
    number = int(sweep.load("toy", db=database[1]).diverged()["trial"].iloc[0])
    answer = cli("rescue", f"toy/{number}", *database)
    assert answer.code == 0
    assert "all twins are trained already, in toy.rescue" in answer.err
    assert f"toy/{number}, diverged in epoch " in answer.out.splitlines()[-1]
    rows = json.loads(cli("rescue", f"toy/{number}", "--format", "json", *database).out)
    assert [row["twin"] for row in rows] == outcomes(rescued, [number])["twin"].tolist()


def test_of_all_trials_the_changes_are_counted(cli, rescued, database):
    answer = cli("rescue", "toy", "--all", *database)
    assert answer.code == 0
    assert "Smallest change that suffices" in answer.out
    assert "Changes, the smallest first" in answer.out
    assert " saves " in answer.out.splitlines()[-1]
    table = totals(outcomes(rescued))
    rows = json.loads(cli("rescue", "toy", "--all", "--format", "json", *database).out)
    assert [(row["change"], row["saved"]) for row in rows] == list(zip(table["change"], table["saved"], strict=True))
    assert "| change" in cli("rescue", "toy", "--all", "--format", "markdown", *database).out


def test_with_quiet_only_warnings_and_failures_are_told(cli, rescued, database):
    with closing(sqlite3.connect(database[1])) as connection, connection:
        connection.execute("UPDATE trials SET status = 'queued' WHERE sweep_id = 1 AND status = 'completed'")
        connection.execute(
            "UPDATE trials SET error = 'weights not kept' WHERE sweep_id = ? AND number = 0", (rescued.record.id,)
        )
    answer = cli("rescue", "toy", "--all", "--quiet", *database)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines() == ["warning in 1 trial, trial 0: weights not kept"]


def test_what_a_budget_has_ended_goes_on_by_the_same_command(cli, rescued, database):
    with closing(sqlite3.connect(database[1])) as connection, connection:
        connection.execute("UPDATE sweeps SET ended = '1 second is over' WHERE name = 'toy.rescue'")
    answer = cli("rescue", "toy", "--all", "--quiet", *database)
    words = "no more trials were started: 1 second is over; go on with: sweep rescue toy --all --db "
    assert answer.err.startswith(words)


def test_the_twins_are_a_sweep_as_any_other(cli, database):
    assert "toy.rescue" in cli("list", *database).out
    assert "parent" in cli("leaderboard", "toy.rescue", "--format", "csv", *database).out
    shown = cli("show", "toy.rescue/0", *database).out
    assert "twin.parent" not in shown
    assert cli("plot", "toy", "--kind", "rescue", "-o", "a.png", *database).code == 0
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert cli("plot", "toy.rescue", "-o", "b.svg", *database).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "say which trial to rescue, such as 12 or mnist-widths/12, or --all"),
        (["toy"], 2, "add --all: sweep rescue toy --all"),
        (["toy/1", "--all"], 2, "--all rescues all trials of a sweep that diverged; give its name alone"),
        (["toy/99"], 1, "there is no trial 99"),
        (["toy/1", "--twins", "a/b"], 2, "cannot be called 'a/b': give up to 100 letters"),
        (["toy", "--all", "--twins", "toy"], 1, "not one of twins of toy; give another name with --twins"),
        (["toy.rescue", "--all"], 1, "are twins of those of toy already"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli, database, arguments, code, words):
    assert words in cli("rescue", *arguments, *database).sentence(code)


def test_options_that_do_not_go_with_the_chart_are_refused(cli):
    assert "--x does not go with --kind rescue" in cli("plot", "--kind", "rescue", "--x", "alpha").sentence(2)


def test_trials_that_have_not_ended_are_told(cli, rescued, database):
    with sqlite3.connect(database[1]) as connection:
        connection.execute("UPDATE trials SET status = 'queued' WHERE sweep_id = 1 AND status = 'completed'")
    connection.close()
    count = sweep.load("toy", db=database[1]).trials()["status"].eq("queued").sum()
    answer = cli("rescue", "toy", "--all", *database)
    assert answer.code == 0
    assert f"{count} trials of toy have not ended yet; give the same command again" in answer.err
