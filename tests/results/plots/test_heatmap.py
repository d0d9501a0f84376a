"""Tests of the mean objective by two parameters."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.plots import heatmap_chart
from sweep.results.plots.heatmap import Bins, bins_of, heatmap, telling
from sweep.results.plots.style import PALE_RED
from tests.results.plots.plot_setup import PARAMETERS, assert_legible
from tests.results.plots.test_history import ACCURACY, frame
from tests.results.plots.test_parallel import FOUR, KIND, MOMENTUM, RATE, searched

SIX = frame(["completed", "completed", "diverged", "completed", "diverged", "completed"], [0.9, 0.7, 0, 0.5, 0, 0.6])
SIX = SIX.assign(
    learning_rate=[0.01, 0.012, 0.011, 0.9, 1.0, 0.05], optimizer=["adam", "adam", "adam", "sgd", "adam", None]
)


def cells_of(figure, label):
    return {patch.get_xy(): patch for patch in figure.axes[0].patches if patch.get_label() == label}


def test_a_cell_has_the_mean_of_its_completed_trials():
    x = Bins.of(RATE, SIX["learning_rate"], 4)
    y = Bins.of(KIND, SIX["optimizer"], 4)
    assert (x.count, y.count) == (4, 2)
    expected = pd.DataFrame(
        {"x": [0, 3, 3], "y": [0, 0, 1], "trials": [3, 1, 1], "diverged": [1, 1, 0], "mean": [0.8, np.nan, 0.5]}
    )
    pd.testing.assert_frame_equal(heatmap(SIX, x, y, ACCURACY), expected)


def test_a_cell_without_trials_is_empty_and_the_share_of_diverged_ones_is_a_bar():
    figure = heatmap_chart(SIX, [RATE, KIND], ACCURACY, title="mine", x=["learning_rate", "optimizer"])
    assert_legible(figure)
    cells, bars = cells_of(figure, "cell"), cells_of(figure, "diverged")
    assert set(cells) == {(0, 0), (3, 0), (3, 1)}
    assert bars[0, 0].get_width() == pytest.approx(1 / 3)
    assert bars[3, 0].get_width() == 1
    assert to_rgb(cells[3, 0].get_facecolor()[:3]) == to_rgb(PALE_RED)
    counts = {tuple(np.floor(text.get_position())): text.get_text() for text in figure.axes[0].texts}
    assert counts == {(0, 0): "2", (3, 0): "0", (3, 1): "1"}
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["completed trials in the cell", "share of all trials that diverged"]
    assert figure.get_suptitle() == "mine: 4 completed, 2 diverged, 1 without a value not drawn"
    assert figure.axes[1].get_ylabel() == "mean test accuracy"


@pytest.mark.parametrize("direction", ["max", "min"])
def test_better_cells_are_darker(direction):
    rows = frame(["completed"] * 8, np.repeat([0.9, 0.7, 0.5, 0.3], 2)).assign(learning_rate=np.repeat([1, 2, 3, 4], 2))
    figure = heatmap_chart(
        rows, [Parameter("r", "learning_rate")], Objective("test_accuracy", direction, tie_break=None)
    )
    lightness = [sum(patch.get_facecolor()[:3]) for _, patch in sorted(cells_of(figure, "cell").items())]
    assert lightness == sorted(lightness, reverse=direction == "min")
    assert len(set(lightness)) == 4


def test_the_parameters_that_tell_most_about_the_rank_are_drawn():
    rng = np.random.default_rng(0)
    rows = frame(["completed"] * 40, np.zeros(40)).assign(
        **{name: rng.uniform(size=40) for name in "abcd"}, e=rng.choice(["x", "y"], 40)
    )
    # The best lies in the middle of c, where a correlation would see nothing.
    rows["test_accuracy"] = -((rows["c"] - 0.5) ** 2) + 0.05 * (rows["e"] == "x")
    parameters = [Parameter(name, name) for name in "abcde"]
    assert {each.name for each in telling(rows, parameters, ACCURACY)[:2]} == {"c", "e"}
    figure = heatmap_chart(rows, parameters, ACCURACY)
    assert {figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()} == {"c", "e"}


def test_diverged_trials_tell_as_the_worst():
    rng = np.random.default_rng(0)
    rows = frame(["completed"] * 40, rng.uniform(size=40)).assign(a=rng.uniform(size=40), b=rng.uniform(size=40))
    rows["status"] = np.where(rows["b"] > 0.5, "diverged", "completed")
    first, _ = telling(rows, [Parameter("a", "a"), Parameter("b", "b")], ACCURACY)
    assert first.name == "b"


@pytest.mark.parametrize(("count", "bins"), [(0, 4), (1, 4), (40, 4), (100, 5), (400, 10), (10_000, 10)])
def test_more_trials_have_more_bins(count, bins):
    assert bins_of(count) == bins


def test_of_one_parameter_there_is_one_row():
    figure = heatmap_chart(SIX, [RATE], ACCURACY)
    assert_legible(figure)
    assert {y for _, y in cells_of(figure, "cell")} == {0}


def test_the_first_named_parameter_is_across_and_the_other_is_chosen():
    figure = heatmap_chart(searched(), PARAMETERS, ACCURACY, x=["activation"])
    assert_legible(figure)
    assert figure.axes[0].get_xlabel() == "activation"
    assert figure.axes[0].get_ylabel() in {"hidden[0]", "alpha", "learning_rate", "batch_size"}


@pytest.mark.parametrize("status", ["completed", "diverged"])
@pytest.mark.parametrize("count", [1, 2])
def test_tiny_sweeps_are_drawn(status, count):
    rows = FOUR[:count].assign(status=status)
    assert_legible(heatmap_chart(rows, [RATE, KIND, MOMENTUM], ACCURACY))


def test_a_choice_of_many_options_is_legible():
    options = tuple(f"an_option_with_a_long_name_{number}" for number in range(30))
    choice = Parameter("choice", "choice", options=options)
    rows = searched().assign(choice=[options[number % 30] for number in range(60)])
    assert_legible(heatmap_chart(rows, [choice, RATE], ACCURACY))
    assert_legible(heatmap_chart(rows, [choice, RATE], ACCURACY, x=["learning_rate", "choice"]))


@pytest.mark.parametrize(
    ("rows", "parameters", "x", "words"),
    [
        (FOUR.assign(status="queued"), [RATE], None, "no trial has completed or diverged yet"),
        (FOUR, [], None, "the sweep searches no parameter"),
        (FOUR, [RATE], ["learning_rat"], "there is no parameter 'learning_rat'"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(rows, parameters, x, words):
    with pytest.raises(UsageError, match=words):
        heatmap_chart(rows, parameters, ACCURACY, x=x)
