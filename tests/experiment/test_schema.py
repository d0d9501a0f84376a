"""Tests of the JSON Schema of experiment files, by the reference implementation of Python."""

import copy
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from sweep.errors import SweepError
from sweep.experiment.file import parse
from sweep.experiment.schema import FILE, LINE, file_schema, schema_text
from sweep.experiment.toml import write_toml
from tests.experiment.test_random_files import damaged
from tests.experiment.toys import OWN, TOY

FOLDER = Path(__file__).parents[2] / "experiments"
SHIPPED = sorted(FOLDER.glob("*.toml"))
VALIDATOR = Draft202012Validator(file_schema())


def test_it_is_a_schema_of_the_draft_that_it_names():
    Draft202012Validator.check_schema(file_schema())
    assert file_schema()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def test_the_one_that_comes_with_sweep_is_up_to_date():
    assert (FOLDER / FILE).read_text("utf-8") == schema_text(), "write it again: sweep schema -o experiments/" + FILE


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_files_name_it_and_are_valid(file):
    text = file.read_text("utf-8")
    assert text.startswith(LINE)
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


@settings(max_examples=60, deadline=None)
@given(damaged())
def test_what_sweep_takes_is_valid(text):
    try:
        parse(text, "file")
    except SweepError:
        return
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


def changed(tree, path, value):
    """A copy of a file with one value set by its dotted path; None removes it."""
    tree = copy.deepcopy(tree)
    *parents, last = path.split(".")
    here = tree
    for key in parents:
        here = here[key]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return tree


FULL = {
    "name": "full",
    "trials": 3,
    "data": {"dataset": "digits", "normalization": "min_max"},
    "network": {"hidden": [10], "activation": "relu"},
    "training": {"epochs": 2, "batch_size": 10, "optimizer": {"kind": "sgd", "learning_rate": 0.1}},
}

RIGHT = [
    ("training.batch_size", {"int": [10, 90], "step": 10}),
    ("training.batch_size", {"choice": [8, {"int": [16, 64]}]}),
    ("training.l2", {"log_uniform": [1e-6, 1e-2], "likely": 1e-4}),
    ("training.optimizer", "adam"),
    ("training.optimizer", {"kind": {"choice": ["sgd", "momentum"]}, "learning_rate": 0.1}),
    ("training.optimizer", {"choice": ["adam", {"kind": "sgd", "learning_rate": {"uniform": [0.1, 0.5]}}]}),
    ("network.hidden", {"choice": [[10], [10, {"int": [10, 20]}]]}),
    ("network", {"choice": [{"hidden": [10]}, {"hidden": [20], "activation": {"choice": ["relu", "tanh"]}}]}),
    ("data.dataset", {"kind": "csv", "file": "x.csv", "label": "y"}),
    ("training.schedule", {"kind": "warmup", "epochs": 2, "then": "cosine"}),
    ("stopping", ["halving", {"kind": "patience", "epochs": 5}]),
    ("sampler", {"kind": "table", "file": "x.csv"}),
]

WRONG = [
    ("training.batch_size", {"int": [0, 90]}),
    ("training.batch_size", {"uniform": [10, 90]}),
    ("training.batch_size", "ten"),
    ("training.l2", {"log_uniform": [0.0, 1e-2]}),
    ("training.l2", {"uniform": [0.1]}),
    ("training.l2", {"uniform": [0.0, 0.1], "step": 0.05}),
    ("training.optimiser", "adam"),
    ("training.optimizer", "adamm"),
    ("training.optimizer", {"kind": "sgd", "learning_rat": 0.1}),
    ("training.optimizer", {"choice": []}),
    ("network.activation", {"choice": ["relu", "rellu"]}),
    ("data.dataset", "csv"),
    ("data", None),
    ("trials", {"int": [1, 5]}),
    ("trails", 3),
    ("sampler", "sobl"),
    ("stopping", {"kind": "halving", "factr": 2}),
    ("objective", {"direction": "up"}),
    ("epochs", 3),
]


@pytest.mark.parametrize(("path", "value"), RIGHT)
def test_a_distribution_may_stand_wherever_a_value_can(path, value):
    assert [error.message for error in VALIDATOR.iter_errors(changed(FULL, path, value))] == []


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_mistakes_are_refused_and_sweep_refuses_them_too(path, value):
    wrong = changed(FULL, path, value)
    assert not VALIDATOR.is_valid(wrong)
    with pytest.raises(SweepError):
        parse(write_toml(wrong), "file")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("network", {"hidden": [3]}),
        ("epochs", None),
        ("objective", None),
        ("trainer", 3),
        ("limits", {"parameters": 9}),
    ],
)
def test_a_file_with_a_trainer_of_its_own_has_other_keys(path, value):
    assert VALIDATOR.is_valid(OWN)
    assert not VALIDATOR.is_valid(changed(OWN, path, value))


def test_values_are_described_as_in_the_source():
    assert VALIDATOR.is_valid(TOY)
    schema = file_schema()
    assert schema["properties"]["repeats"]["description"].startswith("Trainings of each configuration")
    training = schema["$defs"][schema["properties"]["training"]["$ref"].rpartition("/")[2]]["anyOf"][0]
    assert training["properties"]["clip_norm"]["description"].startswith("The largest norm")
