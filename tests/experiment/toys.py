"""Small experiments, and what tests of experiments share."""

import copy
import datetime
import json

import pytest

from sweep.errors import UsageError
from sweep.experiment.file import parse

TOY = {
    "name": "toy",
    "trials": 3,
    "seed": 7,
    "data": {"dataset": "digits", "normalization": "min_max"},
    "network": {
        "hidden": [{"int": [4, 9]}, 8],
        "activation": {"kind": "leaky_relu", "alpha": {"uniform": [0.0, 0.4]}},
        "output": "softmax",
    },
    "training": {
        "epochs": 2,
        "batch_size": {"int": [10, 90], "step": 10},
        "optimizer": {"kind": "sgd", "learning_rate": {"log_uniform": [0.01, 2.0]}},
        "loss": "cross_entropy",
    },
}

CONDITIONAL = {
    "name": "conditional",
    "trials": 3,
    "data": {"dataset": {"choice": ["digits", {"kind": "npz", "file": "a.npz"}]}},
    "network": {
        "hidden": {"choice": [[], [5], [{"int": [1, 64], "log": True}, {"int": [2, 4]}]]},
        "activation": {"choice": ["relu", {"kind": "leaky_relu", "alpha": {"choice": [0.1, {"uniform": [0, 1]}]}}]},
        "weights": {"kind": "uniform", "min": {"uniform": [-2.0, -1.0]}, "max": 1.0},
    },
    "training": {"epochs": {"int": [1, 3]}, "batch_size": 5, "optimizer": "sgd"},
}


def toml(value):
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime.date) else repr(value)


def text_of(tree):
    """A tree as the text of an experiment file, its sections as inline tables."""
    return "".join(f"{toml(key)} = {toml(value)}\n" for key, value in tree.items())


REMOVED = object()


def toy(**changes):
    """The text of a small experiment with other values: `training__epochs=5`, `network__hidden__0=REMOVED`."""
    tree = copy.deepcopy(TOY)
    for path, value in changes.items():
        *parents, key = (int(part) if part.isdecimal() else part for part in path.split("__"))
        here = tree
        for part in parents:
            here = here[part]
        if value is REMOVED:
            del here[key]
        else:
            here[key] = value
    return text_of(tree)


OWN = {
    "name": "own",
    "trials": 4,
    "seed": 7,
    "trainer": "mine:train",
    "epochs": 20,
    "parameters": {
        "learning_rate": {"log_uniform": [1e-5, 1e-1]},
        "model": {"layers": [{"int": [1, 4]}, 8], "activation": {"choice": ["relu", "tanh"]}},
        "fixed": True,
    },
    "objective": {"metric": "rmse", "direction": "min"},
}


def own(**changes):
    """The text of a small experiment with a trainer of the user's own, with other values at its top."""
    return text_of({key: value for key, value in {**OWN, **changes}.items() if value is not REMOVED})


def refusal(text, *overrides, kind=UsageError):
    """The message that answers a text, or the overrides, with a mistake."""
    with pytest.raises(kind) as caught:
        parse(text, "toy.toml", overrides).trials()
    assert caught.value.exit_code == 2
    message = str(caught.value)
    for line in message.split("\n"):
        assert line.isprintable()
    return message


def drawn(text, *overrides):
    """The parameters of all trials."""
    return [trial.parameters for trial in parse(text, "toy.toml", overrides).trials()]
