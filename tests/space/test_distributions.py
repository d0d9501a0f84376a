"""Distributions, and the trees of values in which they stand."""

import copy
import itertools
import math
import sys
import tomllib
from collections import Counter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sweep.records import Parameter
from sweep.space.distributions import (
    DISTRIBUTION_KEYS,
    Choice,
    Integer,
    Uniform,
    covering,
    distributions,
    draw,
    parameters,
    parse_distribution,
    parse_tree,
)

law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

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


def toml(text):
    return tomllib.loads(text)


# Real numbers


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


# Integers


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


# Choices


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
    return parse_tree(toml(f"x = {{choice = {text}}}"))["x"]


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


# Reading values


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
        (Choice((16, True)), "x", "'x' is not an option; choose from 16, True"),
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


# Parsing


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("{uniform = [0, 0.5]}", Uniform(0, 0.5)),
        ("{log_uniform = [0.005, 5]}", Uniform(0.005, 5, log=True)),
        ("{int = [10, 90]}", Integer(10, 90)),
        ("{int = [10, 90], step = 10}", Integer(10, 90, step=10)),
        ("{step = 10, int = [10, 90]}", Integer(10, 90, step=10)),
        ("{int = [1, 64], log = true}", Integer(1, 64, log=True)),
        ("{int = [1, 64], log = false, step = 3}", Integer(1, 64, step=3)),
        ("{int = [7, 7]}", Integer(7, 7)),
        ('{choice = ["a", 2, 0.5, true]}', Choice(("a", 2, 0.5, True))),
    ],
)
def test_a_table_is_parsed(text, distribution):
    table = toml(f"x = {text}")["x"]
    assert parse_distribution(table) == distribution
    assert parse_tree({"a": {"b": [table]}}) == {"a": {"b": [distribution]}}


MISTAKES = {
    "{uniform = 3}": "uniform needs a list in square brackets, not 3",
    "{uniform = {low = 1, high = 2}}": "uniform needs a list in square brackets, not {'low': 1, 'high': 2}",
    "{int = [1]}": "int needs two ends, [low, high], not [1]",
    "{int = [1, 2, 3]}": "int needs two ends, [low, high], not [1, 2, 3]",
    "{uniform = ['a', 1]}": "uniform needs two finite numbers, not 'a'",
    "{uniform = [0, true]}": "uniform needs two finite numbers, not True",
    "{uniform = [0, inf]}": "uniform needs two finite numbers, not inf",
    "{uniform = [nan, 1]}": "uniform needs two finite numbers, not nan",
    f"{{uniform = [0, 1{'0' * 400}]}}": f"uniform needs two finite numbers, not 1{'0' * 400}",
    "{log_uniform = [1, '2']}": "log_uniform needs two finite numbers, not '2'",
    "{uniform = [2, 1]}": "uniform = [2, 1] runs backwards; write [1, 2]",
    "{log_uniform = [0.5, 0.1]}": "log_uniform = [0.5, 0.1] runs backwards; write [0.1, 0.5]",
    "{log_uniform = [0, 1]}": "log_uniform needs ends above 0, not 0",
    "{log_uniform = [-1.5, 1]}": "log_uniform needs ends above 0, not -1.5",
    "{int = [0.5, 3]}": "int needs integers of at most 2**53, not 0.5",
    "{int = [1, 3.0]}": "int needs integers of at most 2**53, not 3.0",
    "{int = [false, 3]}": "int needs integers of at most 2**53, not False",
    f"{{int = [0, {2**53 + 1}]}}": f"int needs integers of at most 2**53, not {2**53 + 1}",
    f"{{int = [{-(2**53) - 1}, 0]}}": f"int needs integers of at most 2**53, not {-(2**53) - 1}",
    "{int = [1, 3], step = 0.5}": "int needs integers of at most 2**53, not 0.5",
    "{int = [1, 3], step = true}": "int needs integers of at most 2**53, not True",
    "{int = [3, 1]}": "int = [3, 1] runs backwards; write [1, 3]",
    "{int = [1, 3], step = 0}": "step must be at least 1, not 0",
    "{int = [1, 3], step = -1}": "step must be at least 1, not -1",
    "{int = [10, 95], step = 10}": "95 is not reached from 10 in steps of 10; end at 90",
    "{int = [10, 15], step = 10}": "15 is not reached from 10 in steps of 10; end at 10",
    "{int = [1, 3], log = 1}": "log must be true or false, not 1",
    "{int = [0, 3], log = true}": "int with log = true needs a low end of at least 1 and takes no step",
    "{int = [2, 4], log = true, step = 2}": "int with log = true needs a low end of at least 1 and takes no step",
    "{choice = []}": "choice needs at least one option",
    "{choice = 'relu'}": "choice needs a list in square brackets, not 'relu'",
    "{uniform = [0, 1], log = true}": "uniform takes no key 'log'",
    "{choice = [1], step = 1}": "choice takes no key 'step'",
    "{int = [1, 2], stepp = 1}": "int takes no key 'stepp'",
    "{int = [1, 2], kind = 'relu'}": "int takes no key 'kind'",
    "{uniform = [0, 1], choice = [1]}": "uniform takes no key 'choice' beside it",
    "{int = [0, 1], log_uniform = [1, 2]}": "log_uniform takes no key 'int' beside it",
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items(), ids=lambda text: text[:60])
def test_a_mistake_is_answered_with_its_path_and_what_is_right(text, message):
    table = toml(f"x = {text}")["x"]
    with pytest.raises(ValueError) as caught:
        parse_tree({"network": {"hidden": [5, table]}})
    assert str(caught.value) == f"network.hidden[1]: {message}"


