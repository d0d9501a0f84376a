"""Tests of the chart of a metric against the parameters: of what is drawn where, read back from the figure."""

import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.format import format_value
from sweep.results.plots import save, scatter_grid
from tests.results.plots.plot_setup import (
    ACTIVATION,
    ALPHA,
    BATCH,
    PARAMETERS,
    RATE,
    WIDTH,
    all_drawn,
    drawn,
    only,
    panel,
    tick_words,
    trials,
)


def test_each_searched_parameter_has_a_panel_labeled_with_its_short_name():
    figure = scatter_grid(trials(), PARAMETERS)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "hidden[0]",
        "alpha",
        "activation",
        "learning_rate",
        "batch_size",
    ]
    assert figure.get_supylabel() == "test accuracy"
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "linear", "linear", "log", "linear"]


@pytest.mark.parametrize("count", range(1, 9))
def test_any_number_of_panels_stands_in_rows_of_at_most_four(count):
    frame = trials(20)
    parameters = [Parameter(f"p{number}", f"p{number}") for number in range(count)]
    figure = scatter_grid(frame.assign(**{p.name: frame["alpha"] for p in parameters}), parameters)
    assert len(figure.axes) == count
    columns = [axes.get_subplotspec().colspan.start for axes in figure.axes]
    assert max(columns) < 4
    rows = [axes.get_subplotspec().rowspan.start for axes in figure.axes]
    assert len(set(zip(rows, columns, strict=True))) == count


@pytest.mark.parametrize("name", ["hidden[0]", "learning_rate", "batch_size"])
def test_every_completed_trial_is_a_point_at_its_parameter_and_metric(name):
    frame = trials()
    expected = only(frame, "completed")[[name, "test_accuracy"]].to_numpy(dtype=float)
    found = all_drawn(panel(scatter_grid(frame, PARAMETERS), name))
    np.testing.assert_allclose(sorted(found.tolist()), sorted(expected.tolist()), rtol=1e-12)


def test_all_points_lie_within_the_axes():
    for axes in scatter_grid(trials(), PARAMETERS).axes:
        points = np.concatenate([all_drawn(axes), drawn(axes, "diverged")])
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert ((left < points[:, 0]) & (points[:, 0] < right)).all()
        assert ((bottom < points[:, 1]) & (points[:, 1] < top)).all()


def test_diverged_trials_are_crosses_in_a_band_below_every_completed_one():
    frame = trials()
    for parameter in (WIDTH, RATE, BATCH):
        axes = scatter_grid(frame, [parameter]).axes[0]
        crosses = drawn(axes, "diverged")
        expected = only(frame, "diverged")[parameter.short_name].to_numpy(dtype=float)
        np.testing.assert_allclose(crosses[:, 0], expected, rtol=1e-12)
        (band,) = axes.patches
        share = (crosses[:, 1] - axes.get_ylim()[0]) / np.ptp(axes.get_ylim())
        assert ((share > 0) & (share < band.get_height())).all()
        assert 0.05 < band.get_height() < 0.2
        lowest = (all_drawn(axes)[:, 1].min() - axes.get_ylim()[0]) / np.ptp(axes.get_ylim())
        assert lowest > band.get_height()


def test_the_band_is_labeled_diverged_and_the_metric_has_no_ticks_in_it():
    axes = scatter_grid(trials(), PARAMETERS).axes[0]
    (band,) = axes.patches
    words, places = tick_words(axes.yaxis), axes.get_yticks()
    shares = (places - axes.get_ylim()[0]) / np.ptp(axes.get_ylim())
    assert words[0] == "diverged"
    assert 0 < shares[0] < band.get_height()
    assert len(words) > 3
    assert (shares[1:] >= band.get_height()).all()
    assert [float(word) for word in words[1:]] == pytest.approx(places[1:])


def test_without_a_diverged_trial_there_is_no_band():
    axes = scatter_grid(only(trials(), "completed"), PARAMETERS).axes[0]
    assert not axes.patches
    assert "diverged" not in tick_words(axes.yaxis)


