"""Tests of the learning curves."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Annotation

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import learning_curves
from sweep.results.plots.learning_curves import curve_ends
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


def curves_of(axes, *labels):
    """Return the points of the curves of some labels, or of all that are not among the best."""
    found = [each for each in axes.collections if isinstance(each, LineCollection)]
    return [curve for each in found if not labels or each.get_label() in labels for curve in each.get_segments()]


def labels_of(axes):
    """Return the words beside the curves from the top down, with their colors."""
    notes = sorted((each for each in axes.texts if isinstance(each, Annotation)), key=lambda each: -each.xyann[1])
    return [each.get_text() for each in notes], [each.get_color() for each in notes]


def test_the_best_are_ranked_and_all_curves_have_an_end():
    epochs, trials = sweep_of(4, statuses=("completed", "completed", "pruned", "diverged"))
    epochs = epochs[(epochs["trial"] != 3) | (epochs["epoch"] < 2)]
    table = curve_ends(epochs, trials, LOSS, best=1)
    expected = pd.DataFrame(
        {
            "trial": range(4),
            "status": ["completed", "completed", "pruned", "diverged"],
            "rank": [0, 1, 0, 0],
            "epoch": [4, 4, 4, 1],
            "value": np.exp([-4, -5, -6, -1.75]),
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_the_best_ten_are_in_colors_with_their_numbers_and_the_rest_gray():
    epochs, trials = sweep_of(16)
    figure = learning_curves(epochs, trials, LOSS, title="digits")
    assert_legible(figure)
    (axes,) = figure.axes
    assert figure.get_suptitle() == "digits: 16 completed"
    assert axes.get_yscale() == "log"
    assert figure.get_supylabel() == "test loss"
    expected = [rows[["epoch", "test_loss"]].to_numpy() for _, rows in epochs.groupby("trial")]
    for curve, points in zip(curves_of(axes, "others"), expected, strict=False):
        np.testing.assert_allclose(curve, points)
    assert len(curves_of(axes)) == 6
    lines = {each.get_label(): each for each in axes.get_lines()}
    assert set(lines) == {f"trial {number}" for number in range(6, 16)}
    np.testing.assert_allclose(lines["trial 15"].get_xydata(), expected[15])
    assert lines["trial 15"].get_linewidth() == max(each.get_linewidth() for each in lines.values())
    assert len({each.get_color() for each in lines.values()}) == 10
    words, _ = labels_of(axes)
    assert [word.partition(":")[0] for word in words] == [str(number) for number in range(6, 16)]
    assert words[-1] == "15: 0.0004307"
    assert figure.legends[0].get_texts()[0].get_text().startswith("best: trial 15, ")


@pytest.mark.parametrize("objective", [Objective(), LOSS])
def test_labels_are_in_the_order_of_the_values_that_they_print(objective):
    epochs, trials = sweep_of(12, epochs=20)
    falls = epochs["epoch"] == 19
    # The best at its peak ends as the worst of them.
    epochs.loc[falls, "test_accuracy"] = 0.97 - epochs.loc[falls, "trial"] / 1000
    epochs.loc[falls, "test_loss"] = 0.01 + epochs.loc[falls, "trial"] / 1000
    figure = learning_curves(epochs, trials, objective)
    assert_legible(figure)
    words, colors = labels_of(figure.axes[-1])
    values = [float(word.partition(": ")[2]) for word in words]
    assert values == sorted(values, reverse=True)
    assert len(set(colors)) == 10
    assert [each.xy[1] for each in reversed(figure.axes[-1].texts)] == sorted(
        (each.xy[1] for each in figure.axes[-1].texts), reverse=True
    )
    of_trial = epochs.groupby("trial")[objective.metric]
    peak = of_trial.max() if objective.is_max else of_trial.min()
    lines = [each for each in figure.axes[0].get_lines() if each.get_label().startswith("trial ")]
    for each in lines:
        (marked,) = each.get_markevery()
        assert each.get_ydata()[marked] == peak[int(each.get_label().removeprefix("trial "))]


def test_where_the_best_lie_close_together_they_are_enlarged():
    epochs, trials = sweep_of(12, epochs=20)
    figure = learning_curves(epochs, trials, Objective())
    assert_legible(figure)
    whole, enlarged = figure.axes
    assert whole.get_ylim()[0] < 0
    low, high = enlarged.get_ylim()
    assert 0.95 < low < high
    assert enlarged.get_xlim()[0] > 9
    assert (len(labels_of(whole)[0]), len(labels_of(enlarged)[0])) == (0, 10)


def test_a_dip_of_one_epoch_does_not_fill_the_enlarged_panel():
    epochs, trials = sweep_of(12, epochs=20)
    epochs.loc[(epochs["trial"] == 11) & (epochs["epoch"] == 15), "test_accuracy"] = 0.1
    assert learning_curves(epochs, trials, Objective()).axes[1].get_ylim()[0] > 0.95


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


def test_pruned_trials_end_with_a_square():
    epochs, trials = sweep_of(6, statuses=("completed", "pruned"))
    epochs = epochs[(epochs["trial"] != 1) | (epochs["epoch"] < 3)]
    figure = learning_curves(epochs, trials, LOSS)
    (squares,) = (each.get_xydata() for each in figure.axes[0].get_lines() if each.get_marker() == "s")
    assert squares[:, 0].tolist() == [2, 4, 4]
    assert "pruned after its last epoch" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_of_very_many_trials_some_are_drawn_with_the_best_and_the_title_says_so():
    epochs, trials = sweep_of(10_000, epochs=2)
    figure = learning_curves(epochs, trials, LOSS)
    assert figure.get_suptitle() == "10000 completed, 2000 of 10000 curves drawn"
    assert len(curves_of(figure.axes[0])) == 1990
    assert figure.legends[0].get_texts()[0].get_text().startswith("best: trial 9999, ")


def test_losses_of_any_size_are_drawn():
    epochs, trials = sweep_of(6)
    epochs.loc[3, "test_loss"] = 1e307
    assert_legible(learning_curves(epochs, trials, LOSS))


@pytest.mark.parametrize("count", [1, 2, 11])
@pytest.mark.parametrize("statuses", [("completed",), ("diverged",), ("pruned", "running")])
@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("objective", [LOSS, Objective()])
def test_small_sweeps_are_drawn(count, statuses, epochs, objective):
    assert_legible(learning_curves(*sweep_of(count, epochs, statuses), objective))


def test_without_epochs_there_is_one_sentence():
    epochs, trials = sweep_of(2)
    with pytest.raises(UsageError, match="no epoch has a value of test_loss yet"):
        learning_curves(epochs[:0], trials, LOSS)
