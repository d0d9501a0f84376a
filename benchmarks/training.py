"""The data and the networks of ours that are timed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sweep.configuration import Configuration
from sweep.data import Dataset, fit, open_dataset, prepare
from sweep.errors import DataError
from sweep.gradients import SHAPES
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.loop import Settings, Trainer

SAMPLES = {"mnist": 60_000, "cifar10": 50_000}
"""Size of the training part of what has to be downloaded."""


def load(kind: str, samples: int | None = None) -> Dataset:
    """Return a data set, or random data of its shape where its files are not there.

    With `samples`, only so many of the training part, and a sixth as many of the test part.
    """
    try:
        dataset = open_dataset(prepare(kind))
    except DataError:
        dataset = _random(kind)
    if samples is None:
        return dataset
    train, test = slice(samples), slice(samples // 6)
    parts = dataset.x_train[train], dataset.t_train[train], dataset.x_test[test], dataset.t_test[test]
    return Dataset(dataset.name, *parts, dataset.class_names, dataset.shape, "")


def _random(kind: str) -> Dataset:
    shape, classes = SHAPES[kind]
    rng = np.random.default_rng(0)

    def part(samples: int) -> tuple[Any, Any]:
        pixels = rng.integers(0, 256, (samples, math.prod(shape)), np.uint8)
        return pixels, rng.integers(0, classes, samples)

    names = tuple(map(str, range(classes)))
    return Dataset(f"random data of the shape of {kind}", *part(SAMPLES[kind]), *part(10_000), names, shape, "")


def trainer(configuration: dict[str, Any], dataset: Dataset) -> Trainer:
    """Return what trains the network of a configuration, made as a worker makes it."""
    checked = Configuration.model_validate(configuration)
    training, normalization = checked.training, checked.data.normalization
    dtype = np.dtype(training.dtype)
    settings = Settings(
        checked.build_network(len(dataset.class_names), dataset.shape),
        checked.build_optimiser(),
        fit(normalization.kind, normalization.over, dataset.x_train, dtype),
        Batching(training.batch_size),
        1,
        dtype,
        Seeds(0, 0, 0),
    )
    return Trainer(dataset, settings)
