"""What is better, decided in one place."""

import itertools
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.metrics import Objective, metric
from sweep.records import Epoch

VALUES = st.floats(allow_nan=False, allow_infinity=False, width=32)
OBJECTIVES = [Objective("m", direction, epoch, None) for direction in ("max", "min") for epoch in ("best", "last")]


def epochs(values, name="m"):
    return [Epoch(number, 0.0, {name: value}) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("name", "part", "direction", "limits"),
    [
        ("test_accuracy", "test", "max", (0, 1)),
        ("validation_loss", "validation", "min", (-math.inf, math.inf)),
        ("train_r2", "train", "max", (-math.inf, 1)),
        ("test_rmse", "test", "min", (0, math.inf)),
        ("test_balanced_accuracy", "test", "max", (0, 1)),
        ("accuracy", None, None, (-math.inf, math.inf)),
        ("val_accuracy", None, None, (-math.inf, math.inf)),
    ],
)
def test_our_metrics_are_known_by_their_names(name, part, direction, limits):
    found = metric(name)
    assert (found.part, found.direction, found.limits) == (part, direction, limits)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: f"{o.direction}-{o.epoch}")
@given(values=st.lists(VALUES, min_size=1, max_size=9))
def test_the_chosen_epoch_is_the_first_best_or_the_last(objective, values):
    chosen = objective.choose(epochs(values))
    best = max(values) if objective.is_max else min(values)
    expected = len(values) - 1 if objective.epoch == "last" else values.index(best)
    assert chosen.number == expected


def test_no_epoch_is_chosen_of_none():
    assert Objective().choose([]) is None


@given(values=st.permutations(range(6)))
def test_choosing_step_by_step_gives_the_same_epoch(values):
    objective, chosen = Objective("m", "min", "best", None), None
    for epoch in epochs(map(float, values)):
        chosen = epoch if objective.replaces(epoch, chosen) else chosen
    assert chosen.metrics["m"] == 0


def test_the_order_is_by_value_then_loss_then_number():
    rows = [(value, loss) for value, loss in itertools.product((0.9, 0.8), (0.3, 0.1))]
    frame = pd.DataFrame(rows, columns=["test_accuracy", "test_loss"]).assign(trial=range(4))
    for best_first, expected in ((True, [1, 0, 3, 2]), (False, [2, 3, 0, 1])):
        keys = dict(Objective().sort_keys(best_first))
        order = frame.sort_values([*keys], ascending=[*keys.values()])["trial"].tolist()
        assert order == expected


def test_a_metric_breaks_no_tie_with_itself():
    assert Objective().by("test_loss").sort_keys() == [("test_loss", True), ("trial", True)]


def test_ranking_by_another_metric_needs_its_direction():
    assert Objective().by("train_loss").direction == "min"
    assert Objective().by("speed", "max").is_max
    with pytest.raises(ValueError, match="speed is better is not known"):
        Objective().by("speed")
