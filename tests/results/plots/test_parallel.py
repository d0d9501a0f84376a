"""Tests of the parallel coordinates."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.plots import parallel_chart
from sweep.results.plots.parallel import MOST_AXES, parallel_places
from sweep.results.plots.style import RED
from tests.results.plots.plot_setup import PARAMETERS, assert_legible, trials
from tests.results.plots.test_history import ACCURACY, frame, legend

RATE = Parameter("training.learning_rate", "learning_rate", log=True, low=0.01, high=1.0)
KIND = Parameter("training.optimizer", "optimizer", options=("adam", "sgd"))
MOMENTUM = Parameter("training.optimizer.momentum", "momentum", low=0.0, high=1.0)
FOUR = frame(["completed", "diverged", "completed", "pruned"], [0.9, np.nan, 0.8, 0.5]).assign(
    learning_rate=[0.1, 1.0, 0.01, 0.01], optimizer=["sgd", "adam", "adam", "sgd"], momentum=[0.25, np.nan, np.nan, 1.0]
)


def searched(count=60):
    """Return trials, none of which began again."""
    return trials(count).assign(ranked_epochs=pd.NA, seconds=1.0)


def lines_of(figure, label):
    """Return the heights at which the lines of a label cross the axes, and their colors."""
    (found,) = (each for each in figure.axes[0].collections if each.get_label() == label)
    assert isinstance(found, LineCollection)
    return [segment[:, 1].round(6).tolist() for segment in found.get_segments()], [
        to_hex(color) for color in found.get_colors()
    ]


def test_each_parameter_has_its_place_and_the_best_comes_last():
    table = parallel_places(FOUR, [RATE, KIND, MOMENTUM], ACCURACY)
    expected = pd.DataFrame(
        {
            "trial": [1, 3, 2, 0],
            "status": ["diverged", "pruned", "completed", "completed"],
            "test_accuracy": [np.nan, 0.5, 0.8, 0.9],
            RATE.name: [1.0, 0.0, 0.0, 0.5],
            KIND.name: [0.25, 0.75, 0.25, 0.75],
            MOMENTUM.name: [np.nan, 1.0, np.nan, 0.25],
        }
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


def test_the_lines_cross_the_axes_there_and_what_is_absent_stands_below():
    figure = parallel_chart(FOUR, [RATE, KIND, MOMENTUM], ACCURACY, title="mine")
    assert_legible(figure)
    (best,), _ = lines_of(figure, "best")
    assert best == [0.5, 0.75, 0.25, 1.0]
    (other,), _ = lines_of(figure, "completed")
    assert other[2] < 0
    assert other[3] == 0.0
    (diverged,), (color,) = lines_of(figure, "diverged")
    assert (len(diverged), color) == (3, RED)
    assert len(lines_of(figure, "pruned")[0]) == 1
    assert figure.get_suptitle() == "mine: 2 completed, 1 diverged, 1 pruned"
    assert legend(figure)[0] == "best: trial 0, 0.9000"
    assert "not used" in [text.get_text() for text in figure.axes[0].texts]


def test_where_less_is_better_the_least_is_on_top():
    objective = Objective("test_accuracy", "min", tie_break=None)
    (best,), _ = lines_of(parallel_chart(FOUR, [RATE], objective), "best")
    assert best == [0.0, 1.0]


def test_parameters_are_drawn_in_the_order_in_which_they_are_named():
    figure = parallel_chart(FOUR, [RATE, KIND, MOMENTUM], ACCURACY, x=["momentum", "training.learning_rate"])
    (best,), _ = lines_of(figure, "best")
    assert best == [0.25, 0.5, 1.0]
    with pytest.raises(UsageError, match="there is no parameter 'momentun': did you mean"):
        parallel_chart(FOUR, [RATE, KIND, MOMENTUM], ACCURACY, x=["momentun"])


def test_of_many_parameters_the_first_are_drawn_and_the_title_says_so():
    parameters = [Parameter(f"p{number}", f"p{number}") for number in range(30)]
    figure = parallel_chart(FOUR.assign(**{each.name: range(4) for each in parameters}), parameters, ACCURACY)
    assert_legible(figure)
    assert figure.get_suptitle().endswith(f"{MOST_AXES} of 30 parameters")


def test_better_lines_are_darker_and_above():
    figure = parallel_chart(searched(), PARAMETERS, ACCURACY)
    assert_legible(figure)
    lines, colors = lines_of(figure, "completed")
    assert [line[-1] for line in lines] == sorted(line[-1] for line in lines)
    lightness = [sum(int(color[place : place + 2], 16) for place in (1, 3, 5)) for color in colors]
    assert lightness[0] > lightness[-1]
    (completed,) = (each for each in figure.axes[0].collections if each.get_label() == "completed")
    (diverged,) = (each for each in figure.axes[0].collections if each.get_label() == "diverged")
    assert completed.get_zorder() > diverged.get_zorder()


@pytest.mark.parametrize("status", ["completed", "diverged", "pruned"])
@pytest.mark.parametrize("count", [1, 2])
def test_tiny_sweeps_are_drawn(status, count):
    assert_legible(parallel_chart(FOUR[:count].assign(status=status), [RATE], ACCURACY))
    assert_legible(parallel_chart(FOUR[:count].assign(status=status), [RATE, KIND, MOMENTUM], ACCURACY))


def test_a_choice_of_many_options_is_legible():
    options = tuple(f"an_option_with_a_long_name_{number}" for number in range(30))
    choice = Parameter("choice", "choice", options=options)
    assert_legible(parallel_chart(FOUR.assign(choice=options[0]), [choice, RATE], ACCURACY))


@pytest.mark.parametrize(
    ("rows", "parameters", "words"),
    [
        (FOUR.assign(status="queued"), [RATE], "no trial has completed or diverged yet"),
        (FOUR, [], "the sweep searches no parameter"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(rows, parameters, words):
    with pytest.raises(UsageError, match=words):
        parallel_chart(rows, parameters, ACCURACY)


def test_lines_that_end_beyond_the_axis_are_counted():
    trials = frame(["completed"] * 20, [*np.linspace(0.8, 0.9, 18), 0.1, 0.2]).assign(learning_rate=0.1)
    figure = parallel_chart(trials, [RATE], ACCURACY)
    assert_legible(figure)
    assert legend(figure)[-1] == "2 beyond the axis of test accuracy"
    (mark,) = (each for each in figure.axes[0].get_lines() if each.get_label() == "beyond")
    assert mark.get_xydata().tolist() == [[1, 0]]
