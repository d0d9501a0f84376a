"""Tests of networks that are trained on deskewed images: in one sweep with others, predicted, and exported."""

import json
import sys

import numpy as np
import onnx
import pytest

import sweep
from sweep.cli.entry import main
from sweep.data import open_dataset, prepare
from sweep.data.transforms import deskew
from sweep.results.export.onnx import run_model
from tests.engine_here import training_here

BOTH = """
name = "both"
sampler = "grid"
[data]
dataset = "digits"
normalization = { kind = "min_max", over = "feature", constant = "article" }
transform = { choice = ["none", "deskew"] }
[network]
hidden = [8]
activation = "relu"
weights = "he_normal"
biases = "zeros"
output = "softmax"
[training]
epochs = 2
batch_size = 64
optimizer = { kind = "sgd", learning_rate = 0.1 }
loss = "cross_entropy"
keep_weights = "last"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a sweep of digits as they are and deskewed, and the cache that it was trained with."""
    folder = tmp_path_factory.mktemp("deskewed")
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(folder / "cache"))
        (folder / "both.toml").write_text(BOTH)
        sweep.run(folder / "both.toml", db=folder / "sweeps.db").store.close()
    return folder


@pytest.fixture
def results(folder, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(folder / "cache"))
    return sweep.load("both", db=folder / "sweeps.db")


@pytest.fixture
def cli(results, folder, monkeypatch, capsys):
    """Call the command line in this process; return what it printed on both streams, as words."""
    monkeypatch.setenv("SWEEP_DB", str(folder / "sweeps.db"))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sweep", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        assert not caught.value.code
        return [" ".join(stream.split()) for stream in capsys.readouterr()]

    return call


def test_both_are_trained_in_one_sweep_on_data_sets_of_their_own(results):
    drawn = [results.trial(number).configuration["data"]["transform"] for number in (0, 1)]
    assert drawn == ["none", "deskew"]
    plain, upright = (prepare("digits", transform=transform) for transform in ("none", "deskew"))
    stored = [(entry.get("transform", "none"), entry["sha256"]) for entry in results.record.datasets]
    assert stored == [("none", open_dataset(plain).sha256), ("deskew", open_dataset(upright).sha256)]
    assert results.epochs(0).iloc[-1]["train_loss"] != results.epochs(1).iloc[-1]["train_loss"]


@pytest.mark.parametrize("number", [0, 1])
def test_a_prediction_is_as_accurate_as_in_training(results, number):
    prediction, last = results.predict(number), results.epochs(number).iloc[-1]
    for name, part in prediction.parts.items():
        assert part.accuracy == last[f"{name}_accuracy"]
    expected = prepare("digits", transform=["none", "deskew"][number])
    np.testing.assert_array_equal(prediction.test.dataset.test.x, open_dataset(expected).test.x)


def test_trials_are_trained_again_to_the_same_bits(cli):
    printed, told = cli("replay", "both/1", "--check")
    assert "of both/1 are the same, bit for bit" in printed + told


def test_an_onnx_file_says_that_images_are_deskewed_first(cli, results, tmp_path):
    path = tmp_path / "net.onnx"
    _, told = cli("export", "--weights", "both/1", "-o", str(path))
    assert "apply sweep.data.transforms.deskew to new images first" in told
    model = onnx.load(path)
    assert {each.key: each.value for each in model.metadata_props}["transform"] == "deskew"
    assert "sweep.data.transforms.deskew" in model.graph.doc_string
    x = deskew(open_dataset(prepare("digits")).test.x, (1, 8, 8))
    np.testing.assert_allclose(run_model(path.read_bytes(), x), results.predict(1).test.outputs, atol=1e-5)


def test_an_archive_says_so_too(results, tmp_path):
    for number, transform in enumerate(["none", "deskew"]):
        written = results.export_weights(number, tmp_path / "net.npz")
        assert written.transform == transform
        with np.load(tmp_path / "net.npz") as net:
            assert json.loads(str(net["about"]))["transform"] == transform
            assert net["normalization.scale"].max() == pytest.approx(1e7, rel=1e-6)  # of pixels that are constant


def test_a_data_set_is_shown_deskewed(cli):
    plain, _ = cli("data", "show", "digits", "--format", "csv")
    upright, _ = cli("data", "show", "digits", "--transform", "deskew", "--format", "csv")
    assert "highest value,16,16" in upright
    assert plain != upright
