"""Tests of the chart of a sweep with repeats: means, bars, and crosses for what diverged."""

import numpy as np
import pandas as pd
import pytest

from sweep.metrics import Objective
from sweep.results.plots import scatter_grid
from tests.results.plots.plot_setup import RATE, WIDTH, all_drawn, assert_legible, drawn, trials

REPEATS = 3


def repeated(count=60):
    """Return a frame of `count` trials, three trainings of each configuration."""
    frame = trials(count)
    for name in ("hidden[0]", "learning_rate", "alpha", "activation", "batch_size"):
        frame[name] = frame[name].to_numpy()[frame["trial"] // REPEATS]
    return frame


def by_hand(frame, metric="test_accuracy"):
    """Return (width, mean, standard error) of each configuration with a completed training."""
    found = []
    for first in range(0, len(frame), REPEATS):
        part = frame[first : first + REPEATS]
        values = part.loc[part["status"] == "completed", metric].to_numpy()
        if len(values):
            error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
            found.append((part["hidden[0]"].iloc[0], values.mean(), error))
    return np.array(found)


def bars(axes):
    """Return the (x, lower, upper) of the error bars."""
    segments = [segment for lines in axes.containers for segment in lines[2][0].get_segments()]
    return np.array([(one[0, 0], one[0, 1], one[1, 1]) for one in segments])


@pytest.fixture
def figure():
    return scatter_grid(repeated(), [WIDTH, RATE], title="mine", repeats=REPEATS)


def test_each_configuration_is_a_point_at_its_mean(figure):
    expected = by_hand(repeated())[:, :2]
    np.testing.assert_allclose(sorted(all_drawn(figure.axes[0]).tolist()), sorted(expected.tolist()))
    assert figure.get_supylabel() == "mean test accuracy"


def test_it_has_a_bar_of_one_standard_error_to_either_side(figure):
    expected = by_hand(repeated())
    expected = expected[~np.isnan(expected[:, 2])]
    width, mean, error = expected.T
    found = bars(figure.axes[0])
    order, by_mean = np.lexsort([found[:, 1], found[:, 0]]), np.lexsort([mean - error, width])
    np.testing.assert_allclose(found[order], np.column_stack([width, mean - error, mean + error])[by_mean])
    low, high = figure.axes[0].get_ylim()
    assert low < found[:, 1].min()
    assert found[:, 2].max() < high


def test_every_configuration_with_a_diverged_training_has_a_cross(figure):
    frame = repeated()
    firsts = sorted({number // REPEATS for number in frame.loc[frame["status"] == "diverged", "trial"]})
    widths = [frame["hidden[0]"][first * REPEATS] for first in firsts]
    assert sorted(drawn(figure.axes[0], "diverged")[:, 0]) == sorted(widths)


def test_the_title_and_the_legend_say_what_is_drawn(figure):
    frame = repeated()
    counts = frame["status"].value_counts()
    assert figure.get_suptitle().replace("\n", " ") == (
        f"mine: 20 configurations, 3 trainings of each: {counts['completed']} completed, "
        f"{counts['diverged']} diverged, {counts['failed']} failed"
    )
    means = by_hand(frame)
    best = means[means[:, 1].argmax()]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0].startswith("best: trials ")
    assert f", {best[1]:.4f}" in labels[0]
    assert labels[-1] == "mean ± standard error"
    assert_legible(figure)


def test_a_metric_to_be_minimized_has_its_star_at_the_lowest_mean():
    frame = repeated()
    figure = scatter_grid(frame, [WIDTH], Objective("test_loss", "min"), repeats=REPEATS)
    means = by_hand(frame, "test_loss")
    np.testing.assert_allclose(drawn(figure.axes[0], "best")[0], means[means[:, 1].argmin(), :2])


def test_one_trial_or_only_diverged_ones_are_drawn_all_the_same():
    frame = repeated(3).assign(status=["completed", "queued", "queued"])
    figure = scatter_grid(frame, [WIDTH], repeats=REPEATS)
    assert len(all_drawn(figure.axes[0])) == 1
    assert not len(bars(figure.axes[0]))
    figure = scatter_grid(frame.assign(status="diverged"), [WIDTH], repeats=REPEATS)
    assert not len(all_drawn(figure.axes[0]))
    assert len(drawn(figure.axes[0], "diverged")) == 1
    pd.testing.assert_frame_equal(repeated(3).assign(status=["completed", "queued", "queued"]), frame)
