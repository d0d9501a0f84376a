"""The steps of a training as they are recorded, beside a training by hand and one that nobody watches."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layers import activations
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.dropout import dropout
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.nn.optimizers import Optimizer, adam, sgd
from sweep.records import Divergence
from sweep.training import tracing
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer
from tests.training.training_setup import blobs, network, settings

STEPS = 7
"""Mini-batches of an epoch."""


def trainer_of(**options):
    data = blobs()
    return NetworkTrainer(data, settings(data, **options))


def mixed(rate=0.01):
    """A network with every kind of state, and its optimizer."""
    he, zeros = INITIALIZERS["he_normal"](), INITIALIZERS["zeros"]()
    layers = {
        "layers[0]/affine": affine(6, he, None),
        "layers[1]/batch_norm": batch_norm(),
        "layers[2]/relu": activations.relu(),
        "layers[3]/dropout": dropout(0.3),
        "output": affine(3, he, zeros),
    }
    return {"net": Network(layers, LOSSES["cross_entropy"]["softmax"]), "optimizer": adam(rate)}


def diverging(**options):
    """A network that overflows within a few epochs."""
    return trainer_of(net=network(activation=activations.identity), optimizer=sgd(9.0), **options)


def spoiled(step):
    """SGD whose own state becomes infinite in a step, which nothing shows before the epoch has ended."""
    plain = sgd(0.2)

    def update(params, gradient, state, factor=1.0, scratch=None):
        plain.update(params, gradient, None, factor, None)
        state += 1
        state[state == step] = math.inf
        return state

    return Optimizer(lambda params: np.zeros(1), update)


def unwatched(trainer):
    """Train to the end; return the losses of all mini-batches in order, and where it diverged."""
    losses = []
    try:
        for epoch in trainer.epochs():
            if epoch.number:
                losses += trainer.batch_losses
    except Diverged as error:
        return losses + trainer.batch_losses, error.divergence
    return losses, None


def by_hand(trainer, count):
    """The largest absolute values of the first steps of a tanh perceptron, trained with plain products."""
    data, order = trainer.dataset.train, np.random.default_rng(2).permutation(50)
    rows = np.empty(data.x.shape)
    trainer.settings.normalization.apply(data.x, rows)
    weights = [trainer.params[place].copy() for place in (0, 2, 4)]
    found = []
    for start in range(0, 8 * count, 8):
        chosen = order[start : start + 8]
        z, sample = [rows[chosen].T], np.arange(len(chosen))
        u = []
        for layer, W in enumerate(weights):
            u.append(W[:, :-1] @ z[-1] + W[:, -1:])
            z.append(np.tanh(u[-1]) if layer < 2 else u[-1])
        p = np.exp(u[-1]) / np.exp(u[-1]).sum(0)
        loss = -np.log(p[data.t[chosen], sample]).mean()
        p[data.t[chosen], sample] -= 1
        row, dz = {"loss": loss}, p / len(chosen)
        for layer, name in zip((2, 1, 0), ("output", "hidden[1]", "hidden[0]"), strict=True):
            du = dz * (1 if layer == 2 else 1 - z[layer + 1] ** 2)
            dW = np.hstack([du @ z[layer].T, du.sum(1, keepdims=True)])
            arrays = {"u": u[layer], "z": z[layer + 1], "W": weights[layer][:, :-1], "dW": dW[:, :-1], "dz": dz}
            row |= {f"{name}/{kind}": np.abs(array).max() for kind, array in arrays.items()}
            dz = weights[layer][:, :-1].T @ du
            weights[layer] = weights[layer] - 0.2 * dW
        found.append(row)
    return found


def test_every_array_has_the_values_of_a_training_by_hand():
    trainer = trainer_of()
    expected = by_hand(trainer, 4)
    frame = tracing.record(trainer, 1, 4).frame
    assert {*frame.columns} == {"step", "epoch", "batch", *expected[0]}
    for row, wanted in zip(frame.to_dict("records"), expected, strict=True):
        assert {name: row[name] for name in wanted} == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("options", [{}, mixed(), {"dtype": "float32"}])
def test_watching_changes_no_bit(options):
    plain, watched = trainer_of(**options), trainer_of(**options)
    losses, _ = unwatched(plain)
    recording = tracing.record(watched, 1, 3 * STEPS)
    assert recording.frame["loss"].tolist() == losses
    assert recording.divergence is None
    metrics = watched.evaluation.metrics(watched.settings.network, plain.params, plain.state.layer_states, ["test"])
    assert all(map(math.isfinite, metrics.values()))
    assert watched.state.rng.bit_generator.state == plain.state.rng.bit_generator.state


def test_steps_are_counted_over_the_whole_training_and_reach_over_the_ends_of_epochs():
    losses, _ = unwatched(trainer_of())
    frame = tracing.record(trainer_of(), 6, 16).frame
    assert frame["step"].tolist() == [*range(6, 17)]
    assert frame["epoch"].tolist() == [1] * 2 + [2] * 7 + [3] * 2
    assert frame["batch"].tolist() == [6, 7, *range(1, 8), 1, 2]
    assert frame["loss"].tolist() == losses[5:16]
    assert tracing.record(trainer_of(), 20, 999).frame["step"].tolist() == [20, 21]


def test_a_training_that_goes_on_from_an_epoch_has_the_same_steps():
    whole = tracing.record(trainer_of(**mixed()), 10, 20).frame
    trainer = trainer_of(**mixed())
    next(epoch for epoch in trainer.epochs() if epoch.number == 1)
    assert tracing.record(trainer, 10, 20).frame.equals(whole)


def test_iterations_end_the_steps():
    trainer = trainer_of()
    trainer.settings = replace(trainer.settings, iterations=10, epochs=2)
    assert tracing.steps_in_all(trainer) == 10
    assert tracing.record(trainer, 8, 21).frame["step"].tolist() == [8, 9, 10]


def test_a_divergence_is_that_of_the_training_and_ends_the_steps():
    losses, divergence = unwatched(diverging(dtype="float32"))
    recording = tracing.record(diverging(dtype="float32"), 1, 99)
    assert recording.divergence == divergence
    *whole, last = recording.frame.to_dict("records")
    assert (last["epoch"], last["batch"]) == (divergence.epoch, divergence.step)
    assert [row["loss"] for row in whole] == losses
    assert all(math.isfinite(value) for row in whole for value in row.values())
    assert divergence.place == "output/forward"
    order = tracing.columns(tracing.weighted_layers(diverging()))
    place = order.index("output/u")
    assert last["output/u"] == last["output/z"] == math.inf  # one and the same array
    assert all(math.isfinite(last[name]) for name in order[:place])
    assert all(math.isnan(last[name]) for name in order[place + 2 :])


def test_the_arrays_of_the_last_finite_step_are_kept():
    trainer = diverging(dtype="float32")
    recording = tracing.record(trainer, 1, 99, keep_arrays=True)
    row = recording.frame.set_index("step").loc[recording.finite_step]
    assert recording.finite_step == recording.frame["step"].iloc[-2]
    assert {*recording.arrays} == {*tracing.columns(tracing.weighted_layers(trainer))}
    for name, array in recording.arrays.items():
        without_biases = array[:, :-1] if name.endswith("W") else array
        assert np.abs(without_biases).max() == row[name]
    assert np.isfinite(trainer.state.vector).all()
    assert not tracing.record(diverging(), 1, 2).arrays


def test_a_network_that_overflows_in_its_evaluation_is_recorded_up_to_there():
    trainer = trainer_of()
    evaluate, place = trainer.evaluate, Divergence(1, STEPS, "evaluation/output/forward", "overflow")

    def fail(number, steps):
        evaluate(number, steps)
        raise Diverged(place)

    trainer.evaluate = fail
    recording = tracing.record(trainer, 3, 2 * STEPS)
    assert recording.divergence == place
    assert recording.frame["step"].tolist() == [3, 4, 5, 6, 7]


def test_a_divergence_that_shows_itself_only_later_ends_the_steps_where_it_is():
    recording = tracing.record(trainer_of(optimizer=spoiled(4)), 1, 99, keep_arrays=True)
    assert recording.divergence == Divergence(1, 4, "hidden[0]/update", "overflow")
    assert recording.frame["step"].tolist() == [1, 2, 3, 4]
    assert recording.finite_step == 4


@pytest.mark.parametrize("options", [{}, mixed(), {"optimizer": spoiled(4)}])
def test_the_trainer_is_left_with_the_parameters_from_before_the_last_step(options):
    trainer = trainer_of(**options)
    last = tracing.record(trainer, 2, 4).frame.iloc[-1]
    for name, layer, params in zip(
        trainer.settings.network.layers, trainer.settings.network.layers.values(), trainer.params, strict=True
    ):
        if params is not None:
            weights = layer.weights(params)
            assert np.abs(weights if weights.size else params).max() == last[f"{name}/W"]
