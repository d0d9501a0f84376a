"""Tests of what charts share: which rows count, how they are counted, and labels at the ends of curves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.metrics import Objective
from sweep.results.plots.marks import apart, count_statuses, label_ends, rows_of
from sweep.results.plots.style import empty_grid
from tests.results.plots.plot_setup import assert_legible

RMSE = Objective("rmse", "min", tie_break=None)


def frame(statuses, values):
    return pd.DataFrame(
        {"trial": range(len(statuses)), "status": statuses, "rmse": values, "seconds": 1.0, "ranked_epochs": pd.NA}
    )


@given(st.lists(st.floats(0, 1), max_size=20), st.floats(0.001, 0.2))
def test_places_are_moved_apart_and_keep_their_order(places, gap):
    places = np.array(places, dtype=np.float64)
    moved = apart(places, gap)
    order = np.argsort(places, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    assert (moved >= 0).all()
    if gap * (len(places) - 1) <= 1:
        assert (moved <= 1 + 1e-9).all()


def test_places_that_are_apart_stay():
    np.testing.assert_allclose(apart(np.array([0.9, 0.1, 0.5]), 0.1), [0.9, 0.1, 0.5])


def test_labels_of_curves_that_end_at_the_same_point_are_legible():
    figure, (axes,) = empty_grid(1)
    label_ends(axes, np.array([[1.0, 0.5]] * 10), [f"trial {number}" for number in range(10)], ["#000000"] * 10)
    assert_legible(figure)
    assert len({text.xyann[1] for text in axes.texts}) == 10


def test_repeats_are_one_row_with_their_mean():
    rows = rows_of(frame(["completed", "diverged", "completed", "completed"], [1.0, np.nan, 3.0, 5.0]), RMSE, 2)
    assert rows["rmse"].tolist() == [1.0, 4.0]
    assert rows["trials"].tolist() == ["0–1", "2–3"]


def test_a_trial_that_goes_on_counts_by_its_earlier_training():
    trials = frame(["running", "running"], [1.0, 2.0]).assign(ranked_epochs=[5, pd.NA])
    assert rows_of(trials, RMSE)["status"].tolist() == ["completed", "running"]


@pytest.mark.parametrize(
    ("repeats", "words"),
    [
        (1, ["1 queued", "2 completed", "1 pruned"]),
        (2, ["2 configurations, 2 trainings of each: 1 queued", "2 completed", "1 pruned"]),
    ],
)
def test_trials_are_counted_by_status(repeats, words):
    assert count_statuses(frame(["completed", "pruned", "completed", "queued"], 1.0), repeats) == words
