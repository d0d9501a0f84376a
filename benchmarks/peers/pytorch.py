"""PyTorch, eager, with one thread: perceptrons and the networks of experiments."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.data import load
from benchmarks.measurement import Tasks
from sweep.data import Dataset, fit

EVALUATION_SAMPLES = 1000

Parts = dict[str, tuple[Any, Any]]
"""Part of a data set -> (x, t)"""


def epoch_tasks(alpha: float, learning_rate: float, hidden: list[int], batch_size: int, samples: int | None) -> Tasks:
    """Return an epoch of a perceptron in two parts."""
    import torch

    torch.set_num_threads(1)
    parts = tensors(load("mnist", samples), {"kind": "min_max", "over": "all"})
    model = perceptron(hidden, alpha)
    step = stepping(model, torch.optim.SGD(model.parameters(), lr=learning_rate))

    def train() -> None:
        train_epoch(step, *parts["train"], batch_size)

    def test_accuracy() -> float:
        evaluate(model, *parts["train"])
        return evaluate(model, *parts["test"])[1]

    return {"train": train, "evaluate": test_accuracy}


def step_tasks(configuration: dict[str, Any], samples: int | None) -> Tasks:
    """Return training steps of the network of an experiment, which give the number of its parameters."""
    import torch

    torch.set_num_threads(1)
    data, training = configuration["data"], configuration["training"]
    dataset = load(data["dataset"], samples)
    normalization = data["normalization"]
    if isinstance(normalization, str):
        normalization = {"kind": normalization, "over": "all"}
    x, t = tensors(dataset, normalization)["train"]
    x = x.reshape(-1, *dataset.shape)
    model = network(configuration["network"]["layers"], dataset.shape, len(dataset.class_names))
    step = stepping(model, optimizer(training["optimizer"], model))

    def steps(order: Any) -> int:
        for rows in torch.from_numpy(order).split(training["batch_size"]):
            step(x[rows], t[rows])
        return sum(parameter.numel() for parameter in model.parameters())

    return {"steps": steps}


def tensors(dataset: Dataset, normalization: dict[str, str]) -> Parts:
    """Return (x, t) of both parts in memory, x float32 and normalized."""
    import torch

    map_ = fit(normalization["kind"], normalization["over"], dataset.train.x, np.float32)
    parts = {}
    for part, x, t in ((name, dataset.parts[name].x, dataset.parts[name].t) for name in ("train", "test")):
        normalized = np.empty(x.shape, np.float32)
        map_.apply(x, normalized)
        parts[part] = torch.from_numpy(normalized), torch.from_numpy(np.array(t))
    return parts


def accuracies(
    parts: Parts, hidden: list[int], alpha: float, learning_rate: float, batch_size: int, epochs: int
) -> Iterator[float]:
    """Train a perceptron; yield the test accuracy after each epoch, when both parts have been evaluated."""
    import torch

    model = perceptron(hidden, alpha)
    step = stepping(model, torch.optim.SGD(model.parameters(), lr=learning_rate))
    for _ in range(epochs):
        train_epoch(step, *parts["train"], batch_size)
        evaluate(model, *parts["train"])
        yield evaluate(model, *parts["test"])[1]


def perceptron(hidden: list[int], alpha: float, features: int = 784, classes: int = 10) -> Any:
    """Return a multilayer perceptron that gives logits."""
    from torch import nn

    layers: list[Any] = []
    for fan_in, units in zip([features, *hidden], hidden, strict=False):
        layers += [nn.Linear(fan_in, units), nn.LeakyReLU(alpha)]
    return nn.Sequential(*layers, nn.Linear([features, *hidden][-1], classes))


def stepping(model: Any, optimizer: Any) -> Callable[[Any, Any], None]:
    """Return one step of training on a mini-batch."""
    from torch import nn

    loss_function = nn.CrossEntropyLoss()

    def step(x: Any, t: Any) -> None:
        optimizer.zero_grad()
        loss_function(model(x), t).backward()
        optimizer.step()

    return step


def train_epoch(step: Callable[[Any, Any], None], x: Any, t: Any, batch_size: int) -> None:
    """Train on each sample once, in a new order.

    Mini-batches are taken from the tensors themselves: a DataLoader, which gathers sample by sample, is far slower.
    """
    import torch

    for rows in torch.randperm(len(x)).split(batch_size):
        step(x[rows], t[rows])


def evaluate(model: Any, x: Any, t: Any) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    import torch
    from torch.nn.functional import cross_entropy

    loss, hits = 0.0, 0
    with torch.inference_mode():
        for xs, ts in zip(x.split(EVALUATION_SAMPLES), t.split(EVALUATION_SAMPLES), strict=True):
            logits = model(xs)
            loss += float(cross_entropy(logits, ts, reduction="sum"))
            hits += int((logits.argmax(1) == ts).sum())
    return loss / len(t), hits / len(t)


def network(layers: list[Any], shape: tuple[int, ...], classes: int) -> Any:
    """Return the network of an experiment's list of layers for images of (channels, rows, columns)."""
    import torch
    from torch import nn

    tables = [{"kind": layer} if isinstance(layer, str) else layer for layer in layers]
    tables.append({"kind": "affine", "units": classes})
    modules: list[Any] = []
    x = torch.zeros(2, *shape)
    for table, following in zip(tables, [*tables[1:], {"kind": ""}], strict=True):
        modules.append(_module(table, tuple(x.shape[1:]), following["kind"] != "batch_norm"))
        x = modules[-1](x)
    return nn.Sequential(*modules)


def _module(table: dict[str, Any], shape: tuple[int, ...], bias: bool) -> Any:
    """Return the module of one layer, for inputs of a shape."""
    from torch import nn

    match table["kind"]:
        case "convolution":
            kernel = table["kernel"]
            return nn.Conv2d(shape[0], table["filters"], kernel, padding=kernel // 2, bias=bias)
        case "affine":
            return nn.Linear(*shape, table["units"], bias=bias)
        case "batch_norm":  # of every feature; each pixel of an image is one
            norm = nn.BatchNorm1d(int(np.prod(shape)), eps=table["eps"], momentum=table["momentum"])
            return norm if len(shape) == 1 else nn.Sequential(nn.Flatten(), norm, nn.Unflatten(1, shape))
        case "max_pool":
            return nn.MaxPool2d(table["size"])
        case "dropout":
            return nn.Dropout(table["rate"])
        case "flatten":
            return nn.Flatten()
        case "relu":
            return nn.ReLU()
    raise ValueError(f"there is no module for {table}")


def optimizer(table: Any, model: Any) -> Any:
    """Return the optimizer of an experiment, in the fused form, which PyTorch calls its fastest."""
    from torch import optim

    kind = table if isinstance(table, str) else table["kind"]
    if kind == "adam":
        return optim.Adam(model.parameters(), fused=True)
    # As in sweep, the sum of squares starts at 1e-8 and nothing is added to its root.
    start = {"initial_accumulator_value": 1e-8, "eps": 0.0}
    return optim.Adagrad(model.parameters(), lr=table["learning_rate"], fused=True, **start)
