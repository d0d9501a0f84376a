"""A trained network as one ONNX graph, from the values of the data set to probabilities.

Samples are the first axis there, and images have the axes (samples, channels, rows, columns), while inside `sweep.nn`
samples are the last axis. The normalization is part of the graph, the number of samples is free. Operators are those of
opset 17, which programs for small devices read, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sweep.data.normalization import Normalization
from sweep.nn.layer import Array, Dtype
from sweep.results.export.trained import TrainedLayer, TrainedNetwork

OPSET, IR_VERSION = 17, 8
"""Versions of the operators and of the format that onnxruntime 1.20 and older ones read."""
INPUT, OUTPUT = "input", "output"
SAMPLES = "samples"
"""Name of the first axis, whose length is free."""
COMPARED = 10_000
"""Training samples by which it is judged whether float32 holds the input."""
LOST = 1e-6
"""Largest change of a normalized value, or share of a larger one, that float32 may bring."""


@dataclass
class Graph:
    """A graph in the making; values are known by their names."""

    dtype: Dtype
    """Of all values but the input."""
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its value."""
        from onnx import helper

        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, values: Any, name: str = "constant", dtype: Any = None) -> str:
        """Add an array; return the name of its value."""
        from onnx import numpy_helper

        array = np.ascontiguousarray(np.asarray(values, dtype or self.dtype))
        unique = f"{name}_{len(self.constants)}" if name == "constant" else name
        self.constants.append(numpy_helper.from_array(array.reshape(np.shape(values)), unique))
        return unique

    def cast(self, x: str, dtype: Dtype) -> str:
        """Add a conversion to another type."""
        from onnx import helper

        return self.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def model_of(network: TrainedNetwork) -> bytes:
    """Return the file of a network."""
    from onnx import checker, helper

    given = input_dtype(network)
    graph = Graph(network.dtype)
    x = _normalized(graph, network, given)
    if len(network.dataset.shape) > 1 and network.layers[0].kind != "image":
        x = graph.add("Flatten", x, axis=1)
    for layer in network.layers:
        x = LAYERS[layer.kind](graph, x, layer)
    x, dtype, width = _output(graph, x, network)
    graph.nodes[-1].output[0] = OUTPUT
    types = [helper.np_dtype_to_tensor_dtype(np.dtype(kind)) for kind in (given, dtype)]
    inputs = [helper.make_tensor_value_info(INPUT, types[0], [SAMPLES, *network.dataset.shape])]
    outputs = [helper.make_tensor_value_info(OUTPUT, types[1], [SAMPLES, width])]
    made = helper.make_graph(graph.nodes, "network", inputs, outputs, graph.constants, doc_string=_description(network))
    model = helper.make_model(
        made,
        producer_name="sweep",
        producer_version=str(network.about["sweep_version"]),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, {key: _text(value) for key, value in network.about.items()})
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _description(network: TrainedNetwork) -> str:
    about = network.about
    shape = ", ".join(map(str, [SAMPLES, *about["input_shape"]]))
    values = "values of the data set as they are, not normalized"
    if about["transform"] != "none":
        values = (
            f"values of the data set after data.transform = {about['transform']}, which is not part of this graph: new "
            f"images go through sweep.data.transforms.{about['transform']} first; not normalized"
        )
    if about["columns"]:
        values = "the features that are named in `columns`, one for each level of a text column, not normalized"
    meaning = {"softmax": "probability", "sigmoid": "probability"}.get(network.output, "output")
    output = "the prediction, in the target's own units" if about["target"] else f"the {meaning} of each class"
    return (
        f"Trial {about['trial']} of {about['sweep']} after epoch {about['epoch']}. {INPUT} ({shape}): {values}. "
        f"{OUTPUT}: {output}. The first axis of both are the samples."
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def input_dtype(network: TrainedNetwork) -> Dtype:
    """Return the type of the input: float32 unless the network is of float64, or float32 would lose the values."""
    normalization = network.normalization
    double = np.dtype(np.float64)
    if network.dtype == double:
        return double
    if normalization.scale.dtype == np.float32:
        return network.dtype
    x = network.dataset.train.x[:COMPARED]
    exact, rounded = np.empty(x.shape), np.empty(x.shape, np.float32)
    normalization.apply(x, exact)
    _in_float32(normalization).apply(x.astype(np.float32), rounded)
    is_kept = np.all(np.abs(exact - rounded) <= LOST * np.maximum(1, np.abs(exact)))
    return network.dtype if is_kept else double


def _in_float32(normalization: Normalization) -> Normalization:
    shift = None if normalization.shift is None else normalization.shift.astype(np.float32)
    return Normalization(shift, normalization.scale.astype(np.float32))


def _normalized(graph: Graph, network: TrainedNetwork, given: Dtype) -> str:
    """Add (x − shift)·scale in the type of the input; return the name of the result, in that of the network."""
    shape, x = network.dataset.shape, INPUT
    for operator, values in (("Sub", network.normalization.shift), ("Mul", network.normalization.scale)):
        if values is not None and not (operator == "Mul" and np.all(values == 1)):
            array = values.reshape(shape) if values.ndim else values
            x = graph.add(operator, x, graph.constant(array, f"normalization.{operator.lower()}", given))
    return x if given == network.dtype else graph.cast(x, network.dtype)


def _output(graph: Graph, x: str, network: TrainedNetwork) -> tuple[str, Dtype, int]:
    """Add the output; return its name, type and width."""
    target = network.dataset.target
    if target is not None:  # in float64 where the mean is so large that float32 would lose the rest
        dtype = network.dtype
        if abs(target.mean) * np.finfo(dtype).eps > LOST * target.scale:
            dtype = np.dtype(np.float64)
            x = graph.cast(x, dtype)
        x = graph.add("Mul", x, graph.constant(target.scale, "target.scale", dtype))
        return graph.add("Add", x, graph.constant(target.mean, "target.mean", dtype)), dtype, 1
    if network.output == "softmax":
        x = graph.add("Softmax", x, axis=1)
    elif network.output == "sigmoid":
        x = graph.add("Sigmoid", x)
    return x, network.dtype, network.dataset.outputs


def _affine(graph: Graph, x: str, layer: TrainedLayer) -> str:
    return graph.add("Gemm", x, *_weights(graph, layer, graph.dtype), transB=1)


def _weights(graph: Graph, layer: TrainedLayer, dtype: Dtype) -> list[str]:
    return [graph.constant(array, f"{layer.name}.{name}", dtype) for name, array in layer.arrays.items()]


def _convolution(graph: Graph, x: str, layer: TrainedLayer) -> str:
    """Add a convolution, which onnxruntime has in float32 only."""
    kernel, stride, padding = (layer.values[key] for key in ("kernel", "stride", "padding"))
    padding = kernel // 2 if padding is None else padding
    single = np.dtype(np.float32)
    given = x if graph.dtype == single else graph.cast(x, single)
    weights = _weights(graph, layer, single)
    y = graph.add("Conv", given, *weights, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4)
    return y if graph.dtype == single else graph.cast(y, graph.dtype)


def _max_pool(graph: Graph, x: str, layer: TrainedLayer) -> str:
    """Add a pooling, whose last windows reach beyond an image that they do not divide."""
    size, (rows, _, columns) = layer.values["size"], layer.shape
    pads = [0, 0, -rows % size, -columns % size]
    return graph.add("MaxPool", x, kernel_shape=[size] * 2, strides=[size] * 2, pads=pads)


def _batch_norm(graph: Graph, x: str, layer: TrainedLayer) -> str:
    """Add gain·(x − mean) + offset, as `sweep.nn.layers.batch_norm` evaluates it."""
    gamma, beta, mean, variance = (layer.arrays[name] for name in ("gamma", "beta", "mean", "variance"))
    rounded = mean.astype(graph.dtype)
    gain = gamma * (1 / np.sqrt(variance + layer.values["eps"]))
    offset = beta - gain * (mean - rounded)
    for operator, array in (("Sub", rounded), ("Mul", gain), ("Add", offset)):
        x = graph.add(operator, x, graph.constant(_by_group(layer, array), f"{layer.name}.{operator.lower()}"))
    return x


def _by_group(layer: TrainedLayer, array: Array) -> Array:
    """Return an array of the groups of a normalization in the order of ONNX's axes."""
    if len(layer.shape) == 1:
        return array
    if layer.values["over"] == "channel":
        return array[:, None, None]
    return array.reshape(layer.shape).transpose(1, 0, 2)  # from (rows, channels, columns)


def _flatten(graph: Graph, x: str, layer: TrainedLayer) -> str:
    """Add a change from images to vectors, whose features have the order (rows, channels, columns)."""
    if len(layer.shape) == 1:
        return x
    rows, channels, _ = layer.shape
    in_order = x if channels == 1 or rows == 1 else graph.add("Transpose", x, perm=[0, 2, 1, 3])
    return graph.add("Reshape", in_order, _shape(graph, [-1, math.prod(layer.shape)]))


def _shape(graph: Graph, shape: list[int]) -> str:
    return graph.constant(shape, dtype=np.int64)


def _unchanged(graph: Graph, x: str, layer: TrainedLayer) -> str:
    return x


def _operator(name: str) -> Callable[[Graph, str, TrainedLayer], str]:
    return lambda graph, x, layer: graph.add(name, x)


def _leaky_relu(graph: Graph, x: str, layer: TrainedLayer) -> str:
    return graph.add("LeakyRelu", x, alpha=float(layer.values["alpha"]))


def _softplus(graph: Graph, x: str, layer: TrainedLayer) -> str:
    """Add max(x, 0) + log(1 + exp(−|x|)): onnxruntime has Softplus in float32 only."""
    exponential = graph.add("Exp", graph.add("Neg", graph.add("Abs", x)))
    rest = graph.add("Log", graph.add("Add", exponential, graph.constant(1.0)))
    return graph.add("Add", graph.add("Relu", x), rest)


def _softsign(graph: Graph, x: str, layer: TrainedLayer) -> str:
    """Add x/(1 + |x|): onnxruntime has Softsign in float32 only."""
    return graph.add("Div", x, graph.add("Add", graph.add("Abs", x), graph.constant(1.0)))


def _step(graph: Graph, x: str, layer: TrainedLayer) -> str:
    return graph.cast(graph.add("Greater", x, graph.constant(0.0)), graph.dtype)


def _swish(graph: Graph, x: str, layer: TrainedLayer) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


LAYERS: dict[str, Callable[[Graph, str, TrainedLayer], str]] = {
    "affine": _affine,
    "batch_norm": _batch_norm,
    "convolution": _convolution,
    "dropout": _unchanged,
    "flatten": _flatten,
    "identity": _unchanged,
    "image": _unchanged,
    "leaky_relu": _leaky_relu,
    "max_pool": _max_pool,
    "relu": _operator("Relu"),
    "sigmoid": _operator("Sigmoid"),
    "softplus": _softplus,
    "softsign": _softsign,
    "step": _step,
    "swish": _swish,
    "tanh": _operator("Tanh"),
}
"""Kind of a layer -> what adds it to a graph: (graph, name of its input, layer) -> name of its output."""


def run_model(model: bytes, x: Array) -> Array:
    """Return what onnxruntime computes of samples, in the shape and type of the input."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    dtype = np.float64 if given.type == "tensor(double)" else np.float32
    (outputs,) = session.run(None, {INPUT: x.reshape(len(x), *given.shape[1:]).astype(dtype)})
    found: Array = outputs
    return found
