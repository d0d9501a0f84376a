"""The section `stopping`: one rule or a list of them."""

import pytest

from sweep.experiment.file import parse
from sweep.experiment.sections.stopping import rules_of
from sweep.records import SweepRecord
from sweep.stopping.median import Median
from tests.experiment.toys import refusal, toy


def rules(text, *overrides):
    """The rules of a sweep that was begun with a file."""
    empty = dict.fromkeys(("description", "fingerprint"), "")
    record = {"name": "x", "seed": 0, "epochs": 1, "datasets": [], "data_folder": None, "experiment_folder": None}
    return rules_of(SweepRecord(**record, **empty, experiment=text, overrides=list(overrides), environment={}))


@pytest.mark.parametrize(
    ("stopping", "expected"),
    [
        ("median", Median(3, 5)),
        ({"kind": "median", "grace": 1}, Median(1, 5)),
        (["median"], Median(3, 5)),
        ([{"kind": "median", "trials": 2}], Median(3, 2)),
    ],
)
def test_a_rule_is_given_by_name_by_table_or_in_a_list(stopping, expected):
    text = toy(stopping=stopping)
    assert parse(text, "x").trials() == parse(toy(), "x").trials()
    assert rules(text) == {"median": expected}


def test_there_is_none_by_default():
    assert rules(toy()) == {}
    assert rules(toy(stopping=[])) == {}


def test_the_command_line_gives_one():
    assert rules(toy(), "stopping={kind='median', grace=7}") == {"median": Median(7, 5)}


@pytest.mark.parametrize("stopping", ["median", {"kind": "median", "grace": 1}])
def test_rules_enter_the_fingerprint(stopping):
    assert parse(toy(stopping=stopping), "x").fingerprint != parse(toy(), "x").fingerprint
    assert parse(toy(stopping=[]), "x").fingerprint == parse(toy(), "x").fingerprint


@pytest.mark.parametrize(
    ("stopping", "sentence"),
    [
        ("medan", "stopping is of the unknown kind 'medan'; did you mean 'median'?"),
        ({"grace": 3}, "stopping needs a kind, as a string or as a table with the key 'kind', not {'grace': 3}"),
        ({"kind": "median", "grac": 3}, "stopping has no key 'grac'; did you mean 'grace'?"),
        ({"kind": "median", "grace": -1}, "stopping.grace is -1, but must be greater than or equal to 0"),
        ({"kind": "median", "trials": "5"}, "stopping.trials is '5', but must be an integer"),
        (
            ["median", {"kind": "median", "trials": 0}],
            "stopping[1].trials is 0, but must be greater than or equal to 1",
        ),
        (["median", "median"], "stopping has two rules of the kind 'median'; leave one of them"),
        (7, "stopping is 7, but must be a table"),
    ],
)
def test_a_mistake_is_answered_with_file_and_key(stopping, sentence):
    assert refusal(toy(stopping=stopping)) == f"toy.toml: {sentence}"
