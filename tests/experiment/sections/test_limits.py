"""The section `limits`: what it takes, and that it changes nothing where it is not given."""

from zlib import crc32

import numpy as np
import pytest

from sweep.experiment.file import parse
from sweep.stopping.limit import SecondsPerEpoch
from sweep.stopping.median import Median
from tests.experiment.sections.test_stopping import rules
from tests.experiment.toys import own, refusal, toy


def test_there_are_none_by_default():
    assert parse(toy(limits={}), "x").fingerprint == parse(toy(), "x").fingerprint
    assert rules(toy(limits={})) == {}


@pytest.mark.parametrize("limits", [{"parameters": 99}, {"megabytes": 1}, {"megabytes": 0.5}, {"seconds_per_epoch": 2}])
def test_limits_enter_the_fingerprint_and_change_no_first_draw(limits):
    experiment = parse(toy(limits=limits), "x")
    assert experiment.fingerprint != parse(toy(), "x").fingerprint
    assert experiment.trials() == parse(toy(), "x").trials()


def test_the_command_line_gives_one():
    assert parse(toy(), "x", ["limits.parameters=5_000"]).header.limits.given() == {"parameters": 5000}
    assert parse(own(), "x", ["limits.seconds_per_epoch=2"]).header.limits.given() == {"seconds_per_epoch": 2}


def test_a_limit_of_time_comes_before_the_rules():
    found = rules(toy(limits={"seconds_per_epoch": 2, "parameters": 9}, stopping="median"))
    assert list(found.items()) == [("seconds_per_epoch", SecondsPerEpoch(2)), ("median", Median(3, 5))]


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"paramters": 9}, "limits has no key 'paramters'; did you mean 'parameters'?"),
        ({"parameters": 0}, "limits.parameters is 0, but must be greater than or equal to 1"),
        ({"parameters": 9.5}, "limits.parameters is 9.5, but must be an integer"),
        ({"megabytes": 0}, "limits.megabytes is 0, but must be greater than 0"),
        ({"seconds_per_epoch": "2"}, "limits.seconds_per_epoch is '2', but must be a number"),
        (7, "limits is 7, but must be a table"),
    ],
)
def test_a_mistake_is_answered_with_file_and_key(limits, sentence):
    assert refusal(toy(limits=limits)) == f"toy.toml: {sentence}"


@pytest.mark.parametrize("limit", ["parameters", "megabytes"])
def test_a_trainer_of_ones_own_has_a_limit_of_time_alone(limit):
    message = refusal(own(limits={limit: 9}))
    assert message == (
        f"toy.toml: limits has no key '{limit}'; sweep does not know the network of a trainer of one's own; "
        "seconds_per_epoch limits any training"
    )


@pytest.mark.parametrize("redraws", [1, 2, 1000])
def test_a_redraw_depends_on_seed_trial_and_its_number_alone(redraws):
    experiment = parse(toy(trials=2), "x")
    alone = experiment.trials(lambda trial: trial.number == 1 and trial.redraws < redraws)
    both = experiment.trials(lambda trial: trial.redraws < redraws)
    assert alone[1] == both[1]
    assert (alone[0].redraws, alone[1].redraws) == (0, redraws)
    assert both[0].parameters != both[1].parameters
    name = "network.activation.alpha"
    bits = np.random.SeedSequence(7, spawn_key=(1, crc32(f"{name}|redraw {redraws}".encode())))
    uniform = (int(bits.generate_state(1, np.uint64)[0]) >> 11) / 2**53
    assert alone[1].parameters[name] == pytest.approx(0.4 * uniform, rel=1e-15)
    assert alone[0] == experiment.trials()[0]
    assert alone[1].seeds == experiment.trials()[1].seeds
