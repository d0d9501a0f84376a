"""Tests of the chart of the sharpness."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from sweep.errors import UsageError
from sweep.results.plots import sharpness_chart
from tests.results.plots.plot_setup import assert_legible


def sweep_of(count, epochs=5, lost=(), *, value=lambda trial, epoch: 0.1 * (1 + trial) * 1.1**epoch):
    """Return the epochs and the trials of a sweep; those that are `lost` diverged after two epochs."""
    rows = [
        {"trial": trial, "epoch": epoch, "sharpness": 20 * value(trial, epoch), "instability": value(trial, epoch)}
        for trial in range(count)
        for epoch in range(2 if trial in lost else epochs)
    ]
    status = ["diverged" if trial in lost else "completed" for trial in range(count)]
    return pd.DataFrame(rows), pd.DataFrame({"trial": range(count), "status": status})


def collections_of(axes):
    return [each for each in axes.collections if isinstance(each, LineCollection)]


def lines_at_one(axes):
    return [line for line in axes.get_lines() if 1 in (*set(line.get_xdata()), *set(line.get_ydata()))]


def words_of(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_each_trial_is_a_curve_beside_the_limit():
    epochs, trials = sweep_of(6)
    figure = sharpness_chart(epochs, trials, title="digits")
    assert_legible(figure)
    (axes,) = figure.axes
    assert figure.get_suptitle() == "digits: 6 completed"
    assert axes.get_yscale() == "log"
    kept, lost = collections_of(axes)
    expected = [rows[["epoch", "instability"]].to_numpy() for _, rows in epochs.groupby("trial")]
    for curve, points in zip(kept.get_segments(), expected, strict=True):
        np.testing.assert_allclose(curve, points)
    assert not lost.get_segments()
    assert len(lines_at_one(axes)) == 1
    low, high = axes.get_ylim()
    assert low < 0.1
    assert high > 1
    assert words_of(figure) == ["stability limit: 2/learning_rate for SGD", "not diverged"]


def labels_of(axes):
    """Return the words beside the curves from the top down."""
    return [each.get_text() for each in sorted(axes.texts, key=lambda each: -each.xyann[1])]


def test_the_highest_have_the_numbers_of_their_trials_beside_them():
    figure = sharpness_chart(*sweep_of(14, lost=(2,)))
    assert_legible(figure)
    assert labels_of(figure.axes[0]) == [f"trial {number}" for number in range(13, 3, -1)]


def test_pruned_trials_end_with_a_square():
    epochs, trials = sweep_of(4, lost=(1, 2))
    figure = sharpness_chart(epochs, trials.assign(status=trials["status"].replace("diverged", "pruned")))
    assert_legible(figure)
    (squares,) = (each.get_xydata() for each in figure.axes[0].get_lines() if each.get_marker() == "s")
    np.testing.assert_allclose(squares, [[1, 0.1 * 2 * 1.1], [1, 0.1 * 3 * 1.1]])
    assert "pruned after its last epoch" in words_of(figure)


def test_diverged_trials_are_dashed_and_end_with_a_cross():
    figure = sharpness_chart(*sweep_of(6, lost=(2, 4)))
    kept, lost = collections_of(figure.axes[0])
    assert len(kept.get_segments()) == 4
    assert len(lost.get_segments()) == 2
    assert lost.get_linestyle() != kept.get_linestyle()
    (crosses,) = (line for line in figure.axes[0].get_lines() if line.get_marker() == "x")
    np.testing.assert_allclose(crosses.get_xydata(), [[1, 0.33], [1, 0.55]])
    assert "diverged after its last epoch" in words_of(figure)


def test_of_the_start_alone_the_trials_are_in_two_rows():
    epochs, trials = sweep_of(40, epochs=1, lost=range(30, 40))
    epochs = epochs[epochs["epoch"] == 0]
    figure = sharpness_chart(epochs, trials)
    assert_legible(figure)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel().endswith("before the training")
    points, crosses = (line for line in axes.get_lines() if line.get_marker() in ("o", "x"))
    np.testing.assert_allclose(points.get_xdata(), 0.1 * np.arange(1, 31))
    np.testing.assert_allclose(crosses.get_xdata(), 0.1 * np.arange(31, 41))
    assert (np.abs(points.get_ydata()) < 0.5).all()
    assert (np.abs(crosses.get_ydata() - 1) < 0.5).all()


def test_without_a_limit_it_is_the_sharpness_itself():
    epochs, trials = sweep_of(4)
    figure = sharpness_chart(epochs.drop(columns="instability"), trials)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "sharpness"
    assert not lines_at_one(axes)
    assert collections_of(axes)[0].get_segments()[0][0][1] == pytest.approx(2)


def test_of_very_many_trials_some_are_drawn_and_a_quarter_of_them_diverged():
    epochs, trials = sweep_of(200, lost=range(0, 200, 2))
    figure = sharpness_chart(epochs, trials, most=40)
    kept, lost = collections_of(figure.axes[0])
    assert (len(kept.get_segments()), len(lost.get_segments())) == (30, 10)
    assert figure.get_suptitle() == "100 completed, 100 diverged, 40 of 200 curves drawn"


def test_what_is_beyond_the_axis_is_drawn_at_its_edge():
    epochs, trials = sweep_of(9, lost=(8,), value=lambda trial, epoch: 1e30 if (trial, epoch) == (8, 1) else 0.5)
    (axes,) = sharpness_chart(epochs, trials).axes
    (crosses,) = (line for line in axes.get_lines() if line.get_marker() == "x")
    assert crosses.get_ydata()[0] == axes.get_ylim()[1] < 1e5


def test_values_that_are_not_positive_are_left_out():
    epochs, trials = sweep_of(3, value=lambda trial, epoch: -1.0 if trial == 1 else 0.5)
    figure = sharpness_chart(epochs, trials)
    assert len(collections_of(figure.axes[0])[0].get_segments()) == 2
    assert figure.get_suptitle() == "3 completed, 2 of 3 with such values"


@pytest.mark.parametrize("columns", [[], ["sharpness"]])
def test_without_any_value_it_says_how_to_record_them(columns):
    epochs, trials = sweep_of(3)
    epochs = epochs[["trial", "epoch"]].assign(**dict.fromkeys(columns, np.nan))
    with pytest.raises(UsageError, match=r'record_sharpness = true, or "start"$'):
        sharpness_chart(epochs, trials)
