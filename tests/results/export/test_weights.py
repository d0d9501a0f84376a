"""Tests of exported networks: what other programs compute with them is what `Sweep.predict` gives."""

import json

import numpy as np
import onnx
import pandas as pd
import pytest

import sweep
from sweep.errors import SweepError, UsageError, WeightsError
from sweep.results.export import base
from sweep.results.export.onnx import run_model
from tests.engine_here import training_here
from tests.results.test_prediction import CLASSIFIER, REGRESSION, table
from tests.small_experiments import CNN


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a database of three sweeps, a convolutional one, one of a table and a regression."""
    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(folder / "cache"))
        (folder / "cnn.toml").write_text(CNN)
        for name, text, target in [("flowers", CLASSIFIER, "price"), ("prices", REGRESSION, "kind")]:
            table().drop(columns=target).to_csv(folder / f"{name}.csv", index=False)
            (folder / f"{name}.toml").write_text(text.format(file=folder / f"{name}.csv"))
        for name in ("cnn", "flowers", "prices"):
            sweep.run(folder / f"{name}.toml", db=folder / "sweeps.db").store.close()
        kept = ["training.keep_weights=none", "name=nothing", "trials=1", "training.epochs=1"]
        sweep.run(folder / "cnn.toml", overrides=kept, db=folder / "sweeps.db").store.close()
    return folder


@pytest.fixture
def load(folder, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(folder / "cache"))
    return lambda name: sweep.load(name, db=folder / "sweeps.db")


def test_onnxruntime_gives_the_probabilities_of_a_convolutional_network(load, tmp_path):
    results, path = load("cnn"), tmp_path / "net.onnx"
    written = results.export_weights(1, path)
    assert (written.file, written.epoch, written.input) == (path, 3, "float32 (samples, 1, 8, 8)")
    assert written.output == "the probability of each of 10 classes"
    assert written.difference < 1e-5
    test = results.predict(1).test
    assert written.examples == len(test.labels)
    found = run_model(path.read_bytes(), test.images(np.arange(len(test.labels))))
    np.testing.assert_allclose(found, test.outputs, atol=1e-5)


def test_the_columns_of_a_table_are_named_and_encoded(load, tmp_path):
    results, path = load("flowers"), tmp_path / "net.onnx"
    results.export_weights(0, path)
    model = onnx.load(path)
    about = {each.key: each.value for each in model.metadata_props}
    columns = json.loads(about["columns"])
    assert columns == ["size", "color=blue", "color=green", "color=red", "weight", "weight is missing"]
    assert json.loads(about["classes"]) == ["large", "small"]
    assert "the features that are named in `columns`" in model.graph.doc_string
    row = pd.DataFrame({"size": [11.5], "color": ["green"], "weight": [0.5]})
    row.to_csv(tmp_path / "new.csv", index=False)
    expected = results.predict_rows(0, tmp_path / "new.csv")
    (found,) = run_model(path.read_bytes(), np.array([[11.5, 0, 1, 0, 0.5, 0]]))
    assert found == pytest.approx([expected["probability of large"][0], expected["probability of small"][0]], abs=1e-5)


def test_a_regression_gives_the_targets_own_units(load, tmp_path):
    results, path = load("prices"), tmp_path / "net.onnx"
    assert results.export_weights(0, path).output == "the prediction in the target's own units"
    test = results.predict(0).test
    found = run_model(path.read_bytes(), test.dataset.test.x)
    np.testing.assert_allclose(found[:, 0], test.predicted, rtol=1e-5)


def test_numpy_alone_can_apply_an_archive(load, tmp_path):
    results, path = load("flowers"), tmp_path / "net.npz"
    written = results.export_weights(0, path)
    assert (written.difference, written.examples) == (None, 0)
    with np.load(path, allow_pickle=False) as archive:
        net = {name: archive[name] for name in archive.files}
    about = json.loads(str(net["about"]))
    assert [layer["kind"] for layer in about["layers"]] == ["affine", "tanh", "affine"]
    test = results.predict(0).test
    x = (test.dataset.test.x - net["normalization.shift"]) * net["normalization.scale"]
    hidden = np.tanh(x @ net["hidden[0].weights"].T + net["hidden[0].biases"])
    logits = hidden @ net["output.weights"].T + net["output.biases"]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, test.outputs, atol=1e-5)


def test_an_archive_of_a_convolutional_network_names_all_arrays(load, tmp_path):
    load("cnn").export_weights(0, tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as archive:
        shapes = {name: archive[name].shape for name in archive.files}
    assert shapes["layers[0]/convolution.weights"] == (2, 1, 3, 3)
    assert "layers[0]/convolution.biases" not in shapes  # a batch normalization follows
    assert {name.rpartition(".")[2] for name in shapes if "batch_norm" in name} == {"gamma", "beta", "mean", "variance"}


def test_what_cannot_be_exported_is_one_sentence(load, hostile, tmp_path):
    with pytest.raises(UsageError, match=r"net\.pt': its name must end in \.npz or \.onnx"):
        load("cnn").export_weights(0, tmp_path / "net.pt")
    with pytest.raises(SweepError, match=r"no weights of nothing/0 are kept; train it with training.keep_weights"):
        load("nothing").export_weights(0, tmp_path / "net.onnx")
    with pytest.raises(SweepError, match="there is no trial 7"):
        load("cnn").export_weights(7, tmp_path / "net.onnx")
    with pytest.raises(SweepError, match="hostile/0 has a trainer of your own"):
        hostile.export_weights(0, tmp_path / "net.onnx")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named_with_what_installs_it(load, tmp_path, monkeypatch, missing):
    monkeypatch.setattr(base, "find_spec", lambda name: None if name == missing else "there")
    with pytest.raises(
        SweepError, match=rf"needs the package {missing}; install it with: pip install 'sweep-lab\[onnx"
    ):
        load("cnn").export_weights(0, tmp_path / "net.onnx")
    load("cnn").export_weights(0, tmp_path / "net.npz")


def test_damaged_weights_are_one_sentence(load, folder, tmp_path):
    results = load("cnn")
    file = results.store.folder / results.store.trial(results.record.id, 0).weights.file
    content = file.read_bytes()
    try:
        file.write_bytes(content[:-100])
        with pytest.raises(WeightsError, match=r"cannot be read .*; bring the file back from a backup"):
            results.export_weights(0, tmp_path / "net.onnx")
    finally:
        file.write_bytes(content)
    assert not [*tmp_path.iterdir()]


def test_a_graph_that_computes_something_else_is_not_written(load, tmp_path, monkeypatch):
    from sweep.results.export import onnx as graphs

    monkeypatch.setitem(graphs.LAYERS, "tanh", graphs.LAYERS["relu"])
    with pytest.raises(SweepError, match="onnxruntime computes other outputs than sweep for"):
        load("flowers").export_weights(0, tmp_path / "net.onnx")
    assert not [*tmp_path.iterdir()]
