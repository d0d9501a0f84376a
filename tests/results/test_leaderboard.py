"""Tests of the ranking of trials."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.errors import UsageError
from sweep.metrics import NATIVE_METRICS, Objective
from sweep.records import STATUSES, Parameter
from sweep.results.leaderboard import best, caption, diverged, worst

PARAMETERS = [
    Parameter("training.optimizer.learning_rate", "learning_rate", log=True),
    Parameter("network.activation", "activation", categorical=True),
]
COLUMNS = ["trial", "status", "test_accuracy", "test_loss", "train_accuracy", "train_loss", "epoch"]


def trials(rows):
    """Return a frame of trials from rows of COLUMNS, missing ones last, with something in every other column."""
    frame = pd.DataFrame([(*row, *[np.nan] * (len(COLUMNS) - len(row))) for row in rows], columns=COLUMNS)
    has_diverged = frame["status"] == "diverged"
    return frame.assign(
        attempt=1,
        epoch=frame["epoch"].astype("Int64"),
        epochs=pd.array([50] * len(frame), dtype="Int64"),
        seconds=frame["trial"] + 0.5,
        diverged_epoch=pd.Series(4, index=frame.index, dtype="Int64").where(has_diverged),
        diverged_step=(frame["trial"] + 100).astype("Int64").where(has_diverged),
        diverged_place=pd.Series("hidden[1]/backward", index=frame.index).where(has_diverged, None),
        diverged_kind=pd.Series("overflow", index=frame.index).where(has_diverged, None),
        error=None,
        learning_rate=0.01 * (frame["trial"] + 1),
        activation=np.where(frame["trial"] % 2, "relu", "tanh"),
    )


FIVE = [
    (0, "completed", 0.90, 0.30, 0.91, 0.29, 5),
    (1, "completed", 0.95, 0.40, 0.96, 0.10, 6),
    (2, "diverged"),
    (3, "completed", 0.80, 0.10, 0.99, 0.50, 7),
    (4, "completed", np.nan, np.nan),
    (5, "failed", 0.99, 0.01, 0.99, 0.01, 8),
    (6, "running", 0.99, 0.01, 0.99, 0.01, 8),
    (7, "diverged", 0.99, 0.01, 0.99, 0.01, 8),
    (8, "pruned", 0.99, 0.01, 0.99, 0.01, 8),
]


@pytest.mark.parametrize(
    ("metric", "order"),
    [
        ("test_accuracy", [1, 0, 3, 4]),
        ("test_loss", [3, 0, 1, 4]),
        ("train_accuracy", [3, 1, 0, 4]),
        ("train_loss", [1, 0, 3, 4]),
    ],
)
def test_completed_trials_are_ranked_by_the_metric_and_those_without_it_come_last(metric, order):
    objective = Objective().by(metric)
    assert best(trials(FIVE), PARAMETERS, objective)["trial"].tolist() == order
    assert worst(trials(FIVE), PARAMETERS, objective)["trial"].tolist() == [*reversed(order[:3]), 4]


def test_equal_metrics_are_told_apart_by_the_test_loss_and_then_by_the_trial_number():
    frame = trials(
        [
            (0, "completed", 0.9, 0.5),
            (1, "completed", 0.9, 0.2),
            (2, "completed", 0.9, np.nan),
            (3, "completed", 0.9, 0.2),
            (4, "completed", 0.9, 0.1),
            (5, "completed", 0.8, 0.0),
        ]
    )
    shuffled = frame.sample(frac=1, random_state=3)
    assert best(shuffled, PARAMETERS)["trial"].tolist() == [4, 1, 3, 0, 2, 5]
    assert worst(shuffled, PARAMETERS)["trial"].tolist() == [5, 0, 1, 3, 4, 2]


def test_the_table_shows_rank_trial_metric_epoch_test_loss_parameters_and_seconds():
    table = best(trials(FIVE), PARAMETERS, n=2)
    assert table.to_dict("records") == [
        {
            "rank": 1,
            "trial": 1,
            "test_accuracy": 0.95,
            "epoch": 6,
            "test_loss": 0.40,
            "learning_rate": 0.02,
            "activation": "relu",
            "seconds": 1.5,
        },
        {
            "rank": 2,
            "trial": 0,
            "test_accuracy": 0.90,
            "epoch": 5,
            "test_loss": 0.30,
            "learning_rate": 0.01,
            "activation": "tanh",
            "seconds": 0.5,
        },
    ]
    assert list(table.columns[:5]) == ["rank", "trial", "test_accuracy", "epoch", "test_loss"]
    assert list(table.columns[5:]) == ["learning_rate", "activation", "seconds"]
    assert table["epoch"].dtype == "Int64"


def test_a_metric_stands_in_the_table_once():
    expected = ["rank", "trial", "test_loss", "epoch", "learning_rate", "activation", "seconds"]
    assert list(best(trials(FIVE), PARAMETERS, Objective().by("test_loss")).columns) == expected


def test_the_worst_trial_has_rank_1_among_the_worst():
    table = worst(trials(FIVE), PARAMETERS, n=2)
    assert table[["rank", "trial"]].to_numpy().tolist() == [[1, 3], [2, 0]]


@pytest.mark.parametrize("ranked", [best, worst])
@pytest.mark.parametrize(("n", "count"), [(1, 1), (3, 3), (4, 4), (50, 4), (None, 4)])
def test_as_many_trials_are_shown_as_are_asked_for_and_there(ranked, n, count):
    table = ranked(trials(FIVE), PARAMETERS, n=n)
    assert table["rank"].tolist() == list(range(1, count + 1))
    assert table.index.tolist() == list(range(count))


def test_ten_trials_are_shown_by_default():
    frame = trials([(number, "completed", number / 20, 0.1) for number in range(15)])
    assert best(frame, PARAMETERS)["trial"].tolist() == [14, 13, 12, 11, 10, 9, 8, 7, 6, 5]
    assert len(worst(frame, PARAMETERS)) == 10


def test_a_condition_chooses_the_trials_before_they_are_ranked():
    assert best(trials(FIVE), PARAMETERS, n=1, where="learning_rate < 0.02")["trial"].tolist() == [0]
    assert worst(trials(FIVE), PARAMETERS, where="activation == 'relu'", n=1)["trial"].tolist() == [3]
    assert diverged(trials(FIVE), PARAMETERS, where="activation == 'relu'")["trial"].tolist() == [7]


def test_a_mistake_in_a_condition_shows_even_if_no_trial_completed():
    frame = trials([(0, "diverged"), (1, "failed")])
    with pytest.raises(UsageError, match="activation is text"):
        best(frame, PARAMETERS, where="activation < 3")


def test_diverged_trials_are_listed_by_number_with_where_and_how():
    table = diverged(trials(FIVE[::-1]), PARAMETERS)
    assert table.to_dict("records") == [
        {
            "trial": number,
            "epoch": 4,
            "step": 100 + number,
            "place": "hidden[1]/backward",
            "kind": "overflow",
            "learning_rate": pytest.approx(0.01 * (number + 1)),
            "activation": activation,
        }
        for number, activation in [(2, "tanh"), (7, "relu")]
    ]
    assert list(table.columns) == ["trial", "epoch", "step", "place", "kind", "learning_rate", "activation"]
    assert diverged(trials(FIVE), PARAMETERS, n=1)["trial"].tolist() == [2]


@pytest.mark.parametrize("table", [best, worst, diverged])
@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_trial_cannot_be_shown(table, n):
    with pytest.raises(UsageError, match=f"at least 1, not {n}"):
        table(trials(FIVE), PARAMETERS, n=n)


def test_a_users_own_metric_is_ranked_in_its_direction_without_a_tie_break():
    frame = trials([(n, "completed", 0.5, 0.5) for n in range(4)]).assign(rmse=[3e9, -2.5, np.nan, -2.5])
    objective = Objective("rmse", "min", tie_break=None)
    assert best(frame, PARAMETERS, objective)["trial"].tolist() == [1, 3, 0, 2]
    assert worst(frame, PARAMETERS, objective)["trial"].tolist() == [0, 1, 3, 2]
    expected = ["rank", "trial", "rmse", "epoch", "learning_rate", "activation", "seconds"]
    assert list(best(frame, PARAMETERS, objective).columns) == expected
    highest = Objective("rmse", "max", tie_break=None)
    assert best(frame, PARAMETERS, highest)["trial"].tolist() == [0, 1, 3, 2]


def test_beside_a_metric_of_the_validation_part_stands_that_of_the_test_part():
    objective = Objective("validation_accuracy", tie_break="validation_loss")
    frame = trials(FIVE).assign(validation_accuracy=0.5, validation_loss=[0.9, 0.8, 0.7, 0.6, 0.5, 0, 0, 0, 0])
    table = best(frame, PARAMETERS, objective, n=2)
    assert list(table.columns[:6]) == [
        *("rank", "trial", "validation_accuracy", "epoch", "validation_loss", "test_accuracy"),
    ]
    assert table["trial"].tolist() == [4, 3]
    assert table["test_accuracy"].tolist()[1] == 0.80


def test_a_metric_that_is_not_in_the_frame_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        best(trials(FIVE), PARAMETERS, Objective("rmse", "min", tie_break=None))


@pytest.mark.parametrize(
    ("objective", "repeats", "best_first", "text"),
    [
        (
            Objective(),
            1,
            True,
            "ranked by test_accuracy, each trial at its best epoch\n"
            "the best of many trials is in part the luckiest: expect somewhat worse on new data",
        ),
        (Objective(), 1, False, "ranked by test_accuracy, each trial at its best epoch"),
        (Objective("rmse", "min", "last", None), 1, True, "ranked by rmse, each trial at its last epoch"),
        (
            Objective("validation_loss", "min", "best", None),
            3,
            True,
            "ranked by the mean validation_loss of 3 repeats, each trial at its best epoch; test_loss is that of the "
            "same epoch",
        ),
    ],
)
def test_the_caption_says_what_is_ranked_by_and_warns_of_the_luckiest(objective, repeats, best_first, text):
    assert caption(objective, repeats, best_first) == text


@pytest.mark.parametrize("table", [best, worst, diverged])
def test_a_sweep_without_such_trials_gives_an_empty_table_of_the_same_columns(table):
    empty = table(trials([(0, "queued")]), PARAMETERS)
    assert len(empty) == 0
    assert list(empty.columns) == list(table(trials(FIVE), PARAMETERS).columns)


@pytest.mark.parametrize("table", [best, worst, diverged])
def test_a_parameter_that_no_trial_has_yet_is_an_empty_column(table):
    momentum = Parameter("training.optimizer.momentum", "momentum")
    shown = table(trials(FIVE), [momentum, *PARAMETERS])
    assert shown["momentum"].isna().all()


@pytest.mark.parametrize("table", [best, worst, diverged])
def test_the_frame_of_trials_is_left_as_it_was(table):
    frame = trials(FIVE)
    table(frame, PARAMETERS, where="trial >= 0")
    pd.testing.assert_frame_equal(frame, trials(FIVE))


@pytest.mark.parametrize("table", [best, worst, diverged])
def test_the_index_of_the_frame_does_not_matter(table):
    frame = trials(FIVE).set_axis([0] * len(FIVE))
    expected = table(trials(FIVE), PARAMETERS, where="trial != 1")
    pd.testing.assert_frame_equal(table(frame, PARAMETERS, where="trial != 1"), expected)


VALUE = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.just(np.nan)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(STATUSES), VALUE, VALUE, VALUE, VALUE), max_size=12),
    st.sampled_from(NATIVE_METRICS),
    st.integers(1, 14),
    st.randoms(use_true_random=False),
)
def test_the_ranking_is_the_one_that_sorting_by_hand_gives(rows, metric, n, random):
    rows = [(number, *row) for number, row in enumerate(rows)]
    random.shuffle(rows)
    frame = trials(rows)
    sign = -1 if metric.endswith("accuracy") else 1

    def key(row, direction):
        values = dict(zip(COLUMNS, row, strict=False))
        value, loss = values[metric], values["test_loss"]
        # NaN compares with nothing, so it is replaced where its place has been decided.
        return (
            np.isnan(value),
            direction * sign * np.nan_to_num(value),
            np.isnan(loss),
            direction * np.nan_to_num(loss),
            values["trial"],
        )

    completed = [row for row in rows if row[1] == "completed"]
    for ranked, direction in [(best, 1), (worst, -1)]:
        expected = [row[0] for row in sorted(completed, key=lambda row: key(row, direction))]
        assert ranked(frame, PARAMETERS, Objective().by(metric), n)["trial"].tolist() == expected[:n]
