"""The training loop, against a textbook loop written for this test alone."""

from dataclasses import replace

import numpy as np
import pytest

from sweep.data import open_dataset, prepare
from sweep.nn import initializers
from sweep.nn.layers import activations
from sweep.nn.optimizers import OPTIMIZERS, Optimizer, sgd
from sweep.nn.penalties import Penalty
from sweep.records import Seeds
from sweep.training.loop import NetworkTrainer, train
from tests.training.training_setup import blobs, network, settings


def descend(learning_rate):
    """Return plain SGD as `textbook` takes it."""
    return lambda key, array, gradient, epoch: np.subtract(array, learning_rate * gradient, out=array)


def textbook(dataset, params, orders, batch_size, update):
    """Train a tanh perceptron with samples first, allocating everything; yield figures before and after each epoch."""
    scale = dataset.train.x.max() / 1.0 - dataset.train.x.min()
    parts = [
        ((x - float(dataset.train.x.min())) / scale, t)
        for x, t in ((dataset.train.x, dataset.train.t), (dataset.test.x, dataset.test.t))
    ]
    weights = [p[:, :-1].T.copy() for p in params]
    biases = [p[:, -1].copy() for p in params]

    def forward(x):
        inputs = [x]
        for W, b in list(zip(weights, biases, strict=True))[:-1]:
            inputs.append(np.tanh(inputs[-1] @ W + b))
        z = inputs[-1] @ weights[-1] + biases[-1]
        p = np.exp(z - z.max(1, keepdims=True))
        return inputs, p / p.sum(1, keepdims=True)

    def figures():
        result = []
        for x, t in parts:
            p = forward(x)[1]
            result += [-np.log(p[np.arange(len(t)), t]).mean(), (p.argmax(1) == t).mean()]
        return result

    yield figures()
    x, t = parts[0]
    for epoch, order in enumerate(orders, start=1):
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            inputs, p = forward(x[rows])
            delta = (p - np.eye(p.shape[1])[t[rows]]) / len(rows)
            for i in range(len(weights) - 1, -1, -1):
                below = (delta @ weights[i].T) * (1 - inputs[i] ** 2)
                update(("W", i), weights[i], inputs[i].T @ delta, epoch)
                update(("b", i), biases[i], delta.sum(0), epoch)
                delta = below
        yield figures()


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4), (4, 3, 5)])
@pytest.mark.parametrize("batch_size", [1, 7, 8, 50, 1000])
def test_epochs_equal_those_of_a_textbook_loop(hidden, batch_size):
    dataset = blobs()
    given = settings(dataset, network(hidden), batch_size=batch_size, epochs=3)
    assert_as_in_the_textbook(dataset, given, descend(0.2))


