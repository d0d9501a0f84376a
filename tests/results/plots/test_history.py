"""Tests of the objective by trial number."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import history_chart
from sweep.results.plots.history import history
from sweep.results.plots.style import RED
from tests.results.plots.plot_setup import assert_legible, line

ACCURACY = Objective(tie_break=None)
RMSE = Objective("rmse", "min", tie_break=None)


def frame(statuses, values, name="test_accuracy"):
    values = np.asarray(values, dtype=np.float64)
    return pd.DataFrame(
        {"trial": range(len(statuses)), "status": statuses, name: values, "seconds": 1.0, "ranked_epochs": pd.NA}
    )


MIXED = frame(["completed", "diverged", "pruned", "failed", "completed", "queued"], [0.8, 0.3, 0.95, 0.1, 0.9, np.nan])


def legend(figure):
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def test_the_best_so_far_is_that_of_the_completed_trials():
    table = history(MIXED, ACCURACY)
    expected = pd.DataFrame(
        {
            "trial": [0, 1, 2, 4],
            "status": ["completed", "diverged", "pruned", "completed"],
            "value": [0.8, np.nan, 0.95, 0.9],
            "best": [0.8, 0.8, 0.8, 0.9],
            "rank": [2, 0, 0, 1],
        }
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


def test_with_repeats_a_row_is_a_configuration():
    table = history(frame(["completed"] * 4, [0.8, 0.6, 0.9, 0.7]), ACCURACY, repeats=2)
    assert table["trial"].tolist() == [0, 1]
    np.testing.assert_allclose(table["value"], [0.7, 0.8])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.booleans())
def test_the_best_so_far_is_the_best_of_all_up_to_a_trial(values, is_max):
    objective = Objective("rmse", "max" if is_max else "min", tie_break=None)
    table = history(frame(["completed"] * len(values), values, "rmse"), objective)
    extreme = max if is_max else min
    assert table["best"].tolist() == [extreme(values[: place + 1]) for place in range(len(values))]


def test_the_marks_stand_where_the_trials_are():
    figure = history_chart(MIXED, ACCURACY, title="digits")
    assert_legible(figure)
    (axes,) = figure.axes
    assert figure.get_suptitle() == "digits: 1 queued, 2 completed, 1 diverged, 1 failed, 1 pruned"
    assert line(axes, "completed").tolist() == [[0, 0.8], [4, 0.9]]
    assert line(axes, "best").tolist() == [[4, 0.9]]
    ((place, height),) = line(axes, "diverged")
    assert place == 1
    assert height < 0.8
    assert line(axes, "pruned").tolist() == [[2, 0.95]]
    crosses = next(each for each in axes.get_lines() if each.get_label() == "diverged")
    assert (crosses.get_marker(), crosses.get_color()) == ("x", RED)
    assert legend(figure)[0] == "best: trial 4, 0.9000"


def test_of_equal_values_the_best_is_that_of_the_leaderboard():
    objective = Objective()
    trials = frame(["completed"] * 2, [0.9, 0.9]).assign(test_loss=[0.5, 0.2])
    assert line(history_chart(trials, objective).axes[0], "best").tolist() == [[1, 0.9]]


def test_where_less_is_better_diverged_trials_stand_on_top():
    trials = frame(["completed", "diverged", "completed"], [2.0, np.nan, 1.0], "rmse")
    axes = history_chart(trials, RMSE).axes[0]
    ((_, height),) = line(axes, "diverged")
    assert height > 2.0
    assert line(axes, "best so far")[:, 1].tolist() == [2.0, 2.0, 1.0, 1.0]


def test_outliers_and_pruned_trials_that_are_worse_stand_on_the_edge():
    values = [*np.linspace(0.9, 0.98, 30), 0.1, 0.2]
    trials = frame(["completed"] * 31 + ["pruned"], values)
    figure = history_chart(trials, ACCURACY)
    (axes,) = figure.axes
    low = axes.get_ylim()[0]
    assert line(axes, "beyond the axis").tolist() == [[30, low]]
    assert line(axes, "pruned").tolist() == [[31, low]]
    assert low > 0.8
    assert "1 beyond the axis" in legend(figure)


@pytest.mark.parametrize("statuses", [["completed"], ["diverged"] * 3, ["pruned"] * 2, ["completed", "diverged"]])
@pytest.mark.parametrize("objective", [ACCURACY, Objective("test_accuracy", "min", tie_break=None)])
def test_tiny_sweeps_are_drawn(statuses, objective):
    assert_legible(history_chart(frame(statuses, [0.5] * len(statuses)), objective))


@pytest.mark.parametrize("statuses", [[], ["queued"] * 2, ["failed"]])
def test_without_trials_that_ended_there_is_one_sentence(statuses):
    with pytest.raises(UsageError, match="no trial has ended with a value of test_accuracy yet"):
        history_chart(frame(statuses, [np.nan] * len(statuses)), ACCURACY)
