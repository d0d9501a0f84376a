"""Which trials of a sweep are independent draws that ran to their end."""

import sqlite3

import numpy as np
import pandas as pd
import pytest

import sweep
from sweep.results.independent import independent_draws
from tests.engine_here import training_here
from tests.results.small_curves import FILE, run, value


def changed(results, numbers, **values):
    """Load a sweep again after some of its trials got other values in the database."""
    results.store.close()
    file = results.store.folder / "mine.db"
    with sqlite3.connect(file) as connection:
        for name, each in values.items():
            for number in numbers:
                connection.execute(f"update trials set {name} = ? where number = ?", (each, number))
    connection.close()
    return sweep.load(results.name, db=str(file))


def test_all_trials_of_a_random_sweep_are_draws_and_diverged_ones_the_worst(tmp_path):
    results = run(tmp_path)
    draws = independent_draws(results)
    rates = results.trials()["rate"]
    assert (draws.reason, draws.note) == ("", "")
    assert draws.table["trial"].tolist() == list(range(30))
    np.testing.assert_allclose(draws.table["value"], [value(rate) for rate in rates])
    assert 0 < (rates > 0.9).sum() < 30
    assert np.isposinf(draws.values[rates > 0.9]).all()  # less is better
    assert (draws.table["seconds"] >= 0).all()


def test_a_parameter_may_be_called_as_a_column_of_the_table(tmp_path):
    more = "[parameters]\nvalue = { uniform = [5.0, 6.0] }\nplanned = { choice = [1, 2] }\n"
    results = run(tmp_path, file=FILE.replace("[parameters]\n", more), trials=5)
    expected = [value(rate) for rate in results.trials()["rate"]]
    np.testing.assert_allclose(independent_draws(results).table["value"], expected)


def test_failed_trials_do_not_count(tmp_path):
    draws = independent_draws(changed(run(tmp_path, trials=5), [1, 3], status="failed"))
    assert draws.table["trial"].tolist() == [0, 2, 4]


@pytest.mark.parametrize("status", ["queued", "running", "interrupted", "paused"])
def test_of_a_running_sweep_the_draws_end_before_the_first_that_has_not_ended(tmp_path, status):
    draws = independent_draws(changed(run(tmp_path, trials=9), [4, 7], status=status))
    assert draws.table["trial"].tolist() == [0, 1, 2, 3]
    assert draws.note == "5 configurations left out, from the first on that has not ended"
    none = independent_draws(changed(sweep.load("mine", db=str(tmp_path / "mine.db")), [0], status=status))
    assert none.table.empty
    assert none.reason == "none of its first trials has ended yet"


def test_with_repeats_a_draw_is_the_mean_of_a_configuration(tmp_path):
    results = changed(run(tmp_path, trials=6, overrides=["repeats=2"]), [11], status="queued")
    draws = independent_draws(results)
    rates = results.trials()["rate"].to_numpy()[0:10:2]
    assert draws.table["trial"].tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_allclose(draws.table["value"], [value(rate) for rate in rates])


@pytest.mark.parametrize(
    ("sampler", "reason"),
    [
        ('"sobol"', "its sampler 'sobol' spreads the trials evenly, so that none is independent of the others"),
        ('"latin_hypercube"', "its sampler 'latin_hypercube' spreads the trials evenly"),
        ('{ kind = "grid", levels = 4 }', "its sampler 'grid' lists the trials and does not draw them at random"),
        ('"optuna:tpe"', "its sampler 'optuna:tpe' draws each trial by the results of earlier ones"),
    ],
)
def test_other_samplers_have_no_independent_draws(tmp_path, sampler, reason):
    draws = independent_draws(run(tmp_path, file=FILE.replace("trials = 30", f"trials = 4\nsampler = {sampler}")))
    assert draws.reason.startswith(reason)
    assert draws.table.empty
    assert draws.values.shape == (0,)


def test_of_screened_rounds_only_the_first_is_drawn_at_random(tmp_path):
    file = FILE.replace("trials = 30", 'trials = 20\nsampler = { kind = "screened", rounds = 2 }')
    draws = independent_draws(run(tmp_path, file=file))
    assert draws.table["trial"].tolist() == list(range(10))
    assert draws.note == "only its first 10 configurations were drawn at random"


def test_what_a_rule_left_over_is_a_selection(tmp_path):
    draws = independent_draws(run(tmp_path, trials=8, overrides=["epochs=8"], stopping="halving"))
    assert draws.table.empty
    assert draws.reason.endswith("were stopped early (by halving), so that the others are a selection")


def test_what_was_stopped_for_itself_alone_counts_as_diverged(tmp_path):
    results = run(tmp_path, trials=5)
    results.store.close()
    with sqlite3.connect(tmp_path / "mine.db") as connection:
        (trial,) = connection.execute("select id from trials where number = 2").fetchone()
        connection.execute("update trials set status = 'pruned' where number = 2")
        row = {"trial_id": trial, "epoch": 1, "rule": "seconds_per_epoch", "decision": "stop", "reason": "slow"}
        names = ", ".join(row)
        connection.execute(f"insert into decisions ({names}) values (?, ?, ?, ?, ?)", tuple(row.values()))
    connection.close()
    draws = independent_draws(sweep.load("mine", db=str(tmp_path / "mine.db")))
    assert draws.reason == ""
    assert pd.isna(draws.table["value"][2])
    assert len(draws.table) == 5


def test_a_sweep_that_ended_at_a_value_has_none(tmp_path):
    results = run(tmp_path, until=1.0)
    assert results.record.ended
    assert independent_draws(results).reason.startswith("it was ended once a trial was good enough")


def test_a_continued_trial_counts_with_the_epochs_of_the_others(tmp_path):
    results = run(tmp_path, trials=6)
    before = independent_draws(results).table
    best = results.best_trials(2)
    with training_here():
        results = sweep.extend(best, epochs=9, name="mine", db=str(tmp_path / "mine.db"))
    after = independent_draws(results)
    assert (results.trials().set_index("trial").loc[best, "rmse"] < before.set_index("trial").loc[best, "value"]).all()
    pd.testing.assert_series_equal(after.table["value"], before["value"])
    assert after.reason == ""


def test_no_trial_has_ended(tmp_path):
    draws = independent_draws(changed(run(tmp_path, trials=2), [0, 1], status="queued"))
    assert draws.reason == "none of its first trials has ended yet"
