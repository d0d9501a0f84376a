"""The phase diagram: which parameters, which marks, and what it says of few casualties."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.divergence import planted
from sweep.errors import UsageError
from sweep.records import Parameter
from sweep.results.plots import phase_diagram
from tests.results.plots.plot_setup import assert_legible


def drawn(trials=60, share=0.3, **columns):
    frame, parameters, _ = planted(2, trials, share, 4.0)
    added = [Parameter(name, name, options=tuple(sorted(set(values)))) for name, values in columns.items()]
    return frame.assign(**columns), [*parameters, *added]


def marks(axes):
    """The number of points by their label."""
    return {each.get_label(): len(each.get_offsets()) for each in axes.collections if each.get_label()[0] != "_"}


def test_each_trial_is_a_mark_over_contours_of_the_two_that_matter_most():
    frame, parameters = drawn()
    figure = phase_diagram(frame, parameters, title="mine")
    (axes,) = figure.axes
    counts = frame["status"].value_counts()
    assert marks(axes) == counts.to_dict()
    assert (axes.get_xlabel(), axes.get_xscale()) == ("learning_rate", "log")
    assert {"10 %", "50 %", "90 %"} >= {text.get_text() for text in axes.texts} != set()
    assert_legible(figure)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[-1] == "diverges with 10, 50, 90 %, averaged over the others\n(which analyze puts at their means)"
    assert f"{counts['diverged']} of 60 trials diverged" in figure.get_suptitle().replace("\n", " ")


def test_the_parameters_can_be_chosen():
    frame, parameters = drawn()
    (axes,) = phase_diagram(frame, parameters, x=["width", "alpha"]).axes
    assert axes.get_xlabel() == "width"
    for names, word in ((["widht", "alpha"], "did you mean 'width'"), (["width", "width"], "two different")):
        with pytest.raises(UsageError, match=word):
            phase_diagram(frame, parameters, x=names)
    with pytest.raises(UsageError, match="no number was searched"):
        phase_diagram(frame, [])


@pytest.mark.parametrize("x", [[], ["learning_rate"]])
def test_by_one_parameter_the_probability_is_a_curve_between_the_trials(x):
    frame, parameters = drawn(200)
    (axes,) = phase_diagram(frame, parameters if x else parameters[:1], x=x).axes
    assert marks(axes) == frame["status"].value_counts().to_dict()
    (curve,) = [line for line in axes.lines if len(line.get_xdata()) > 2]
    chances = curve.get_ydata()
    assert 0 <= chances.min() < 0.2 and 0.7 < chances.max() <= 1
    assert (axes.get_xlabel(), axes.get_xscale()) == ("learning_rate", "log")
    for each in axes.collections:
        heights = np.asarray(each.get_offsets())[:, 1]
        assert (np.abs(heights - (each.get_label() == "diverged")) < 0.1).all()


def test_a_choice_has_a_panel_for_each_of_at_most_four_options():
    kinds = np.array(["a", "b", "c", "d", "e"])[np.arange(60) % 5]
    kinds[-3:] = "a"
    frame, parameters = drawn(kind=list(kinds))
    figure = phase_diagram(frame, parameters)
    assert figure.axes[0].get_title() == "kind a" and len(figure.axes) == 4
    shown = sum(sum(marks(axes).values()) for axes in figure.axes)
    assert f"{60 - shown} trials of other options not shown" in figure.get_suptitle().replace("\n", " ")


def test_with_few_casualties_there_are_marks_alone():
    frame, parameters = drawn()
    frame["status"] = ["diverged"] * 3 + ["completed"] * 57
    figure = phase_diagram(frame, parameters)
    assert marks(figure.axes[0]) == {"completed": 57, "diverged": 3} and not figure.axes[0].texts
    assert "too one-sided" in figure.get_suptitle().replace("\n", " ")


def test_unended_trials_have_no_mark():
    frame, parameters = drawn()
    more = pd.concat([frame, frame.iloc[:5].assign(status="running", learning_rate=9.0)], ignore_index=True)
    (axes,) = phase_diagram(more, parameters).axes
    assert axes.get_xlim()[1] < 1
    assert sum(marks(axes).values()) == 60