def test_a_mistake_inside_an_option_is_named_by_where_the_option_would_stand():
    table = toml("activation = {choice = ['relu', {kind = 'leaky_relu', alpha = {uniform = [1, 0]}}]}")
    with pytest.raises(ValueError, match=r"^network\.activation\.alpha: uniform = \[1, 0\] runs backwards"):
        parse_tree({"network": table})


scalars = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
keys = st.text("abcdefghij_", min_size=1, max_size=6).filter(lambda key: key not in DISTRIBUTION_KEYS)


def trees(leaves):
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
        max_leaves=8,
    )


@given(trees(scalars))
@law
def test_a_tree_without_distributions_stays_as_it_is(tree):
    assert parse_tree(tree) == tree
    assert list(distributions(parse_tree(tree))) == []
    assert covering(tree) == [tree]
    assert draw(tree, None, {}) == tree


# Trees

EXAMPLE = toml("""
[data]
dataset = "digits"
[network]
hidden = [{ int = [10, 99] }, 20, { int = [5, 9] }]
[network.activation]
choice = ["relu", { kind = "leaky_relu", alpha.uniform = [0.0, 0.4] }, { kind = "elu", alpha.log_uniform = [1, 2] }]
[training]
optimizer = { kind = "sgd", learning_rate = { log_uniform = [0.005, 0.5] } }
dropout = [[{ uniform = [0, 1] }]]
batch_size = { choice = [16, 32] }
""")


def test_distributions_are_listed_by_their_full_names_in_order():
    tree = parse_tree(EXAMPLE)
    activation = tree["network"]["activation"]
    assert list(distributions(tree)) == [
        ("network.hidden[0]", Integer(10, 99)),
        ("network.hidden[2]", Integer(5, 9)),
        ("network.activation", activation),
        ("network.activation.alpha", Uniform(0.0, 0.4)),
        ("network.activation.alpha", Uniform(1, 2, log=True)),
        ("training.optimizer.learning_rate", Uniform(0.005, 0.5, log=True)),
        ("training.dropout[0][0]", Uniform(0, 1)),
        ("training.batch_size", Choice((16, 32))),
    ]


def draw_at(tree, u):
    """Draw with every coordinate at u; return (tree, drawn values)."""
    drawn = {}
    return draw(tree, lambda name, distribution, depth: distribution.at(u), drawn), drawn


@pytest.mark.parametrize(
    ("u", "activation", "noted"),
    [
        (0.0, "relu", {"network.activation": "relu"}),
        (
            0.5,
            {"kind": "leaky_relu", "alpha": 0.2},
            {"network.activation": "leaky_relu", "network.activation.alpha": 0.2},
        ),
        (
            1.0,
            {"kind": "elu", "alpha": 2.0},
            {"network.activation": "elu", "network.activation.alpha": 2.0},
        ),
    ],
)
def test_only_what_the_drawn_option_holds_is_drawn(u, activation, noted):
    configuration, drawn = draw_at(parse_tree(EXAMPLE), u)
    assert configuration["network"]["activation"] == activation
    assert {name: value for name, value in drawn.items() if "activation" in name} == noted


