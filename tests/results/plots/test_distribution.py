"""Tests of the empirical distribution of the objective."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import distribution_chart
from sweep.results.plots.distribution import MOST_SWEEPS, distribution
from tests.results.plots.plot_setup import assert_legible, line
from tests.results.plots.test_history import ACCURACY, RMSE, frame, legend

FIVE = frame(["completed", "completed", "diverged", "completed", "pruned"], [0.5, 0.7, np.nan, 0.7, 0.9])


def test_diverged_trials_are_worse_than_any_value():
    table = distribution(FIVE, ACCURACY)
    assert table["value"].tolist() == [-np.inf, 0.5, 0.7]
    assert table["share"].tolist() == [0.25, 0.5, 1.0]
    table = distribution(FIVE.rename(columns={"test_accuracy": "rmse"}), RMSE)
    assert table["value"].tolist() == [0.5, 0.7, np.inf]
    assert table["share"].tolist() == [0.25, 0.75, 1.0]


def test_with_repeats_the_values_are_means():
    table = distribution(frame(["completed", "completed", "completed", "diverged"], [1, 2, 4, np.nan], "rmse"), RMSE, 2)
    assert table["value"].tolist() == [1.5, 4.0]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_a_share_counts_the_trials_with_at_most_a_value(values):
    table = distribution(frame(["completed"] * len(values), values), ACCURACY)
    expected = [np.mean(np.array(values) <= value) for value in table["value"]]
    np.testing.assert_allclose(table["share"], expected)


def height(points, place):
    """Return the height of a curve of steps at a place."""
    return points[points[:, 0] <= place][-1, 1]


def test_the_curve_begins_at_the_share_of_diverged_trials():
    figure = distribution_chart({"digits": FIVE}, ACCURACY)
    assert_legible(figure)
    (axes,) = figure.axes
    curve = line(axes, "digits")
    assert axes.get_lines()[0].get_drawstyle() == "steps-post"
    assert [height(curve, place) for place in (axes.get_xlim()[0], 0.49, 0.5, 0.69, 0.7)] == [0.25, 0.25, 0.5, 0.5, 1]
    assert legend(figure) == ["digits: 4 trials, median 0.5000, 1 diverged, 1 pruned left out"]
    assert "diverged" in [text.get_text() for text in axes.texts]


def test_where_less_is_better_it_ends_below_all_by_that_share():
    figure = distribution_chart({"mine": FIVE.rename(columns={"test_accuracy": "rmse"})}, RMSE)
    curve = line(figure.axes[0], "mine")
    assert curve[0, 1] == 0
    assert curve[-1].tolist() == [figure.axes[0].get_xlim()[1], 0.75]


def test_several_sweeps_are_curves_of_colors_of_their_own_on_one_axis():
    sweeps = {"a": FIVE, "b": frame(["completed"] * 2, [0.1, 0.2]), "a" * 60: frame(["diverged"], [np.nan])}
    figure = distribution_chart(sweeps, ACCURACY)
    assert_legible(figure)
    lines = figure.axes[0].get_lines()
    assert [each.get_label() for each in lines] == list(sweeps)
    assert len({each.get_color() for each in lines}) == 3
    assert figure.get_suptitle() == "distribution of test accuracy in 3 sweeps"
    assert legend(figure)[2].endswith("1 trial, median diverged, 1 diverged")


@pytest.mark.parametrize("statuses", [["completed"], ["completed"] * 2, ["diverged"] * 3])
@pytest.mark.parametrize("direction", ["max", "min"])
def test_tiny_sweeps_are_drawn(statuses, direction):
    objective = Objective("rmse", direction, tie_break=None)
    assert_legible(distribution_chart({"a": frame(statuses, np.arange(len(statuses)), "rmse")}, objective))


def test_without_trials_that_count_there_is_one_sentence():
    with pytest.raises(UsageError, match="no trial of b has completed or diverged yet"):
        distribution_chart({"a": FIVE, "b": frame(["queued", "pruned"], [np.nan, 0.5])}, ACCURACY)


def test_too_many_sweeps_are_refused():
    with pytest.raises(UsageError, match=f"at most {MOST_SWEEPS} sweeps"):
        distribution_chart({str(number): FIVE for number in range(MOST_SWEEPS + 1)}, ACCURACY)


def test_the_frame_is_that_of_pandas_without_divergence():
    values = np.random.default_rng(0).normal(size=50)
    table = distribution(frame(["completed"] * 50, values), ACCURACY)
    ranked = pd.Series(values).rank(pct=True).sort_values()
    np.testing.assert_allclose(table["share"], ranked)


@pytest.mark.parametrize("has_diverged", [False, True])
@pytest.mark.parametrize("direction", ["max", "min"])
def test_what_is_beyond_the_axis_is_counted_and_no_step_stands_on_its_edge(direction, has_diverged):
    sign = 1 if direction == "max" else -1
    values = [*(sign * np.linspace(1, 2, 18)), sign * -50.0, sign * -60.0]
    statuses = ["completed"] * 20 + ["diverged"] * (5 if has_diverged else 0)
    trials = frame(statuses, [*values, *[np.nan] * (len(statuses) - 20)], "rmse")
    figure = distribution_chart({"a": trials}, Objective("rmse", direction, tie_break=None))
    assert_legible(figure)
    assert legend(figure)[0].endswith("2 beyond the axis")
    curve, mark = line(figure.axes[0], "a"), line(figure.axes[0], "_beyond")
    gap = int(np.flatnonzero(np.isnan(curve[:, 0]))[0])
    lost = 5 / 25 if has_diverged else 0.0
    beyond = 2 / len(trials)
    before, after = (lost, lost + beyond) if direction == "max" else (1 - lost - beyond, 1 - lost)
    np.testing.assert_allclose([curve[gap - 1, 1], curve[gap + 1, 1]], [before, after])
    np.testing.assert_allclose(mark, [[curve[gap - 1, 0], after if direction == "max" else before]])
