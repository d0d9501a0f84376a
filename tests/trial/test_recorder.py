"""What a recorder tells stopping rules of a trial."""

from types import SimpleNamespace

import pytest

from sweep.metrics import Objective
from sweep.records import Epoch
from sweep.trial.recorder import Recorder

ACCURACIES = [0.1, 0.5, 0.7]


def curve(losses):
    metrics = [{"test_accuracy": value} for value in ACCURACIES]
    for each, loss in zip(metrics, losses, strict=False):
        each["train_loss"] = loss
    epochs = [Epoch(number, 1.0, each) for number, each in enumerate(metrics)]
    return Recorder(
        None, SimpleNamespace(epochs=epochs, objective=Objective(tie_break=None), number=3, correct=None)
    ).curve()


@pytest.mark.parametrize("losses", [[2.3, 1.2, 0.9], []])
def test_a_curve_has_the_losses_of_all_epochs_the_untrained_network_included(losses):
    found = curve(losses)
    assert (found.trial, found.values, found.losses) == (3, ACCURACIES[1:], losses)