def test_crosses_look_unlike_points():
    axes = scatter_grid(trials(), PARAMETERS).axes[0]
    looks = {points.get_label(): points for points in axes.collections}
    colors = {to_hex(looks[name].get_facecolor()[0]) for name in ("completed", "best")}
    colors.add(to_hex(looks["diverged"].get_edgecolor()[0]))
    assert len(colors) == 3
    assert len({len(looks[name].get_paths()[0].vertices) for name in ("completed", "best", "diverged")}) == 3


@pytest.mark.parametrize(("metric", "smallest"), [("test_accuracy", False), ("test_loss", True), ("train_loss", True)])
def test_the_best_trial_is_the_star_and_named_in_the_legend(metric, smallest):
    frame = trials()
    values = frame[metric]
    row = frame.loc[values.idxmin() if smallest else values.idxmax()]
    figure = scatter_grid(frame, PARAMETERS, Objective().by(metric))
    star = drawn(panel(figure, "hidden[0]"), "best")
    np.testing.assert_allclose(star, [[row["hidden[0]"], row[metric]]])
    assert (
        figure.legends[0].get_texts()[0].get_text()
        == f"best: trial {row['trial']}, {format_value(metric, row[metric])}"
    )


def test_among_equally_accurate_trials_the_one_of_lower_loss_and_then_lower_number_is_the_star():
    frame = only(trials(), "completed").assign(test_accuracy=0.9, test_loss=0.2)
    frame.loc[frame["trial"].isin([8, 9]), "test_loss"] = 0.1
    figure = scatter_grid(frame[::-1], PARAMETERS)
    assert figure.legends[0].get_texts()[0].get_text().startswith("best: trial 8,")


def test_a_trial_without_a_value_for_a_parameter_is_not_in_its_panel():
    frame = trials()
    axes = panel(scatter_grid(frame, PARAMETERS), "alpha")
    with_alpha = frame[frame["alpha"].notna()]
    assert len(all_drawn(axes)) == len(only(with_alpha, "completed"))
    assert len(drawn(axes, "diverged")) == len(only(with_alpha, "diverged"))


def test_categories_are_strips_side_by_side_in_alphabetical_order():
    frame = trials()
    axes = scatter_grid(frame, [ACTIVATION]).axes[0]
    words = tick_words(axes.xaxis)
    assert words == ["leaky_relu", "relu", "tanh"]
    assert axes.get_xlim() == (-0.5, 2.5)
    points = all_drawn(axes)
    value_at = dict(zip(frame["test_accuracy"], frame["activation"], strict=True))
    assert [words[round(x)] for x, _ in points] == [value_at[y] for _, y in points]
    distances = np.abs(points[:, 0] - points[:, 0].round())
    assert distances.max() < 0.3
    assert len(np.unique(points[:, 0])) == len(points)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([True, False], ["false", "true"]),
        (pd.array([True, None], dtype="boolean"), ["true"]),
        ([16, "all"], ["16", "all"]),
        ([32, 4], ["4", "32"]),
        ([0.5, 0.25], ["0.25", "0.5"]),
        (["a$b$", "c"], [r"a\$b\$", "c"]),
        ([None, "he_normal"], ["he_normal"]),
    ],
)
def test_categories_may_be_of_any_type(values, words):
    frame = trials(2).assign(choice=values, status="completed", test_accuracy=[0.5, 0.6])
    figure = scatter_grid(frame, [Parameter("choice", "choice", categorical=True)])
    assert tick_words(figure.axes[0].xaxis) == words
    assert len(all_drawn(figure.axes[0])) == pd.Series(values).count()


@pytest.mark.parametrize("values", [["a", "b"], [True, False], [16, "all"]])
def test_values_that_are_no_numbers_are_categories_whatever_is_said_of_them(values):
    frame = trials(2).assign(choice=values, status="completed", test_accuracy=[0.5, 0.6])
    figure = scatter_grid(frame, [Parameter("choice", "choice", log=True)])
    assert len(all_drawn(figure.axes[0])) == 2
    assert figure.axes[0].get_xlim() == (-0.5, 1.5)


