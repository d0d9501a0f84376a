"""What matters: shares by hand and planted, the four answers, and words where there is no figure."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.analysis.best_quarter import best_quarter
from sweep.analysis.effects import Estimate
from sweep.analysis.forest import Forest, curve, curves_within, fit_forest
from sweep.analysis.importance import FEWEST, gain, importance
from sweep.analysis.importance_report import importance_table, sentences, shown_table, summary
from sweep.analysis.survivors import POINTS, groups, value_of, without_outliers
from tests.analysis.planted import functional, searched

GRID = {"one": {"choice": [1, 2, 3]}, "two": {"choice": ["u", "v"]}}


def on_grid(values):
    """A forest of one tree that has the value of each cell of a grid of 3 times 2, each cell 1,000 times."""
    survivors = searched(lambda columns, noise: noise, 10, GRID, ["one", "two"])
    cells = np.array([[(one + 0.5) / 3, two] for one in range(3) for two in range(2)] * 1000)
    survivors.__dict__["points"] = cells
    return Forest(survivors, [], np.tile(np.ravel(values), 1000)[None], 1.0)


def test_shares_of_a_grid_are_those_by_hand():
    # Means of the rows 0.5, 2.5, 3 and of the columns 1, 3, of all 2; variances 7/6, 1, in all 7/3.
    forest = on_grid([[0, 1], [1, 4], [2, 4]])
    one, two = groups(forest.survivors, 0), groups(forest.survivors, 1)
    assert forest.shares(one) == pytest.approx([0.5], abs=1e-3)
    assert forest.shares(two) == pytest.approx([3 / 7], abs=1e-3)
    assert forest.pair_shares(one, two) == pytest.approx([1 / 14], abs=1e-3)


@given(st.lists(st.integers(-50, 50), min_size=6, max_size=6).filter(lambda values: len(set(values)) > 1))
@settings(max_examples=50, deadline=None)
def test_the_parts_of_the_variance_of_a_grid_add_up(values):
    forest = on_grid(np.array(values, dtype=float))
    one, two = groups(forest.survivors, 0), groups(forest.survivors, 1)
    parts = [float(each[0]) for each in (forest.shares(one), forest.shares(two), forest.pair_shares(one, two))]
    assert all(0 <= part <= 1 for part in parts)
    assert sum(parts) == pytest.approx(1, abs=2e-3)


def test_what_groups_differ_by_chance_is_taken_off():
    forest = on_grid([[0, 1], [0, 1], [0, 1]])
    noisy = replace(forest, predictions=np.random.default_rng(0).standard_normal((200, 6000)))
    assert noisy.shares(groups(forest.survivors, 0)).mean() < 2 / 6000
    constant = replace(forest, predictions=np.ones((1, 6000)))
    assert constant.shares(groups(forest.survivors, 0)).tolist() == [0.0]


def test_the_share_of_a_conditional_parameter_is_that_within_its_rows_times_their_part():
    survivors = searched(lambda columns, noise: noise)
    # Columns: x, rate, kind a, b, c, sort plain, deep, inner; inner is -0.5 where it is not there.
    forest = functional(survivors, lambda c: np.where(c[7] >= 0, c[7] - 0.5, 0.0))
    assert forest.shares(groups(survivors, 4)) == pytest.approx([1.0], abs=0.02)
    both = functional(survivors, lambda c: np.where(c[7] >= 0, c[7] - 0.5, 0.0) + (c[0] - 0.5))
    assert both.shares(groups(survivors, 4)) == pytest.approx([1 / 3], abs=0.02)
    assert both.shares(groups(survivors, 0)) == pytest.approx([2 / 3], abs=0.02)


def test_a_curve_moves_one_parameter_and_leaves_all_others():
    survivors = searched(lambda columns, noise: noise)
    forest = functional(survivors, lambda c: 3 * c[0] + 100 * c[1], lambda c: 3 * c[0] - 100 * c[1])
    found = curve(forest, 0)
    values = np.array([each.value for each in found.estimates])
    assert np.diff(values) == pytest.approx(np.full(9, 0.3))
    middle = forest.curves(groups(survivors, 0))
    assert np.diff(middle, axis=1) == pytest.approx(np.full((2, 9), 0.3))


def test_a_curve_over_options_gives_each_its_own_parameters():
    survivors = searched(lambda columns, noise: noise)
    forest = functional(survivors, lambda c: 10 * c[6] + c[7])
    plain, deep = (each.value for each in curve(forest, 3).estimates)
    assert plain == -0.5
    assert deep == pytest.approx(10.5, abs=0.05)
    parts = curves_within(forest, 0, 3)
    assert [(low, high) for low, high, _ in parts] == [(0, 0), (1, 1)]
    assert parts[0][2].estimates[0].value == -0.5


def test_thirds_of_a_range_tell_an_interaction():
    survivors = searched(lambda columns, noise: noise)
    forest = functional(survivors, lambda c: c[0] * c[1])
    slopes = [each.estimates[-1].value - each.estimates[0].value for _, _, each in curves_within(forest, 0, 1)]
    assert slopes == pytest.approx([0.9 / 6, 0.9 / 2, 0.9 * 5 / 6], abs=0.03)


def test_gain_and_loss_are_against_the_middle():
    survivors = searched(lambda columns, noise: noise)
    group = groups(survivors, 0)
    curves = np.tile(np.arange(10.0), (50, 1))
    assert gain(curves, group) == (Estimate(4.5, 4.5, 4.5), 9)
    assert gain(-curves, group) == (Estimate(4.5, 4.5, 4.5), 0)
    options = groups(survivors, 2)
    assert gain(np.tile([0.0, 3.0, 0.0], (50, 1)), options) == (Estimate(2.0, 2.0, 2.0), 1)
    assert gain(np.zeros((50, 10)), group)[0] == Estimate(0.0, 0.0, 0.0)


def planted(columns, noise):
    return 2 * columns[0] - (2 * columns[1] - 1) ** 2 + (columns[2] == 1) + 0.1 * noise


def test_planted_shares_lie_in_their_intervals_and_idle_ones_begin_at_nothing():
    found = importance(searched(planted, 200))
    shares = {found.survivors.names[each.index]: each.share for each in found.matters}
    parts = {"x": 4 / 12, "rate": 4 / 45, "kind": 2 / 9}
    total = sum(parts.values())
    for name in ("x", "kind"):
        assert shares[name].low <= parts[name] / total <= shares[name].high, name
    # A parabola in the middle of its range is what trees see least of.
    assert shares["rate"].value == pytest.approx(parts["rate"] / total, abs=0.1)
    assert shares["inner"].low < 0.005 and shares["sort"].low < 0.005
    assert found.survivors.names[found.matters[0].index] == "x"


def test_planted_gains_and_losses_and_where_they_are():
    found = importance(searched(planted, 400))
    x, rate, kind = (next(m for m in found.matters if m.index == index) for index in range(3))
    assert (x.worth.value, x.danger.value) == pytest.approx((0.9, 0.9), abs=0.15)
    assert (x.best, x.worst) == pytest.approx((0.95, 0.05))
    assert rate.danger.value == pytest.approx(0.8, abs=0.2) and rate.worth.low == 0
    assert (kind.best, kind.worth.value) == ("b", pytest.approx(2 / 3, abs=0.1))


def test_less_is_better_of_a_minimized_metric():
    most = importance(searched(planted))
    least = importance(searched(lambda columns, noise: -planted(columns, noise), is_max=False))
    for one, other in zip(most.matters, least.matters, strict=True):
        assert one.best == other.best and one.worst == other.worst
        assert one.worth.value == pytest.approx(other.worth.value)
        assert one.best_quarter == other.best_quarter


def test_idle_parameters_are_worth_nothing_the_more_rows_there_are():
    found = importance(searched(planted, 600))
    inner = next(each for each in found.matters if each.index == 4)
    assert inner.worth.low == 0 and inner.worth.value < 0.05


def test_the_best_quarter_is_pearsons_divergence_of_choices():
    table = {name: {"choice": ["a", "b", "c"]} for name in ("one", "two")}
    survivors = searched(
        lambda columns, noise: (columns[0] == 1) + 0.5 * (columns[1] == 2) + 0.3 * noise, 4000, table, ["one", "two"]
    )
    best = np.argsort(-survivors.values)[:1000]
    divergences = []
    for column in survivors.coordinates.T:
        p, q = (np.bincount(rows.astype(int)) / len(rows) for rows in (column, column[best]))
        divergences.append(float((p * (q / p - 1) ** 2).sum()))
    found = best_quarter(survivors)
    for index, divergence in enumerate(divergences):
        exact = divergence / sum(divergences)
        assert found[index].value == pytest.approx(exact, abs=0.01)
        assert found[index].low <= exact <= found[index].high


def test_the_best_quarter_of_sixteen_rows_by_hand():
    table = {name: {"choice": ["a", "b"]} for name in ("one", "two")}
    survivors = searched(lambda columns, noise: noise, 16, table, ["one", "two"])
    one = np.array([1, 1, 1, 0, *[1] * 5, *[0] * 7])
    two = np.array([1, 1, 1, 1, *[1] * 4, *[0] * 8])
    found = best_quarter(replace(survivors, coordinates=np.stack([one, two], axis=1) * 1.0, values=-np.arange(16.0)))
    # As ±1 the means of the best four are 1/2 and 1, the variances of one of them 1 and 0: 1/4 − 3/16 and 1 are left.
    assert found[0].value == pytest.approx((1 / 4 - 3 / 16) / (1 / 4 - 3 / 16 + 1))
    assert found[1].value == pytest.approx(1 / (1 / 4 - 3 / 16 + 1))


def test_the_best_quarter_depends_on_ranks_alone():
    one = best_quarter(searched(planted))
    assert one == best_quarter(searched(lambda columns, noise: np.exp(3 * planted(columns, noise))))


def test_outliers_are_the_worst_of_the_others_if_they_are_few_and_far():
    values = np.array([0.1, *np.linspace(0.95, 0.97, 39)])
    kept, count = without_outliers(values, is_max=True)
    assert count == 1
    assert kept.tolist() == [0.95, *values[1:]]
    low, count = without_outliers(-values, is_max=False)
    assert count == 1 and low.tolist() == [-0.95, *(-values[1:])]
    assert without_outliers(-values, is_max=True)[1] == 0, "they are the best ones"
    many = np.array([0.1] * 5 + [0.96] * 35)
    assert without_outliers(many, is_max=True)[1] == 0
    assert without_outliers(np.array([1.0]), is_max=True)[1] == 0


def test_where_trials_diverge_no_point_is_beyond_the_survivors():
    survivors = searched(lambda columns, noise: noise)
    cut = replace(survivors, coordinates=survivors.coordinates[survivors.coordinates[:, 1] < 0.6], is_cut=True)
    assert len(survivors.points) == POINTS and survivors.points[:, 1].max() > 0.99
    assert cut.points[:, 1].max() < 0.6
    assert len(cut.chosen) == len(cut.points) < POINTS


def test_groups_are_levels_or_tenths():
    survivors = searched(lambda columns, noise: noise)
    assert groups(survivors, 0).centers == pytest.approx(np.arange(0.05, 1, 0.1))
    assert groups(survivors, 2).centers.tolist() == [0, 1, 2]
    rate, kind = survivors.places[1], survivors.places[2]
    assert value_of(rate, 0.5) == pytest.approx(0.01)
    assert value_of(kind, 2.0) == "c"


WORDS = {
    "no configuration has completed yet": lambda s: replace(s, coordinates=s.coordinates[:0], values=s.values[:0]),
    f"19 configurations completed; what matters among them can be told from {FEWEST} on": lambda s: replace(
        s, coordinates=s.coordinates[:19], values=s.values[:19]
    ),
    "no parameter was searched": lambda s: replace(s, places=[], names=[], coordinates=s.coordinates[:, :0]),
    "each parameter has the same value in all 100": lambda s: replace(s, coordinates=s.coordinates * 0 + 1),
    "all 100 configurations that completed have the same score": lambda s: replace(s, values=s.values * 0),
    "the parameters explain too little of score in 100": lambda s: s,
}


@pytest.mark.parametrize("words", WORDS)
def test_a_sentence_where_there_is_no_figure(words):
    found = importance(WORDS[words](searched(lambda columns, noise: noise)))
    assert not found.has_figures
    assert words in summary(found, "score")
    assert importance_table(found).empty and shown_table(found).empty
    assert not [line for line in sentences(found) if "together" in line]


def test_what_is_the_same_in_all_is_named():
    survivors = searched(planted)
    fixed = survivors.coordinates.copy()
    fixed[:, 0] = 0.5
    found = importance(replace(survivors, coordinates=fixed))
    assert "the same in all that completed: x" in sentences(found)
    assert "x" not in importance_table(found)["parameter"].tolist()


def test_the_same_rows_give_the_same_figures():
    assert importance_table(importance(searched(planted))).equals(importance_table(importance(searched(planted))))


def test_the_table_holds_the_figures_in_full_and_in_words():
    found = importance(searched(planted))
    first = importance_table(found).iloc[0]
    matter = found.matters[0]
    assert (first["share"], first["share_low"], first["worth_high"]) == (
        matter.share.value,
        matter.share.low,
        matter.worth.high,
    )
    shown = shown_table(found).iloc[0]
    assert shown["share of variance"] == (
        f"{100 * matter.share.value:.0f} % ({100 * matter.share.low:.0f}–{100 * matter.share.high:.0f})"
    )
    assert fit_forest(found.survivors).explained == found.forest.explained
