"""Tests of the chart of a traced training."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sweep.errors import UsageError
from sweep.results.plots import trace_chart
from tests.results.plots.plot_setup import assert_legible, tick_words

LAYERS = ["hidden[0]", "hidden[1]", "output"]
ARRAYS = ["u", "z", "W", "dW", "dz"]


def steps(count=18, layers=LAYERS, first=101):
    """Return a frame in which everything grows, the later layers faster, up to an overflow of the last u."""
    grown = np.exp(np.linspace(0, 9, count) ** 2)
    values = {
        f"{layer}/{array}": grown ** (place / len(layers)) * (1e-3 if array == "dz" else 1)
        for place, layer in enumerate(layers, 1)
        for array in ARRAYS
    }
    frame = pd.DataFrame({"step": range(first, first + count), **values, "loss": grown})
    frame.loc[count - 1, "output/u"] = math.inf
    frame.loc[count - 1, ["loss", *(f"{layer}/{array}" for layer in layers for array in ("dW", "dz"))]] = math.nan
    return frame


def panel(figure, begin):
    return next(axes for axes in figure.axes if axes.get_title("left").startswith(begin))


def curves(axes):
    """The lines with a point for each step, by their labels."""
    return {each.get_label(): each for each in axes.get_lines() if len(each.get_xdata()) > 2}


def test_each_array_has_a_panel_with_a_line_for_each_layer():
    frame = steps()
    figure = trace_chart(frame, LAYERS, title="mnist/3", diverged=118)
    assert_legible(figure)
    assert figure.get_suptitle() == "mnist/3: steps 101 to 118, diverging in step 118"
    assert [axes.get_title("left").partition(":")[0] for axes in figure.axes] == [
        *("u", "z", "loss of the mini-batch", "W", "dW", "dz")
    ]
    for array in ARRAYS:
        drawn = curves(panel(figure, f"{array}: "))
        assert list(drawn) == LAYERS
        for layer, line in drawn.items():
            values = frame[f"{layer}/{array}"].replace(math.inf, math.nan)
            np.testing.assert_allclose(line.get_ydata(), values)
            np.testing.assert_array_equal(line.get_xdata(), frame["step"])
    np.testing.assert_allclose(panel(figure, "loss").get_lines()[0].get_ydata(), frame["loss"])


def test_lines_differ_in_shade_and_in_kind():
    lines = curves(panel(trace_chart(steps(), LAYERS), "u: ")).values()
    shades = [np.dot(line.get_color()[:3], [0.299, 0.587, 0.114]) for line in lines]
    assert shades == sorted(shades, reverse=True)
    assert min(-np.diff(shades)) > 0.15  # they can be told apart in grayscale
    assert len({line.get_linestyle() for line in lines}) == 3


def test_what_is_not_finite_is_a_cross_at_the_top_and_the_growth_is_marked():
    growth = SimpleNamespace(series="hidden[1]/dW", start=105)
    figure = trace_chart(steps(), LAYERS, growth=growth, diverged=118)
    marks = {
        begin: [
            (line.get_marker(), *line.get_xydata()[0])
            for line in panel(figure, begin).get_lines()
            if len(line.get_xdata()) == 1
        ]
        for begin in ("u: ", "dW", "W: ")
    }
    top = panel(figure, "u: ").get_ylim()[1]
    assert marks == {"u: ": [("x", 118, top)], "dW": [("o", 105, steps()["hidden[1]/dW"][4])], "W: ": []}
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == [
        *LAYERS,
        "growing without return from step 105: dW of hidden[1]",
        "step of the divergence",
        "not finite",
    ]


def test_a_calm_training_has_no_marks():
    frame = steps().iloc[:6]
    figure = trace_chart(frame, LAYERS)
    assert figure.get_suptitle() == "steps 101 to 106, not diverged"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == LAYERS


@pytest.mark.parametrize("high", [1e38, 1e308])
def test_all_panels_share_one_axis_with_few_ticks(high):
    frame = steps()
    frame.loc[16, "output/u"] = high
    figure = trace_chart(frame, LAYERS, diverged=118)
    assert_legible(figure)
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert 3 <= len(tick_words(figure.axes[0].yaxis)) <= 8
    assert figure.axes[0].get_ylim()[1] >= high * (1 - 1e-12)


def test_zeros_have_no_place_on_the_axis_and_tiny_values_lie_at_its_end():
    frame = steps().iloc[:6].copy()
    frame["hidden[0]/dW"] = [1.0, 0.0, 1e-300, 1.0, 1.0, 1.0]
    axes = panel(trace_chart(frame, LAYERS), "dW")
    drawn = curves(axes)["hidden[0]"].get_ydata()
    assert math.isnan(drawn[1])
    assert drawn[2] == axes.get_ylim()[0] > 1e-20


def test_a_frame_of_zeros_or_of_one_step_can_be_drawn():
    frame = steps().iloc[:1]
    assert trace_chart(frame, LAYERS).get_suptitle() == "step 101, not diverged"
    assert_legible(trace_chart(frame, LAYERS))
    assert_legible(trace_chart(frame * 0, LAYERS))
    with pytest.raises(UsageError, match="no step to draw"):
        trace_chart(frame[:0], LAYERS)


def test_of_many_layers_the_legend_names_some():
    layers = [*(f"layers[{place}]/affine" for place in range(30)), "output"]
    figure = trace_chart(steps(layers=layers), layers)
    assert_legible(figure)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(words) == 8
    assert (words[0], words[-1]) == (layers[0], "output")
    assert len(curves(panel(figure, "u: "))) == 31
