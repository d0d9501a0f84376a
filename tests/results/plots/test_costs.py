"""Tests of the loss curves: the data of the lines, the axes and the words."""

import numpy as np
import pandas as pd
import pytest

from sweep.errors import UsageError
from sweep.results.plots import cost_curves
from tests.results.plots.plot_setup import assert_legible, line, tick_words

EACH, MEAN = "each mini-batch", "mean of an epoch's mini-batches"
TRAIN, TEST = "training part, after each epoch", "test part, after each epoch"


def recorded(epochs, trial=0):
    """Return the batch losses of a trial, given those of each of its epochs."""
    rows = [
        (trial, number, step, float(loss))
        for number, losses in enumerate(epochs, 1)
        for step, loss in enumerate(losses, 1)
    ]
    return pd.DataFrame(rows, columns=["trial", "epoch", "step", "loss"])


def evaluated(train, test=None, trial=0):
    """Return the evaluated losses of a trial, from the untrained network on."""
    test = train if test is None else test
    return pd.DataFrame({"trial": trial, "epoch": range(len(train)), "train_loss": train, "test_loss": test})


def falling(trial, steps=20, epochs=4, seed=0):
    """Return batches and epochs of a trial whose loss falls from about 2.3."""
    rng = np.random.default_rng([seed, trial])
    place = np.arange(1, steps * epochs + 1) / steps
    losses = (2.3 * np.exp(-place) * rng.lognormal(0, 0.2, len(place))).reshape(epochs, steps)
    values = 2.3 * np.exp(-np.arange(epochs + 1.0))
    return recorded(losses, trial), evaluated(values, 1.2 * values, trial)


def several(*pairs):
    return tuple(pd.concat(frames) for frames in zip(*pairs, strict=True))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def triangles(axes):
    return [tuple(point) for mark in axes.get_lines() if mark.get_marker() == "^" for point in mark.get_xydata()]


def test_the_lines_hold_the_losses_the_averages_and_the_evaluations():
    figure = cost_curves(recorded([[4, 2], [3, 1]]), evaluated([2.5, 1.5, 0.5], [2.75, 1.75, 0.75]), title="digits")
    (axes,) = figure.axes
    np.testing.assert_allclose(line(axes, EACH), [(0.5, 4), (1, 2), (1.5, 3), (2, 1)])
    np.testing.assert_allclose(line(axes, MEAN), [(0.5, 3), (1.5, 2)])
    np.testing.assert_allclose(line(axes, TRAIN), [(0, 2.5), (1, 1.5), (2, 0.5)])
    np.testing.assert_allclose(line(axes, TEST), [(0, 2.75), (1, 1.75), (2, 0.75)])
    assert legend(figure) == [EACH, MEAN, TRAIN, TEST]
    assert figure.get_suptitle() == "digits: loss of 1 trial"
    assert (axes.get_xlabel(), figure.get_supylabel(), axes.get_title(loc="left")) == ("epoch", "loss", "trial 0")
    assert_legible(figure)


def test_the_average_is_the_strongest_line_and_lies_on_top_and_the_mini_batches_are_the_palest():
    lines = cost_curves(*falling(0)).axes[0].get_lines()
    by_label = {one.get_label(): one for one in lines}
    assert max(lines, key=lambda one: one.get_linewidth()) is by_label[MEAN]
    assert max(lines, key=lambda one: one.get_zorder()) is by_label[MEAN]
    assert min(lines, key=lambda one: one.get_linewidth()) is by_label[EACH]
    assert min(lines, key=lambda one: one.get_zorder()) is by_label[EACH]
    assert len({one.get_color() for one in lines}) == 4


def test_each_trial_has_a_panel_with_its_own_losses_on_one_vertical_axis():
    batches, epochs = several(falling(4, epochs=2), falling(2), falling(9, steps=3))
    figure = cost_curves(batches, epochs)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["trial 2", "trial 4", "trial 9"]
    for axes, trial in zip(figure.axes, (2, 4, 9), strict=True):
        np.testing.assert_array_equal(line(axes, EACH)[:, 1], batches[batches["trial"] == trial]["loss"])
        np.testing.assert_array_equal(line(axes, TEST)[:, 1], epochs[epochs["trial"] == trial]["test_loss"])
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert [round(axes.get_xlim()[1]) for axes in figure.axes] == [4, 2, 4]
    assert figure.get_suptitle() == "loss of 3 trials"


