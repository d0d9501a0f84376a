"""Tests of the horizontal axis of a parameter: a strip for each option, and the whole searched range."""

import numpy as np
import pandas as pd
import pytest

from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.plots import save, scatter_grid
from sweep.results.plots.style import shorten_all
from tests.results.plots.plot_setup import all_drawn, assert_legible, drawn, tick_words, trials


def axes_of(values, **known):
    frame = trials(len(values)).assign(p=values, status="completed", test_accuracy=np.linspace(0.5, 0.9, len(values)))
    figure = scatter_grid(frame, [Parameter("p", "p", **known)])
    assert_legible(figure)
    return figure.axes[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((64, 16, 32), ["16", "32", "64"]),
        ((0.001, 0, 1e-5), ["0", "1e-5", "0.001"]),
        ((0.1234567, 0.1234568), ["0.1234567", "0.1234568"]),
    ],
)
def test_each_option_of_a_numeric_choice_has_a_strip_in_order_even_if_never_drawn(options, words):
    values = np.resize(options[:2], 40)
    axes = axes_of(values, options=options)
    assert tick_words(axes.xaxis) == words
    assert axes.get_xlim() == (-0.5, len(words) - 0.5)
    found = all_drawn(axes)
    order = sorted(options)
    expected = [order.index(value) for value in values]
    assert sorted(found[:, 0].round().astype(int)) == sorted(expected)


def test_true_and_one_have_strips_of_their_own():
    axes = axes_of(pd.Series([False, 0, True, 1], dtype=object), options=(False, 0, True, 1))
    assert len(set(all_drawn(axes)[:, 0].round())) == 4


@pytest.mark.parametrize("is_log", [False, True])
def test_an_axis_reaches_over_the_searched_range_whatever_was_drawn(is_log):
    axes = axes_of([0.2, 0.3], low=0.01, high=10.0, log=is_log)
    left, right = axes.get_xlim()
    assert (0.003 if is_log else -1) < left < 0.01
    assert 10 < right < 20


@pytest.mark.parametrize(
    ("low", "high", "is_log"),
    [
        (1e-300, 1e300, True),
        (5e-324, 1.7e308, True),
        (0.0, 1.7e308, False),
        (-1.7e308, 1.7e308, False),
        (0.0, 1e-310, False),
        (-(2.0**53), 2.0**53, False),
    ],
)
@pytest.mark.filterwarnings("error")
def test_any_range_that_can_be_searched_is_drawn(low, high, is_log, tmp_path):
    values = [low, high, 1e-5 if is_log else low / 2 + high / 2]
    axes = axes_of(values, low=low, high=high, log=is_log)
    save(axes.get_figure(), tmp_path / "a.png")
    left, right = axes.get_xlim()
    points = all_drawn(axes)[:, 0]
    assert (left <= points).all()
    assert (points <= right).all()
    assert len(np.unique(points)) == 3
    assert sum(left <= tick <= right for tick in axes.get_xticks()) >= 2


def test_long_labels_differ_and_take_nothing_from_the_panel():
    names = ["a" * 60 + ".npz", "b" * 60 + ".npz"]
    short, long = (axes_of(np.resize(labels, 20), categorical=True) for labels in (["a", "b"], names))
    assert len(set(tick_words(long.xaxis))) == 2
    assert max(map(len, tick_words(long.xaxis))) <= 24
    heights = [axes.get_window_extent().height for axes in (short, long)]
    assert heights[1] >= 0.95 * heights[0]


@pytest.mark.parametrize(
    "names",
    [
        ["x" * 40 + "1" + "y" * 40, "x" * 40 + "2" + "y" * 40],
        ["x" * 40 + "1" + "y" * 40 + "3", "x" * 40 + "1" + "y" * 40 + "4"],
        ["x" * 40 + c + "y" * 40 + d for c in "ab" for d in "cd"],
        ["short", "z" * 50],
    ],
)
def test_shortened_names_differ_as_the_names_do(names):
    words = shorten_all(names, 12)
    assert len(set(words)) == len(names)
    assert max(map(len, words)) <= 12


def test_the_band_of_the_diverged_is_at_the_end_where_a_loss_is_bad():
    axes = scatter_grid(trials(), [Parameter("learning_rate", "learning_rate")], Objective().by("test_loss")).axes[0]
    crosses, points = drawn(axes, "diverged")[:, 1], all_drawn(axes)[:, 1]
    assert crosses.min() > points.max()
    assert crosses.max() < axes.get_ylim()[1]
    place = axes.get_yticks()[tick_words(axes.yaxis).index("diverged")]
    assert place > points.max()


def test_failed_and_pruned_trials_are_counted_as_such():
    frame = trials(8).assign(status=["completed"] * 4 + ["failed", "pruned", "pruned", "running"], test_accuracy=0.5)
    title = scatter_grid(frame, []).get_suptitle()
    assert title == "4 completed, 0 diverged, 1 running, 1 failed, 2 pruned"
