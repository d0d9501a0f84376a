"""Budgets: sweeps that start no more trials once a limit is reached, and those without a number of trials."""

import pytest

import sweep
from sweep.errors import SweepError, UsageError
from tests.engine_here import training_here

FILE = """
name = "limited"
{trials}
[data]
dataset = "digits"
[network]
hidden = [4]
activation = "relu"
weights = "he_normal"
biases = "zeros"
output = "softmax"
[training]
epochs = 3
batch_size = 100
optimizer = {{ kind = "sgd", learning_rate = {{ log_uniform = [0.01, 0.3] }} }}
loss = "cross_entropy"
"""


@pytest.fixture(autouse=True)
def here():
    with training_here():
        yield


@pytest.fixture
def path(tmp_path):
    def written(trials="trials = 6"):
        file = tmp_path / "limited.toml"
        file.write_text(FILE.format(trials=trials))
        return file

    return written


def statuses(results):
    return results.trials()["status"].tolist()


def test_so_many_epochs_are_trained(path):
    results = sweep.run(path(), epochs_total=7)
    assert statuses(results) == ["completed"] * 3 + ["queued"] * 3
    assert sweep.load().record.ended == "9 epochs are trained or begun, and 7 were asked for"


def test_a_value_that_is_reached_ends_it_and_resuming_goes_on(path):
    best = sweep.run(path(), name="whole").trials()["test_accuracy"]
    until = best[1:3].max()
    first = int((best >= until).to_numpy().nonzero()[0][0])
    results = sweep.run(path(), until=float(until))
    assert statuses(results) == ["completed"] * (first + 1) + ["queued"] * (5 - first)
    assert "was asked for" in sweep.load().record.ended
    assert statuses(sweep.resume()) == ["completed"] * 6
    assert sweep.load().record.ended is None
    assert sweep.load().trials()["test_accuracy"].equals(best)


def test_seconds_that_are_over(path):
    results = sweep.run(path(), duration=1e-9)
    assert statuses(results) == ["queued"] * 6
    assert sweep.load().record.ended == "the 1e-09 seconds that it was given are over"


def test_without_a_number_of_trials_as_many_are_drawn_as_fit(path):
    whole = sweep.run(path(), name="whole").trials()
    results = sweep.run(path(""), epochs_total=10)
    assert statuses(results) == ["completed"] * 4
    columns = ["test_accuracy", "learning_rate"]
    assert results.trials()[columns].equals(whole.loc[:3, columns])
    assert len(sweep.resume().trials()) == 4
    assert len(sweep.resume(epochs_total=16).trials()) == 6
    assert sweep.load().trials()[columns].equals(whole[columns])


def test_without_a_number_of_trials_and_without_a_budget_nothing_is_begun(path):
    with pytest.raises(SweepError, match="trials is missing; say how many to draw, such as trials = 100, or give a"):
        sweep.run(path(""))


def test_a_rule_that_waits_for_all_trials_has_to_know_their_number(path):
    with pytest.raises(SweepError, match="trials is missing, and the rule 'halving' has to know it"):
        sweep.run(path('stopping = "halving"'), epochs_total=10)


@pytest.mark.parametrize(
    "given", [{"duration": 0}, {"epochs_total": 0}, {"until": "high"}, {"until": float("nan")}, {"duration": 1e10}]
)
def test_a_wrong_budget_is_refused(path, given):
    with pytest.raises(UsageError):
        sweep.run(path(), **given)
