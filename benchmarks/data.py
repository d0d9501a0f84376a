"""The data that everybody is given."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from sweep.data import Dataset, Part, open_dataset, prepare
from sweep.errors import DataError

CLASSES = 10
SHAPES = {"mnist": (60_000, (1, 28, 28)), "cifar10": (50_000, (3, 32, 32))}
"""What has to be downloaded -> samples of the training part, shape of an image."""


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
    first = {"train": samples, "test": samples // 6}
    parts = {name: Part(dataset.parts[name].x[:rows], dataset.parts[name].t[:rows]) for name, rows in first.items()}
    return Dataset(dataset.name, parts, dataset.task, dataset.class_names, dataset.shape, "")


def _random(kind: str) -> Dataset:
    count, shape = SHAPES[kind]
    rng = np.random.default_rng(0)

    def part(samples: int) -> Part:
        pixels = rng.integers(0, 256, (samples, math.prod(shape)), np.uint8)
        return Part(pixels, rng.integers(0, CLASSES, samples))

    names = tuple(map(str, range(CLASSES)))
    parts = {"train": part(count), "test": part(10_000)}
    return Dataset(f"random data of the shape of {kind}", parts, "classification", names, shape, "")


def learning_curves() -> dict[str, np.ndarray] | None:
    """Return the validation accuracies of LCBench by data set, (trials, epochs); None where they are missing."""
    path = _recorded() / "learning-curves" / "lcbench.npz"
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return {name: arrays[name].astype(float) for name in arrays.files if name.startswith("task_")}


def alexnet_runs() -> list[dict[str, Any]] | None:
    """Return the recorded trainings of AlexNet with random configurations; None where they are missing."""
    path = _recorded() / "tuning-runs" / "alexnet_tuning.jsonl"
    if not path.is_file():
        return None
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _recorded() -> Path:
    """Return the folder of other people's sweeps."""
    return Path(os.environ.get("SWEEP_DATA", ""))
