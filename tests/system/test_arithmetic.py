"""Versions of the arithmetic: which networks each has moved, and how a stored version is read."""

import pytest

from sweep.experiment.file import parse
from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.optimizers import OPTIMIZERS
from sweep.system.arithmetic import ARITHMETIC, CHANGES, arithmetic_of, moved_since
from sweep.system.environment import differences, environment

TEXT = """
name = "small"
trials = 1
[data]
dataset = "digits"
[network]
{network}
[training]
epochs = 1
batch_size = 10
{training}
"""
SGD = 'optimizer = { kind = "sgd", learning_rate = 0.1 }'
LAYERED = "layers = ['flatten', { kind = 'affine', units = 3 }, 'batch_norm', 'swish']"


def moved(network, training=SGD, version=1):
    (trial,) = parse(TEXT.format(network=network, training=training), "small.toml").trials()
    return moved_since(version, trial.configuration)


@pytest.mark.parametrize(
    ("network", "training", "kinds"),
    [
        ("hidden = [5]", SGD, []),
        ("hidden = [5]", "optimizer = 'adam'", ["adam"]),
        ("hidden = [5]", "optimizer = { kind = 'rmsprop', learning_rate = 0.1 }", ["rmsprop"]),
        ("hidden = [5]\nactivation = 'sigmoid'", SGD, ["sigmoid"]),
        ("hidden = [5]\noutput = 'sigmoid'", f"{SGD}\nloss = 'binary_cross_entropy'", ["sigmoid"]),
        ("hidden = [5]\nactivation = 'softplus'", "optimizer = 'momentum'", ["softplus"]),
        (LAYERED, SGD, ["batch_norm", "swish"]),
    ],
)
def test_what_version_2_has_moved(network, training, kinds):
    assert moved(network, training) == [CHANGES[2][kind] for kind in kinds]
    assert moved(network, training, version=2) == []


def test_trials_of_other_trainers_have_not_moved():
    assert moved_since(1, {"trainer": {"kind": "function", "function": "adam"}, "parameters": {"kind": "adam"}}) == []


def test_every_change_is_of_a_kind():
    assert max(CHANGES) == ARITHMETIC
    assert {kind for changes in CHANGES.values() for kind in changes} <= {*ACTIVATIONS, *LAYERS, *OPTIMIZERS}


def test_the_version_is_part_of_the_environment_and_1_where_it_is_missing():
    now = environment()
    assert arithmetic_of(now) == ARITHMETIC
    older = {key: value for key, value in now.items() if key != "arithmetic"}
    assert arithmetic_of(older) == 1
    assert differences(older, now) == f"arithmetic 1 -> {ARITHMETIC}"
    assert differences(now, now) == ""
