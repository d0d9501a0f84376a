"""Which trials are said never to have learned, or to have lost it all, and why: by figures, and on digits."""

import math
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweep.data import open_dataset, prepare
from sweep.data.dataset import Dataset, Part
from sweep.experiment.sections import Configuration
from sweep.metrics import Objective
from sweep.records import Epoch, Seeds
from sweep.training.build import network_settings
from sweep.training.dead_units import dead_shares, flat_shares, sample_rows
from sweep.training.findings import short
from sweep.training.loop import NetworkTrainer
from sweep.training.unlearned import CHANCE, finding, slow_words, tail


@given(st.integers(1, 2000), st.floats(0.01, 0.99), st.data())
def test_the_bound_is_above_the_binomial_tail(samples, probability, data):
    hits = data.draw(st.integers(0, samples))
    exact = stats.binom.sf(hits - 1, samples, probability)
    assert tail(hits / samples, probability, samples) >= exact * (1 - 1e-9)


def test_the_bound_is_of_the_size_of_the_binomial_tail():
    for hits in (130, 150, 200):
        bound, exact = tail(hits / 1000, 0.1, 1000), stats.binom.sf(hits - 1, 1000, 0.1)
        assert math.log(exact) * 0.6 > math.log(bound) > math.log(exact)
    assert tail(1.0, 0.5, 10) == pytest.approx(0.5**10)
    assert tail(0.5, 0.5, 10) == 1 == tail(0.1, 0.5, 10)
    assert tail(0.1, 0.0, 10) == 0


# By figures alone, as of a user's own trainer: 1,000 test samples, a tenth of each class but the first, of which 190.

T = np.repeat(np.arange(10), [190, *[90] * 9])
DATASET = Dataset(
    "made", {"train": Part(T[:, None], T), "test": Part(T[:, None], T)}, "classification", "abcdefghij", (1,), ""
)


def epochs_of(accuracies, losses=(), train=()):
    """Epochs from 0 on with the test accuracies, and with losses and accuracies of the training part if given."""
    metrics = [{"test_accuracy": value} for value in accuracies]
    for name, values in (("train_loss", losses), ("train_accuracy", train)):
        for each, value in zip(metrics, values, strict=False):
            each[name] = value
    return [Epoch(number, 0.1, each) for number, each in enumerate(metrics)]


def found(*series, dataset=DATASET, objective=Objective()):
    return finding(None, dataset, epochs_of(*series), objective)


def test_a_trial_that_has_learned_is_no_finding():
    assert found([0.1, 0.3, 0.6, 0.9]) is None
    assert found([0.1, 0.5, 0.5]) is None


def test_the_share_of_the_commonest_class_is_what_guessing_reaches():
    words = (
        "never learned in 3 epochs (cause unknown): test_accuracy 0.1900 at best, and the commonest class has 0.1900"
    )
    assert found([0.05, 0.19, 0.09, 0.19]) == words
    assert found([0.05, 0.01]) == words.replace("3 epochs", "1 epoch").replace("0.1900 at", "0.0100 at")


def test_chance_is_that_of_all_epochs_together():
    lucky = next(hits for hits in range(190, 300) if tail(hits / 1000, 0.19, 1000) <= CHANCE) / 1000
    assert found([0.1, lucky]) is None
    assert found([0.1, *[0.19] * 99, lucky]).startswith("never learned in 100 epochs")
    assert found([0.1, *[0.19] * 99, lucky + 0.02, 0.26]) is None


def test_an_untrained_network_may_be_better_than_the_commonest_class():
    words = "never learned in 3 epochs (cause unknown): test_accuracy 0.3100 at best, and 0.3000 before training"
    assert found([0.3, 0.3, 0.3, 0.31]) == words
    assert found([0.3, 0.3, 0.3, 0.31], [2.3, 2.29, 2.28, 2.27]).startswith("never learned in 3 epochs")
    assert found([0.3, 0.3, 0.3, 0.31], [2.3, 1.9, 1.8, 1.7]) is None
    assert found([0.3, 0.3, 0.3, 0.5]) is None
    assert found([0.1, 0.19, 0.19], [2.3, 1.9, 1.8]).startswith("never learned")  # it has learned the shares alone