def test_long_category_names_are_broken_or_upright_and_never_overlap():
    names = [f"initializer_{number}_of_a_very_long_name" for number in range(9)]
    for count, rotation in [(2, 0), (9, 90)]:
        frame = trials(90).assign(choice=np.resize(names[:count], 90))
        figure = scatter_grid(frame, [Parameter(f"p{n}", "choice", categorical=True) for n in range(3)])
        figure.draw_without_rendering()
        labels = figure.axes[0].get_xticklabels()
        assert {label.get_rotation() for label in labels} == {rotation}
        boxes = [label.get_window_extent() for label in labels]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_the_title_counts_the_trials_drawn_and_those_that_are_not():
    frame = trials()
    frame.loc[0, "test_accuracy"] = np.nan
    counts = frame["status"].value_counts()
    title = r"mnist $\frac{$"
    figure = scatter_grid(frame, PARAMETERS, title=title)
    expected = (
        f"{title}: {counts['completed'] - 1} completed, {counts['diverged']} diverged, "
        f"1 completed without test_accuracy, {counts['failed']} failed"
    )
    assert figure.get_suptitle() == expected
    figure.draw_without_rendering()
    frame = only(frame, "diverged")
    assert scatter_grid(frame, PARAMETERS).get_suptitle() == f"0 completed, {len(frame)} diverged"


def test_without_a_completed_trial_the_diverged_ones_are_drawn():
    frame = only(trials(), "diverged")
    figure = scatter_grid(frame, PARAMETERS)
    axes = panel(figure, "learning_rate")
    np.testing.assert_allclose(drawn(axes, "diverged")[:, 0], frame["learning_rate"])
    assert not len(all_drawn(axes))
    assert tick_words(axes.yaxis) == ["diverged"]
    assert [text.get_text() for text in axes.texts] == ["no trial completed"]
    assert not figure.legends


@pytest.mark.parametrize("parameters", [PARAMETERS, []])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_a_trial_is_drawn_all_the_same(parameters, count):
    figure = scatter_grid(trials(count), parameters)
    figure.draw_without_rendering()
    assert sum(len(all_drawn(axes)) for axes in figure.axes[:1]) == count


def test_without_searched_parameters_the_metric_is_drawn_against_the_trial_number():
    frame = trials()
    (axes,) = scatter_grid(frame, []).axes
    assert axes.get_xlabel() == "trial"
    assert sorted(all_drawn(axes)[:, 0]) == only(frame, "completed")["trial"].tolist()


def test_only_the_parameters_asked_for_are_drawn_by_short_or_full_name():
    figure = scatter_grid(trials(), PARAMETERS, x=["training.batch_size", "alpha", "batch_size", "trial"])
    assert [axes.get_xlabel() for axes in figure.axes] == ["batch_size", "alpha", "trial"]


def test_a_parameter_that_was_not_searched_is_answered_with_the_closest_one():
    with pytest.raises(UsageError, match="no parameter 'learning_rat': did you mean 'learning_rate'"):
        scatter_grid(trials(), PARAMETERS, x=["alpha", "learning_rat"])


@pytest.mark.parametrize(
    ("parameter", "value", "word"),
    [(RATE, 0.01, "0.01"), (WIDTH, 32, "32"), (ALPHA, 0.0, "0"), (ALPHA, -2.5, "-2.5"), (ACTIVATION, "relu", "relu")],
)
def test_a_constant_parameter_has_one_tick_and_all_points_in_view(parameter, value, word):
    frame = trials().assign(**{parameter.short_name: value})
    (axes,) = scatter_grid(frame, [parameter]).axes
    axes.figure.draw_without_rendering()
    assert tick_words(axes.xaxis) == [word]
    left, right = axes.get_xlim()
    assert ((left < all_drawn(axes)[:, 0]) & (all_drawn(axes)[:, 0] < right)).all()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_metric_is_in_view_with_ticks_that_an_accuracy_can_have(value):
    frame = only(trials(), "completed").assign(test_accuracy=value)
    axes = scatter_grid(frame, PARAMETERS).axes[0]
    assert axes.get_ylim()[0] < value < axes.get_ylim()[1]
    words = tick_words(axes.yaxis)
    assert len(words) >= 2
    assert all(0 <= float(word) <= 1 for word in words)


