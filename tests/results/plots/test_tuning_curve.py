"""The chart of tuning curves: its points exactly, and what is drawn of them."""

import math

import numpy as np
import pytest

from sweep.analysis.tuning_curve import TuningCurve
from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import tuning_curves, tuning_points
from tests.results.plots.plot_setup import assert_legible

RNG = np.random.default_rng(0)
CURVES = {"one": TuningCurve(RNG.random(40)), "two": TuningCurve([*RNG.random(90), *([-math.inf] * 10)])}
ACCURACY = Objective("test_accuracy")


def drawn(axes, name):
    (found,) = (each for each in axes.get_lines() if each.get_label() == name)
    return found.get_xydata()


def test_the_points_are_those_of_the_curves():
    points = tuning_points(CURVES)
    assert list(points.columns) == ["sweep", "trials", "best", "low", "high"]
    for name, curve in CURVES.items():
        rows = points[points["sweep"] == name]
        assert rows["trials"].iloc[[0, -1]].tolist() == [1, len(curve.scores)]
        assert set(range(1, len(curve.scores) + 1)) <= set(rows["trials"])
        assert rows["trials"].is_monotonic_increasing
        best = curve.best_of(rows["trials"].to_numpy())
        assert rows["best"].tolist() == best.value.tolist()
        assert rows["low"].tolist() == best.worse.tolist()
        assert rows["high"].tolist() == best.better.tolist()


def test_each_curve_is_a_line_in_its_band_up_to_the_edge_where_that_is_open():
    points = tuning_points(CURVES)
    figure = tuning_curves(points, ACCURACY, title="both")
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    bottom, top = axes.get_ylim()
    for name, band in zip(CURVES, axes.collections, strict=True):
        rows = points[points["sweep"] == name]
        np.testing.assert_array_equal(drawn(axes, name).T, [rows["trials"], rows["best"].clip(lower=bottom)])
        (path,) = band.get_paths()
        assert path.vertices[:, 1].max() == pytest.approx(top)  # open
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["one", "two", "95 % band of the whole curve"]
    assert_legible(figure)


@pytest.mark.parametrize(
    "values",
    [[0.5], [0.5, 0.5], [*([math.inf] * 25), 0.1, 0.2], [*np.arange(20.0)], [*RNG.random(2000)]],
    ids=["one", "ties", "most diverged", "none diverged", "many"],
)
def test_less_may_be_better_and_any_trials_can_be_drawn(values):
    figure = tuning_curves(tuning_points({"mine": TuningCurve(values, is_max=False)}), Objective("rmse", "min"))
    (axes,) = figure.axes
    found = drawn(axes, "mine")
    known = found[np.isfinite(found[:, 1]), 1]
    assert (np.diff(known) <= 0).all()
    assert len(known) > 0
    assert_legible(figure)


def test_one_trial_is_a_point_and_without_a_value_there_is_no_curve():
    (axes,) = tuning_curves(tuning_points({"mine": TuningCurve([0.5])}), ACCURACY).axes
    assert axes.get_lines()[0].get_marker() == "o"
    with pytest.raises(UsageError, match="all trials diverged, so there is no curve to draw"):
        tuning_curves(tuning_points({"mine": TuningCurve([-math.inf] * 30)}), ACCURACY)
