"""Checkpoints: what is put back goes on as if there had been no stop, and nothing foreign or damaged gets in."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from sweep.errors import WeightsError
from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layers.activations import relu
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.dropout import dropout
from sweep.nn.network import Network
from sweep.nn.optimizers import OPTIMIZERS
from sweep.training import checkpoint
from sweep.training.batches import Batching
from sweep.training.loop import Trainer
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
    trainer = Trainer(blobs(), how)
    for epoch in trainer.epochs():
        if epoch.number == count:
            return trainer
    raise AssertionError


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shuffle", ["epoch", "with_replacement"])
def test_what_is_read_back_goes_on_bit_for_bit(tmp_path, kind, dtype, shuffle):
    how = given(kind, dtype=dtype, shuffle=shuffle)
    whole = Trainer(blobs(), how)
    undisturbed = figures(whole.epochs())
    for stop in (0, 2, 5):
        path = tmp_path / f"{stop}.npz"
        checkpoint.write(checkpoint.take(stopped_after(stop, how), ABOUT), path)

        again = Trainer(blobs(), how)
        checkpoint.put(checkpoint.read(path), again)
        rest = figures(again.epochs())

        assert rest == undisturbed[stop + 1 if stop else 0 :]
        assert again.training.vector.tobytes() == whole.training.vector.tobytes()
        first, second = checkpoint.take(again, {}), checkpoint.take(whole, {})
        assert first.generators == second.generators
        assert {k: v.tobytes() for k, v in first.arrays.items()} == {k: v.tobytes() for k, v in second.arrays.items()}


def test_later_training_leaves_a_checkpoint_alone():
    trainer = Trainer(blobs(), given())
    epochs = trainer.epochs()
    next(epochs)
    next(epochs)
    taken = checkpoint.take(trainer, ABOUT)
    before = {name: array.tobytes() for name, array in taken.arrays.items()}
    next(epochs)
    after = checkpoint.take(trainer, ABOUT)

    assert {name: array.tobytes() for name, array in taken.arrays.items()} == before
    assert after.arrays["parameters.output"].tobytes() != before["parameters.output"]
    assert (taken.epoch, after.epoch) == (1, 2)


def test_a_checkpoint_can_be_put_back_again_and_again():
    taken = checkpoint.take(stopped_after(3, given()), ABOUT)
    runs = []
    for _ in range(2):
        trainer = Trainer(blobs(), given())
        checkpoint.put(taken, trainer)
        runs.append(figures(trainer.epochs()))
    assert runs[0] == runs[1]


def test_the_file_can_be_read_with_numpy_alone(tmp_path):
    path = tmp_path / "new" / "12-1.npz"
    trainer = stopped_after(2, given())
    checkpoint.write(checkpoint.take(trainer, ABOUT), path)

    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["parameters.hidden[0]"], trainer.params[0])
        assert archive["parameters.hidden[0]"].shape == (7, 6 + 1)
        assert archive["states.norm.batches"] == 2 * 7
        assert json.loads(str(archive["about"]))["about"] == ABOUT
    assert [file.name for file in path.parent.iterdir()] == ["12-1.npz"]


def other_networks():
    wider = full_network().layers | {"hidden[0]": affine(8, INITIALIZERS["zeros"](), INITIALIZERS["zeros"]())}
    renamed = {f"my-{name}": layer for name, layer in full_network().layers.items()}
    plain = {name: layer for name, layer in full_network().layers.items() if name != "norm"}
    return {
        "wider": (given(net=Network(wider, network().loss)), r"parameters.hidden\[0\] is float64 of shape \(7, 7\)"),
        "renamed": (given(net=Network(renamed, network().loss)), r"lack parameters.my-hidden\[0\]"),
        "without a layer": (given(net=Network(plain, network().loss)), "optimiser.0.0 is|has no parameters.norm"),
        "another optimizer": (given("sgd"), "lack|has no optimiser"),
        "another dtype": (given(dtype="float32"), "needs float32"),
    }


@pytest.mark.parametrize("other", other_networks())
def test_the_weights_of_another_network_are_refused_and_change_nothing(other):
    taken = checkpoint.take(stopped_after(2, given()), ABOUT)
    how, words = other_networks()[other]
    trainer = Trainer(blobs(), how)
    before = trainer.training.vector.tobytes()
    with pytest.raises(WeightsError, match=words):
        checkpoint.put(taken, trainer)
    assert trainer.training.vector.tobytes() == before
    assert trainer.training.epoch == 0


@pytest.mark.parametrize("generators", [{}, {"layers": {}, "shuffling": {}}, {"layers": 3, "shuffling": 4}])
def test_generator_states_that_are_none_are_refused(generators):
    taken = replace(checkpoint.take(stopped_after(2, given()), ABOUT), generators=generators)
    with pytest.raises(WeightsError, match="state of the generator"):
        checkpoint.put(taken, Trainer(blobs(), given()))


def test_a_damaged_file_is_answered_with_one_sentence(tmp_path):
    path = tmp_path / "12-1.npz"
    checkpoint.write(checkpoint.take(stopped_after(1, given()), ABOUT), path)
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[content.index(trainer_bytes(path)) + 3] ^= 1
    damaged = {
        "empty": b"",
        "foreign": b"not an archive",
        "one array": npy(),
        "flipped": bytes(flipped),
        **{f"cut at {k}": content[: len(content) * k // 10] for k in range(1, 10)},
    }
    for what, given_content in damaged.items():
        path.write_bytes(given_content)
        with pytest.raises(WeightsError, match=r"12-1.npz cannot be read .*train the trial again") as caught:
            checkpoint.read(path)
        assert "\n" not in str(caught.value), what
        assert "allow_pickle" not in str(caught.value), what


def trainer_bytes(path):
    with np.load(path) as archive:
        return archive["parameters.output"].tobytes()


def npy():
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def test_pickled_objects_are_not_loaded(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, about=np.array([{"format": 1}], dtype=object))
    with pytest.raises(WeightsError, match="cannot be read"):
        checkpoint.read(path)


def test_missing_and_newer_files_and_places_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(WeightsError, match="are gone; bring the file back"):
        checkpoint.read(tmp_path / "no.npz")

    np.savez(tmp_path / "new.npz", about=np.array(json.dumps({"format": 99})))
    with pytest.raises(WeightsError, match="newer sweep; upgrade"):
        checkpoint.read(tmp_path / "new.npz")

    (tmp_path / "file").write_text("")
    taken = checkpoint.take(stopped_after(0, given()), ABOUT)
    with pytest.raises(WeightsError, match=r"folder .* cannot be made"):
        checkpoint.write(taken, tmp_path / "file" / "x.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(WeightsError, match="cannot write"):
        checkpoint.write(taken, tmp_path / "folder.npz")
