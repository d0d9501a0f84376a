"""The key `trainer`: how a command is split and filled."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from sweep.experiment.sections.trainer import (
    CommandTrainer,
    FunctionTrainer,
    PickledTrainer,
    TrainerSection,
    fill_command,
    split_command,
)

PARAMETERS = {"lr": 1e-5, "model": {"size": 3, "name": "a b; rm -rf"}, "layers": [4, 5], "flag": True, "off": False}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("train", ["train"]),
        ("train --lr {lr} --size={size}", ["train", "--lr", "1e-05", "--size=3"]),
        ("train {model.size} {parameters.model.size}", ["train", "3", "3"]),
        ("train {layers[1]}{layers[0]}", ["train", "54"]),
        ("train {flag} {off}", ["train", "true", "false"]),
        ("train {name}", ["train", "a b; rm -rf"]),  # one word, whatever it holds
        ("train '{{\"lr\": {lr}}}'", ["train", '{"lr": 1e-05}']),
        ("train {{lr}}", ["train", "{lr}"]),
    ],
)
def test_each_name_is_replaced_by_its_value(run, words):
    assert fill_command(run, PARAMETERS) == words


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_a_value_is_never_more_or_less_than_one_word(value):
    assert fill_command("train {x} --y={x}", {"x": value}) == ["train", value, f"--y={value}"]


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1).filter(lambda w: w[0]))
def test_a_quoted_command_with_doubled_braces_is_what_it_was(words):
    run = shlex.join(words).replace("{", "{{").replace("}", "}}")
    assert fill_command(run, {}) == words
    assert len(split_command(run)) == len(words)


@pytest.mark.parametrize(
    ("run", "parameters", "sentence"),
    [
        ("train {x}", {}, r"^\{x\} is not a parameter of every trial; there are no parameters$"),
        ("train {}", {"x": 1}, r"^\{\} is not a parameter of every trial; choose from x$"),
        ("train {x}", {"x": {}}, "there are no parameters"),
        ("a\0b", {}, "NUL"),
    ],
)
def test_a_name_that_is_not_there_is_refused(run, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        fill_command(run, parameters)


@pytest.mark.parametrize(
    ("table", "model"),
    [
        ("a.b:c.d", FunctionTrainer(kind="function", function="a.b:c.d")),
        (
            {"kind": "command", "run": "x", "deterministic": True},
            CommandTrainer(kind="command", run="x", deterministic=True),
        ),
        (
            {"kind": "pickle", "file": "x/trainer.pkl", "sha256": "0" * 64},
            PickledTrainer(kind="pickle", file="x/trainer.pkl", sha256="0" * 64),
        ),
    ],
)
def test_each_kind_is_read_and_written_out(table, model):
    read = TypeAdapter(TrainerSection).validate_python(table)
    assert read == model
    assert TypeAdapter(TrainerSection).validate_python(read.model_dump()) == model
