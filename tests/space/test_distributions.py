"""Distributions: where their values lie, how they are written and read, and which tables describe them."""

import math
import sys
import tomllib
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sweep.space import choice, integer, log_uniform, uniform
from sweep.space.distributions import Choice, Integer, Uniform
from sweep.space.trees import parse_tree
from tests.space.examples import law

LARGEST = 1 - 2**-53  # the largest coordinate that is ever drawn
points = st.one_of(st.sampled_from([0.0, 2**-53, 0.5, LARGEST, 1.0]), st.floats(0, 1))
numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(0, exclude_min=True, allow_infinity=False)
exact = st.integers(-(2**53), 2**53)


def ordered(ends):
    return st.tuples(ends, ends).map(sorted)


uniforms = ordered(numbers).map(lambda ends: Uniform(*ends))
log_uniforms = ordered(positive).map(lambda ends: Uniform(*ends, log=True))


@st.composite
def integers(draw):
    """Integer distributions with steps, or logarithmic, also of one value and of all exact integers."""
    if draw(st.booleans()):
        return Integer(*draw(ordered(st.integers(1, 2**53))), log=True)
    low, high = draw(ordered(exact))
    step = draw(st.integers(1, max(1, high - low)).filter(lambda step: step <= 2**53))
    return Integer(low, high - (high - low) % step, step)


@given(uniforms, points)
@law
def test_uniform_stays_in_range(distribution, u):
    value = distribution.at(u)
    assert type(value) is float
    assert distribution.low <= value <= distribution.high


@given(log_uniforms, points)
@example(Uniform(1e-100, sys.float_info.max, log=True), 1.0)
@law
def test_log_uniform_stays_in_range(distribution, u):
    value = distribution.at(u)
    assert type(value) is float
    assert distribution.low <= value <= distribution.high


@given(ordered(st.integers(-1000, 1000)), points)
@law
def test_uniform_of_integers_gives_floats(ends, u):
    assert type(Uniform(*ends).at(u)) is float


@given(ordered(st.floats(-1e6, 1e6)), st.floats(0, 1))
@law
def test_a_fraction_u_of_a_uniform_range_lies_below_its_value(ends, u):
    low, high = ends
    assert Uniform(low, high).at(u) - low == pytest.approx(u * (high - low), rel=1e-9, abs=1e-9)


def test_the_width_of_a_range_may_be_too_large_for_a_float():
    assert Uniform(-sys.float_info.max, sys.float_info.max).at(0.5) == 0


@given(ordered(st.floats(1e-6, 1e6)), st.floats(0, 1))
@law
def test_a_fraction_u_of_the_logarithms_lies_below_a_log_uniform_value(ends, u):
    low, high = ends
    below = math.log(Uniform(low, high, log=True).at(u) / low)
    assert below == pytest.approx(u * math.log(high / low), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "distribution",
    [
        Uniform(-0.1, 0.3),
        Uniform(0.005, 0.5, log=True),
        Uniform(0.001, 3.0, log=True),
        Integer(10, 99),
        Integer(10, 90, 10),
        Integer(1, 1000, log=True),
        Integer(3, 2**53, log=True),
        Integer(-(2**53), 2**53),
    ],
    ids=str,
)
def test_the_ends_of_the_unit_interval_are_the_ends_of_the_range(distribution):
    assert (distribution.at(0.0), distribution.at(1.0)) == (distribution.low, distribution.high)


@given(integers(), points)
@law
def test_integer_stays_on_its_grid(distribution, u):
    value = distribution.at(u)
    assert type(value) is int
    assert distribution.low <= value <= distribution.high
    assert (value - distribution.low) % distribution.step == 0


@given(integers(), points, points)
@law
def test_integer_grows_with_u(distribution, u, v):
    assert distribution.at(min(u, v)) <= distribution.at(max(u, v))


def evenly(count):
    """Return so many points in the middles of equal parts of the unit interval."""
    return [(k + 0.5) / count for k in range(count)]


