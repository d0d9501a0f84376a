"""All combinations of some values of each parameter."""

from pathlib import Path

import pytest

from sweep.errors import ExperimentError
from sweep.records import Parameter
from sweep.space.samplers.base import Space
from sweep.space.samplers.grid import Grid
from sweep.space.trees import draw, parse_tree

PARAMETERS = [Parameter("p.x", "x"), Parameter("p.n", "n"), Parameter("p.kind", "kind", categorical=True)]


def drawn(tree, levels=5, trials=None, parameters=PARAMETERS):
    tree = parse_tree({"p": tree})
    found = []
    for point in Grid(levels).points(Space(tree, parameters, trials, Path()), 0):
        values = {}
        draw(tree, point, values)
        found.append(values)
    return found


def test_numbers_have_values_at_equal_distances_with_both_ends():
    assert [each["p.x"] for each in drawn({"x": {"uniform": [0.0, 1.0]}})] == [0, 0.25, 0.5, 0.75, 1]
    found = [each["p.x"] for each in drawn({"x": {"log_uniform": [1.0, 16.0]}})]
    assert found == pytest.approx([1, 2, 4, 8, 16])
    assert [each["p.x"] for each in drawn({"x": {"uniform": [0.0, 1.0]}}, levels=1)] == [0.5]


def test_few_integers_are_all_taken_and_many_without_repetition():
    assert [each["p.n"] for each in drawn({"n": {"int": [1, 4]}})] == [1, 2, 3, 4]
    many = [each["p.n"] for each in drawn({"n": {"int": [1, 3], "log": True}}, levels=2)]
    assert many == [1, 3]


def test_the_last_parameter_varies_fastest():
    found = drawn({"x": {"uniform": [0.0, 1.0]}, "n": {"int": [1, 2]}}, levels=2)
    assert [tuple(each.values()) for each in found] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_of_a_conditional_space_only_what_exists():
    tree = {"kind": {"choice": ["a", {"int": [1, 2]}, {"kind": "k", "x": {"uniform": [0.0, 1.0]}}]}}
    found = drawn(tree, levels=2)
    assert found == [
        {"p.kind": "a"},
        {"p.kind": 1},
        {"p.kind": 2},
        {"p.kind": "k", "p.kind.x": 0.0},
        {"p.kind": "k", "p.kind.x": 1.0},
    ]


def test_numbers_of_values_by_name():
    tree = {"x": {"uniform": [0.0, 1.0]}, "n": {"int": [1, 9]}}
    assert len(drawn(tree, levels={"x": 2, "p.n": 3})) == 6
    assert len(drawn(tree, levels={"x": 2})) == 10
    with pytest.raises(ExperimentError, match="names 'm', which is not a searched number"):
        drawn(tree, levels={"m": 2})
    with pytest.raises(ExperimentError, match="names 'kind'"):
        drawn({"kind": {"choice": ["a", "b"]}}, levels={"kind": 2})


def test_a_grid_larger_than_trials_is_refused_with_its_size():
    tree = {"x": {"uniform": [0.0, 1.0]}, "n": {"int": [1, 9]}}
    assert len(drawn(tree, trials=25)) == 25
    with pytest.raises(ExperimentError, match="the grid has 25 points, more than trials = 24; leave out trials"):
        drawn(tree, trials=24)


def test_a_grid_of_billions_is_refused_before_it_is_made():
    tree = {"x": [{"uniform": [0.0, 1.0]}] * 12}
    with pytest.raises(ExperimentError, match="the grid has 244,140,625 points, more than 1,000,000"):
        drawn(tree)


def test_a_space_without_distributions_has_one_point():
    assert drawn({"x": 1}) == [{}]
