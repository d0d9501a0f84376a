"""Verdicts on sweeps and differences of trials, on the command line and from Python."""

import json
import re
import shutil

import pytest

import sweep
from sweep.analysis.review import FINE, JUDGES
from sweep.cli.reviewing import with_database
from sweep.results.review import ELSEWHERE, _offered
from tests.engine_here import training_here

pytestmark = pytest.mark.usefixtures("here")

RUN = ["run", "digits-quickstart", "--trials", "12", "--set", "epochs=12"]
OWN = """
name = "own"
trainer = "own:train"
trials = 6
repeats = 2
epochs = 12
[parameters]
rate = { log_uniform = [0.1, 1.0] }
kind = { choice = [{ kind = "a", beta = { uniform = [0, 1] } }, "b"] }
[objective]
metric = "rmse"
direction = "min"
"""
TRAINER = """
def train(config, trial):
    for epoch in range(1, trial.epochs + 1):
        yield {"rmse": config["rate"] / epoch + 1e-6 * (trial.seed % 1000)}
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The file of an experiment with a trainer of a user, a conditional parameter and repeats."""
    (tmp_path / "own.py").write_text(TRAINER)
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the sweep of RUN, for tests that only go on with it."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        results = sweep.run("digits-quickstart", trials=12, overrides=["epochs=12"], db=folder / "sweeps.db")
        results.store.close()
    return folder