@given(st.integers(-1000, 1000), st.integers(1, 30), st.integers(1, 20))
@law
def test_every_integer_has_an_equal_part_of_the_unit_interval(low, count, step):
    distribution = Integer(low, low + step * (count - 1), step)
    drawn = Counter(distribution.at(u) for u in evenly(7 * count))
    assert drawn == {low + step * k: 7 for k in range(count)}


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 10), (5, 7), (10, 300)])
def test_a_log_integer_has_the_part_of_the_logarithms_that_rounds_to_it(low, high):
    n = 100_000
    drawn = Counter(Integer(low, high, log=True).at(u) for u in evenly(n))
    assert sorted(drawn) == list(range(low, high + 1))
    for value, count in drawn.items():
        share = math.log((value + 0.5) / (value - 0.5)) / math.log((high + 0.5) / (low - 0.5))
        assert count == pytest.approx(n * share, abs=1.001)


@given(st.integers(1, 30))
@law
def test_every_option_has_an_equal_part_of_the_unit_interval(count):
    choice = Choice(tuple(range(count)))
    assert Counter(choice.at(u) for u in evenly(7 * count)) == dict.fromkeys(range(count), 7)
    assert (choice.at(0.0), choice.at(LARGEST), choice.at(1.0)) == (0, count - 1, count - 1)


@pytest.mark.parametrize("option", [True, 3, 0.5, "relu", [1, 2], {"kind": "relu"}], ids=str)
def test_an_option_is_drawn_as_it_is(option):
    assert Choice((option,)).at(0.3) is option


def parsed_choice(text):
    return parse_tree(tomllib.loads(f"x = {{choice = {text}}}"))["x"]


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ('["relu", "tanh"]', ("relu", "tanh")),
        ("[16, 0.5, true]", (16, 0.5, True)),
        ('["1", 1]', ("1", 1)),
        ('["relu", {kind = "leaky_relu", alpha = 0.1}]', ("relu", "leaky_relu(alpha=0.1)")),
        ('[{kind = "leaky_relu", alpha = {uniform = [0.0, 1.0]}}, {kind = "relu"}]', ("leaky_relu", "relu")),
        ('[{kind = "a", x = 1, y = {int = [1, 2]}, z = "b"}]', ("a(x=1, z=b)",)),
        ("[[10, 20], [], [[1], 2]]", ("[10, 20]", "[]", "[[1], 2]")),
        ("[[{int = [1, 2]}], [{int = [1, 2]}, 5]]", ("[*]", "[*, 5]")),
        ("[{a = 1, b = {kind = 'c'}}, {}]", ("(a=1, b=c)", "()")),
        (
            '[{kind = "a", x = {int = [1, 2]}}, "b", {kind = "a", x = {int = [3, 4]}}]',
            ("a#1", "b", "a#3"),
        ),
        ('["a", {kind = "a"}]', ("a", "a#2")),
    ],
)
def test_labels(options, labels):
    found = parsed_choice(options).labels
    assert found == labels
    assert [type(label) for label in found] == [type(label) for label in labels]


def test_the_label_of_an_option_is_that_of_itself_and_not_of_an_equal_one():
    choice = parsed_choice('[{kind = "a"}, {kind = "a"}, 1, true]')
    assert [choice.label(option) for option in choice.options] == ["a#1", "a#2", 1, True]
    assert type(choice.label(choice.options[3])) is bool


@given(st.one_of(uniforms, log_uniforms, integers()), points)
@law
def test_what_is_drawn_and_written_is_read_back(distribution, u):
    value = distribution.at(u)
    read = distribution.read(str(value))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("index", range(6))
def test_an_option_is_read_by_its_label(index):
    choice = parsed_choice('["relu", 16, 0.5, true, {kind = "a", x = 1}, [1, 2]]')
    assert choice.read(str(choice.labels[index])) is choice.options[index]


