"""Charts of what matters, read back from the figures."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.plots import effect_chart, importance_chart, interaction_chart
from sweep.results.plots.effect import effect_lines
from sweep.results.plots.importance import MOST, importance_points
from sweep.results.plots.interaction import COLORS, interaction_lines
from tests.results.plots.plot_setup import assert_legible, tick_words

ACCURACY = Objective("test_accuracy")


def table(*names):
    rows = []
    for place, name in enumerate(names):
        row = {"parameter": name}
        for column in ("share", "best_quarter", "worth", "danger"):
            value = 0.5 / (place + 1)
            row |= {column: value, f"{column}_low": value / 2, f"{column}_high": value * 1.5}
        rows.append({**row, "best": 1.0, "worst": 2.0})
    return pd.DataFrame(rows)


def test_each_answer_is_a_row_with_its_interval():
    frame = table("one", "two")
    frame.loc[1, "best_quarter"] = np.nan
    points = importance_points(frame)
    assert points["answer"].tolist() == ["share"] * 2 + ["best_quarter"] + ["worth"] * 2 + ["danger"] * 2
    assert points.iloc[1].tolist() == ["share", 1, "two", 0.25, 0.125, 0.375]
    assert len(importance_points(table(*map(str, range(MOST + 5))))) == 4 * MOST


@pytest.mark.parametrize("count", [1, 4, 8, 40])
def test_the_chart_of_importance_is_legible(count):
    names = [f"training.optimizer.a_long_name_{number} (optimizer=adam)" for number in range(count)]
    figure = importance_chart(table(*names), metric="test_accuracy", facts="93 configurations", title="mine")
    assert_legible(figure)
    shares = figure.axes[0]
    assert len(tick_words(shares.yaxis)) == min(count, MOST)
    (dots,) = (each for each in shares.get_lines() if each.get_marker() == "o")
    assert dots.get_xydata()[0].tolist() == [0.5, 0]
    assert shares.get_ylim()[0] > shares.get_ylim()[1], "the first is at the top"
    assert ("not shown" in figure.get_suptitle()) == (count > MOST)


def test_there_must_be_figures_to_draw():
    with pytest.raises(UsageError):
        importance_chart(table(), metric="loss", facts="")
    with pytest.raises(UsageError):
        effect_chart(effects(), rows(), [], ACCURACY, facts="")


RATE = Parameter("rate", "rate", log=True, low=0.001, high=1.0)
KIND = Parameter("kind", "kind", categorical=True, options=("relu", "tanh"))
DEPTH = Parameter("depth", "depth", options=(1, 2, 4))


def effects():
    values = {"rate": [0.002, 0.03, 0.5], "kind": ["relu", "tanh"], "depth": [1, 2, 4]}
    parts = [(name, value, 0.9 + 0.01 * i, 0.89, 0.94) for name, own in values.items() for i, value in enumerate(own)]
    return pd.DataFrame(parts, columns=["parameter", "value", "expectation", "low", "high"]).assign(trials=5)


def rows(count=40):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "rate": 10.0 ** rng.uniform(-3, 0, count),
            "kind": rng.choice(["relu", "tanh"], count),
            "depth": rng.choice([1, 2, 4], count),
            "value": np.append(rng.uniform(0.9, 0.95, count - 1), 0.1),
        }
    )


def test_the_lines_are_those_of_the_parameters_that_are_drawn():
    lines = effect_lines(effects(), [KIND, RATE])
    assert lines["parameter"].tolist() == ["kind"] * 2 + ["rate"] * 3
    assert lines["is_line"].tolist() == [False] * 2 + [True] * 3
    assert effect_lines(effects(), []).empty


@pytest.mark.parametrize("count", [25, 2000])
def test_the_expectation_stands_at_its_values(count):
    figure = effect_chart(effects(), rows(count), [RATE, KIND, DEPTH], ACCURACY, facts="25 configurations")
    assert_legible(figure)
    rate, kind, depth = figure.axes
    assert rate.get_xscale() == "log"
    np.testing.assert_allclose(rate.get_lines()[0].get_xydata(), [[0.002, 0.9], [0.03, 0.91], [0.5, 0.92]])
    assert [x for x, _ in kind.get_lines()[0].get_xydata()] == [0, 1]
    assert [x for x, _ in depth.get_lines()[0].get_xydata()] == [0, 1, 2]
    assert tick_words(kind.xaxis) == ["relu", "tanh"]


def test_values_far_below_stand_at_the_edge():
    figure = effect_chart(effects(), rows(), [RATE], ACCURACY, facts="")
    (axes,) = figure.axes
    inside, edge = (np.asarray(each.get_offsets()) for each in axes.collections if isinstance(each, PathCollection))
    assert len(inside) == 39
    assert edge[:, 1].tolist() == [axes.get_ylim()[0]]


def curves():
    return pd.DataFrame(
        [(part, value, 0.9 + value, 0.8, 1.0) for part in ("10 to 30", "40 to 90") for value in (0.01, 0.1)],
        columns=["part", "value", "expectation", "low", "high"],
    )


def test_each_part_has_a_color_of_its_own():
    lines = interaction_lines(curves())
    assert lines["color"].tolist() == [COLORS[0]] * 2 + [COLORS[1]] * 2
    assert lines["shift"].tolist() == pytest.approx([-0.08] * 2 + [0.08] * 2)


def test_the_chart_of_an_interaction_has_a_line_a_part():
    figure = interaction_chart(curves(), RATE, "batch_size", ACCURACY, facts="rate × batch_size: 2 %", title="mine")
    assert_legible(figure)
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.get_lines()[1].get_xydata(), [[0.01, 0.91], [0.1, 1.0]])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["batch_size 10 to 30", "batch_size 40 to 90"]
    options = curves().assign(value=["relu", "tanh"] * 2)
    dots = interaction_chart(options, KIND, "batch_size", ACCURACY, facts="").axes[0].get_lines()
    assert dots[0].get_xydata()[0, 0] == pytest.approx(-0.08)
