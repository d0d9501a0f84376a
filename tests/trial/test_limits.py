"""The limit of time in a worker: of a trainer of one's own, and of a trial that is gone on with."""

from types import SimpleNamespace

import sweep
from sweep.metrics import Objective
from sweep.records import Epoch
from sweep.trial.recorder import Recorder
from tests.engine_here import training_here


def slow(config, trial):
    """Yield a metric for every epoch."""
    for epoch in range(trial.epochs):
        yield {"size": config["width"] + epoch}


def test_a_training_function_has_a_limit_of_time_and_no_size(here):
    parameters = {"width": {"int": [1, 9]}}
    file = {"name": "mine", "trainer": f"{__name__}:slow", "trials": 2, "epochs": 3, "parameters": parameters}
    objective = {"metric": "size", "direction": "max"}
    with training_here():
        results = sweep.run({**file, "objective": objective, "limits": {"seconds_per_epoch": 1e-9}})
        patient = sweep.run({**file, "objective": objective, "limits": {"seconds_per_epoch": 99}}, name="patient")
    assert results.trials()["status"].tolist() == ["pruned"] * 2
    assert results.trials()["epochs"].tolist() == [1, 1]
    assert "by the limit 'seconds_per_epoch'" in results.trial(1).error
    assert patient.trials()["status"].tolist() == ["completed"] * 2
    assert not {"network_parameters", "multiplications"} & set(patient.trials())
    assert patient.trial(0).network_parameters is None


def test_the_time_of_the_first_epoch_is_that_of_the_attempt_that_had_it():
    epochs = [Epoch(number, seconds, {"test_accuracy": 0.5}) for number, seconds in enumerate([9.0, 2.5, 0.1])]
    claim = SimpleNamespace(epochs=epochs, objective=Objective(tie_break=None), number=3, correct=None)
    assert Recorder(None, claim).curve().seconds == [2.5, 0.1]
