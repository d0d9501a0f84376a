"""Tests of ONNX graphs: onnxruntime computes what our networks do, for every kind of layer, output and data."""

import json

import numpy as np
import onnx
import pytest

from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.results.export import onnx as exported
from sweep.results.export.onnx import model_of, run_model
from sweep.results.export.weights import outputs
from tests.results.export.networks import CONVOLUTION, trained

IMAGE = (2, 7, 5)
IMAGES = {
    "convolution": [CONVOLUTION, "flatten"],
    "convolution without biases": [{**CONVOLUTION, "bias": False}, "flatten"],
    "stride and padding": [{**CONVOLUTION, "stride": 2, "padding": 2}, "tanh", {**CONVOLUTION, "kernel": 2}, "flatten"],
    "max_pool": [{"kind": "max_pool", "size": 2}, "flatten"],
    "max_pool of windows that reach far beyond": [CONVOLUTION, {"kind": "max_pool", "size": 4}, "flatten"],
    "batch_norm of channels": [CONVOLUTION, "batch_norm", "relu", "flatten"],
    "batch_norm of pixels": [CONVOLUTION, {"kind": "batch_norm", "over": "feature"}, "flatten"],
    "batch_norm of flat images": [CONVOLUTION, "flatten", {"kind": "batch_norm", "eps": 0.1}],
    "dropout": [CONVOLUTION, {"kind": "dropout", "rate": 0.5}, "flatten", {"kind": "dropout", "rate": 0.2}],
    "affine": ["flatten", {"kind": "affine", "units": 6}, "tanh", {"kind": "affine", "units": 5, "bias": False}],
}


def difference(trainer, network, tolerance=1e-5):
    """The graph's outputs for the test part are our own, in shape and value; return them."""
    x = network.dataset.test.x
    found, own = run_model(model_of(network), x), outputs(trainer, network, x)
    assert found.shape == own.shape
    np.testing.assert_allclose(found, own, rtol=tolerance, atol=tolerance)
    assert np.ptp(own, axis=0).min() > 10 * tolerance, "the outputs differ between samples, so that much is compared"
    return found


def test_every_kind_of_layer_has_its_operators():
    assert {*exported.LAYERS} == {*LAYERS, "image"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", IMAGES.values(), ids=IMAGES)
def test_layers_of_images(tmp_path, layers, dtype):
    difference(*trained(tmp_path, {"layers": layers}, training={"dtype": dtype}, shape=IMAGE))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations(tmp_path, kind, dtype):
    activation = {"kind": kind, "alpha": 0.3} if kind == "leaky_relu" else kind
    network = {"hidden": [9, 7], "activation": activation}
    found = difference(*trained(tmp_path, network, training={"dtype": dtype}, shape=IMAGE))
    assert found.dtype == dtype


@pytest.mark.parametrize("kind", ["softplus", "softsign", "swish", "sigmoid"])
def test_activations_of_large_values_stay_finite(tmp_path, kind):
    network = {"hidden": [9], "activation": kind, "weights": {"kind": "normal", "std": 50}}
    difference(*trained(tmp_path, network, training={"epochs": 1, "batch_size": 60}, shape=(4,)))


@pytest.mark.parametrize(
    ("output", "loss"),
    [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"), ("identity", "mean_squared_error")],
)
@pytest.mark.parametrize("over", ["all", "feature"])
@pytest.mark.parametrize("kind", ["none", "min_max", "z_score"])
def test_outputs_and_normalizations(tmp_path, output, loss, kind, over):
    data = {"normalization": {"kind": kind, **({} if kind == "none" else {"over": over})}}
    network, training = {"hidden": [8], "activation": "tanh", "output": output}, {"loss": loss}
    found = difference(*trained(tmp_path, network, data, training, shape=IMAGE, integers=False))
    assert output != "softmax" or np.allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize(("offset", "dtype"), [(0.0, "float32"), (1e7, "float64")])
def test_the_input_is_of_the_type_that_holds_the_data(tmp_path, offset, dtype):
    network, data = {"hidden": [8]}, {"normalization": "z_score"}
    trainer, network = trained(tmp_path, network, data, shape=(5,), integers=False, offset=offset)
    assert exported.input_dtype(network) == dtype
    difference(trainer, network)


def test_a_regression_is_in_the_targets_own_units(tmp_path):
    data = {"task": "regression", "normalization": "z_score"}
    network = {"hidden": [8], "output": "identity"}
    found = difference(*trained(tmp_path, network, data, shape=(5,), regression=True))
    assert 4_000 < found.mean() < 6_000


def test_a_graph_says_what_it_takes_and_gives(tmp_path):
    _, network = trained(tmp_path, {"layers": [CONVOLUTION, "flatten"]}, shape=IMAGE)
    model = onnx.load_from_string(model_of(network))
    onnx.checker.check_model(model, full_check=True)
    (given,), (output,) = model.graph.input, model.graph.output
    assert [each.dim_param or each.dim_value for each in given.type.tensor_type.shape.dim] == ["samples", *IMAGE]
    assert [each.dim_param or each.dim_value for each in output.type.tensor_type.shape.dim] == ["samples", 3]
    about = {each.key: each.value for each in model.metadata_props}
    assert (about["sweep"], about["trial"], about["epoch"], about["normalization"]) == ("own", "0", "2", "z_score")
    assert json.loads(about["classes"]) == ["0", "1", "2"]
    assert json.loads(about["input_shape"]) == [*IMAGE]
    assert "not normalized" in model.graph.doc_string
    assert [each.version for each in model.opset_import] == [17]


def test_any_number_of_samples_can_be_given(tmp_path):
    trainer, network = trained(tmp_path, {"hidden": [5]}, shape=(4,))
    model, x = model_of(network), network.dataset.test.x
    for samples in (1, 7, len(x)):
        np.testing.assert_allclose(run_model(model, x[:samples]), outputs(trainer, network, x)[:samples], atol=1e-5)