def test_all_points_lie_within_the_axes():
    for axes in cost_curves(*several(falling(4, epochs=2), falling(2, steps=1))).axes:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        for one in axes.get_lines():
            x, y = one.get_xydata().T
            assert left < x.min() <= x.max() < right
            assert bottom < y.min() <= y.max() < top


def test_twelve_trials_are_drawn_and_the_title_counts_the_others():
    batches, epochs = several(*(falling(trial) for trial in range(15)))
    figure = cost_curves(batches, epochs, title="digits")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"trial {number}" for number in range(12)]
    assert figure.get_suptitle() == "digits: loss of 12 trials, 3 more not drawn"
    assert_legible(figure)


def test_the_trials_asked_for_are_drawn_in_their_order_and_only_once():
    batches, epochs = several(*(falling(trial) for trial in range(5)))
    figure = cost_curves(batches, epochs, trials=[3, 1, 3])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["trial 3", "trial 1"]
    assert len(cost_curves(batches, epochs, trials=[]).axes) == 5


def test_without_batch_losses_the_sentence_says_how_to_get_them():
    batches, epochs = falling(0)
    with pytest.raises(UsageError, match=r"^no batch losses were recorded; set training.record_batches = true$"):
        cost_curves(batches[:0], epochs)
    with pytest.raises(UsageError, match=r"^no batch losses were recorded of trial 8$"):
        cost_curves(batches, epochs, trials=[0, 8])


@pytest.mark.parametrize(
    ("losses", "kind"),
    [
        ([4, 1, 0.2], "linear"),
        ([4.1, 1, 0.2], "log"),
        ([4, 1, 0], "linear"),
        ([21, 1, 0], "symlog"),
        ([0, 0, 0], "linear"),
        ([50, 1, -1], "linear"),
    ],
)
def test_the_vertical_axis_is_logarithmic_where_positive_losses_span_more_than_a_factor_of_twenty(losses, kind):
    figure = cost_curves(recorded([losses]), evaluated([losses[0], losses[-1]]))
    (axes,) = figure.axes
    assert axes.get_yscale() == kind
    bottom, top = axes.get_ylim()
    assert bottom < min(losses) <= max(losses) < top
    assert_legible(figure)


def test_losses_of_exactly_zero_are_drawn_at_a_zero_on_the_axis():
    rng = np.random.default_rng(0)
    losses = np.exp(-np.linspace(0, 6, 60)) * rng.lognormal(0, 0.2, 60)
    losses[[30, 50]] = 0
    figure = cost_curves(recorded(losses.reshape(6, 10)), evaluated([1.0, 0.5]))
    (axes,) = figure.axes
    assert (line(axes, EACH)[:, 1] == 0).sum() == 2
    assert_legible(figure)
    words, places = tick_words(axes.yaxis), axes.get_yticks()
    assert words[0] == "0"
    assert [float(word) for word in words] == pytest.approx(places)
    assert len(words) >= 3
    height = axes.transData.transform([(0, 0), (0, np.quantile(losses, 0.05))])[:, 1]
    assert (height[0] - axes.bbox.y0) / axes.bbox.height > 0.02
    assert (height[1] - height[0]) / axes.bbox.height > 0.05


def test_a_huge_spike_is_a_triangle_on_the_edge_of_an_axis_made_for_the_rest():
    losses = [[2.0, 1.5, 1.0, 0.5], [0.4, 0.06, 3e30]]
    figure = cost_curves(recorded(losses), evaluated([2.3, 0.5]))
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert 2.3 < axes.get_ylim()[1] < 10
    assert triangles(axes) == [(pytest.approx(1.75), axes.get_ylim()[1])]
    assert line(axes, EACH)[-1] == pytest.approx([1.75, 3e30])
    assert legend(figure)[-1] == "losses above the axis: 1, the highest 3e+30"
    assert axes.get_title(loc="left") == "trial 0, up to mini-batch 3 of epoch 2"
    assert_legible(figure)


def test_evaluations_above_the_axis_are_triangles_too():
    figure = cost_curves(recorded([[2.0, 1.5]]), evaluated([2.3, 1.4], [2.3, 1e9]))
    assert triangles(figure.axes[0]) == [(1.0, figure.axes[0].get_ylim()[1])]
    assert legend(figure)[-1] == "losses above the axis: 1, the highest 1e+09"


