"""The metrics of the parts, computed again by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import r2_score

from sweep.data import fit
from sweep.data.dataset import Dataset, Part, Target
from sweep.nn.initializers import normal, zeros
from sweep.nn.layers.activations import relu
from sweep.nn.network import Network, perceptron
from sweep.nn.optimizers import sgd
from sweep.nn.regression import REGRESSION_LOSSES, numbers
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.evaluation import Settings
from sweep.training.loop import NetworkTrainer
from tests.training.training_setup import blobs, settings


def part(rng, samples):
    x = rng.normal(size=(samples, 3))
    return Part(x, 50 + 7 * (x[:, 0] - 2 * x[:, 1]) + rng.normal(size=samples))


def numbers_dataset():
    rng = np.random.default_rng(0)
    parts = {"train": part(rng, 90), "validation": part(rng, 30), "test": part(rng, 40)}
    t = parts["train"].t
    return Dataset("line", parts, "regression", (), (3,), "0" * 64, Target(float(t.mean()), float(t.std())))


def regression(dataset, **options):
    layers = perceptron([4], relu, "relu", normal(0, 0.5), zeros(), 1)
    network = Network(layers, REGRESSION_LOSSES["mean_squared_error"], numbers)
    return Settings(
        network,
        sgd(0.05),
        fit("none", "all", dataset.train.x, np.float64),
        Batching(10),
        20,
        np.dtype(np.float64),
        Seeds(1, 2, 3),
        **options,
    )


def test_which_examples_are_right_is_what_the_outputs_say_after_each_epoch():
    dataset = blobs()
    some = Part(dataset.train.x[::3], dataset.train.t[::3])
    dataset = replace(dataset, parts={**dataset.parts, "validation": some})
    trainer = NetworkTrainer(dataset, settings(dataset))
    for epoch in trainer.epochs():
        for name in ("validation", "test"):
            right = trainer.correct(name)
            np.testing.assert_array_equal(right, trainer.outputs(name).argmax(0) == dataset.parts[name].t)
            assert right.mean() == epoch.metrics[f"{name}_accuracy"]
    assert trainer.correct("train") is None


def test_no_number_is_right_or_wrong():
    dataset = numbers_dataset()
    trainer = NetworkTrainer(dataset, regression(dataset))
    next(trainer.epochs())
    assert trainer.correct("test") is None


def test_regression_is_reported_in_the_units_of_the_target():
    dataset = numbers_dataset()
    trainer = NetworkTrainer(dataset, regression(dataset))
    *_, last = trainer.epochs()
    for name, each in dataset.parts.items():
        predicted = trainer.outputs(name)[0] * dataset.target.scale + dataset.target.mean
        errors = predicted - each.t
        assert last.metrics[f"{name}_rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
        assert last.metrics[f"{name}_r2"] == pytest.approx(r2_score(each.t, predicted))
        assert last.metrics[f"{name}_loss"] == pytest.approx(np.mean((errors / dataset.target.scale) ** 2))
    assert last.metrics["test_r2"] > 0.9


def test_each_part_is_evaluated():
    dataset = blobs()
    parts = {**dataset.parts, "validation": Part(dataset.test.x[:7], dataset.test.t[:7])}
    trainer = NetworkTrainer(replace(dataset, parts=parts), settings(dataset))
    metrics = next(trainer.epochs()).metrics
    predicted = trainer.outputs("validation").argmax(0)
    assert metrics["validation_accuracy"] == np.mean(predicted == dataset.test.t[:7])
    assert metrics.keys() == {f"{name}_{kind}" for name in parts for kind in ("loss", "accuracy")}


def test_a_validation_part_changes_no_bit_of_the_others():
    dataset = blobs()
    validated = replace(dataset, parts={**dataset.parts, "validation": dataset.test})
    plain, more = (list(NetworkTrainer(each, settings(each)).epochs()) for each in (dataset, validated))
    assert [e.metrics for e in plain] == [
        {name: value for name, value in e.metrics.items() if not name.startswith("validation")} for e in more
    ]


def test_other_measures_come_beside_the_accuracy():
    dataset = blobs()
    trainer = NetworkTrainer(dataset, replace(settings(dataset), measures=("f1", "balanced_accuracy")))
    *_, last = trainer.epochs()
    assert {"test_f1", "train_balanced_accuracy"} < last.metrics.keys()
    predicted, t = trainer.outputs("test").argmax(0), dataset.test.t
    recalls = [np.mean(predicted[t == each] == each) for each in np.unique(t)]
    assert last.metrics["test_balanced_accuracy"] == pytest.approx(np.mean(recalls))


class TestTheTrainingPart:
    def test_a_number_of_samples_stands_for_it(self):
        dataset = blobs()
        trainers = [NetworkTrainer(dataset, replace(settings(dataset), evaluate_train=12)) for _ in range(2)]
        one, two = ([epoch.metrics for epoch in trainer.epochs()] for trainer in trainers)
        assert one == two
        full = [epoch.metrics for epoch in NetworkTrainer(dataset, settings(dataset)).epochs()]
        assert [each["test_loss"] for each in one] == [each["test_loss"] for each in full]
        assert [each["train_loss"] for each in one] != [each["train_loss"] for each in full]
        assert all((each["train_accuracy"] * 12).is_integer() for each in one)

    def test_as_many_as_there_are_are_all(self):
        dataset = blobs()
        some = NetworkTrainer(dataset, replace(settings(dataset), evaluate_train=len(dataset.train.x)))
        full = NetworkTrainer(dataset, settings(dataset))
        assert [epoch.metrics for epoch in some.epochs()] == [epoch.metrics for epoch in full.epochs()]

    @pytest.mark.parametrize("batch_size", [7, 10])
    def test_its_figures_may_come_from_the_mini_batches(self, batch_size):
        dataset = blobs()
        how = settings(dataset, batch_size=batch_size)
        trainer = NetworkTrainer(dataset, replace(how, evaluate_train="running"))
        full = [epoch.metrics for epoch in NetworkTrainer(dataset, how).epochs()]
        for epoch, exact in zip(trainer.epochs(), full, strict=True):
            if epoch.number == 0:
                assert epoch.metrics == exact
                continue
            samples = len(dataset.train.x)
            sizes = [min(batch_size, samples - start) for start in range(0, samples, batch_size)]
            assert epoch.metrics["train_loss"] == pytest.approx(np.average(trainer.batch_losses, weights=sizes))
            assert epoch.metrics["test_loss"] == exact["test_loss"]
            assert 0 <= epoch.metrics["train_accuracy"] <= 1
            assert epoch.metrics["train_loss"] != exact["train_loss"]
