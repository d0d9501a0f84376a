"""Tests of the best of groups of trials."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import efficiency_chart
from sweep.results.plots.efficiency import boxes, efficiency
from tests.results.plots.plot_setup import assert_legible, line, tick_words
from tests.results.plots.test_history import ACCURACY, RMSE, frame, legend


def test_trials_that_follow_each_other_are_a_group():
    statuses = ["completed", "completed", "diverged", "failed", "diverged", "completed"]
    table = efficiency(frame(statuses, [0.5, 0.7, 0.9, 0.9, np.nan, 0.6]), ACCURACY)
    expected = pd.DataFrame(
        {
            "size": [1, 1, 1, 1, 1, 2, 2, 4, 5],
            "group": [0, 1, 2, 3, 4, 0, 1, 0, 0],
            "best": [0.5, 0.7, np.nan, np.nan, 0.6, 0.7, np.nan, 0.7, 0.7],
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_the_best_is_the_lowest_where_less_is_better():
    table = efficiency(frame(["completed"] * 4, [4, 3, 2, 1], "rmse"), RMSE)
    assert table["best"].tolist() == [4, 3, 2, 1, 3, 1, 1]


def test_quartiles_are_values_and_a_diverged_group_is_the_worst():
    groups = pd.DataFrame({"size": 1, "group": range(4), "best": [0.3, np.nan, 0.1, 0.2]})
    (row,) = boxes(groups, ACCURACY).to_dict("records")
    assert (row["size"], row["groups"]) == (1, 4)
    np.testing.assert_equal([row[name] for name in ("worst", "lower", "median", "upper")], [np.nan, np.nan, 0.1, 0.2])
    assert row["best"] == 0.3
    (row,) = boxes(groups, RMSE).to_dict("records")
    np.testing.assert_equal([row[name] for name in ("worst", "median", "best")], [np.nan, 0.3, 0.1])


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=70), st.sampled_from(["max", "min"]))
def test_larger_groups_have_better_medians_and_all_trials_the_best(values, direction):
    objective = Objective("rmse", direction, tie_break=None)
    table = efficiency(frame(["completed"] * len(values), values, "rmse"), objective)
    assert table["best"].iloc[-1] == (max(values) if direction == "max" else min(values))
    assert table.groupby("size").size().to_dict() == {
        size: len(values) // size for size in [*(2**power for power in range(7) if 2**power < len(values)), len(values)]
    }


def test_many_groups_are_a_box_and_few_are_points():
    values = np.random.default_rng(1).uniform(0.8, 0.99, 40)
    figure = efficiency_chart(frame(["completed"] * 40, values), ACCURACY, title="digits")
    assert_legible(figure)
    (axes,) = figure.axes
    assert tick_words(axes.xaxis) == ["1", "2", "4", "8", "16", "32", "40"]
    assert [text.get_text() for text in axes.texts] == ["40", "20", "10", "5", "2", "1", "1"]
    boxes_drawn = [patch for patch in axes.patches if patch.get_path().vertices.shape[0] > 4]
    assert len(boxes_drawn) == 3
    table = boxes(efficiency(frame(["completed"] * 40, values), ACCURACY), ACCURACY)
    np.testing.assert_allclose(line(axes, "median")[:, 1], table["median"])
    extents = boxes_drawn[0].get_path().get_extents()
    np.testing.assert_allclose([extents.y0, extents.y1], [table["lower"][0], table["upper"][0]])


@pytest.mark.parametrize("statuses", [["completed"] * 2, ["diverged"] * 3, ["completed"] + ["diverged"] * 20])
@pytest.mark.parametrize("objective", [ACCURACY, Objective("test_accuracy", "min", tie_break=None)])
def test_tiny_sweeps_are_drawn(statuses, objective):
    assert_legible(efficiency_chart(frame(statuses, np.linspace(0.5, 0.9, len(statuses))), objective))


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ([], "at least two trials"),
        (["completed", "queued"], "at least two trials"),
        (["completed", "pruned", "completed"], "1 were pruned"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(statuses, words):
    with pytest.raises(UsageError, match=words):
        efficiency_chart(frame(statuses, [0.5] * len(statuses)), ACCURACY)


@pytest.mark.parametrize("direction", ["max", "min"])
def test_what_is_beyond_the_axis_has_a_mark_of_its_own(direction):
    sign = 1 if direction == "max" else -1
    trials = frame(["completed"] * 20, [*(sign * np.linspace(1, 2, 18)), sign * -50.0, sign * -60.0], "rmse")
    figure = efficiency_chart(trials, Objective("rmse", direction, tie_break=None))
    assert_legible(figure)
    assert legend(figure) == ["median of the groups", "2 trials beyond the axis"]
    marks = [each.get_xdata()[0] for each in figure.axes[0].get_lines() if each.get_label() == "beyond"]
    assert marks == [0, 1]  # the two trials are a group, but of larger ones none is beyond
    assert legend(efficiency_chart(trials[:18], Objective("rmse", direction, tie_break=None))) == [
        "median of the groups"
    ]
