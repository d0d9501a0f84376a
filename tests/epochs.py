"""Epochs of a classifier, as tests make them."""

from sweep.records import Epoch


def measured(number, train_loss, train_accuracy, test_loss, test_accuracy, seconds):
    """Return an epoch with these figures."""
    metrics = {
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "test_loss": test_loss,
        "test_accuracy": test_accuracy,
    }
    return Epoch(number, seconds, metrics)