def test_draw_replaces_every_distribution_and_notes_each_value():
    tree = parse_tree(EXAMPLE)
    configuration, drawn = draw_at(tree, 0.0)
    assert configuration == {
        "data": {"dataset": "digits"},
        "network": {"hidden": [10, 20, 5], "activation": "relu"},
        "training": {
            "optimizer": {"kind": "sgd", "learning_rate": pytest.approx(0.005)},
            "dropout": [[0.0]],
            "batch_size": 16,
        },
    }
    assert list(drawn) == [name for name, _ in distributions(tree) if name != "network.activation.alpha"]
    assert drawn["training.dropout[0][0]"] == configuration["training"]["dropout"][0][0]


@pytest.mark.parametrize(
    ("options", "text", "option"),
    [
        ((True, False), "true", True),
        ((True, False), "False", False),
        ((1e-10, 1e-5), "1e-5", 1e-5),
        ((1e-10, 1e-5), "0.00001", 1e-5),
        ((16, 32), "32.0", 32),
        (("1e-5", 1e-5), "0.00001", 1e-5),
        ((3, True), "3", 3),
    ],
)
def test_a_cell_may_be_written_as_in_toml_or_as_another_form_of_a_number(options, text, option):
    assert Choice(options).read(text) is option


@pytest.mark.parametrize(("options", "text"), [((True,), "1"), ((True,), "TRUE"), ((0.5,), "half"), (("1",), "1.0")])
def test_a_cell_that_means_no_option_is_refused(options, text):
    with pytest.raises(ValueError, match="is not an option"):
        Choice(options).read(text)


def test_an_option_may_be_a_distribution_itself():
    tree = parse_tree({"rate": {"choice": [0.5, {"log_uniform": [1, 8]}, {"choice": [{"int": [20, 30]}]}]}})
    asked = []

    def pick(name, distribution, depth):
        asked.append((name, depth))
        return distribution.at(1.0)

    drawn = {}
    assert draw(tree, pick, drawn) == {"rate": 30}
    assert drawn == {"rate": 30}
    assert asked == [("rate", 0), ("rate", 1), ("rate", 2)]
    (parameter,) = parameters(tree)
    assert (parameter.log, parameter.categorical) == (False, False)
    assert [tree["rate"].read(text) for text in ("0.5", "2.5")] == list(tree["rate"].options[:2])
    assert tree["rate"].read("25") is tree["rate"].options[2]
    with pytest.raises(ValueError, match="not an option"):
        tree["rate"].read("99")
    assert [tree["rate"] for tree in covering(tree)] == [0.5, 1.0, 8.0, 20, 30]


def test_draws_share_nothing_with_the_tree():
    tree = parse_tree(EXAMPLE)
    before = copy.deepcopy(tree)
    configuration, _ = draw_at(tree, 0.5)
    configuration["network"]["activation"]["alpha"] = -1
    configuration["network"]["hidden"].clear()
    configuration["training"].clear()
    assert tree == before


def test_pick_is_asked_for_each_parameter_by_its_full_name():
    asked = []

    def pick(name, distribution, depth):
        asked.append((name, distribution))
        return distribution.at(0.5)

    tree = parse_tree(EXAMPLE)
    draw(tree, pick, {})
    assert asked == [(n, d) for n, d in distributions(tree) if d != Uniform(1, 2, log=True)]


# Covering

