"""Changes that may keep a training from diverging: which there are, what each changes, and their order."""

import pytest

from sweep.experiment.checks import check_configuration
from sweep.records import Seeds
from sweep.runner.changes import ORDER, changes, own_rate, spoken

SEEDS, OTHER = Seeds(1, 2, 3), Seeds(4, 5, 6)
NETWORK = {
    "data": {"dataset": "digits", "normalization": "min_max"},
    "network": {"hidden": [9], "activation": {"kind": "leaky_relu", "alpha": 0.2}},
    "training": {"epochs": 3, "batch_size": 20, "optimizer": {"kind": "sgd", "learning_rate": 0.8}},
}
OWN = {
    "trainer": {"kind": "function", "function": "mine:train"},
    "parameters": {"width": 3, "optimizer": {"Learning_Rate": 0.4, "rates": [1.0]}},
}


def made(configuration=NETWORK, norm=1.5):
    return {change.name: change for change in changes(configuration, SEEDS, OTHER, norm)}


def with_training(**values):
    return {**NETWORK, "training": {**NETWORK["training"], **values}}


def test_all_changes_are_made_in_the_order_of_their_size():
    assert list(made()) == [name for name in ORDER if name != "min_max"]


def test_each_change_is_one_change_that_can_be_trained():
    for change in made().values():
        check_configuration(change.configuration, change.name)
        differing = [name for name in NETWORK if change.configuration[name] != NETWORK[name]]
        assert len(differing) + (change.seeds != SEEDS) == 1, change.name


def test_the_values_of_the_changes():
    found = made()
    training = {name: change.configuration["training"] for name, change in found.items()}
    assert training["clip"]["clip_norm"] == 1.5
    assert training["warm-up"]["schedule"] == {"kind": "warmup", "epochs": 1}
    assert training["rate / 2"]["optimizer"] == {"kind": "sgd", "learning_rate": 0.4}
    assert training["rate / 4"]["optimizer"] == {"kind": "sgd", "learning_rate": 0.2}
    assert training["float64"]["dtype"] == "float64"
    assert found["slope 0"].configuration["network"]["activation"] == {"kind": "leaky_relu", "alpha": 0.0}
    assert found["z_score"].configuration["data"]["normalization"] == {"kind": "z_score"}
    assert found["seed"].seeds == OTHER
    assert found["rate / 2"].words == "learning_rate 0.8 → 0.4"
    assert [name for name, change in found.items() if not change.forks] == ["warm-up", "z_score"]
    assert NETWORK["training"]["optimizer"]["learning_rate"] == 0.8


@pytest.mark.parametrize(
    ("configuration", "norm", "missing"),
    [
        (NETWORK, None, "clip"),
        (with_training(clip_norm=1.0), 2.0, "clip"),
        (with_training(dtype="float64"), 2.0, "float64"),
        (with_training(schedule={"kind": "warmup", "epochs": 2.0}), 2.0, "warm-up"),
        ({**NETWORK, "network": {"hidden": [9], "activation": "relu"}}, 2.0, "slope 0"),
        ({**NETWORK, "network": {"hidden": [9], "activation": {"kind": "leaky_relu", "alpha": 0.0}}}, 2.0, "slope 0"),
    ],
)
def test_a_change_that_would_be_none_is_not_made(configuration, norm, missing):
    assert made(configuration, norm).keys() == made().keys() - {missing}


def test_defaults_that_are_not_written_are_changed_as_well():
    network = {"layers": ["leaky_relu", {"kind": "affine", "units": 3}, {"kind": "leaky_relu", "alpha": 0.3}]}
    plain = {
        "data": {"dataset": "digits"},
        "network": network,
        "training": {"epochs": 3, "batch_size": 20, "optimizer": "adam", "schedule": "cosine"},
    }
    found = made(plain)
    assert found["rate / 2"].configuration["training"]["optimizer"] == {"kind": "adam", "learning_rate": 0.0005}
    flat = found["slope 0"].configuration["network"]["layers"]
    assert flat == [{"kind": "leaky_relu", "alpha": 0.0}, network["layers"][1], {"kind": "leaky_relu", "alpha": 0.0}]
    assert found["slope 0"].words == "alpha 0.01 and 0.3 → 0"
    assert found["z_score"].words == "normalization none → z_score"
    warm = found["warm-up"].configuration["training"]["schedule"]
    assert warm == {"kind": "warmup", "epochs": 1, "then": {"kind": "cosine"}}
    for change in found.values():
        check_configuration(change.configuration, change.name)


def test_of_a_users_own_trainer_the_rate_and_the_seeds_change():
    found = made(OWN)
    assert list(found) == ["rate / 2", "rate / 4", "seed"]
    assert found["rate / 4"].configuration["parameters"] == {
        "width": 3,
        "optimizer": {"Learning_Rate": 0.1, "rates": [1.0]},
    }
    assert not found["rate / 2"].forks
    assert own_rate(OWN) == ("optimizer.Learning_Rate", 0.4)


@pytest.mark.parametrize("parameters", [{}, {"rate": 1.0}, {"lr": "fast"}, {"lr": True}, {"lr": 0.0}, {"lr": {"a": 1}}])
def test_without_a_number_named_like_a_rate_only_the_seeds_change(parameters):
    assert list(made({**OWN, "parameters": parameters})) == ["seed"]


def test_names_are_spoken():
    assert [spoken(name) for name in ("clip", "rate / 2", "float64")] == ["clipping", "half the rate", "float64"]
