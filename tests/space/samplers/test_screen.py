"""Draws by a model in a file: order-free, of the model's best, and refused where the file does not fit."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sweep.errors import ExperimentError
from sweep.experiment.file import parse
from sweep.metrics import Objective
from sweep.space.coordinates import slots
from sweep.space.names import parameters
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.base import Space
from sweep.space.samplers.random import random_pick
from sweep.space.samplers.screen import Screen
from sweep.space.samplers.screened import explores
from sweep.space.screening import screened_model
from sweep.space.screens import Screen as Content
from sweep.space.screens import described, load
from sweep.space.trees import draw, parse_tree

TREE = {"x": {"uniform": [0, 1]}, "kind": {"choice": ["a", {"kind": "b", "alpha": {"uniform": [0, 1]}}]}}
WIDER = TREE | {"z": {"int": [1, 9]}}


def content():
    places, results = slots(parse_tree(TREE)), []
    for number, u in enumerate(np.random.default_rng(0).random(40).tolist()):
        results.append(Result(number, {"x": u, "kind": "a"}, -((u - 0.3) ** 2)))
    model = screened_model(places, results, Objective(), 0, 40, 0.02)
    return Content(model, 0.02, described(places), "0123")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "next.json").write_text(content().text(), "utf-8")
    return tmp_path


def drawn(folder, tree=TREE, count=40, sampler=Screen("next.json"), seed=0):
    tree = parse_tree(tree)
    found = []
    for point in islice(sampler.points(Space(tree, parameters(tree), None, folder), seed), count):
        found.append({})
        draw(tree, point, found[-1])
    return found


def test_what_is_written_is_read(folder):
    assert load(folder / "next.json") == content()


def test_points_are_of_the_best_share_but_for_explorations(folder):
    found = drawn(folder, count=100)
    tree = parse_tree(TREE)
    for number, each in enumerate(found):
        if explores(0, number, 0.15):
            plain = {}
            draw(tree, random_pick(0, number), plain)
            assert each == plain
        else:
            assert abs(each["x"] - 0.3) < 0.1


def test_the_first_points_of_many_are_those_of_few(folder):
    assert drawn(folder, count=30)[:10] == drawn(folder, count=10)
    assert drawn(folder, seed=1) != drawn(folder)


def test_a_parameter_that_the_model_does_not_have_is_drawn_plainly(folder):
    narrow, wide = drawn(folder), drawn(folder, WIDER)
    assert [each | {"z": 0} for each in narrow] == [each | {"z": 0} for each in wide]
    assert {each["z"] for each in wide} == set(range(1, 10))


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"x": {"uniform": [0, 1]}}, "next.json is a model of kind, which is not searched; "),
        (
            TREE | {"x": {"uniform": [0, 2]}},
            'next.json is a model of x = {"uniform": [0, 1]}, not of {"uniform": [0, 2]}; ',
        ),
    ],
)
def test_a_model_of_another_space_is_refused(folder, tree, sentence):
    with pytest.raises(ExperimentError) as caught:
        drawn(folder, tree)
    assert str(caught.value).startswith(sentence)


def broken(**changes):
    return json.dumps(json.loads(content().text()) | changes)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "3",
        broken(format=2),
        broken(keep=0),
        broken(threshold=None),
        broken(coefficients=[1]),
        broken(coefficients={"x": "1"}),
        broken(intercept=True),
        broken(parameters=3),
        broken(threshold=float("nan")),
    ],
)
def test_what_is_no_model_is_refused(folder, text):
    (folder / "next.json").write_text(text, "utf-8")
    with pytest.raises(ExperimentError, match="is not a model of results in format 1; write it again"):
        drawn(folder)


@pytest.mark.parametrize("text", [b"{", b"\xff", None])
def test_what_is_not_json_is_refused(folder, text):
    path = folder / "next.json"
    path.write_bytes(text) if text else path.unlink()
    with pytest.raises(ExperimentError, match="cannot be read as a JSON file"):
        drawn(folder)


TEXT = """
name = "toy"
trials = 3
sampler = { kind = "screen", file = "next.json" }
trainer = "mine:train"
epochs = 2
parameters = { x = { uniform = [0, 1] } }
objective = { metric = "rmse", direction = "min" }
"""


def test_the_fingerprint_includes_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def fingerprint(intercept):
        text = broken(intercept=intercept, parameters={"parameters.x": [{"uniform": [0, 1]}]})
        Path("next.json").write_text(text, "utf-8")
        return parse(TEXT, "toy.toml").fingerprint

    assert fingerprint(1.0) == fingerprint(1.0) != fingerprint(2.0)
