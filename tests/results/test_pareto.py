"""Trials that no other beats, beside a comparison of all pairs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweep.errors import UsageError
from sweep.records import Parameter
from sweep.results.pareto import Goal, comparable, front, on_front, read_goals, table

ALPHA = Parameter("network.activation.alpha", "alpha")
KIND = Parameter("network.activation", "activation", categorical=True)
METRICS = {"test_accuracy": "max", "test_loss": "min", "perplexity": None}
BOTH = [Goal("test_accuracy", "max"), Goal("network_parameters", "min")]


def beats(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(a < b for a, b in zip(one, other, strict=True))


@given(
    st.integers(1, 4).flatmap(
        lambda goals: arrays(
            np.float64,
            st.tuples(st.integers(0, 30), st.just(goals)),
            elements=st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False, allow_infinity=False)),
        )
    )
)
def test_the_front_is_what_no_other_row_beats(costs):
    expected = [not any(beats(other, row) for other in costs) for row in costs]
    assert on_front(costs).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20), st.randoms())
def test_neither_order_nor_a_monotonic_scale_of_a_goal_matters(rows, random):
    costs, order = np.array(rows, np.float64), list(range(len(rows)))
    random.shuffle(order)
    kept = on_front(costs)
    assert on_front(costs[order]).tolist() == kept[order].tolist()
    assert on_front(np.exp(costs)).tolist() == kept.tolist()
    assert kept.any()


def frame():
    return pd.DataFrame(
        {
            "trial": range(7),
            "status": ["completed"] * 5 + ["diverged", "completed"],
            "test_accuracy": [0.9, 0.95, 0.8, 0.95, 0.7, 0.99, np.nan],
            "epoch": 3,
            "network_parameters": pd.array([100, 300, 100, 300, 50, 10, 1], dtype="Int64"),
            "seconds": 1.5,
            "alpha": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
            "activation": "relu",
        }
    )


def test_equal_trials_are_both_on_the_front_and_neither_diverged_trials_nor_those_without_a_value():
    shown = table(frame(), BOTH, [ALPHA])
    assert shown["trial"].tolist() == [1, 3, 0, 4]
    columns = ["trial", "test_accuracy", "network_parameters", "epoch", "alpha", "seconds"]
    assert shown.columns.tolist() == columns
    assert shown["network_parameters"].tolist() == [300, 300, 100, 50]


def test_more_of_a_goal_can_be_better():
    assert table(frame(), [BOTH[0], Goal("network_parameters", "max")], [])["trial"].tolist() == [1, 3]
    assert table(frame(), [*BOTH, Goal("alpha", "max")], [])["trial"].tolist() == [3, 0, 2, 4]


def test_without_a_completed_trial_the_front_is_empty():
    none = frame()[frame()["status"] == "diverged"]
    assert front(comparable(none, BOTH), BOTH).empty
    assert table(none, BOTH, [ALPHA]).columns.tolist() == table(frame(), BOTH, [ALPHA]).columns.tolist()


def test_goals_have_their_usual_direction_unless_another_is_given():
    goals = read_goals(
        ["test_accuracy", " test_loss ", "parameters", "network.activation.alpha:max", "perplexity:min"],
        METRICS,
        [ALPHA],
    )
    assert goals == [
        Goal("test_accuracy", "max"),
        Goal("test_loss", "min"),
        Goal("network_parameters", "min"),
        Goal("alpha", "max"),
        Goal("perplexity", "min"),
    ]
    assert read_goals(["test_accuracy:min", "seconds"], METRICS, []) == [
        Goal("test_accuracy", "min"),
        Goal("seconds", "min"),
    ]
    ours = Parameter("parameters.model.parameters", "parameters")
    assert read_goals(["parameters", "seconds"], {}, [ours])[0] == Goal("parameters", "min")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["test_accuracy"], "name two or more different goals"),
        (["alpha", "alpha:max"], "name two or more different goals"),
        (["parameters", "network_parameters", "alpha"], "name two or more different goals"),
        (["test_acuracy", "alpha"], "there is no goal 'test_acuracy': did you mean 'test_accuracy'?"),
        (["alpha:up", "seconds"], "there is no goal 'alpha:up'"),
        (["", "seconds"], "there is no goal ''"),
        (["perplexity", "alpha"], "perplexity is better is not known; write perplexity:max or perplexity:min"),
    ],
)
def test_a_mistake_in_goals_is_one_sentence(names, sentence):
    with pytest.raises(UsageError) as caught:
        read_goals(names, METRICS, [ALPHA])
    assert sentence in str(caught.value)


def test_what_is_not_a_number_or_not_known_is_no_goal():
    with pytest.raises(UsageError, match="activation is not a number, so it cannot be a goal"):
        comparable(frame(), [BOTH[0], Goal("activation", "min")])
    with pytest.raises(UsageError, match="no trial has multiplications, which is known of"):
        comparable(frame(), [BOTH[0], Goal("multiplications", "min")])
    assert comparable(frame().drop(columns="alpha"), [BOTH[0], Goal("alpha", "min")]).empty
