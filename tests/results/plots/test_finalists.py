"""The chart of finalists: exactly the marks that are drawn, and where."""

import math

import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import finalists_chart
from sweep.results.plots.finalists import finalist_marks
from sweep.results.plots.style import RED

ACCURACY = Objective("test_accuracy")
NAN = math.nan


def table(rows):
    return pd.DataFrame(rows, columns=["trial", "before", "expected", "low", "high", "seeds"])


TABLE = table([(7, 0.97, 0.96, 0.95, 0.97, 3), (2, 0.98, NAN, NAN, NAN, 2)])
TRAININGS = pd.DataFrame(
    [
        (2, 1, "diverged", NAN),
        (2, 2, "diverged", NAN),
        (7, 1, "completed", 0.96),
        (7, 2, "completed", 0.96),
        (7, 3, "diverged", NAN),
        (7, 4, "queued", NAN),
        (7, 5, "failed", NAN),
    ],
    columns=["trial", "seed", "status", "value"],
)


def test_the_marks_are_those_of_the_table_and_of_ended_trainings():
    marks = finalist_marks(TABLE, TRAININGS)
    found = [tuple(None if pd.isna(value) else value for value in row) for row in marks.itertuples(index=False)]
    assert found == [
        (0, 7, "before", 0.97, None, None),
        (0, 7, "training", 0.96, None, None),
        (0, 7, "training", 0.96, None, None),
        (0, 7, "diverged", None, None, None),
        (0, 7, "expected", 0.96, 0.95, 0.97),
        (1, 2, "before", 0.98, None, None),
        (1, 2, "diverged", None, None, None),
        (1, 2, "diverged", None, None, None),
    ]


def crosses(axes):
    """The places of the marks of trainings that diverged."""
    lines = [line for line in axes.lines if line.get_marker() == "x" and to_rgba(line.get_color()) == to_rgba(RED)]
    return [(x, y) for line in lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]


@pytest.mark.parametrize("direction", ["max", "min"])
def test_those_that_diverged_stand_side_by_side_at_the_bad_end(direction):
    objective = Objective("loss", direction, tie_break=None)
    (axes,) = finalists_chart(TABLE, TRAININGS, objective).axes
    places = crosses(axes)
    assert [y for _, y in places] == [0, 1, 1]
    assert len({x for x, y in places if y == 1}) == 2
    assert all(x < 0.95 if direction == "max" else x > 0.98 for x, _ in places)


def test_equal_values_stand_apart():
    (axes,) = finalists_chart(TABLE, TRAININGS, ACCURACY).axes
    own = next(line for line in axes.lines if list(line.get_xdata()) == [0.96, 0.96])
    assert len(set(own.get_ydata())) == 2


def test_the_first_stands_at_the_top_and_all_is_named():
    figure = finalists_chart(TABLE, TRAININGS, ACCURACY, title="digits")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["trial 7", "trial 2"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert axes.get_xlabel() == "test_accuracy"
    assert figure.get_suptitle() == "digits: 2 finalists with 3 fresh seeds"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "in the search, by which it was chosen" in words and "diverged with a fresh seed" in words


def test_a_single_training_has_no_interval():
    one = TRAININGS[(TRAININGS["trial"] == 7) & (TRAININGS["seed"] == 1)]
    figure = finalists_chart(table([(7, 0.97, 0.96, NAN, NAN, 1)]), one, ACCURACY)
    assert len(figure.axes[0].lines) == 3
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["a training with a fresh seed", "expected", "in the search, by which it was chosen"]


def test_the_interval_is_named_and_trainings_lie_above_the_diamonds():
    figure = finalists_chart(TABLE, TRAININGS, ACCURACY)
    assert "interval of 90 % of what is expected" in [text.get_text() for text in figure.legends[0].get_texts()]
    heights = {each.get_marker(): each.get_zorder() for each in figure.axes[0].lines if each.get_markersize() != 9}
    assert heights["o"] > heights["D"]


def test_a_single_seed_is_named_in_the_title():
    one = TRAININGS[(TRAININGS["trial"] == 7) & (TRAININGS["seed"] == 1)]
    figure = finalists_chart(table([(7, 0.97, 0.96, NAN, NAN, 1)]), one, ACCURACY)
    assert figure.get_suptitle() == "1 finalist with 1 fresh seed"


def test_without_ended_trainings_there_is_nothing_to_draw():
    waiting = TRAININGS[TRAININGS["status"] == "queued"]
    with pytest.raises(UsageError, match="no training with a fresh seed has ended yet"):
        finalists_chart(TABLE[:1], waiting, ACCURACY)
