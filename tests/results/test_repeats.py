"""Tests of repeated trainings as one row: means, standard errors and counts, computed by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.leaderboard import best, diverged, worst
from sweep.results.repeats import configurations

ALPHA = Parameter("network.activation.alpha", "alpha")
ROWS = [
    # configuration 0: all three completed
    (0, "completed", 0.90, 0.30, 10.0),
    (1, "completed", 0.93, 0.20, 20.0),
    (2, "completed", 0.96, 0.10, 30.0),
    # configuration 1: one diverged
    (3, "completed", 0.97, 0.25, 12.0),
    (4, "diverged", np.nan, np.nan, 3.0),
    (5, "completed", 0.95, 0.15, 14.0),
    # configuration 2: one completed, one diverged, one failed
    (6, "failed", 0.99, 0.01, 1.0),
    (7, "diverged", np.nan, np.nan, 1.0),
    (8, "completed", 0.93, 0.15, 5.0),
    # configuration 3: none completed
    (9, "diverged", np.nan, np.nan, 2.0),
    (10, "diverged", 0.99, 0.01, 2.0),
    (11, "failed", np.nan, np.nan, 2.0),
    # configuration 4: still running
    (12, "running", 0.99, 0.01, np.nan),
    (13, "queued", np.nan, np.nan, np.nan),
    (14, "queued", np.nan, np.nan, np.nan),
]


def trials():
    """Return the frame of a sweep of five configurations, three trainings of each."""
    frame = pd.DataFrame(ROWS, columns=["trial", "status", "test_accuracy", "test_loss", "seconds"])
    return frame.assign(
        repeat=frame["trial"] % 3,
        attempt=1,
        epoch=pd.array([5] * 15, dtype="Int64"),
        epochs=pd.array([9] * 15, dtype="Int64"),
        diverged_epoch=pd.array([4] * 15, dtype="Int64"),
        diverged_step=1,
        diverged_place="loss",
        diverged_kind="overflow",
        error=None,
        alpha=0.1 * (frame["trial"] // 3),
    )


def test_the_table_of_the_best_has_means_errors_and_counts():
    table = best(trials(), [ALPHA], repeats=3)
    assert list(table.columns) == [
        *("rank", "trials", "test_accuracy", "standard_error", "test_loss", "completed", "diverged", "failed"),
        *("alpha", "seconds"),
    ]
    assert table["rank"].tolist() == [1, 2, 3]
    # Configurations 0 and 2 have the same mean up to rounding; the lower loss goes first.
    assert table["trials"].tolist() == ["3–5", "6–8", "0–2"]
    assert table["test_accuracy"].tolist() == pytest.approx([0.96, 0.93, 0.93])
    # Of 0.90, 0.93, 0.96 the sample deviation is 0.03, of 0.97, 0.95 it is 0.01 * sqrt(2).
    assert table["standard_error"].tolist() == pytest.approx([0.01, math.nan, 0.03 / math.sqrt(3)], nan_ok=True)
    assert table["test_loss"].tolist() == pytest.approx([0.20, 0.15, 0.20])
    assert table[["completed", "diverged", "failed"]].to_numpy().tolist() == [[2, 1, 0], [1, 1, 1], [3, 0, 0]]
    assert table["seconds"].tolist() == pytest.approx([13, 5, 20])
    assert table["alpha"].tolist() == pytest.approx([0.1, 0.2, 0.0])


def test_the_worst_come_in_reverse_order():
    assert worst(trials(), [ALPHA], repeats=3)["trials"].tolist() == ["0–2", "6–8", "3–5"]
    assert worst(trials(), [ALPHA], n=1, repeats=3)["trials"].tolist() == ["0–2"]


def test_diverged_trials_are_listed_one_by_one():
    assert diverged(trials(), [ALPHA])["trial"].tolist() == [4, 7, 9, 10]


def test_the_order_of_the_rows_does_not_matter():
    shuffled = trials().sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(best(shuffled, [ALPHA], repeats=3), best(trials(), [ALPHA], repeats=3))


def test_a_metric_of_which_less_is_better_is_ranked_by_its_mean_too():
    table = best(trials(), [ALPHA], Objective("test_loss", "min", tie_break="test_loss"), repeats=3)
    assert table["trials"].tolist()[0] == "6–8"
    assert list(table.columns).count("test_loss") == 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("diverged == 0", ["0–2"]),
        ("alpha > 0.05 and completed >= 2", ["3–5"]),
        ("test_accuracy > 0.94", ["3–5"]),  # the mean: single trainings of other configurations are above
        ("test_accuracy > 2", []),
    ],
)
def test_a_condition_is_asked_of_configurations(where, expected):
    assert best(trials(), [ALPHA], where=where, repeats=3)["trials"].tolist() == expected


def test_a_mistake_in_a_condition_shows():
    with pytest.raises(UsageError, match="did you mean 'diverged'"):
        best(trials(), [ALPHA], where="divergd == 0", repeats=3)


def test_configurations_have_the_status_of_what_is_drawn():
    table = configurations(trials(), Objective(), 3)
    assert table["trial"].tolist() == [0, 3, 6, 9, 12]
    assert table["status"].tolist() == ["completed", "completed", "completed", "diverged", "running"]
    assert table["test_accuracy"].isna().tolist() == [False, False, False, True, True]


def test_a_completed_trial_without_a_value_does_not_count_in_the_mean():
    frame = trials()
    frame.loc[frame["trial"] == 1, "test_accuracy"] = np.nan
    table = configurations(frame, Objective(), 3)
    assert table["test_accuracy"][0] == pytest.approx(0.93)
    assert table["standard_error"][0] == pytest.approx(0.03)
    assert table["completed"][0] == 3


def test_an_empty_sweep_has_an_empty_table_of_the_same_columns():
    empty = best(trials()[:0], [ALPHA], repeats=3)
    assert len(empty) == 0
    assert list(empty.columns) == list(best(trials(), [ALPHA], repeats=3).columns)


def test_the_frame_of_trials_is_left_as_it_was():
    frame = trials()
    best(frame, [ALPHA], repeats=3)
    pd.testing.assert_frame_equal(frame, trials())


def test_a_configuration_has_the_tags_of_all_its_trainings():
    frame = trials()
    frame["tags"] = frame["trial"].map({0: "good", 2: "fast, good", 4: "slow"})
    table = configurations(frame, Objective(), 3)
    assert [None if pd.isna(tags) else tags for tags in table["tags"]][:2] == ["fast, good", "slow"]
    assert best(frame, [ALPHA], repeats=3, where="tag = 'fast'")["trials"].tolist() == ["0–2"]
