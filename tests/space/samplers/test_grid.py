"""All combinations of some values of each parameter."""

from pathlib import Path

import pytest

from sweep.errors import ExperimentError
from sweep.experiment.file import parse
from sweep.records import Parameter
from sweep.space.samplers.base import Space
from sweep.space.samplers.grid import Grid
from sweep.space.trees import draw, parse_tree
from tests.experiment.toys import own, toy

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
    assert len(drawn(tree, levels={"p": {"x": 2, "n": 3}})) == 6  # of keys that a file gives without quotes


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        ({"m": 2}, "sampler.levels names 'm', which is not a searched number; choose from n, p.n, p.q.n, p.x, x"),
        ({"kind": 2}, "sampler.levels names 'kind', which is not a searched number; choose from"),
        ({"x": 2, "p.x": 3}, "sampler.levels names p.x twice; leave one of the names out"),
        ({"n": 2}, "sampler.levels names 'n', which could be p.n or p.q.n"),
    ],
)
def test_a_name_that_means_no_number_or_several_is_refused(levels, sentence):
    number = {"uniform": [0.0, 1.0]}
    with pytest.raises(ExperimentError) as caught:
        drawn({"x": number, "n": number, "q": {"n": number}, "kind": {"choice": [16, 32]}}, levels=levels)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("levels", [0, -1, True, 2.0, "many", {"x": 0}, {"x": {"y": "2"}}, [3]])
def test_what_is_no_number_of_values_is_refused_with_its_place(levels):
    where = r"levels\.x(\.y)?" if isinstance(levels, dict) else "levels"
    with pytest.raises(ValueError, match=f"^has {where} = .*; give a number of values, at least 1, or a table"):
        Grid(levels)


def test_the_mistake_is_named_in_one_sentence_when_the_file_is_read():
    with pytest.raises(ExperimentError) as caught:
        parse(toy(sampler={"kind": "grid", "levels": "many"}), "toy.toml")
    assert str(caught.value).startswith("toy.toml: sampler has levels = 'many'; give a number")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ([0, {"int": [0, 2]}], [0, 1, 2]),
        ([0, {"uniform": [0.0, 1.0]}], [0, 0.5, 1.0]),
        (["a", "b", "a"], ["a", "b"]),
        ([1, True, 1.0], [1, True]),
        ([{"choice": [1, 2]}, {"choice": [2, 3]}], [1, 2, 3]),
    ],
)
def test_no_configuration_occurs_twice(options, values):
    found = [each["p.x"] for each in drawn({"x": {"choice": options}}, levels=3)]
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_tables_that_are_drawn_alike_from_two_options_occur_once():
    options = [{"kind": "k", "y": {"choice": [1, 2]}}, {"kind": "k", "y": {"choice": [2, 3]}}]
    assert [each["p.x.y"] for each in drawn({"x": {"choice": options}, "z": 0})] == [1, 2, 3]
    assert len(drawn({"x": {"choice": options}}, trials=3)) == 3


def test_a_grid_larger_than_trials_is_refused_with_its_size():
    tree = {"x": {"uniform": [0.0, 1.0]}, "n": {"int": [1, 9]}}
    assert len(drawn(tree, trials=25)) == 25
    with pytest.raises(ExperimentError, match="the grid has 25 points, more than trials = 24; leave out trials"):
        drawn(tree, trials=24)


def test_a_grid_of_billions_is_refused_before_it_is_made():
    tree = {"x": [{"uniform": [0.0, 1.0]}] * 12}
    with pytest.raises(ExperimentError, match="the grid has 244,140,625 points, more than 1,000,000"):
        drawn(tree)
    with pytest.raises(ExperimentError, match="the grid has 9,007,199,254,740,992 points"):
        drawn({"x": {"uniform": [0.0, 1.0]}}, levels=2**53)  # not as a list of so many numbers
    assert len(drawn({"n": {"int": [1, 9]}}, levels=2**53)) == 9


def test_the_order_of_parameters_which_decides_that_of_points_is_in_the_fingerprint():
    number = {"int": [1, 2]}
    one, other = (
        parse(own(sampler="grid", trials=4, parameters=table), "x")
        for table in ({"a": number, "b": number}, {"b": number, "a": number})
    )
    assert [t.parameters for t in one.trials()] != [t.parameters for t in other.trials()]
    assert one.fingerprint != other.fingerprint


def test_a_space_without_distributions_has_one_point():
    assert drawn({"x": 1}) == [{}]
