"""Explaining a trial: every step from a baseline is really trained, with seeds that all have in common."""

import shutil

import pytest

import sweep
from sweep.errors import SweepError, UsageError
from sweep.results.explain import explanation, sentences
from sweep.runner.explain import Task
from tests.runner.diverging import Listening
from tests.runner.finalists_setup import folder  # noqa: F401 (a fixture)

pytestmark = pytest.mark.usefixtures("here")
SMALL = "digits-small"


@pytest.fixture
def db(folder, tmp_path):  # noqa: F811
    """A copy of the database that a test may change."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / "sweeps.db"


@pytest.fixture
def winner(db):
    """The number of the best trial of the sweep `own`."""
    return sweep.load("own", db=db).best_trials(1)[0]


def rows(results, trial, **more):
    return results.explanation(trial, **more).set_index("parameter")


def test_the_effects_are_those_of_the_trainer(db, winner):
    results = sweep.explain(winner, seeds=2, name="own", db=db)
    config = results.trial(winner).configuration["parameters"]
    table = rows(results, winner)
    assert table.index[0] == "baseline"
    assert set(table.index) == {"baseline", "rate", "size", "idle"} - ({"size"} if config["size"] == 1 else set())
    assert table.loc["rate", "effect"] == pytest.approx(abs(config["rate"] - 0.7) - abs(0.5 - 0.7))
    assert table.loc["rate", "standard_error"] == pytest.approx(0, abs=1e-12)
    assert (table.loc["idle", "effect"], table.loc["idle", "verdict"]) == (0, "nothing")
    if "size" in table.index:  # of an ordered choice of 0, 1 and 2 the middle is 1
        assert table.loc["size", "effect"] == pytest.approx(0.2 * (config["size"] - 1))
    assert table["rmse"].iloc[-1] - table["rmse"].iloc[0] == pytest.approx(table["effect"].sum())
    assert table["total"].iloc[-1] == pytest.approx(table["effect"].sum())
    assert table["total_error"].iloc[-1] == pytest.approx(0, abs=1e-12)


def test_the_greedy_order_is_that_of_the_effects(db, winner):
    results = sweep.explain(winner, seeds=1, name="own", db=db)
    effects = rows(results, winner)["effect"][1:].tolist()
    assert effects == sorted(effects)  # less is better


def test_the_last_step_is_the_trial_with_fresh_seeds(db):
    number = sweep.load(SMALL, db=db).best_trials(1)[0]
    results = sweep.explain(number, seeds=1, name=SMALL, db=db)
    sweep.finalists(1, seeds=1, name=SMALL, db=db)
    again = sweep.load(f"{SMALL}.finalists", db=db).trials()["validation_accuracy"][0]
    assert rows(results, number)["validation_accuracy"].iloc[-1] == again


def test_all_configurations_have_the_same_seeds(db, winner):
    sweep.explain(winner, seeds=2, name="own", db=db)
    twins = sweep.load("own.explain", db=db)
    for _, group in twins.trials().groupby("seed"):
        assert len({twins.trial(number).seeds for number in group["trial"]}) == 1


def test_it_takes_as_many_trainings_as_it_says(db, winner):
    heard = Listening()
    results = sweep.explain(winner, seeds=2, name="own", db=db, observer=heard)
    count = len(rows(results, winner)) - 1
    expected = 2 * (1 + count * (count + 1) // 2)
    assert len(sweep.load("own.explain", db=db).trials()) == expected
    assert heard.notes[0] == (
        f"{count} parameters differ, which takes {expected} trainings in all, those done before included"
    )


def test_a_second_call_trains_nothing(db, winner):
    sweep.explain(winner, seeds=1, name="own", db=db)
    heard, before = Listening(), sweep.load("own.explain", db=db).trials()
    sweep.explain(winner, seeds=1, name="own", db=db, observer=heard)
    assert heard.notes == ["all steps are trained already, in own.explain"]
    assert sweep.load("own.explain", db=db).trials().equals(before)


def test_what_was_stopped_goes_on_to_the_same_end(db, winner, folder, tmp_path_factory):  # noqa: F811
    other = tmp_path_factory.mktemp("whole")
    shutil.copytree(folder, other, dirs_exist_ok=True)
    whole = sweep.explain(winner, seeds=2, name="own", db=other / "sweeps.db").explanation(winner)
    heard = Listening()
    for budget in (3, 9, 13):
        results = sweep.explain(winner, seeds=2, name="own", db=db, epochs_total=budget, observer=heard)
    assert "the budget ended before the last step; give the same command again" in heard.notes
    assert len(sweep.load("own.explain", db=db).trials()) < len(
        sweep.load("own.explain", db=other / "sweeps.db").trials()
    )
    results = sweep.explain(winner, seeds=2, name="own", db=db)
    assert results.explanation(winner).equals(whole)


def test_fewer_seeds_than_are_trained_may_count(db, winner):
    results = sweep.explain(winner, seeds=2, name="own", db=db)
    assert set(explanation(results, Task(winner, seeds=1))["seeds"]) == {1}
    assert set(results.explanation(winner)["seeds"]) == {2}


def test_the_file_order_takes_fewer(db, winner):
    results = sweep.explain(winner, seeds=1, order="file", name="own", db=db)
    table = rows(results, winner, order="file")
    twins = sweep.load("own.explain", db=db)
    assert len(twins.trials()) == len(table)
    names = [name for name in ("rate", "size", "idle") if name in table.index]
    assert table.index.tolist()[1:] == names


def test_another_trial_may_be_the_baseline(db, winner):
    other = (winner + 1) % 8
    results = sweep.explain(winner, baseline=other, seeds=1, order="file", name="own", db=db)
    table = results.explanation(winner, other, "file")
    assert table["change"][0] == f"own/{other}"
    with pytest.raises(SweepError, match=f"the way to own/{winner} is not trained yet; do so with: "):
        results.explanation(winner)


def test_conditional_parameters_change_with_their_choice(db):
    results = sweep.load(SMALL, db=db)
    trials = results.trials()
    leaky = int(trials.loc[trials["alpha"].notna(), "trial"].iloc[0])
    sweep.explain(leaky, seeds=1, order="file", name=SMALL, db=db)
    table = rows(results, leaky, order="file")
    assert "alpha" not in table.index
    change = table.loc["activation", "change"]
    assert change.startswith("activation relu → leaky_relu") and ", alpha – → 0." in change
    twins = sweep.load(f"{SMALL}.explain", db=db).trials()
    shown = twins.set_index("changed")
    assert shown.loc["nothing", "activation"] == "relu"
    assert shown["alpha"].isna().sum() == shown["activation"].eq("relu").sum() > 0


def test_a_step_that_diverges_is_shown_as_such(db):
    (db.parent / "fragile.py").write_text(
        "import math\n\ndef train(config, trial):\n"
        "    yield {'rmse': math.inf if config['rate'] < 0.9 and config['size'] == 0 else config['rate']}\n"
    )
    overrides = ["trainer=fragile:train", "size={choice=[1, 2, 0]}", "rate={uniform=[0.0, 2.0]}"]
    results = sweep.run(db.parent / "own.toml", name="fragile", repeats=1, overrides=overrides, trials=20, db=db)
    trials = results.trials()
    bad = int(trials.loc[trials["status"] == "diverged", "trial"].iloc[0])
    results = sweep.explain(bad, seeds=2, name="fragile", db=db)
    table = rows(results, bad)
    assert table["diverged"].tolist()[-1] == 2
    assert "diverges" in table["verdict"].tolist()
    assert any("; diverged with 2 of 2 seeds" in line for line in sentences(table.reset_index(), "rmse"))


def test_what_cannot_be_is_refused(db, winner):
    with pytest.raises(SweepError, match=f"no searched parameter of own/{winner} differs from own/{winner}"):
        sweep.explain(winner, baseline=winner, name="own", db=db)
    with pytest.raises(SweepError, match="there is no trial 99"):
        sweep.explain(99, name="own", db=db)
    with pytest.raises(UsageError, match="order must be greedy or file, not 'best'"):
        sweep.explain(winner, order="best", name="own", db=db)
    with pytest.raises(UsageError, match="seeds takes a number from 1 on, not 0"):
        sweep.explain(winner, seeds=0, name="own", db=db)
    sweep.explain(winner, seeds=1, order="file", name="own", db=db)
    with pytest.raises(SweepError, match="were made from those of own; name own instead"):
        sweep.explain(0, name="own.explain", db=db)


def test_the_call_that_goes_on_has_all_that_was_given():
    assert str(Task(3, 7, 5, "file").again("own")) == "sweep.explain(3, name='own', baseline=7, seeds=5, order='file')"
