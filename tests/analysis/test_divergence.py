"""The law of divergence: planted ones are found, and of few, none or only casualties is said what can be."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.divergence import coverage, planted
from sweep.analysis.divergence import clopper_pearson, fit_law
from sweep.analysis.divergence_report import effects_table, sentences, summary_table
from sweep.analysis.forecast import expected_divergences
from sweep.analysis.predictors import matrix, predictors
from sweep.analysis.stack import fit_stack, squares
from sweep.records import Parameter


@pytest.fixture(scope="module")
def law():
    frame, parameters, _ = planted(3, 300, 0.3, 4.0)
    return fit_law(frame, parameters)


def few(diverged, trials=40, **columns):
    """Trials of which those of the largest learning rates diverged."""
    rates = np.geomspace(0.01, 1, trials)
    status = np.where(np.arange(trials) >= trials - diverged, "diverged", "completed")
    frame = pd.DataFrame({"learning_rate": rates, "status": status, "group": range(trials), **columns})
    return fit_law(frame, [Parameter("learning_rate", "learning_rate", log=True)])


def test_intervals_hold_planted_exponents_about_as_often_as_they_say():
    held, _ = coverage(range(60), 200, 0.3, 3.0)
    # 180 intervals of 90 %, of one sweep not independent: 0.83 is three standard errors below.
    assert 0.83 <= np.mean(list(held.values())) <= 0.97


def test_a_planted_law_is_found_and_what_changes_nothing_cannot_be_told(law):
    _, _, limit = planted(3, 300, 0.3, 4.0)
    assert law.boundary.lead.label == "learning_rate" and law.boundary.is_above
    assert law.boundary.limit.low < np.exp(limit) < law.boundary.limit.high
    exponents = {each.predictor.label: each.exponent for each in law.effects}
    assert exponents["batch_size"].low < -0.5 < exponents["batch_size"].high < 0
    text = "\n".join(sentences(law))
    assert "diverges when learning_rate · (batch_size / " in text
    assert "halving batch_size multiplies the odds by " in text
    assert "alpha" in next(line for line in text.split("\n") if line.startswith("cannot be told: "))


def test_left_out_trials_are_predicted_better_than_by_the_base_rate(law):
    assert law.log_loss < 0.75 * law.base_log_loss
    assert law.base_log_loss == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7), abs=0.03)
    # A second draw of the same law: the printed loss is no flattery.
    other, parameters, _ = planted(3, 3_000, 0.3, 4.0)
    other = other.iloc[300:]
    chances = law.probabilities({each.name: other[each.name].tolist() for each in parameters}, len(other))
    given = np.where(other["status"] == "diverged", chances, 1 - chances)
    assert law.log_loss == pytest.approx(-np.log(given).mean(), abs=0.08)


def test_the_tables_hold_what_the_sentences_say(law):
    table, summary = effects_table(law).set_index("term"), summary_table(law)
    assert table.loc["learning_rate", "exponent"] == 1
    assert bool(table.loc["batch_size", "is_told"]) and not bool(table.loc["alpha", "is_told"])
    odds = table.loc["batch_size"]
    assert odds["odds_low"] < odds["odds"] < odds["odds_high"] and odds["odds"] > 1
    assert summary.loc[0, "log_loss"] == law.log_loss and summary.loc[0, "limit"] == law.boundary.limit.value


def test_the_same_trials_give_the_same_law(law):
    frame, parameters, _ = planted(3, 300, 0.3, 4.0)
    again = fit_law(frame, parameters)
    assert (again.predicted == law.predicted).all() and sentences(again) == sentences(law)


def test_with_few_casualties_the_ridge_is_fixed_and_below_five_there_is_the_base_rate_alone():
    law = few(7)
    assert law.has_model and law.log_loss < law.base_log_loss
    assert any("fixed penalty" in each for each in sentences(law))
    law = few(4)
    assert not law.has_model and law.probabilities({}, 2) == pytest.approx(0.1)
    assert "4 of 40 trials diverged, 10 % (95 %: 2.8 % to 24 %)" in sentences(law)
    assert "what it depends on can be told from 5 divergences of different configurations on" in sentences(law)


@pytest.mark.parametrize(("diverged", "word"), [(0, "none of 40 trials diverged"), (40, "all of 40 trials diverged")])
def test_none_and_all_are_said_in_words(diverged, word):
    law = few(diverged)
    assert not law.has_model and sentences(law)[0].startswith(word)
    assert effects_table(law).empty and summary_table(law).loc[0, "diverged"] == diverged


def test_the_interval_of_a_share_is_that_of_scipy():
    from scipy.stats import binomtest

    for events, trials in ((0, 9), (3, 40), (9, 9)):
        theirs, ours = binomtest(events, trials).proportion_ci(0.95, "exact"), clopper_pearson(events, trials)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_pruned_failed_and_unended_trials_are_left_out_and_counted():
    frame, parameters, _ = planted(0, 120, 0.3, 4.0)
    whole = fit_law(frame, parameters)
    others = frame.iloc[:6].assign(status=["pruned", "pruned", "failed", "running", "queued", "interrupted"])
    law = fit_law(pd.concat([others, frame], ignore_index=True), parameters)
    assert law.trials == 120 and (law.predicted == whole.predicted).all()
    assert "left out: 2 pruned (they might have diverged later), 3 not ended, 1 failed" in sentences(law)


def test_trainings_of_one_configuration_are_left_out_together():
    # Outcomes that no parameter tells, the same in all trainings: who knew the others would predict them.
    rng = np.random.default_rng(0)
    outcomes = np.repeat(rng.random(40) < 0.4, 4)
    frame = pd.DataFrame({"x": np.repeat(rng.random(40), 4), "group": np.repeat(np.arange(40), 4)})
    frame["status"] = np.where(outcomes, "diverged", "completed")
    law = fit_law(frame, [Parameter("x", "x")])
    assert law.log_loss > 0.9 * law.base_log_loss


def test_trainings_of_one_configuration_are_one_casualty():
    law = few(6)
    assert law.rarer == 6
    frame = pd.DataFrame({"x": np.arange(40.0), "group": np.arange(40) // 6})
    frame["status"] = np.where(frame["group"] == 3, "diverged", "completed")
    law = fit_law(frame, [Parameter("x", "x")])
    assert law.diverged == 6 and law.rarer == 1 and not law.has_model


def test_options_and_what_is_not_there_have_effects():
    rng = np.random.default_rng(5)
    kinds = rng.choice(["relu", "tanh"], 200)
    rates = np.exp(rng.uniform(-4, 0, 200))
    diverged = rng.random(200) < 1 / (1 + np.exp(-2 * (np.log(rates) + 2) - 3 * (kinds == "relu")))
    frame = pd.DataFrame({"lr": rates, "kind": kinds, "group": range(200)})
    frame["status"] = np.where(diverged, "diverged", "completed")
    frame["slope"] = np.where(kinds == "relu", rng.random(200), np.nan)
    law = fit_law(frame, [Parameter("lr", "lr", log=True), Parameter("kind", "kind"), Parameter("slope", "slope")])
    text = "\n".join(sentences(law))
    assert " if kind is " in text and " instead of " in text and np.isfinite(law.log_loss)


def test_the_expected_number_of_divergences_is_that_of_new_draws():
    frame, parameters, _ = planted(1, 400, 0.3, 4.0)
    names = [each.name for each in parameters]
    rows = frame[names].to_dict("records")
    outcomes = (frame["status"] == "diverged").tolist()
    expected = expected_divergences(rows[:200], outcomes[:200], rows[200:])
    assert expected == pytest.approx(sum(outcomes[200:]), abs=15)
    assert expected_divergences(rows[:200], [True] * 4 + [False] * 196, rows[200:]) is None
    assert expected_divergences(rows[:9], [True] * 9, rows[200:]) == 200
    gentle = [{**row, "learning_rate": row["learning_rate"] / 100} for row in rows[200:]]
    assert expected_divergences(rows[:200], outcomes[:200], gentle) is None  # outside of what is known


def test_squares_are_not_trusted_where_few_casualties_could_be_told_apart_by_chance():
    frame, parameters, _ = planted(1, 2_000, 0.25, 8.0)
    values = {each.name: frame[each.name].tolist() for each in parameters}
    design = matrix(predictors(parameters, values), values, len(frame))
    diverged = (frame["status"] == "diverged").to_numpy(float)
    stack = fit_stack(design[:80], diverged[:80], np.arange(80))
    chances = stack.quadratic.probabilities(squares(design[80:], stack.squared))
    given = np.where(diverged[80:] > 0, chances, 1 - chances)
    # 0.13; with penalties down to 0.1 it is 0.21.
    assert -np.log(given).mean() < 0.17
