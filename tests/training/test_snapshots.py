"""Snapshots of the network trainer: training continues bit for bit, from files of every format; others are refused."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sweep.errors import WeightsError
from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layers.activations import relu
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.dropout import dropout
from sweep.nn.network import Network
from sweep.nn.optimizers import OPTIMIZERS
from sweep.system.arithmetic import ARITHMETIC, CHANGES
from sweep.system.environment import environment
from sweep.training import checkpoint, snapshots
from sweep.training.batches import Batching
from sweep.training.loop import NetworkTrainer
from tests.training.training_setup import blobs, network, settings

ABOUT = {"trial": 12}


def full_network():
    """Every kind of state that a layer can have: running statistics, a random mask, none."""
    he, zeros = INITIALIZERS["he_normal"](), INITIALIZERS["zeros"]()
    layers = {
        "hidden[0]": affine(7, he, zeros),
        "norm": batch_norm("feature", "cumulative"),
        "relu": relu(),
        "dropout": dropout(0.4),
        "output": affine(3, he, zeros),
    }
    return Network(layers, network().loss)


def given(kind="adam", epochs=6, net=None, shuffle="epoch", **options):
    made = settings(blobs(), net or full_network(), optimizer=OPTIMIZERS[kind](0.01), epochs=epochs, **options)
    return replace(made, batching=Batching(8, shuffle=shuffle), schedule=lambda epoch, epochs: 0.9**epoch)


def figures(epochs):
    return [replace(epoch, seconds=0) for epoch in epochs]


def stopped_after(count, how):
    trainer = NetworkTrainer(blobs(), how)
    for epoch in trainer.epochs():
        if epoch.number == count:
            return trainer
    raise AssertionError


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shuffle", ["epoch", "with_replacement"])
def test_what_is_read_back_goes_on_bit_for_bit(tmp_path, kind, dtype, shuffle):
    how = given(kind, dtype=dtype, shuffle=shuffle)
    whole = NetworkTrainer(blobs(), how)
    undisturbed = figures(whole.epochs())
    for stop in (0, 2, 5):
        path = tmp_path / f"{stop}.npz"
        checkpoint.write(snapshots.take(stopped_after(stop, how), ABOUT), path)

        again = NetworkTrainer(blobs(), how)
        snapshots.put(checkpoint.read(path), again)
        rest = figures(again.epochs())

        assert rest == undisturbed[stop + 1 if stop else 0 :]
        assert again.state.vector.tobytes() == whole.state.vector.tobytes()
        first, second = snapshots.take(again, {}), snapshots.take(whole, {})
        assert first.state == second.state
        assert {k: v.tobytes() for k, v in first.arrays.items()} == {k: v.tobytes() for k, v in second.arrays.items()}


def test_later_training_leaves_a_checkpoint_alone():
    trainer = NetworkTrainer(blobs(), given())
    epochs = trainer.epochs()
    next(epochs)
    next(epochs)
    taken = snapshots.take(trainer, ABOUT)
    before = {name: array.tobytes() for name, array in taken.arrays.items()}
    next(epochs)
    after = snapshots.take(trainer, ABOUT)

    assert {name: array.tobytes() for name, array in taken.arrays.items()} == before
    assert after.arrays["parameters.output"].tobytes() != before["parameters.output"]
    assert (taken.epoch, after.epoch) == (1, 2)


def test_a_checkpoint_can_be_put_back_again_and_again():
    taken = snapshots.take(stopped_after(3, given()), ABOUT)
    runs = []
    for _ in range(2):
        trainer = NetworkTrainer(blobs(), given())
        snapshots.put(taken, trainer)
        runs.append(figures(trainer.epochs()))
    assert runs[0] == runs[1]


def other_networks():
    wider = full_network().layers | {"hidden[0]": affine(8, INITIALIZERS["zeros"](), INITIALIZERS["zeros"]())}
    renamed = {f"my-{name}": layer for name, layer in full_network().layers.items()}
    plain = {name: layer for name, layer in full_network().layers.items() if name != "norm"}
    return {
        "wider": (given(net=Network(wider, network().loss)), r"parameters.hidden\[0\] is float64 of shape \(7, 7\)"),
        "renamed": (given(net=Network(renamed, network().loss)), r"lack parameters.my-hidden\[0\]"),
        "without a layer": (given(net=Network(plain, network().loss)), "optimizer.all.m is|has no parameters.norm"),
        "another optimizer": (given("sgd"), "lack|has no optimizer"),
        "another dtype": (given(dtype="float32"), "needs float32"),
    }


@pytest.mark.parametrize("other", other_networks())
def test_the_weights_of_another_network_are_refused_and_change_nothing(other):
    taken = snapshots.take(stopped_after(2, given()), ABOUT)
    how, words = other_networks()[other]
    trainer = NetworkTrainer(blobs(), how)
    before = trainer.state.vector.tobytes()
    with pytest.raises(WeightsError, match=words):
        snapshots.put(taken, trainer)
    assert trainer.state.vector.tobytes() == before
    assert trainer.state.epoch == 0


@pytest.mark.parametrize("generators", [{}, {"layers": {}, "shuffling": {}}, {"layers": 3, "shuffling": 4}])
def test_wrong_generator_states_are_refused(generators):
    taken = replace(snapshots.take(stopped_after(2, given()), ABOUT), state={"generators": generators})
    with pytest.raises(WeightsError, match="state of the generator"):
        snapshots.put(taken, NetworkTrainer(blobs(), given()))


# Files of format 1, written by the first release after two of six epochs

FORMAT_1 = Path(__file__).parent / "data" / "format-1"
REFERENCE = json.loads((FORMAT_1 / "reference.json").read_text())
"""For each optimizer, the figures of the first release's epochs 3 to 6 without a stop, and the parameters' digest."""


def is_the_same_blas():
    here = environment()
    return here["blas"] == REFERENCE["blas"] and here["numpy"] == REFERENCE["numpy"]


def continued(kind, snapshot):
    trainer = NetworkTrainer(blobs(), given(kind, dtype="float32"))
    snapshots.put(snapshot, trainer)
    names = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
    epochs = [[epoch.metrics[name] for name in names] for epoch in trainer.epochs()]
    return epochs, trainer


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_file_of_format_1_goes_on_as_the_first_release_did(kind, tmp_path):
    kept, expected = checkpoint.read(FORMAT_1 / f"{kind}.npz"), REFERENCE["trials"][kind]
    assert (kept.epoch, kept.about) == (2, ABOUT)
    with threadpool_limits(1):
        epochs, trainer = continued(kind, kept)
    np.testing.assert_allclose(epochs[0], expected["figures"][0], rtol=1e-6)
    if kind in CHANGES[2]:  # last bits, which these optimizers enlarge in biases before a batch normalization
        np.testing.assert_allclose(epochs, expected["figures"], atol=0.03)
        return
    np.testing.assert_allclose(epochs, expected["figures"], rtol=1e-6)  # batch normalization is evaluated otherwise
    if is_the_same_blas():
        assert hashlib.sha256(trainer.state.vector.tobytes()).hexdigest() == expected["sha256"]


def test_the_squares_of_adam_in_an_older_file_are_divided_by_1_minus_beta_2():
    taken = snapshots.take(stopped_after(2, given("adam")), ABOUT)
    assert taken.state["arithmetic"] == ARITHMETIC
    older = {**taken.arrays, "optimizer.all.v": taken.arrays["optimizer.all.v"] / (1 - 0.999)}
    states = {}
    for name, arrays, state in (("now", taken.arrays, taken.state), ("older", older, without_version(taken.state))):
        trainer = NetworkTrainer(blobs(), given("adam"))
        snapshots.put(replace(taken, arrays=arrays, state=state), trainer)
        states[name] = trainer.state.optimizer_states[0]
    np.testing.assert_array_equal(states["now"].v, taken.arrays["optimizer.all.v"])
    np.testing.assert_allclose(states["older"].v, states["now"].v, rtol=1e-15)
    np.testing.assert_array_equal(states["older"].m, states["now"].m)


def without_version(state):
    return {key: value for key, value in state.items() if key != "arithmetic"}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_file_of_format_1_can_be_written_in_the_present_format(kind, tmp_path):
    trainer = NetworkTrainer(blobs(), given(kind, dtype="float32"))
    snapshots.put(checkpoint.read(FORMAT_1 / f"{kind}.npz"), trainer)
    checkpoint.write(snapshots.take(trainer, ABOUT), tmp_path / "new.npz")
    names = set(checkpoint.read(tmp_path / "new.npz").arrays)
    assert not any(name.startswith("optimiser") for name in names)
    assert {name for name in names if name.startswith("optimizer")} == NAMES[kind]


NAMES = {
    "adagrad": {"optimizer.all.squares"},
    "adam": {"optimizer.all.m", "optimizer.all.v", "optimizer.all.steps"},
    "momentum": {"optimizer.all.velocity"},
    "nesterov": {"optimizer.all.velocity"},
    "one_step_momentum": {"optimizer.all.previous"},
    "rmsprop": {"optimizer.all.squares"},
    "sgd": set(),
}


@pytest.mark.parametrize(
    ("file", "kind"), [("adam", "momentum"), ("momentum", "adam"), ("sgd", "adam"), ("adam", "sgd")]
)
def test_a_file_of_format_1_of_an_optimizer_with_another_state_is_refused(file, kind):
    trainer = NetworkTrainer(blobs(), given(kind, dtype="float32"))
    with pytest.raises(WeightsError, match=r"of another network: (they lack|this one has no) optimi[sz]er"):
        snapshots.put(checkpoint.read(FORMAT_1 / f"{file}.npz"), trainer)
    assert trainer.state.epoch == 0


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_no_work_array_is_part_of_a_snapshot(kind):
    snapshot = snapshots.take(stopped_after(1, given(kind)), ABOUT)
    assert {name for name in snapshot.arrays if name.startswith("optimizer")} == NAMES[kind]