def test_a_trial_that_lost_all_has_collapsed():
    words = found([0.1, 0.5, 0.8, 0.19, 0.09])
    assert words.startswith("collapsed after epoch 2 (cause unknown)")
    assert short(words) == "collapsed: cause unknown"


def test_few_samples_are_no_proof_that_nothing_was_learned():
    few = Part(np.zeros((8, 1)), np.arange(8) % 2)
    dataset = Dataset("few", {"train": few, "test": few}, "classification", ("a", "b"), (1,), "")
    assert tail(1.0, 0.5, 8) > CHANCE
    assert found([0.5, 1.0, 1.0], dataset=dataset) is None
    assert found([0.5, 0.5, 0.5], [], [0.5, 0.9, 1.0], dataset=dataset) is None
    assert found([0.5, 0.5, 0.5], [], [0.5, 0.5, 0.5], dataset=dataset).startswith("never learned")


def test_the_part_is_that_of_the_objective():
    others = {"validation_accuracy": 0.1, "train_accuracy": 0.1}
    epochs = [Epoch(number, 0.1, {"test_accuracy": number / 4, **others}) for number in range(3)]
    dataset = Dataset("made", {**DATASET.parts, "validation": DATASET.test}, "classification", "abcdefghij", (1,), "")
    words = finding(None, dataset, epochs, Objective("validation_loss", "min"))
    assert "validation_accuracy 0.1000 at best" in words
    assert finding(None, dataset, epochs, Objective("test_loss", "min")) is None
    assert "validation_accuracy" in finding(None, dataset, epochs, Objective("mine", "min"))


@pytest.mark.parametrize(
    "epochs",
    [[], [Epoch(0, 0.1, {"test_accuracy": 0.1})], [Epoch(1, 0.1, {"rmse": 0.1})], epochs_of([10.0, 11.0])],
    ids=["none", "only the untrained one", "no accuracy", "percent"],
)
def test_without_an_accuracy_nothing_is_said(epochs):
    assert finding(None, DATASET, epochs, Objective()) is None
    assert finding(None, None, epochs_of([0.1, 0.1]), Objective()) is None


def test_a_loss_that_falls_slowly_and_steadily_is_one_of_too_small_a_rate():
    words = "the training loss has fallen by 1 % in 10 epochs, a pace that halves it in about 500 epochs"
    assert slow_words([2 - 0.002 * epoch for epoch in range(11)]) == words
    assert slow_words([2.0] * 4) == "the training loss has not changed in 3 epochs"
    assert slow_words([2.0, 2.0 - 1e-7, 2.0]) == "the training loss has not changed in 2 epochs"
    assert slow_words([2 - 0.03 * epoch for epoch in range(11)]) is None  # fast enough
    assert slow_words([2.4] + [2.303 - 1e-5 * epoch for epoch in range(11)]) is None  # at rest
    assert slow_words([2 + 0.002 * epoch for epoch in range(11)]) is None  # rising
    assert slow_words([2 - 0.002 * epoch + 0.01 * (epoch % 2) for epoch in range(11)]) is None  # up and down
    assert slow_words([2.0, 1.99]) is slow_words([]) is None


# On digits


@cache
def digits():
    folder = prepare("digits")
    return open_dataset(folder), str(folder)


def trained(
    rate, activation="relu", optimizer="sgd", loss="cross_entropy", weights="he_normal", epochs=6, hidden=(30, 20)
):
    dataset, folder = digits()
    sections = {
        "data": {"dataset": "digits", "normalization": "min_max"},
        "network": {"hidden": list(hidden), "activation": activation, "weights": weights, "biases": "zeros"},
        "training": {
            **{"epochs": epochs, "batch_size": 20, "loss": loss},
            "optimizer": {"kind": optimizer, "learning_rate": rate},
        },
    }
    made = Configuration.model_validate(sections)
    trainer = NetworkTrainer(dataset, network_settings(made, dataset, folder, Seeds(1, 2, 3)))
    return trainer, list(trainer.epochs())