shapes = st.recursive(
    st.sampled_from(["value", "range"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3),
        st.lists(inner, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=10,
)
"""Trees of values and ranges; a tuple is a choice."""


def numbered(shape, numbers):
    """Make a tree, not yet parsed, of a shape; no number occurs in it twice."""
    if shape == "value":
        return next(numbers)
    if shape == "range":
        return {"int": [next(numbers), next(numbers)]}
    if isinstance(shape, dict):
        return {key: numbered(value, numbers) for key, value in shape.items()}
    inside = [numbered(value, numbers) for value in shape]
    return {"choice": inside} if isinstance(shape, tuple) else inside


def leaves(tree):
    """Return all values of a tree that is not parsed, the ends of ranges among them."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    return {leaf for value in tree for leaf in leaves(value)} if isinstance(tree, list) else {tree}


@given(shapes)
@law
def test_every_end_and_every_option_is_covered_by_a_tree_without_distributions(shape):
    tree = numbered(shape, itertools.count())
    covered = covering(parse_tree(tree))
    assert [one for one in covered if list(distributions(one))] == []
    assert set().union(*map(leaves, covered)) == leaves(tree)


def test_the_ends_of_every_kind_of_range_are_covered():
    covered = covering(parse_tree(EXAMPLE))
    networks, trainings = [tree["network"] for tree in covered], [tree["training"] for tree in covered]
    assert {network["hidden"][0] for network in networks} == {10, 99}
    assert {network["hidden"][2] for network in networks} == {5, 9}
    alphas = {("relu", None), ("leaky_relu", 0.0), ("leaky_relu", 0.4), ("elu", 1.0), ("elu", 2.0)}
    assert {kind_and_alpha(network["activation"]) for network in networks} == alphas
    assert {training["optimizer"]["learning_rate"] for training in trainings} == {0.005, 0.5}
    assert {training["dropout"][0][0] for training in trainings} == {0.0, 1.0}
    assert {training["batch_size"] for training in trainings} == {16, 32}
    assert all(tree["data"] == {"dataset": "digits"} for tree in covered)


def kind_and_alpha(activation):
    return (activation, None) if isinstance(activation, str) else (activation["kind"], activation["alpha"])


def test_as_few_trees_cover_as_the_longest_part_needs():
    assert len(covering(parse_tree(EXAMPLE))) == 5  # relu, and both ends of two alphas
    assert covering({"a": [], "b": {}}) == [{"a": [], "b": {}}]


# Parameters and their short names


def test_parameters_of_a_tree():
    assert parameters(parse_tree(EXAMPLE)) == [
        Parameter("network.hidden[0]", "hidden[0]"),
        Parameter("network.hidden[2]", "hidden[2]"),
        Parameter("network.activation", "activation", categorical=True),
        Parameter("network.activation.alpha", "alpha"),  # only one of its two distributions is logarithmic
        Parameter("training.optimizer.learning_rate", "learning_rate", log=True),
        Parameter("training.dropout[0][0]", "dropout[0][0]"),
        Parameter("training.batch_size", "batch_size"),
    ]


@pytest.mark.parametrize(
    ("text", "log", "categorical"),
    [
        ("{uniform = [1, 2]}", False, False),
        ("{log_uniform = [1, 2]}", True, False),
        ("{int = [1, 2]}", False, False),
        ("{int = [1, 2], log = true}", True, False),
        ("{choice = [1, 0.5]}", False, False),
        ("{choice = [1, 'all']}", False, True),
        ("{choice = [true, false]}", False, True),
        ("{choice = [[1], [2]]}", False, True),
        ("{choice = [{kind = 'a'}, {kind = 'b'}]}", False, True),
    ],
)
def test_what_a_chart_needs_to_know_of_a_parameter(text, log, categorical):
    (parameter,) = parameters(parse_tree(toml(f"x = {text}")))
    assert (parameter.log, parameter.categorical) == (log, categorical)


def tree_of(names):
    """Return a parsed tree that searches parameters of these dotted names."""
    tree = {}
    for name in names:
        *parents, last = name.split(".")
        here = tree
        for parent in parents:
            here = here.setdefault(parent, {})
        here[last] = Uniform(0, 1)
    return tree


def short_names(names, reserved=()):
    return {p.name: p.short_name for p in parameters(tree_of(names), frozenset(reserved))}


def test_short_names_are_the_shortest_tails_that_are_unique_and_not_reserved():
    assert short_names(["a.b.c", "a.d.c", "a.d.e"]) == {"a.b.c": "b.c", "a.d.c": "d.c", "a.d.e": "e"}
    assert short_names(["a.x.c", "b.x.c"]) == {"a.x.c": "a.x.c", "b.x.c": "b.x.c"}
    assert short_names(["network.seconds"], ["seconds"]) == {"network.seconds": "network.seconds"}
    assert short_names(["a.b.seconds"], ["seconds"]) == {"a.b.seconds": "b.seconds"}
    assert short_names(["a.ab", "a.b"]) == {"a.ab": "ab", "a.b": "b"}


dotted = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join)


@given(st.lists(dotted, min_size=1, max_size=8, unique=True), st.sets(st.sampled_from("abc")))
@law
def test_short_names_tell_parameters_apart(names, reserved):
    # A name cannot at once be a parameter and hold others.
    names = [name for name in names if not any(other.startswith(name + ".") for other in names)]
    found = short_names(names, reserved)
    assert sorted(found) == sorted(names)
    assert len(set(found.values())) == len(names)
    for name, short in found.items():
        assert ("." + name).endswith("." + short)
        assert short not in reserved or short == name
        for other in names:
            assert name in (other, short) or not ("." + other).endswith("." + short)
