"""Tests of `sweep import` and `sweep export --optuna`: what is imported is analyzed, and nothing of it is trained."""

import io

import pandas as pd
import pytest


@pytest.fixture
def imported(cli, tmp_path):
    """The command line, with a sweep of the shelf exported to Optuna and imported into another database."""
    answer = cli("export", "digits-quickstart", "--optuna", "study.db")
    assert (answer.code, answer.out) == (0, "")
    assert "wrote 8 trials of digits-quickstart to study.db" in answer.err
    answer = cli("import", "study.db", "--db", "new.db", "--name", "again")
    assert (answer.code, answer.out) == (0, "")
    assert "imported 8 trials as again; rank them with: sweep leaderboard again --db new.db" in answer.err
    return cli


def test_what_is_imported_is_ranked_and_analyzed_and_never_trained(imported):
    tables = [
        pd.read_csv(io.StringIO(imported("leaderboard", *which, "--format", "csv").out))
        for which in (["digits-quickstart"], ["again", "--db", "new.db"])
    ]
    assert tables[1].equals(tables[0].drop(columns="ranks"))  # for which one must know which examples are right
    for command in (
        ["doctor"],
        ["show", "again/0"],
        ["analyze", "again"],
        ["review", "again"],
        ["diff", "0", "1"],
        ["list"],
        ["pack", "again", "-o", "again.zip"],
        ["export", "again", "-o", "again.csv"],
    ):
        answer = imported(*command, "--db", "new.db")
        assert answer.code == 0, (command, answer.err)
    for command in (
        ["resume", "again"],
        ["extend", "again", "--trials", "20"],
        ["continue", "again/0", "--epochs", "9"],
        ["replay", "again/0"],
        ["trace", "again/0"],
        ["finalists", "again"],
        ["explain", "again/0"],
        ["analyze", "again", "--seeds", "2"],
        ["predict", "again/0"],
        ["export", "again", "--weights", "0", "-o", "net.npz"],
        ["plot", "again", "--kind", "cost", "-o", "cost.png"],
        ["rescue", "again", "--all"],
        ["rescue", "again/0"],
        ["next", "again", "-o", "next.toml"],
    ):
        answer = imported(*command, "--db", "new.db")
        assert answer.code == 1, (command, answer)
        assert "was imported from the Optuna study 'digits-quickstart', so there is nothing here to train" in answer.err


def test_a_failure_without_a_reason_has_none(cli, tmp_path):
    head = "trial,status,attempt,m,epoch,epochs,seconds,error,x"
    rows = ["0,completed,1,0.5,1,1,1.0,,2", "1,failed,1,,,,,,3"]
    (tmp_path / "t.csv").write_text("\n".join([head, *rows]))
    cli("import", "t.csv", "--direction", "max", "--db", "new.db")
    answer = cli("leaderboard", "--db", "new.db")
    assert "trial 1 failed; see more with: sweep show t/1" in answer.out + answer.err


def test_a_database_of_sweeps_is_not_written_to_or_imported(cli, shelf):
    assert "is a database of sweeps, in which" in cli("export", "--optuna", shelf.database).sentence(2)
    assert "is a database of sweeps, whose" in cli("import", shelf.database, "--db", "new.db").sentence(2)


def test_options_that_do_not_go_together_are_refused(cli):
    assert "--epochs does not go with --optuna" in cli("export", "--optuna", "x.db", "--epochs").sentence(2)
    assert "--study goes with a database" in cli("import", "t.csv", "--study", "s", "--db", "new.db").sentence(2)
    assert "--epochs goes with a table" in cli("import", "s.db", "--epochs", "e.csv", "--db", "new.db").sentence(2)
    assert "there is no file 's.db'" in cli("import", "s.db", "--db", "new.db").sentence(1)


def test_a_taken_name_is_refused_without_the_advice_to_go_on_with_it(imported):
    for command in (["import", "study.db", "--name", "Again"], ["run", "digits-quickstart", "--name", "again"]):
        error = imported(*command, "--db", "new.db").sentence(1)
        assert "there is a sweep 'again' already" in error
        assert error.endswith("name with --name")


def test_a_trial_is_shown_without_what_is_unknown_of_it(cli, tmp_path):
    head = "trial,status,attempt,m,epoch,epochs,seconds,error,network_parameters,multiplications,x"
    rows = ["0,completed,1,0.5,1,1,,,9,,2", "1,completed,1,0.4,1,1,1.5,,9,8,3"]
    (tmp_path / "t.csv").write_text("\n".join([head, *rows]))
    cli("import", "t.csv", "--direction", "max", "--db", "new.db")
    shown = [cli("show", f"t/{number}", "--db", "new.db").out for number in (0, 1)]
    assert "trained for" not in shown[0] and "trained for 1.5 s by another program" in shown[1]
    assert "network: 9 parameters\n" in shown[0] and "9 parameters, 8 multiplications" in shown[1]
    assert "None" not in shown[0] + shown[1] and "seeds" not in shown[0]