def assert_as_in_the_textbook(dataset, given, update):
    start = [p.copy() for p in NetworkTrainer(dataset, given).params if p is not None]
    rng = np.random.default_rng(given.seeds.shuffling)
    orders = [rng.permutation(len(dataset.train.x)) for _ in range(given.epochs)]
    expected = list(textbook(dataset, start, orders, given.batching.batch_size, update))

    epochs = list(train(dataset, given))

    assert [epoch.number for epoch in epochs] == list(range(given.epochs + 1))
    found = [
        (e.metrics["train_loss"], e.metrics["train_accuracy"], e.metrics["test_loss"], e.metrics["test_accuracy"])
        for e in epochs
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert epochs[-1].metrics["train_loss"] < epochs[0].metrics["train_loss"]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_of_the_whole_vector_does_to_each_layer_what_it_would_do_alone(kind):
    dataset = blobs()
    states = {}

    def update(key, array, gradient, epoch):
        state = states.get(key) or optimizer.init(array)
        states[key] = optimizer.update(array, gradient, state, 0.5 ** (epoch - 1))

    optimizer = OPTIMIZERS[kind](learning_rate=0.01)
    given = settings(dataset, optimizer=optimizer, batch_size=7, epochs=4)
    given = replace(given, schedule=lambda epoch, epochs: 0.5 ** (epoch - 1))
    assert_as_in_the_textbook(dataset, given, update)


@pytest.mark.parametrize("penalty", [Penalty(l1=0.01), Penalty(l2=0.05), Penalty(0.01, 0.05)])
def test_regularization_pulls_at_weights_and_leaves_biases_alone(penalty):
    dataset = blobs()

    def update(key, array, gradient, epoch):
        pull = penalty.l1 * np.sign(array) + penalty.l2 * array if key[0] == "W" else 0
        array -= 0.2 * (gradient + pull)

    assert_as_in_the_textbook(dataset, replace(settings(dataset), penalty=penalty), update)


def test_every_training_sample_is_seen_once_an_epoch_in_a_new_order():
    dataset = blobs(train=50)
    x = np.arange(50, dtype=np.uint8)[:, None].repeat(6, 1)
    marked = replace(dataset, parts={**dataset.parts, "train": replace(dataset.train, x=x)})
    seen = []
    net = network()
    first = net.layers["hidden[0]"]

    def forward(params, state, x, work, call):
        if call.train:
            seen.append(np.round(x[0] * 49).astype(int).tolist())  # min_max makes sample i of 50 equal to i/49
        return first.forward(params, state, x, work, call)

    watched = net._replace(layers={**net.layers, "hidden[0]": first._replace(forward=forward)})
    list(train(marked, settings(marked, watched, batch_size=8, epochs=2)))

    assert [len(batch) for batch in seen] == [8, 8, 8, 8, 8, 8, 2] * 2
    one, two = ([sample for batch in half for sample in batch] for half in (seen[:7], seen[7:]))
    assert sorted(one) == sorted(two) == list(range(50))
    assert one != two


def test_the_same_seeds_give_the_same_bits_and_others_do_not():
    dataset = blobs()

    def figures(seeds):
        return [replace(e, seconds=0) for e in train(dataset, settings(dataset, dtype="float32", seeds=seeds))]

    assert figures(Seeds(1, 2, 3)) == figures(Seeds(1, 2, 3))
    assert figures(Seeds(1, 2, 3))[0] == figures(Seeds(1, 9, 3))[0]
    assert figures(Seeds(1, 2, 3))[1] != figures(Seeds(1, 9, 3))[1]
    assert figures(Seeds(1, 2, 3))[0] != figures(Seeds(9, 2, 3))[0]


def test_float32_stays_float32_and_close_to_float64():
    dataset = blobs()
    single = list(train(dataset, settings(dataset, dtype="float32")))
    double = list(train(dataset, settings(dataset, dtype="float64")))
    trainer = NetworkTrainer(dataset, settings(dataset, dtype="float32"))
    trainer.run_epoch(1, np.arange(50))

    assert trainer.state.vector.dtype == np.float32
    assert all(p.dtype == np.float32 for p in trainer.params if p is not None)
    np.testing.assert_allclose(
        [e.metrics["test_loss"] for e in single], [e.metrics["test_loss"] for e in double], rtol=1e-4
    )
    assert single[-1].metrics["test_loss"] != double[-1].metrics["test_loss"]


def test_a_network_whose_outputs_are_all_alike_is_no_better_than_a_guess():
    dataset = blobs(train=300, test=300)
    silent = network(weights=initializers.zeros())

    untrained = next(train(dataset, settings(dataset, silent)))

    assert untrained.metrics["train_accuracy"] == np.mean(dataset.train.t == 0)
    assert untrained.metrics["train_loss"] == pytest.approx(np.log(3))


def test_figures_do_not_depend_on_where_the_evaluation_is_cut(monkeypatch):
    dataset = blobs(train=2500, test=1001)
    whole = list(train(dataset, settings(dataset, epochs=1)))
    monkeypatch.setattr("sweep.training.evaluation.EVALUATION_SAMPLES", 7)
    cut = list(train(dataset, settings(dataset, epochs=1)))

    assert [e.metrics["test_accuracy"] for e in cut] == [e.metrics["test_accuracy"] for e in whole]
    np.testing.assert_allclose(
        [e.metrics["train_loss"] for e in cut], [e.metrics["train_loss"] for e in whole], rtol=1e-12
    )


def test_the_data_set_is_left_alone_and_not_copied():
    dataset = blobs()
    arrays = [dataset.train.x, dataset.train.t, dataset.test.x, dataset.test.t]
    before = [a.copy() for a in arrays]
    for array in arrays:
        array.flags.writeable = False

    list(train(dataset, settings(dataset)))

    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_going_back_to_a_saved_moment_repeats_the_same_bits():
    dataset = blobs()
    counting = Optimizer(lambda p: 0, lambda p, g, n, *rest: sgd(0.1).update(p, g, None) or n + 1, takes_products=True)
    trainer = NetworkTrainer(dataset, settings(dataset, optimizer=counting, dtype="float32"))
    saved = trainer.state.save()
    trainer.run_epoch(1, np.arange(50))
    first, counts = trainer.state.vector.copy(), list(trainer.state.optimizer_states)
    trainer.state.restore(saved)
    assert not np.array_equal(trainer.state.vector, first)
    trainer.run_epoch(1, np.arange(50))

    np.testing.assert_array_equal(trainer.state.vector, first)
    assert trainer.state.optimizer_states == counts
    assert max(c for c in counts if c is not None) == 7  # steps of 8 samples of 50


def test_digits_are_learnt(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path))
    dataset = open_dataset(prepare("digits"))
    net = network((60, 30), activations.relu, classes=10)

    epochs = list(train(dataset, settings(dataset, net, batch_size=20, epochs=20, dtype="float32")))

    assert (len(dataset.train.x), len(dataset.test.x)) == (1347, 450)
    assert epochs[0].metrics["test_accuracy"] < 0.3
    assert epochs[-1].metrics["test_accuracy"] > 0.95
