"""The ablation path: what lies between two configurations, and which step comes next."""

from itertools import combinations

import pytest

from sweep.metrics import Objective
from sweep.records import Scalar
from sweep.runner.ablation import NOTHING, End, Outcome, Path, candidates, steps, trainings
from sweep.space.trees import draw, parse_tree

TREE = parse_tree(
    {
        "network": {
            "hidden": [{"int": [1, 9]}, {"int": [1, 9]}],
            "activation": {"choice": ["relu", {"kind": "leaky", "alpha": {"uniform": [0.0, 1.0]}}]},
            "output": "softmax",
        },
        "training": {"rate": {"log_uniform": [0.01, 1.0]}, "epochs": 3},
    }
)
MAX = Objective("accuracy", "max", tie_break=None)


def end(name, low, option):
    """The end at which all numbers are at a quantile and an option is chosen."""
    drawn: dict[str, Scalar] = {}

    def pick(path, distribution, depth):
        return distribution.options[option] if hasattr(distribution, "options") else distribution.at(low)

    return End(name, draw(TREE, pick, drawn), drawn)


@pytest.fixture
def path():
    return Path.between(TREE, end("middle", 0.0, 0), end("toy/3", 1.0, 1))


def test_the_groups_are_what_is_drawn_outside_of_choices(path):
    assert path.groups == ("network.hidden[0]", "network.hidden[1]", "network.activation", "training.rate")


def test_what_is_equal_is_no_step():
    same = Path.between(TREE, end("a", 0.0, 0), end("b", 0.0, 1))
    assert same.groups == ("network.activation",)
    assert Path.between(TREE, end("a", 0.0, 1), end("b", 0.0, 1)).groups == ()
    # An option that is the same with other values inside of it differs, too.
    assert "network.activation" in Path.between(TREE, end("a", 0.0, 1), end("b", 0.5, 1)).groups


def test_the_ends_of_the_path_are_the_two_configurations(path):
    assert path.configuration(NOTHING) == path.baseline.configuration
    assert path.configuration(path.whole) == path.target.configuration
    assert path.parameters(NOTHING) == path.baseline.parameters
    assert path.parameters(path.whole) == path.target.parameters


def test_a_choice_changes_with_what_is_inside(path):
    changed = frozenset({"network.activation"})
    assert path.configuration(changed) == {
        "network": {"hidden": [1, 1], "activation": {"kind": "leaky", "alpha": 1.0}, "output": "softmax"},
        "training": {"rate": 0.01, "epochs": 3},
    }
    target = path.target.parameters
    assert path.parameters(changed) == {
        **path.baseline.parameters,
        "network.activation": target["network.activation"],
        "network.activation.alpha": 1.0,
    }
    back = path.parameters(path.whole - changed)
    assert back["network.activation"] == "relu" and "network.activation.alpha" not in back


def test_what_is_not_searched_is_that_of_the_target(path):
    longer = {**path.target.configuration, "training": {"rate": 1.0, "epochs": 8}, "trainer": "mine"}
    extended = Path.between(TREE, path.baseline, End("toy/3", longer, path.target.parameters))
    made = extended.configuration(NOTHING)
    assert made["training"] == {"rate": 0.01, "epochs": 8}
    assert made["trainer"] == "mine"


def test_labels_tell_configurations_apart(path):
    assert path.label(NOTHING) == "nothing"
    assert path.label(frozenset({"training.rate", "network.hidden[0]"})) == "network.hidden[0], training.rate"


def outcomes(path, worth):
    """The outcomes of all configurations, whose value is the sum of the worth of what has changed."""
    return {
        frozenset(some): Outcome({1: sum(worth[group] for group in some)})
        for count in range(len(path.groups) + 1)
        for some in combinations(path.groups, count)
    }


def test_the_one_that_improves_most_comes_first(path):
    worth = dict(zip(path.groups, [0.1, -0.2, 0.5, 0.3], strict=True))
    found = steps(path, outcomes(path, worth), MAX)
    assert [worth[group] for group in found] == [0.5, 0.3, 0.1, -0.2]
    less = steps(path, outcomes(path, worth), Objective("loss", "min", tie_break=None))
    assert [worth[group] for group in less] == [-0.2, 0.1, 0.3, 0.5]
    assert steps(path, outcomes(path, worth), MAX, "file") == list(path.groups)


def test_nothing_is_decided_before_all_candidates_are_trained(path):
    worth = dict(zip(path.groups, [0.1, -0.2, 0.5, 0.3], strict=True))
    known = outcomes(path, worth)
    del known[frozenset({"network.activation", "network.hidden[1]"})]
    assert steps(path, known, MAX) == ["network.activation"]
    assert len(candidates(path, ["network.activation"], "greedy")) == 3
    assert candidates(path, ["network.hidden[0]"], "file") == [frozenset({"network.hidden[0]", "network.hidden[1]"})]
    assert steps(path, {}, MAX) == []


def test_what_diverges_is_worse_than_any_value(path):
    diverging = Outcome({1: 99.0}, frozenset({2}))
    known = {frozenset({group}): Outcome({1: -1.0, 2: -1.0}) for group in path.groups}
    known[frozenset({path.groups[0]})] = diverging
    known[frozenset({path.groups[1]})] = Outcome({}, frozenset({1, 2}))
    assert steps(path, known, MAX)[:1] == [path.groups[2]]


def test_the_number_of_trainings_is_that_of_the_configurations(path):
    assert trainings(4, 3, "greedy") == 3 * (1 + 4 + 3 + 2 + 1)
    assert trainings(4, 2, "file") == 2 * (1 + 4)
