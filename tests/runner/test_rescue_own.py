"""Rescue of users' own trainers, whose state cannot be forked: their learning rate, and other seeds."""

import pytest

import sweep
from sweep.errors import UsageError
from sweep.runner.twin_results import members
from tests.runner.diverging import Listening

pytestmark = pytest.mark.usefixtures("here")


def train(config, trial):
    """Diverge with a rate above 1, in the third epoch."""
    for epoch in range(1, trial.epochs + 1):
        rate = config.get("lr", 2.0)
        yield {"rmse": float("nan") if rate > 1 and epoch == 3 else 1 / epoch}


def run(**parameters):
    return sweep.run(train, parameters=parameters, trials=2, epochs=6, objective=("rmse", "min"), name="mine")


def twins(results):
    return {each.change: each for each in members(results.record, results.store)}


def test_a_parameter_named_like_a_rate_is_halved_from_the_start():
    assert len(run(lr={"uniform": [1.5, 1.9]}).diverged()) == 2
    rescued = sweep.rescue(0, name="mine")
    found = twins(rescued)
    assert list(found) == ["rate / 2", "rate / 4", "seed"][: len(found)]
    assert found["rate / 2"].trial.status == "completed"
    assert found["rate / 2"].fork is None
    parent, twin = sweep.load("mine").trials(), rescued.trials()
    assert twin["lr"][found["rate / 2"].trial.number] == parent["lr"][0] / 2
    assert twin["parent"].unique().tolist() == ["mine/0"]


def test_a_limit_that_cannot_be_kept_is_refused():
    run(lr={"uniform": [1.5, 1.9]})
    with pytest.raises(UsageError, match=r"times must be at least 3, not 2\.5, as a trainer of your own begins again"):
        sweep.rescue(0, name="mine", times=2.5)


def test_without_such_a_parameter_only_other_seeds_are_tried_and_that_is_said():
    run(width={"int": [1, 9]})
    listening = Listening()
    rescued = sweep.rescue(1, name="mine", observer=listening)
    assert list(twins(rescued)) == ["seed"]
    assert rescued.trials()["status"].tolist() == ["diverged"]
    assert any(
        "no parameter of the trainer of mine/1 is named like a learning rate" in note for note in listening.notes
    )