def test_a_parameter_that_no_trial_has_is_an_empty_panel():
    frame = trials().assign(alpha=np.nan)
    momentum = Parameter("training.optimizer.momentum", "momentum", log=True)
    figure = scatter_grid(frame, [WIDTH, ALPHA, momentum])
    figure.draw_without_rendering()
    assert [len(axes.collections) > 0 for axes in figure.axes] == [True, False, False]


def test_a_logarithmic_parameter_that_is_ever_zero_has_a_linear_axis_which_can_show_it():
    frame = trials()
    frame.loc[0, "learning_rate"] = 0.0
    axes = panel(scatter_grid(frame, PARAMETERS), "learning_rate")
    assert axes.get_xscale() == "linear"
    assert 0.0 in all_drawn(axes)[:, 0]


@pytest.mark.parametrize(
    ("low", "high"), [(0.005, 0.5), (1e-8, 1e-1), (0.01, 0.02), (0.1, 1.0), (1e-5, 2e-5), (16, 1024)]
)
def test_a_logarithmic_axis_of_any_length_has_a_few_legible_ticks(low, high):
    frame = trials().assign(learning_rate=np.geomspace(low, high, 60))
    axes = panel(scatter_grid(frame, PARAMETERS), "learning_rate")
    axes.figure.draw_without_rendering()
    left, right = axes.get_xlim()
    shown = [label for label in axes.get_xticklabels() if left <= label.get_position()[0] <= right]
    assert 3 <= len(shown) <= 9
    assert all(float(label.get_text()) == pytest.approx(label.get_position()[0]) for label in shown)
    boxes = sorted((box.x0, box.x1) for box in (label.get_window_extent() for label in shown))
    assert all(end + 5 < start for (_, end), (start, _) in pairwise(boxes))


def test_whole_numbers_have_whole_ticks():
    frame = trials().assign(**{"hidden[0]": np.resize([1, 2, 3], 60)})
    axes = scatter_grid(frame, [WIDTH]).axes[0]
    assert all(float(word) % 1 == 0 for word in tick_words(axes.xaxis))


def test_numbers_that_very_many_trials_share_are_spread_without_being_mixed():
    frame = only(trials(2000), "completed")
    axes = scatter_grid(frame, [BATCH]).axes[0]
    points = all_drawn(axes)
    value_at = dict(zip(frame["test_accuracy"], frame["batch_size"], strict=True))
    distances = np.array([x - value_at[y] for x, y in points])
    assert len(np.unique(points[:, 0])) > 1000
    assert 1 < np.abs(distances).max() <= 2.5
    assert abs(distances.mean()) < 0.05


def test_more_trials_are_drawn_smaller_and_paler():
    few, many = (
        next(points for points in scatter_grid(trials(count), [WIDTH]).axes[0].collections) for count in (100, 2000)
    )
    assert few.get_sizes()[0] > 2 * many.get_sizes()[0]
    assert few.get_alpha() > 1.5 * many.get_alpha()


def test_frame_settings_and_generators_are_left_as_they_were():
    frame = trials()
    settings, state = dict(mpl.rcParams), np.random.get_state()  # noqa: NPY002
    scatter_grid(frame, PARAMETERS)
    pd.testing.assert_frame_equal(frame, trials())
    assert dict(mpl.rcParams) == settings
    np.testing.assert_array_equal(np.random.get_state()[1], state[1])  # noqa: NPY002
    assert not sys.modules["matplotlib.pyplot"].get_fignums()


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    frame = trials()
    save(scatter_grid(frame, [ACTIVATION, RATE]), tmp_path / "a.svg")
    save(scatter_grid(frame.sample(frac=1, random_state=1), [ACTIVATION, RATE]), tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
