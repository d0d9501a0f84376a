"""Tests of the chart of a metric against the parameters: outliers on the bad side, and metrics of any range."""

import numpy as np
import pandas as pd
import pytest

from sweep.metrics import Objective
from sweep.results.plots import scatter_grid
from tests.results.plots.plot_setup import (
    PARAMETERS,
    WIDTH,
    all_drawn,
    assert_legible,
    drawn,
    only,
    panel,
    tick_words,
    trials,
)


def outlying(count=50):
    frame = only(trials(200), "completed").head(count).reset_index(drop=True)
    frame.loc[[4, 9], "test_accuracy"] = [0.098, 0.15]
    frame.loc[[4, 9], "test_loss"] = [7.0, 2.3]
    diverged = only(trials(200), "diverged").head(5)
    return pd.concat([frame, diverged], ignore_index=True)


@pytest.mark.parametrize(
    ("metric", "words"),
    [("test_accuracy", "2 below the axis, the lowest 0.0980"), ("test_loss", "2 above the axis, the highest 7")],
)
def test_a_few_bad_outliers_are_counted_triangles_on_the_edge_of_an_axis_made_for_the_others(metric, words):
    frame = outlying()
    figure = scatter_grid(frame, PARAMETERS, Objective().by(metric))
    axes = panel(figure, "hidden[0]")
    triangles = drawn(axes, "beyond")
    assert sorted(triangles[:, 0]) == sorted(frame.loc[[4, 9], "hidden[0]"])
    others = frame[metric].drop([4, 9]).dropna()
    assert np.ptp(axes.get_ylim()) < 1.5 * np.ptp(others)
    if metric == "test_accuracy":
        assert (triangles[:, 1] < others.min()).all()
        assert (triangles[:, 1] > drawn(axes, "diverged")[:, 1].max()).all()
    else:
        assert (triangles[:, 1] > others.max()).all()
        assert (triangles[:, 1] <= axes.get_ylim()[1]).all()
    assert len(all_drawn(axes)) == 50
    assert [text.get_text() for text in figure.legends[0].get_texts()][1] == words


@pytest.mark.parametrize(
    "accuracies",
    [
        # The quartiles are near 0.92 and 0.96, so what is far out begins near 0.8.
        [*np.linspace(0.9, 0.98, 48), 0.805],
        [*np.linspace(0.9, 0.98, 48), 0.805, 0.79],
        [*[0.97] * 40, 0.98, 0.15],
        [*np.linspace(0.9, 0.98, 18), 0.098],
        np.linspace(0.1, 0.9, 48),
    ],
    ids=["not far out", "hardly further out than others", "most are equal", "too few trials", "no outliers"],
)
def test_otherwise_every_completed_trial_has_its_place_on_the_axis(accuracies):
    frame = trials(len(accuracies)).assign(status="completed", test_accuracy=accuracies)
    axes = scatter_grid(frame, [WIDTH]).axes[0]
    assert not len(drawn(axes, "beyond"))
    expected = only(frame, "completed")["test_accuracy"]
    np.testing.assert_allclose(sorted(all_drawn(axes)[:, 1]), sorted(expected))


def test_good_outliers_are_never_cut_off():
    frame = outlying()
    frame["test_accuracy"] = 1 - frame["test_accuracy"]
    axes = scatter_grid(frame, [WIDTH]).axes[0]
    assert not len(drawn(axes, "beyond"))
    assert axes.get_ylim()[1] > 0.902


@pytest.mark.parametrize(
    "values",
    [
        [1e9, 3e9, 7e9],
        [-3e-9, -1e-9, 4e-9],
        [-250.0, -10.0, 3.5],
        [5.0, 5.0 + 1e-12, 5.0 + 3e-12],
        [-1e308, 0.0, 1e308],
        [0.0, 0.0, 0.0],
        [1e300],
        [123456.7, 123456.9],
    ],
    ids=str,
)
@pytest.mark.parametrize("direction", ["max", "min"])
def test_a_users_metric_of_any_range_has_a_few_legible_ticks_that_differ(values, direction):
    frame = trials(60).assign(rmse=np.resize(values, 60))
    figure = scatter_grid(frame, [WIDTH], Objective("rmse", direction, tie_break=None))
    assert_legible(figure)
    axes = figure.axes[0]
    labels = [label for label in tick_words(axes.yaxis) if label != "diverged"]
    assert len(labels) == len(set(labels)) >= 2
    numbers = [float(label) for label in labels]
    assert numbers == sorted(numbers)
    assert max(map(len, labels)) <= 15
    assert figure.get_supylabel() == "rmse"


@pytest.mark.parametrize(("name", "value"), [("test_rmse", 0.0), ("test_r2", 1.0), ("validation_f1", 1.0)])
def test_a_metric_has_no_ticks_beyond_its_limits(name, value):
    frame = only(trials(), "completed").assign(**{name: value})
    axes = scatter_grid(frame, [WIDTH], Objective().by(name)).axes[0]
    low, high = axes.get_ylim()
    assert low < value < high
    ticks = [float(label) for label in tick_words(axes.yaxis)]
    assert len(ticks) >= 2
    assert (min(ticks) if value == 0 else max(ticks)) == value


def test_a_name_with_dollar_signs_is_shown_as_it_is():
    figure = scatter_grid(trials().assign(**{"$x$_y": 0.5}), [WIDTH], Objective("$x$_y", "min", tie_break=None))
    assert figure.get_supylabel() == r"\$x\$_y"
    assert_legible(figure)


def test_the_outliers_of_a_metric_to_be_maximized_are_below_whatever_its_name():
    frame = only(trials(200), "completed").head(50).reset_index(drop=True)
    frame["reward"] = np.linspace(-1, 1, 50)
    frame.loc[7, "reward"] = -5e6
    figure = scatter_grid(frame, [WIDTH], Objective("reward", "max", tie_break=None))
    assert len(drawn(figure.axes[0], "beyond")) == 1
    assert figure.legends[0].get_texts()[1].get_text() == "1 below the axis, the lowest -5000000"
    assert np.ptp(figure.axes[0].get_ylim()) < 3


def test_losses_of_many_sizes_are_on_a_logarithmic_axis():
    frame = trials().assign(test_loss=np.geomspace(1e-5, 1, 60))
    axes = panel(scatter_grid(frame, PARAMETERS, Objective().by("test_loss")), "hidden[0]")
    completed = only(frame, "completed").dropna(subset=["test_loss"])
    np.testing.assert_allclose(np.sort(all_drawn(axes)[:, 1]), np.log10(np.sort(completed["test_loss"])))
    assert not len(drawn(axes, "beyond"))
    assert "0.001" in tick_words(axes.yaxis)


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_pruned_trials_are_squares_at_their_value_or_on_the_edge(metric):
    frame = trials().assign(status="completed")
    frame.loc[:3, "status"] = "pruned"
    objective = Objective().by(metric)
    frame[metric] = np.linspace(0.5, 0.6, 60)
    frame.loc[0, metric] = 0.1 if objective.is_max else 0.99
    axes = panel(scatter_grid(frame, PARAMETERS, objective), "hidden[0]")
    squares = drawn(axes, "pruned")
    assert squares[:, 0].tolist() == frame["hidden[0]"][:4].tolist()
    low, high = axes.get_ylim()
    edge = low if objective.is_max else high
    np.testing.assert_allclose(squares[0, 1], edge)
    assert len(all_drawn(axes)) == 56