@pytest.fixture
def ran(finished, tmp_path):
    """A copy of it, which a test may change."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)


def test_a_review_has_a_line_for_each_verdict_and_says_what_to_do(answer):
    code, _, err = answer(*RUN)
    assert code == 0, err
    told = [line for line in err.splitlines() if line.startswith("! ")]
    code, out, err = answer("review")
    assert code == 0, err
    verdicts = [line for line in out.splitlines() if line[0] in "✓!–"]
    assert len(verdicts) == len(JUDGES)
    assert all(name in out or fine in out for name, fine in FINE.items())
    shown = " ".join(out.split())
    assert all(" ".join(line.split()) in shown for line in told)
    failing = sum(line.startswith("!") for line in verdicts)
    assert f"{failing} of 12 verdicts call for something to be done" in err
    code, out, _ = answer("review", "--format", "json")
    rows = json.loads(out)
    assert [row["fault"] for row in rows] == list(JUDGES)
    assert all(row["verdict"] == (FINE[row["fault"]] if row["passed"] else row["fault"]) for row in rows)
    assert sum(row["passed"] is False for row in rows) == failing == len(told[:4]) + max(0, failing - 4)
    assert all(row["advice"] for row in rows if row["passed"] is False)
    assert sweep.load().review()["evidence"].tolist() == [row["evidence"] for row in rows]


def test_commands_in_an_advice_name_the_database(answer, tmp_path):
    database = str(tmp_path / "other.db")
    answer(*RUN[:3], "2", *RUN[4:], "--db", database)
    code, out, _ = answer("review", "--db", database)
    assert code == 0
    assert f"`sweep finalists digits-quickstart --db {database}`" in " ".join(out.split())
    assert with_database("see `sweep x` or `y`") == "see `sweep x` or `y`"


def test_a_sweep_of_one_trial_is_told_so_in_words(answer):
    _, _, err = answer(*RUN[:3], "1", *RUN[4:])
    assert "sweep review" not in err
    code, out, err = answer("review")
    assert (code, out.count("only one configuration has completed")) == (0, len(JUDGES))
    assert err.startswith("no verdict can be reached so far:\ndigits-quickstart: 1 completed")


def test_trials_of_a_users_trainer_with_repeats_are_reviewed_by_configuration(answer, own):
    assert answer("run", own, "--quiet")[0] == 0
    rows = {row["fault"]: row for row in json.loads(answer("review", "--format", "json")[1])}
    assert "from 2 repeats" in rows["gap smaller than seed noise"]["evidence"]
    assert rows["still improving at the end"]["passed"] is not None
    assert rows["gap smaller than test-set noise"]["passed"] is None


def test_trainings_with_other_seeds_tell_the_seed_noise(answer, ran):
    best = sweep.load().best_trials(2)
    sweep.reseed(best, seeds=2)
    found = sweep.load("digits-quickstart").review().set_index("fault")["evidence"]
    assert "from 4 trainings with other seeds" in found["gap smaller than seed noise"]
    code, _, err = answer("review", "digits-quickstart.seeds")
    assert code == 1
    assert "were made from those of digits-quickstart; review digits-quickstart instead" in err
    assert answer("resume", "digits-quickstart.seeds")[0] == 0


def test_a_sweep_that_is_not_finished_is_reviewed_as_far_as_it_has_come(answer):
    code, _, err = answer(*RUN, "--epochs-total", "30")
    assert code == 0, err
    assert "sweep review" not in err
    rows = {row["fault"]: row for row in json.loads(answer("review", "--format", "json")[1])}
    assert rows["early stopping would have saved"]["evidence"] == "not all trials have ended yet"


def test_a_sweep_of_divergences_alone_is_reviewed_in_words(answer):
    code, _, err = answer(*RUN, "--set", "training.optimizer.learning_rate=1e30")
    assert code == 0, err
    code, out, err = answer("review")
    assert (code, out.count("no configuration has completed yet")) == (0, len(JUDGES))


def test_a_sweep_whose_trials_have_all_failed_says_why(answer, own):
    (own.parent / "own.py").write_text("def train(config, trial):\n    raise ValueError('no such file')\n    yield\n")
    assert answer("run", own, "-q")[0] == 1
    code, _, errors = answer("review")
    assert code == 0
    assert errors.startswith(
        "no verdict can be reached so far:\nown: 12 failed\ntrial 0 failed: ValueError: no such file"
    )


def test_a_diff_shows_only_what_differs(answer, ran):
    code, out, err = answer("diff", "0", "1", "--format", "json")
    assert code == 0, err
    rows = json.loads(out)
    results = sweep.load()
    names = {row["name"] for row in rows if row["of"] == "parameter"}
    assert names == {each.short_name for each in results.parameters}
    assert not [row for row in rows if row["of"] in ("fixed value", "data", "software")]
    (rate,) = [row for row in rows if row["name"] == "learning_rate"]
    assert [rate["0"], rate["1"]] == results.trials().loc[:1, "learning_rate"].tolist()
    code, out, _ = answer("diff", "0", "1")
    assert "they differ from the first epoch that both have" in out
    assert results.diff(0, 1)["name"].tolist() == [row["name"] for row in rows]


def test_a_diff_of_two_sweeps_names_fixed_values_and_where_they_part(answer, ran):
    """Both begin with the same seeds; the second is planned for half of the epochs."""
    answer(*RUN[:4], "--set", "epochs=6", "--name", "short", "--quiet")
    code, out, err = answer("diff", "digits-quickstart/0", "short/0", "--format", "json")
    assert code == 0, err
    rows = json.loads(out)
    fixed = {row["name"]: (row["digits-quickstart/0"], row["short/0"]) for row in rows if row["of"] == "fixed value"}
    assert fixed == {"training.epochs": (12, 6), "epochs planned": (12, 6)}
    assert not [row for row in rows if row["of"] in ("parameter", "seed")]
    (same,) = [row for row in rows if row["name"].startswith("last epoch that is the same")]
    assert same["short/0"] == 6


def test_repeats_differ_in_their_seeds_alone(answer, own):
    answer("run", own, "--quiet")
    rows = json.loads(answer("diff", "0", "1", "--format", "json")[1])
    assert {row["of"] for row in rows} == {"seed", "end", "epoch", "parting"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0", "0"], "both are trial 0 of digits-quickstart; name two different ones"),
        (["0", "99"], "there is no trial 99 in digits-quickstart, which has trials 0 to 1"),
        (["0", "x"], "a trial is a number such as 12, or mnist-widths/12 of another sweep, not 'x'"),
        (["0", "nowhere/1"], "there is no sweep 'nowhere'"),
    ],
)
def test_two_trials_that_cannot_be_compared_are_refused(answer, arguments, said):
    answer(*RUN[:3], "2", "--set", "epochs=1", "--quiet")
    code, out, err = answer("diff", *arguments)
    assert code > 0
    assert out == ""
    assert said in err


def test_nothing_is_advised_that_an_imported_sweep_refuses(answer, ran, tmp_path):
    assert answer("export", "-o", tmp_path / "trials.csv")[0] == 0
    assert answer("import", tmp_path / "trials.csv", "--name", "elsewhere")[0] == 0
    rows = {row["fault"]: row for row in json.loads(answer("review", "elsewhere", "--format", "json")[1])}
    advice = " ".join(row["advice"] for row in rows.values())
    assert not re.search("`sweep (finalists|rescue|continue|next|analyze .* --seeds)", advice)
    assert all(row["advice"] for row in rows.values() if row["passed"] is False)
    stopping = rows["early stopping would have saved"]
    assert (stopping["passed"], "nan" in stopping["evidence"]) == (None, False)


def test_advice_to_train_loses_its_command_or_becomes_one_that_is_possible():
    assert _offered("train again: `sweep finalists x`; see what saves it: `sweep rescue x --all`") == "train again"
    assert _offered("draw more: `sweep next x -o next.toml`, then `sweep run next.toml`") == "draw more"
    assert _offered("see: `sweep stopping x`") == "see: `sweep stopping x`"
    assert _offered("see why: `sweep rescue x --all`") == ELSEWHERE
    assert _offered("") == ""
