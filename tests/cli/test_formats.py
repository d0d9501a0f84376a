"""Tests of what commands print for programs."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import NAME


def test_a_trial_is_one_json_object(cli):
    answer = cli("show", f"{NAME}/0", "--format", "json")
    assert answer.err == ""
    trial = json.loads(answer.out)
    assert (trial["sweep"], trial["trial"], trial["status"]) == (NAME, 0, "completed")
    assert {*trial["seeds"]} == {"weights", "shuffling", "dropout"}
    assert trial["configuration"]["training"]["epochs"] == 2
    assert [epoch["epoch"] for epoch in trial["epochs"]] == [0, 1, 2]
    assert trial["epochs"][trial["best_epoch"]]["test_accuracy"] == trial["best_value"]
    assert trial["decisions"] == []
    assert trial["started"].endswith("Z")


def test_a_trial_as_csv_is_its_epochs(cli):
    lines = cli("show", f"{NAME}/0", "--format", "csv").out.splitlines()
    assert lines[0].startswith("trial,epoch,")
    assert len(lines) == 4


def test_a_replay_prints_only_its_epochs_for_a_program(cli):
    answer = cli("replay", f"{NAME}/0", "--format", "json")
    assert [epoch["epoch"] for epoch in json.loads(answer.out)] == [0, 1, 2]


def test_a_replay_that_agrees_has_nothing_to_print_for_a_program(cli):
    answer = cli("replay", f"{NAME}/0", "--check", "--format", "json")
    assert (answer.code, json.loads(answer.out)) == (0, [])
    assert "bit for bit" in answer.err


def test_what_the_doctor_found_is_a_table(cli, copy_of_shelf):
    found = json.loads(cli("doctor", "--db", copy_of_shelf, "--format", "json").out)
    assert found  # the kept weights lie beside the other copy
    assert {*found[0]} == {"finding", "words", "cure"}
    assert {each["finding"] for each in found} == {"note"}


def test_a_sound_database_has_no_findings(cli):
    answer = cli("doctor", "--format", "json")
    assert json.loads(answer.out) == []
    assert "is sound" in answer.err


def test_a_finished_run_prints_its_best_trials_for_a_program(cli, copy_of_shelf):
    answer = cli("resume", NAME, "--db", copy_of_shelf, "--format", "json", "-q")
    assert json.loads(answer.out) == json.loads(cli("leaderboard", NAME, "--db", copy_of_shelf, "--format", "json").out)


def test_predictions_are_a_table_for_a_program(cli):
    answer = cli("predict", f"{NAME}/0", "--format", "json")
    parts = json.loads(answer.out)
    assert [part["part"] for part in parts] == ["train", "test"]


DOCUMENTED = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
ROWS = [[cell.strip() for cell in line.split(" | ")] for line in DOCUMENTED.splitlines() if line.startswith("| `sweep")]
KEYS = {command.strip("|` "): re.findall(r"`(\w+|data set)`", keys) for command, _, keys in ROWS}
"""The keys that the documentation names, by command."""
QUICK = ("list", "leaderboard", "show 0", "review", "replay 0", "predict 0", "data list")
"""Commands whose objects are seen here."""


@pytest.mark.parametrize("command", QUICK)
def test_the_keys_of_objects_are_those_of_the_documentation(cli, command):
    printed = json.loads(cli(*command.split(), "--format", "json").out)
    first = printed if isinstance(printed, dict) else printed[0]
    documented = KEYS[f"sweep {command}"]
    assert len(documented) > 1
    assert [key for key in first if key in documented] == documented


def test_a_table_without_rows_is_an_empty_list(cli):
    answer = cli("leaderboard", "--diverged", "--where", "epoch > 100", "--format", "json")
    assert json.loads(answer.out) == []