def test_losses_so_high_that_no_axis_reaches_them_are_counted_too():
    figure = cost_curves(recorded([[1e200, 2.0]]), evaluated([1e200, 2.0]))
    assert len(triangles(figure.axes[0])) == 3
    assert legend(figure)[-1] == "losses above the axis: 3, the highest 1e+200"


@pytest.mark.parametrize("peak", [50.0, 2200.0])
def test_the_axis_reaches_a_thousand_times_the_first_losses(peak):
    figure = cost_curves(recorded([[2.0, 1.5, peak]]), evaluated([2.3, 1.4]))
    assert not triangles(figure.axes[0])
    assert figure.axes[0].get_ylim()[1] > peak
    assert len(legend(figure)) == 4


def test_a_trial_that_starts_far_too_high_leaves_the_axis_to_the_others():
    ones = [(recorded([[2.0, 1.0]], trial), evaluated([2.0, 1.0], trial=trial)) for trial in (0, 1)]
    high = recorded([[1e9, 1e8]], 2), evaluated([1e9, 1e8], trial=2)
    figure = cost_curves(*several(*ones, high))
    assert figure.axes[0].get_ylim()[1] < 10
    assert len(triangles(figure.axes[2])) == 6
    assert legend(figure)[-1].startswith("losses above the axis: 6,")


@pytest.mark.parametrize(
    "losses",
    [[1.7e308] * 3, [2.0, 1.0, 1.7e308], [1e-300, 1e-310, 2.0], [0.0, 5e-324, 1.0], [-1.7e308, 1.0, 1.7e308], [1.0]],
)
def test_any_finite_losses_can_be_drawn(losses):
    figure = cost_curves(recorded([losses, losses]), evaluated([losses[0], losses[-1]]))
    figure.draw_without_rendering()
    np.testing.assert_array_equal(line(figure.axes[0], EACH)[:, 1], losses * 2)


@pytest.mark.parametrize("train", [[], [2.3]])
def test_a_trial_that_ended_in_its_first_epoch_is_drawn_over_its_mini_batches(train):
    figure = cost_curves(recorded([[3.0, 2.0, 4.0]]), evaluated(np.array(train)))
    (axes,) = figure.axes
    np.testing.assert_allclose(line(axes, EACH), [(1, 3), (2, 2), (3, 4)])
    np.testing.assert_allclose(line(axes, MEAN), [(1.5, 3)])
    assert axes.get_xlabel() == "mini-batch of epoch 1"
    assert axes.get_title(loc="left") == "trial 0, up to mini-batch 3 of epoch 1"


def test_a_single_average_and_a_single_mini_batch_are_marked_for_a_point_makes_no_line():
    (axes,) = cost_curves(recorded([[2.0]]), evaluated([2.3, 1.4])).axes
    markers = {one.get_label(): one.get_marker() for one in axes.get_lines()}
    assert markers == {EACH: "o", MEAN: "o", TRAIN: "o", TEST: "o"}
    (axes,) = cost_curves(*falling(0)).axes
    assert next(one for one in axes.get_lines() if one.get_label() == EACH).get_marker() == "None"


def test_very_many_mini_batches_are_thinned_but_keep_each_peak_and_dip_and_the_averages():
    batches, epochs = falling(0, steps=20_000, epochs=10)
    batches.loc[[77_777, 123_456], "loss"] = [9.0, 1e-4]
    (axes,) = cost_curves(batches, epochs).axes
    drawn = line(axes, EACH)
    assert len(drawn) <= 4000
    losses = batches["loss"].to_numpy()
    assert (pytest.approx(77_778 / 20_000), 9.0) in [tuple(point) for point in drawn]
    assert (pytest.approx(123_457 / 20_000), 1e-4) in [tuple(point) for point in drawn]
    assert set(drawn[:, 1]) <= set(losses)
    np.testing.assert_allclose(line(axes, MEAN)[:, 1], losses.reshape(10, 20_000).mean(axis=1))


def test_the_frames_are_left_as_they_were():
    batches, epochs = falling(0)
    cost_curves(batches, epochs)
    pd.testing.assert_frame_equal(batches, falling(0)[0])
    pd.testing.assert_frame_equal(epochs, falling(0)[1])
