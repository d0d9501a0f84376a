"""What the next search changes: planted truths are found, with reasons that the rows bear out."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sweep.analysis.narrowing import FEWEST, applied, propose
from sweep.metrics import Objective
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.base import Space
from sweep.space.samplers.random import Random
from sweep.space.trees import draw, parse_tree

OBJECTIVE = Objective("score", tie_break=None)
WIDE = {"x": {"uniform": [0.0, 1.0]}, "idle": {"uniform": [0.0, 1.0]}, "kind": {"choice": ["good", "bad"]}}


def searched(table, value, trials=100, seed=0):
    """The results of a random search, of which some may be None."""
    tree = parse_tree(table)
    points = islice(Random().points(Space(tree, [], trials, Path()), seed), trials)
    found = []
    for number, point in enumerate(points):
        drawn = {}
        draw(tree, point, drawn)
        found.append(Result(number, drawn, value(drawn)))
    return found


def changes(table, value, **options):
    results = searched(table, value, **options)
    return {each.name: each for each in propose(table, parse_tree(table), results, OBJECTIVE)}


def test_where_the_best_tenth_lies_is_likely():
    found = changes(WIDE, lambda row: -((row["x"] - 0.4) ** 2))["x"]
    low, high = found.value["likely"]
    assert found.kind == "likely"
    assert low < 0.4 < high
    assert high - low < 0.3
    best = sorted(searched(WIDE, lambda row: -((row["x"] - 0.4) ** 2)), key=lambda each: -each.value)[:10]
    xs = [each.parameters["x"] for each in best]
    assert found.reason == f"the best 10 of 100 trials lie between {min(xs):.3g} and {max(xs):.3g}"


@pytest.mark.parametrize(("sign", "side"), [(1, "upper"), (-1, "lower")])
def test_a_range_is_widened_where_the_best_lie_at_its_end(sign, side):
    table = {"x": {"log_uniform": [0.1, 10.0]}, "y": {"uniform": [0.0, 1.0]}}
    found = changes(table, lambda row: sign * np.log(row["x"]))["x"]
    assert found.kind == "widened"
    low, high = found.value["log_uniform"]
    assert (high > 10.0, low) == (True, 0.1) if side == "upper" else (low < 0.1, high) == (True, 10.0)
    assert f"of the best 10 trials lie in its {side} fifth" in found.reason


def test_an_option_that_none_of_the_best_has_is_left_out():
    found = changes(WIDE, lambda row: (row["kind"] == "good") + 0.1 * row["x"])["kind"]
    assert (found.kind, found.value) == ("dropped", [0])
    assert "without bad, which none of the best 20 of 100 trials has" in found.reason
    assert applied(WIDE, [found])["kind"] == "good"


def test_what_makes_no_difference_is_fixed_at_its_value_in_the_best_trial():
    table = {"x": {"uniform": [0.0, 1.0]}, "idle": {"uniform": [0.0, 1.0]}}
    results = searched(table, lambda row: -((row["x"] - 0.4) ** 2))
    found = {each.name: each for each in propose(table, parse_tree(table), results, OBJECTIVE)}["idle"]
    best = max(results, key=lambda each: each.value)
    assert (found.kind, found.value) == ("fixed", best.parameters["idle"])


def test_pure_noise_changes_hardly_anything():
    rng = np.random.default_rng(0)
    kinds = [each.kind for seed in range(40) for each in changes(WIDE, lambda row: rng.random(), seed=seed).values()]
    assert len(kinds) <= 0.1 * 40 * 3
    assert "fixed" not in kinds


def test_less_is_better_and_diverged_ones_are_worst():
    results = searched(WIDE, lambda row: None if row["x"] > 0.6 else (row["x"] - 0.3) ** 2)
    objective = Objective("loss", "min", tie_break=None)
    found = {each.name: each for each in propose(WIDE, parse_tree(WIDE), results, objective)}["x"]
    assert found.value["likely"][0] < 0.3 < found.value["likely"][1] < 0.6


def test_a_change_that_the_experiment_would_refuse_is_not_made():
    results = searched(WIDE, lambda row: -((row["x"] - 0.4) ** 2))
    found = propose(WIDE, parse_tree(WIDE), results, OBJECTIVE, is_valid=lambda table: "likely" not in table["x"])
    assert "x" not in {each.name for each in found if each.kind == "likely"}


def test_few_rows_change_no_range():
    assert "x" not in changes(WIDE, lambda row: row["x"] - row["idle"], trials=FEWEST - 1)
