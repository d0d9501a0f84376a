"""Names of parameters."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.metrics import NATIVE_METRICS
from sweep.records import Parameter
from sweep.space.distributions import Uniform
from sweep.space.names import COLUMNS, RESERVED, matches, parameters
from sweep.space.trees import parse_tree
from tests.space.examples import EXAMPLE, law


def test_parameters_of_a_tree():
    assert parameters(parse_tree(EXAMPLE)) == [
        Parameter("network.hidden[0]", "hidden[0]", low=10, high=99),
        Parameter("network.hidden[2]", "hidden[2]", low=5, high=9),
        Parameter("network.activation", "activation", categorical=True, options=("relu", "leaky_relu", "elu")),
        # Only one of its two distributions is logarithmic.
        Parameter("network.activation.alpha", "alpha", low=0.0, high=2),
        Parameter("training.optimizer.learning_rate", "learning_rate", log=True, low=0.005, high=0.5),
        Parameter("training.dropout[0][0]", "dropout[0][0]", low=0, high=1),
        Parameter("training.batch_size", "batch_size", options=(16, 32)),
    ]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("{int = [10, 90], step = 10}", 10),
        ("{int = [10, 90]}", 1),
        ("{choice = [{int = [10, 90], step = 10}, 5]}", 1),
    ],
)
def test_the_step_of_integers_is_known_where_they_are_alone(text, step):
    (found,) = parameters(parse_tree(tomllib.loads(f"x = {text}")))
    assert found.step == step


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
    (parameter,) = parameters(parse_tree(tomllib.loads(f"x = {text}")))
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


def test_a_full_name_that_is_the_end_of_another_stays_its_own():
    assert short_names(["c", "a.c"]) == {"c": "c", "a.c": "a.c"}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("c", ["a.c", "b.c"]),
        ("a.c", ["a.c"]),
        ("d", ["d"]),  # exact, though x.d ends so
        ("x", []),
        ("", []),
    ],
)
def test_a_name_stands_for_every_full_name_that_ends_so_or_for_the_one_it_is(name, found):
    assert matches(name, ["a.c", "b.c", "d", "x.d"]) == found


def test_columns_of_tables_and_our_metrics_are_no_short_names():
    assert {"trial", "repeat", "epoch", "seconds", "status"} <= COLUMNS
    assert {*NATIVE_METRICS, "validation_accuracy", "test_rmse", "train_f1"} <= RESERVED
    assert not COLUMNS & set(NATIVE_METRICS)  # a user's own metric may have the name of one of ours