LARGE = {"kind": "normal", "std": 50.0}


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        (
            {"rate": 3.0},
            "dead units",
            r"predicts class \d for all .* test part; \d+ % of the units of hidden.1./relu are",
        ),
        (
            {"rate": 1e-6},
            "learning rate too small",
            r"fallen by 0\.0\d+ % in 6 epochs, a pace that halves it in about \d+,000 epochs",
        ),
        ({"rate": 1e-9}, "learning rate too small", "the training loss has not changed in 6 epochs"),
        (
            {"rate": 0.001, "activation": "sigmoid", "optimizer": "adam", "weights": LARGE},
            "saturated units",
            r"9\d % of the outputs of hidden.\d./sigmoid are saturated",
        ),
        (
            {"rate": 0.1, "loss": "mean_squared_error", "weights": LARGE, "hidden": ()},
            "saturated outputs",
            r"the loss has no gradient for 9\d % of the wrong outputs",
        ),
        (
            {"rate": 0.01, "activation": "sigmoid", "hidden": [20] * 4, "weights": "glorot_normal"},
            "cause unknown",
            r"predicts class \d for all samples of the test part$",
        ),
    ],
    ids=["huge rate", "tiny rate", "rate below rounding", "saturated sigmoids", "saturated outputs", "plateau"],
)
def test_networks_that_never_learn(values, kind, words):
    trainer, epochs = trained(**values)
    found = finding(trainer, trainer.dataset, epochs, Objective())
    assert short(found) == f"never learned: {kind}", found
    assert re.search(words, found), found


def test_a_network_that_learns_is_asked_for_nothing():
    trainer, epochs = trained(0.1, epochs=2)
    trainer.outputs = trainer.evaluation.outputs = None  # not callable
    assert finding(trainer, trainer.dataset, epochs, Objective()) is None


def test_a_network_that_dies_after_it_has_learned():
    trainer, epochs = trained(0.1, epochs=2)
    for layer in (0, 2):
        trainer.params[layer][:] = -np.abs(trainer.params[layer])
    epochs.append(Epoch(3, 0.1, trainer.evaluate(3, 72)))
    found = finding(trainer, trainer.dataset, epochs, Objective())
    assert short(found) == "collapsed: dead units"
    assert found.startswith("collapsed after epoch 2 (dead units): predicts class ")


def test_saturated_outputs_are_counted_one_by_one():
    trainer, _ = trained(0.1, "sigmoid", weights=LARGE, epochs=1, hidden=(30,))
    x = trainer.dataset.train.x[sample_rows(trainer)] / trainer.dataset.train.x.max()
    u = trainer.params[0] @ np.vstack([x.T, np.ones(len(x))])
    expected = np.mean(1 / (2 + np.exp(u) + np.exp(-u)) <= 1e-3 / 4)
    assert 0.9 < expected < 1
    assert flat_shares(trainer)["hidden[0]/sigmoid"] == pytest.approx(expected, abs=1e-3)
    assert dead_shares(trainer)["hidden[0]/sigmoid"] < 0.5


def test_a_rate_is_not_too_small_where_the_parameters_have_moved_far():
    trainer, epochs = trained(1e-6)
    assert short(finding(trainer, trainer.dataset, epochs, Objective())) == "never learned: learning rate too small"
    trainer.state.vector *= 1.2
    assert short(finding(trainer, trainer.dataset, epochs, Objective())) != "never learned: learning rate too small"


def test_what_was_never_much_better_than_guessing_has_not_collapsed():
    assert found([0.19, 0.26, 0.19], [2.3, 1.5, 1.4]) is None
    assert found([0.19, 0.5, 0.19], [2.3, 1.5, 1.4]).startswith("collapsed after epoch 1")
