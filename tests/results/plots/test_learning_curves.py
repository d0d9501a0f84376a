"""Tests of the learning curves."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import learning_curves
from tests.results.plots.plot_setup import assert_legible

LOSS = Objective().by("test_loss")


def sweep_of(count, epochs=5, statuses=("completed",)):
    """Return the epochs and the trials of a sweep, whose losses fall from 1; the last trial is the best."""
    trial, epoch = np.repeat(np.arange(count), epochs), np.tile(np.arange(epochs), count)
    losses = np.exp(-epoch * (1 + trial / count))
    frame = pd.DataFrame({"trial": trial, "epoch": epoch, "test_loss": losses, "test_accuracy": 1 - losses})
    rows = frame.groupby("trial", as_index=False).agg(
        test_loss=("test_loss", "min"), test_accuracy=("test_accuracy", "max")
    )
    return frame, rows.assign(status=np.resize(statuses, count), ranked_epochs=pd.NA)


def curves_of(axes):
    return [segment for each in axes.collections if isinstance(each, LineCollection) for segment in each.get_segments()]


def test_each_trial_is_a_curve_and_the_best_is_emphasized():
    epochs, trials = sweep_of(6)
    figure = learning_curves(epochs, trials, LOSS, title="digits")
    assert_legible(figure)
    (axes,) = figure.axes
    assert figure.get_suptitle() == "digits: 6 completed"
    assert axes.get_yscale() == "log"
    assert figure.get_supylabel() == "test loss"
    expected = [rows[["epoch", "test_loss"]].to_numpy() for _, rows in epochs.groupby("trial")]
    for curve, points in zip(curves_of(axes), expected, strict=True):
        np.testing.assert_allclose(curve, points)
    (best,) = axes.get_lines()
    np.testing.assert_allclose(best.get_xydata(), expected[5])
    assert figure.legends[0].get_texts()[0].get_text().startswith("best: trial 5, ")


def test_a_metric_with_limits_is_drawn_whole_on_a_linear_axis():
    epochs, trials = sweep_of(40)
    axes = learning_curves(epochs, trials, Objective()).axes[0]
    assert axes.get_yscale() == "linear"
    low, high = axes.get_ylim()
    assert low < 0
    assert high > 0.99


def test_diverged_trials_end_with_a_cross():
    epochs, trials = sweep_of(6, statuses=("completed", "diverged"))
    epochs = epochs[(epochs["trial"] != 1) | (epochs["epoch"] < 3)]
    axes = learning_curves(epochs, trials, LOSS).axes[0]
    (crosses,) = (line.get_xydata() for line in axes.get_lines() if line.get_marker() == "x")
    assert crosses[:, 0].tolist() == [2, 4, 4]
    np.testing.assert_allclose(crosses[:, 1], epochs.groupby("trial")["test_loss"].last()[[1, 3, 5]])


def test_of_very_many_trials_some_are_drawn_with_the_best_and_the_title_says_so():
    epochs, trials = sweep_of(10_000)
    figure = learning_curves(epochs, trials, LOSS)
    assert figure.get_suptitle() == "10000 completed, 300 of 10000 curves drawn"
    assert len(curves_of(figure.axes[0])) == 300
    assert figure.legends[0].get_texts()[0].get_text().startswith("best: trial 9999, ")


def test_losses_of_any_size_are_drawn():
    epochs, trials = sweep_of(6)
    epochs.loc[3, "test_loss"] = 1e307
    assert_legible(learning_curves(epochs, trials, LOSS))


def test_without_epochs_there_is_one_sentence():
    epochs, trials = sweep_of(2)
    with pytest.raises(UsageError, match="no epoch has a value of test_loss yet"):
        learning_curves(epochs[:0], trials, LOSS)
