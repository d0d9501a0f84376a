"""Random damage to experiment files: it is drawn from, or answered with a sentence, and nothing else."""

import copy
import datetime
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweep.errors import SweepError
from sweep.experiment.file import parse
from sweep.experiment.parameters import KEYS, OWN_KEYS
from tests.experiment.toys import CONDITIONAL, OWN, TOY, text_of, toml, toy

COMMAND = {**OWN, "trainer": {"kind": "command", "run": "train --lr {learning_rate} {fixed}"}, "repeats": 2}
SHIPPED = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))

WORDS = [
    *("name", "trials", "seed", "sampler", "data", "network", "training", "dataset", "normalization", "hidden"),
    *("activation", "weights", "output", "epochs", "batch_size", "optimizer", "learning_rate", "loss", "dtype"),
    *("kind", "alpha", "over", "file", "label", "min", "max", "std", "uniform", "log_uniform", "int", "choice"),
    *("step", "log", "random", "list", "table", "digits", "npz", "csv", "z_score", "relu", "leaky_relu", "sgd"),
    *("trainer", "parameters", "objective", "metric", "direction", "repeats", "function", "command", "run"),
    *("validation", "test_loss", "validation_loss", "mine:train", "task", "regression", "metrics", "f1", "epoch"),
    *("softmax", "sigmoid", "mean_squared_error", "float64", "", "a\nb", "{x}", "'", "a\0b"),
]
INTEGERS = st.integers(-3, 12) | st.sampled_from(
    [2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 10**400, -(10**400)]
)
NUMBERS = INTEGERS | st.floats() | st.floats(0, 2)
SCALARS = NUMBERS | st.booleans() | st.sampled_from(WORDS) | st.text(max_size=5) | st.just(datetime.date(1979, 5, 27))


def distributions_of(values):
    pairs = st.lists(values, min_size=2, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"uniform": pairs}),
        st.fixed_dictionaries({"log_uniform": pairs}),
        st.fixed_dictionaries({"int": pairs}, optional={"step": values, "log": values}),
        st.fixed_dictionaries({"choice": st.lists(values, max_size=3)}),
    )


def trees_of(values):
    tables = st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), values, max_size=3)
    return distributions_of(NUMBERS) | distributions_of(values) | tables | st.lists(values, max_size=3)


VALUES = st.recursive(SCALARS, trees_of, max_leaves=6)


def containers(tree):
    """Every table and list in a tree, the tree itself included."""
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else None
    return [] if children is None else [tree, *(found for child in children for found in containers(child))]


@st.composite
def damaged(draw):
    """A valid experiment with up to four values replaced, deleted or inserted somewhere."""
    tree = copy.deepcopy(draw(st.sampled_from([TOY, CONDITIONAL, OWN, COMMAND])))
    for _ in range(draw(st.integers(1, 4))):
        here = draw(st.sampled_from(containers(tree)))
        place = draw(st.sampled_from([*here])) if here and isinstance(here, dict) else 0
        if here and isinstance(here, list):
            place = draw(st.integers(0, len(here) - 1))
        match draw(st.sampled_from(["replace", "replace", "delete", "insert"])), here:
            case "insert", list():
                here.insert(place, draw(VALUES))
            case "insert", dict():
                here[draw(st.sampled_from(WORDS))] = draw(VALUES)
            case "delete", _ if here:
                del here[place]
            case "replace", _ if here:
                here[place] = draw(VALUES)
    return text_of(tree)


@st.composite
def scribbled(draw):
    """The text of a valid experiment with a few pieces cut out, written over or put in."""
    text = draw(st.sampled_from([toy(), text_of(CONDITIONAL), *(path.read_text() for path in SHIPPED[:2])]))
    piece = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z", "Cc"]), max_size=4)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = start + draw(st.integers(0, 8))
        text = text[:start] + draw(piece | st.text('[]{}="\n.,#01e-', max_size=4)) + text[stop:]
    return text


def check(text, *overrides):
    """Parse and draw: there are valid trials, or an error for the user with a line for each mistake."""
    try:
        experiment = parse(text, "fuzz.toml", overrides)
        few = min(experiment.header.trials or 1, 3)
        trials = replace(experiment, header=experiment.header.model_copy(update={"trials": few})).trials()
    except SweepError as error:
        assert error.exit_code == 2
        for line in str(error).split("\n"):
            assert line.isprintable()
            assert re.match(r"fuzz\.toml|overrides|[\w.-]+, trial \d+: |.* cannot be read", line), line
        return
    names = {parameter.name for parameter in experiment.parameters}
    assert len({parameter.short_name for parameter in experiment.parameters}) == len(names)
    assert re.fullmatch("[0-9a-f]{64}", experiment.fingerprint)
    for trial in trials:
        assert set(trial.parameters) <= names
        assert {type(value) for value in trial.parameters.values()} <= {bool, int, float, str}
        for value in trial.parameters.values():
            assert isinstance(value, str) or abs(float(value)) < float("inf")  # a column of numbers can hold it
        if experiment.is_native:
            assert trial.configuration["training"]["epochs"] < 2**63  # and so can one of integers
        else:
            assert 1 <= trial.planned_epochs < 2**31
        json.dumps(trial.configuration, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(damaged())
@example(toy(network__activation__alpha={"uniform": [0, 10**400]}))
@example(toy(training__epochs=10**400))
def test_a_damaged_tree_is_drawn_from_or_refused(text):
    check(text)


GARBAGE = st.dictionaries(st.sampled_from([*KEYS, *OWN_KEYS]), VALUES, max_size=8)
TRAINERS = st.fixed_dictionaries({"kind": st.just("command"), "run": st.text("ab {}.'\"\\\0\n", max_size=8)})


@settings(max_examples=150, deadline=None)
@given(GARBAGE)
def test_garbage_is_refused_with_sentences(tree):
    check(text_of(tree))


@settings(max_examples=150, deadline=None)
@given(TRAINERS | VALUES, st.dictionaries(st.sampled_from(["a", "b", "a b"]), VALUES, max_size=2), VALUES)
def test_any_trainer_parameters_and_objective_are_taken_or_refused(trainer, parameters, metric):
    check(text_of({**OWN, "trainer": trainer, "parameters": parameters}))
    check(text_of({**OWN, "objective": {"metric": metric, "direction": "max"}}))
    check(text_of({**TOY, "objective": {"metric": metric}}))


@settings(max_examples=150, deadline=None)
@given(scribbled())
def test_a_scribbled_text_is_drawn_from_or_refused(text):
    check(text)


SET_KEYS = [
    "epochs",
    "training.epochs",
    "hidden[0]",
    "network.hidden[1]",
    "alpha",
    "network",
    "name",
    "int",
    "kind",
    "a.b",
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SET_KEYS) | st.text("ab.[]01 ='{}\"", max_size=8),
    st.text("ab.[]01 ='{}\"\n,#", max_size=8) | VALUES.map(toml),
)
@example(".", "5")
@example("epochs", "[" * 5000)
def test_an_override_of_any_form_is_taken_or_refused(key, value):
    check(toy(), f"{key}={value}")


def test_the_writer_of_toml_in_these_tests_writes_toml():
    assert tomllib.loads(text_of(TOY)) == TOY
    assert tomllib.loads(text_of(CONDITIONAL)) == CONDITIONAL
