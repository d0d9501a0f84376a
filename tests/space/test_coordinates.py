"""Unit coordinates: the inverse of drawing, and the columns that a model sees."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.space.coordinates import OPTION, Slot, columns, from_parameters, from_uniform, is_ordered, position, slots
from sweep.space.distributions import Choice, Integer, Uniform
from sweep.space.samplers.base import random_point
from sweep.space.samplers.random import random_pick
from sweep.space.trees import draw, parse_tree
from tests.space.examples import EXAMPLE, SEARCHED, law

NESTED = parse_tree(
    {"x": {"choice": ["off", {"int": [1, 4]}, {"choice": [{"kind": "a", "b": {"log_uniform": [1, 100]}}, "c"]}]}}
)


@law
@given(st.floats(0, 1), st.sampled_from([Uniform(-3, 5), Uniform(1e-4, 10, log=True), Uniform(0, 1e308)]))
def test_the_position_of_a_real_value_is_the_number_it_was_drawn_with(u, distribution):
    assert position(distribution, distribution.at(u)) == pytest.approx(u, abs=1e-9)


@law
@given(st.integers(0, 9))
def test_the_position_of_an_integer_is_the_middle_of_its_part(index):
    distribution = Integer(10, 55, step=5)
    assert position(distribution, 10 + 5 * index) == pytest.approx((index + 0.5) / 10)


def test_integers_with_a_logarithmic_density_have_logarithmic_positions():
    ends = math.log(0.5), math.log(8.5)
    assert position(Integer(1, 8, log=True), 2) == pytest.approx((math.log(2) - ends[0]) / (ends[1] - ends[0]))


def test_a_range_of_one_value_has_its_position_in_the_middle():
    assert position(Uniform(2, 2), 2) == position(Integer(7, 7), 7) == 0.5


@law
@given(st.integers(0, 200), st.sampled_from([SEARCHED, parse_tree(EXAMPLE), NESTED]))
def test_drawn_values_and_the_numbers_they_were_drawn_with_have_the_same_coordinates(trial, tree):
    places, drawn = slots(tree), {}
    draw(tree, random_pick(5, trial), drawn)
    numbers = {slot.stream: np.array([random_point(5, trial, slot.stream)]) for slot in places}
    np.testing.assert_array_equal(from_uniform(places, numbers)[0], from_parameters(places, drawn))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("off", [0, math.nan, math.nan, math.nan]),
        (3, [1, 0.625, math.nan, math.nan]),
        ("c", [2, math.nan, 1, math.nan]),
        ("unknown", [math.nan, math.nan, math.nan, math.nan]),
        (5, [math.nan, math.nan, math.nan, math.nan]),
        (True, [math.nan, math.nan, math.nan, math.nan]),
    ],
)
def test_what_is_not_there_has_no_coordinate(value, expected):
    places = [slot for slot in slots(NESTED) if slot.name == "x"]
    np.testing.assert_array_equal(from_parameters(places, {"x": value}), expected[: len(places)])


@pytest.mark.parametrize(
    ("options", "expected"),
    [((16, 32, 64), True), ((3, 2, 0.5), True), ((1, 2), False), ((1, 3, 2), False), ((0, 1, True), False)],
)
def test_a_choice_of_numbers_in_order_is_a_range(options, expected):
    assert is_ordered(Choice(options)) is expected


def test_columns_of_every_kind():
    places = [
        Slot("x", 0, Uniform(0, 1)),
        Slot("two", 0, Choice(("a", "b"))),
        Slot("three", 0, Choice(("a", "b", "c"))),
    ]
    found = columns(places, np.array([[0.25, 1, 2], [math.nan] * 3]))
    expected = {
        "x": [-0.5, 0],
        "two=b": [OPTION, OPTION / 2],
        "three=a": [0, OPTION / 3],
        "three=b": [0, OPTION / 3],
        "three=c": [OPTION, OPTION / 3],
    }
    assert {name: column.tolist() for name, column in found.items()} == expected


def test_slots_of_one_name_have_columns_of_their_own():
    tree = parse_tree({"kind": {"choice": [{"a": {"uniform": [0, 1]}}, {"a": {"uniform": [0, 9]}}]}})
    assert list(columns(slots(tree), np.array([[0, 0.5, math.nan]]))) == ["kind=()#2", "kind.a", "kind.a'"]
