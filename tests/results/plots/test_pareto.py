"""The chart of two goals, read back from the figure."""

import numpy as np
import pandas as pd
import pytest

from sweep.errors import UsageError
from sweep.results.pareto import Goal, front
from sweep.results.plots import pareto_chart
from tests.results.plots.plot_setup import RATE, assert_legible, line, only, trials

ACCURACY, SIZE = Goal("test_accuracy", "max"), Goal("hidden[0]", "min")


def completed(**columns):
    return only(trials(), "completed").reset_index(drop=True).assign(**columns)


def test_every_trial_is_a_point_and_the_front_a_line_of_steps():
    frame = completed()
    (axes,) = pareto_chart(frame, SIZE, ACCURACY).axes
    np.testing.assert_array_equal(line(axes, "trials"), frame[["hidden[0]", "test_accuracy"]])
    best = front(frame, [SIZE, ACCURACY])
    np.testing.assert_array_equal(line(axes, "front"), best[["hidden[0]", "test_accuracy"]])
    (drawn,) = (each for each in axes.get_lines() if each.get_label() == "front")
    assert drawn.get_drawstyle() == "steps-post"
    assert (np.diff(drawn.get_xdata()) > 0).all()
    assert (np.diff(drawn.get_ydata()) > 0).all()
    assert [text.get_text() for text in axes.texts] == [str(number) for number in best["trial"]]


def test_a_wide_range_and_a_logarithmic_parameter_have_a_logarithmic_axis():
    assert pareto_chart(completed(), SIZE, ACCURACY).axes[0].get_xscale() == "linear"
    assert pareto_chart(completed(), Goal("learning_rate", "min"), ACCURACY, [RATE]).axes[0].get_xscale() == "log"
    rows = completed()
    wide = rows.assign(network_parameters=np.geomspace(100, 100_000, len(rows)))
    (axes,) = pareto_chart(wide, Goal("network_parameters", "min"), ACCURACY).axes
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "network parameters")


def test_what_is_much_worse_is_on_the_edge_and_counted():
    rows = completed()
    losses = rows["test_loss"].mask(rows.index == rows["hidden[0]"].argmin(), 1e6)
    figure = pareto_chart(rows.assign(test_loss=losses), SIZE, Goal("test_loss", "min"), title="mine")
    (axes,) = figure.axes
    top = axes.get_ylim()[1]
    assert top < 1
    assert line(axes, "beyond")[:, 1].tolist() == [top]
    assert line(axes, "front")[0].tolist() == [rows["hidden[0]"].min(), top]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "1 beyond the axis" in words
    assert figure.get_suptitle() == f"mine: {len(rows)} completed trials"
    assert_legible(figure)


def test_one_trial_is_a_front_and_none_is_refused():
    (axes,) = pareto_chart(completed()[:1], SIZE, ACCURACY).axes
    assert len(line(axes, "front")) == 1
    with pytest.raises(UsageError, match=r"no completed trial has both hidden\[0\] and test_accuracy yet"):
        pareto_chart(completed()[:0], SIZE, ACCURACY)


def test_configurations_are_named_by_their_trials():
    frame = pd.DataFrame({"trial": [0, 2], "trials": ["0–1", "2–3"], "test_accuracy": [0.5, 0.9], "seconds": [1.0, 2]})
    figure = pareto_chart(frame, Goal("seconds", "min"), ACCURACY)
    assert [text.get_text() for text in figure.axes[0].texts] == ["0–1", "2–3"]
    assert figure.get_suptitle() == "2 configurations"
