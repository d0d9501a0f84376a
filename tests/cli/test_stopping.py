"""Early stopping and budgets on the command line: options, tables, and what is told at the end."""

import json

import pytest

import sweep
from sweep.cli.entry import main
from tests.engine_here import training_here

RUN = ["run", "digits-quickstart", "--trials", "12", "--set", "epochs=13"]


@pytest.fixture
def command(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["sweep", *arguments])
        code = 0
        with training_here():
            try:
                main()
            except SystemExit as error:
                code = error.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_what_was_stopped_is_told_listed_and_can_go_on(command):
    code, out, err = command(*RUN, "--stop", "halving")
    assert code == 0, err
    assert "Early stopping, replayed" in out
    pruned = sweep.load().trials().query("status == 'pruned'")
    assert f"{len(pruned)} trials were stopped early (pruned) and not ranked: " in err
    assert "see why: sweep leaderboard digits-quickstart --pruned" in err
    code, out, _ = command("leaderboard", "--pruned", "--format", "json")
    rows = json.loads(out)
    assert [row["trial"] for row in rows] == pruned["trial"].tolist()
    assert {row["rule"] for row in rows} == {"halving"}
    number = str(rows[0]["trial"])
    assert "rule 'halving' after epoch 3: stopped, since its best test_accuracy" in command("show", number)[1]
    assert "decides again as stored about all 12 configurations" in command("replay", number, "--check")[1]
    assert command("continue", number)[0] == 0
    assert sweep.load().trial(int(number)).status == "completed"


def test_what_rules_would_have_saved_is_one_table_for_programs(command):
    assert command(*RUN)[0] == 0
    code, out, err = command("stopping", "--format", "json")
    assert code == 0, err
    rows = {row["rule"]: row for row in json.loads(out)}
    halved = rows["halving, factor 2, first 3"]
    assert 0 < halved["share"] < 0.6
    assert halved["unknown"] == 0
    code, out, err = command("stopping")
    assert "Stopping rules" in out
    assert "share: of the epochs without a rule" in err


def test_of_a_sweep_that_was_stopped_no_loss_is_claimed(command):
    command(*RUN, "--stop", "halving")
    rows = json.loads(command("stopping", "--format", "json")[1])
    assert {(row["loss"], row["kept"]) for row in rows} == {(None, None)}


def test_a_reached_budget_and_paused_trials_are_told_with_what_goes_on(command):
    code, _, err = command(*RUN, "--stop", "halving", "--epochs-total", "20")
    assert code == 0, err
    assert "no more trials were started: " in err
    assert "paused until a stopping rule has decided which go on; that is done by: sweep resume digits-quick" in err
    assert "no more trials were started: " in command("leaderboard")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--for", "0"], "--for takes a positive number of seconds, not 0"),
        (["--for", "soon"], "--for takes a time such as 90s, 30m or 2h, not 'soon'"),
        (["--until", "nan"], "--until takes a number, not nan"),
        (["--stop", "halvin"], "did you mean 'halving'"),
    ],
)
def test_wrong_values_are_one_sentence(command, arguments, said):
    code, _, err = command(*RUN, *arguments)
    assert code == 2
    assert said in err


def test_auto_is_halving_that_finds_its_first_rung(command):
    assert command(*RUN, "--stop", "auto", "-q")[0] == 0
    assert {each.rule for each in sweep.load().store.decisions(1)} == {"halving"}
    assert min(each.epoch for each in sweep.load().store.decisions(1)) == 2


def test_extend_draws_further_trials(command):
    assert command(*RUN, "-q")[0] == 0
    assert command("extend", "--trials", "14", "-q")[0] == 0
    assert len(sweep.load().trials()) == 14
    code, _, err = command("extend")
    assert (code, "such as --trials 200" in err) == (2, True)
