"""Trees of values in which distributions stand: parsed, drawn from, and covered."""

import copy
import itertools
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.space.distributions import DISTRIBUTION_KEYS, Choice, Integer, Uniform, parse_distribution
from sweep.space.names import parameters
from sweep.space.trees import cover, distributions, draw, leaves, parse_tree, unparse_tree
from tests.space.examples import EXAMPLE, law


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
    table = tomllib.loads(f"x = {text}")["x"]
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
    table = tomllib.loads(f"x = {text}")["x"]
    with pytest.raises(ValueError) as caught:
        parse_tree({"network": {"hidden": [5, table]}})
    assert str(caught.value) == f"network.hidden[1]: {message}"


def test_a_mistake_inside_an_option_is_named_by_where_the_option_would_stand():
    table = tomllib.loads("activation = {choice = ['relu', {kind = 'leaky_relu', alpha = {uniform = [1, 0]}}]}")
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
    assert cover(tree) == [tree]
    assert draw(tree, None, {}) == tree


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
    assert [tree["rate"] for tree in cover(tree)] == [0.5, 1.0, 8.0, 20, 30]


def test_draws_share_nothing_with_the_tree():
    tree = parse_tree(EXAMPLE)
    before = copy.deepcopy(tree)
    configuration, _ = draw_at(tree, 0.5)
    configuration["network"]["activation"]["alpha"] = -1
    configuration["network"]["hidden"].clear()
    configuration["training"].clear()
    assert tree == before


def test_the_names_of_all_draws_are_the_same_objects():
    """A sweep may have 100,000 trials, whose names would take more memory than their values."""
    tree = parse_tree(EXAMPLE)
    one, other = (draw_at(tree, 0.5)[1] for _ in range(2))
    assert any("[" in name for name in one)
    assert [*map(id, one)] == [*map(id, other)]


def test_pick_is_asked_for_each_parameter_by_its_full_name():
    asked = []

    def pick(name, distribution, depth):
        asked.append((name, distribution))
        return distribution.at(0.5)

    tree = parse_tree(EXAMPLE)
    draw(tree, pick, {})
    assert asked == [(n, d) for n, d in distributions(tree) if d != Uniform(1, 2, log=True)]


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


def values_of(tree):
    """Return all values of a tree that is not parsed, the ends of ranges among them."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    return {leaf for value in tree for leaf in values_of(value)} if isinstance(tree, list) else {tree}


@given(shapes)
@law
def test_every_end_and_every_option_is_covered_by_a_tree_without_distributions(shape):
    tree = numbered(shape, itertools.count())
    covered = cover(parse_tree(tree))
    assert [one for one in covered if list(distributions(one))] == []
    assert set().union(*map(values_of, covered)) == values_of(tree)


def test_the_ends_of_every_kind_of_range_are_covered():
    covered = cover(parse_tree(EXAMPLE))
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
    assert len(cover(parse_tree(EXAMPLE))) == 5  # relu, and both ends of two alphas
    assert cover({"a": [], "b": {}}) == [{"a": [], "b": {}}]


# Trees as tables again, and their values


def test_leaves_are_the_values_by_their_full_names():
    tree = {"a": {"b": [1, {"c": "x"}]}, "d e": True, "f": {}, "g": []}
    assert list(leaves(tree)) == [("a.b[0]", 1), ("a.b[1].c", "x"), ("'d e'", True)]
    assert list(leaves(5, "top")) == [("top", 5)]


@given(shapes)
@law
def test_a_parsed_tree_is_written_as_the_tables_that_it_was_parsed_from(shape):
    tree = numbered(shape, itertools.count())
    assert unparse_tree(parse_tree(tree)) == tree


@pytest.mark.parametrize(
    ("distribution", "table"),
    [
        (Uniform(0, 0.5), {"uniform": [0, 0.5]}),
        (Uniform(1, 2, log=True), {"log_uniform": [1, 2]}),
        (Integer(1, 9), {"int": [1, 9]}),
        (Integer(1, 9, step=2), {"int": [1, 9], "step": 2}),
        (Integer(1, 9, log=True), {"int": [1, 9], "log": True}),
        (Choice((1, (Uniform(0, 1), 2))), {"choice": [1, [{"uniform": [0, 1]}, 2]]}),
    ],
)
def test_a_distribution_is_written_as_its_table(distribution, table):
    assert unparse_tree({"x": (distribution,)}) == {"x": [table]}
    if not isinstance(distribution, Choice):
        assert parse_tree(table) == distribution