@pytest.mark.parametrize(
    ("distribution", "text", "message"),
    [
        (Uniform(0.1, 0.5), "0.6", "0.6 is outside 0.1 to 0.5"),
        (Uniform(0.1, 0.5), "0.09999", "0.09999 is outside 0.1 to 0.5"),
        (Uniform(0.1, 0.5), "nan", "nan is outside 0.1 to 0.5"),
        (Uniform(0.1, 0.5), "1e999", "1e999 is outside 0.1 to 0.5"),
        (Integer(10, 90, 10), "15", "15 is not one of 10, 20, … 90"),
        (Integer(10, 90, 10), "0", "0 is not one of 10, 20, … 90"),
        (Integer(10, 90, 10), "100", "100 is not one of 10, 20, … 90"),
        (Choice(("relu", "tanh")), "rellu", "'rellu' is not an option; did you mean 'relu'?"),
        (Choice((16, True)), "x", "'x' is not an option; choose from 16, true"),
    ],
)
def test_a_value_outside_the_range_is_refused(distribution, text, message):
    with pytest.raises(ValueError) as caught:
        distribution.read(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("distribution", [Uniform(0, 1), Uniform(1, 2, log=True), Integer(0, 9)], ids=str)
@pytest.mark.parametrize("text", ["", "many", "1,5", "0x1"])
def test_what_is_no_number_is_refused(distribution, text):
    with pytest.raises(ValueError, match=r"it is not (a number|an integer)"):
        distribution.read(text)


@pytest.mark.parametrize("text", ["9", "9.0", "+9", "9e0"])
def test_an_integer_may_be_written_as_a_float(text):
    value = Integer(0, 9).read(text)
    assert (value, type(value)) == (9, int)


@pytest.mark.parametrize("text", ["8.5", "inf", "nan"])
def test_other_floats_are_not_integers(text):
    with pytest.raises(ValueError, match="it is not an integer"):
        Integer(0, 9).read(text)


@pytest.mark.parametrize(
    ("options", "text", "option"),
    [
        ((True, False), "true", True),
        ((True, False), "False", False),
        ((True, False), "FALSE", False),
        ((True, False), "TRUE", True),
        ((1e-10, 1e-5), "1e-5", 1e-5),
        ((1e-10, 1e-5), "0.00001", 1e-5),
        ((16, 32), "32.0", 32),
        (("1e-5", 1e-5), "0.00001", 1e-5),
        ((3, True), "3", 3),
    ],
)
def test_a_cell_may_be_written_as_in_toml_or_as_another_form_of_a_number(options, text, option):
    assert Choice(options).read(text) is option


@pytest.mark.parametrize(("options", "text"), [((True,), "1"), ((True,), "WAHR"), ((0.5,), "half"), (("1",), "1.0")])
def test_a_cell_that_means_no_option_is_refused(options, text):
    with pytest.raises(ValueError, match="is not an option"):
        Choice(options).read(text)


# Made from Python


def test_the_functions_make_what_the_tables_describe():
    assert uniform(0, 1) == parse_tree({"uniform": [0, 1]})
    assert log_uniform(0.1, 1) == parse_tree({"log_uniform": [0.1, 1]})
    assert integer(1, 9) == parse_tree({"int": [1, 9]})
    assert integer(1, 9, step=2) == parse_tree({"int": [1, 9], "step": 2})
    assert integer(1, 9, log=True) == parse_tree({"int": [1, 9], "log": True})
    assert choice(["a", uniform(0, 1)]) == parse_tree({"choice": ["a", {"uniform": [0, 1]}]})


@pytest.mark.parametrize("make", [lambda: uniform(1, 0), lambda: integer(0, 3, step=2), lambda: choice([])])
def test_the_functions_refuse_what_the_tables_may_not_hold(make):
    with pytest.raises(ValueError, match=r"backwards|not reached|at least one"):
        make()
