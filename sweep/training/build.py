"""From a configuration to what the training loop needs."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from sweep.data import open_dataset
from sweep.data.dataset import Dataset
from sweep.data.normalization import Normalization, fit
from sweep.experiment.sections import Configuration
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.evaluation import Settings


def settings(configuration: Configuration, dataset: Dataset, folder: str, seeds: Seeds) -> Settings:
    """Make of a configuration what the training loop needs."""
    training, normalization = configuration.training, configuration.data.normalization
    return Settings(
        network=configuration.build_network(dataset.outputs, dataset.shape),
        optimizer=configuration.build_optimizer(),
        normalization=_fit(folder, normalization.kind, normalization.over, training.dtype),
        batching=batching(configuration),
        epochs=epoch_count(configuration, len(dataset.train.x)),
        dtype=np.dtype(training.dtype),
        seeds=seeds,
        schedule=configuration.build_schedule(),
        penalty=configuration.build_penalty(),
        iterations=training.iterations,
    )


def batching(configuration: Configuration) -> Batching:
    """Return how a configuration cuts an epoch into mini-batches."""
    training = configuration.training
    return Batching(training.batch_size, training.batches_per_epoch, training.shuffle)


def epoch_count(configuration: Configuration, samples: int) -> int:
    """Return the number of epochs of so many training samples; `iterations` may cut the last one short."""
    training = configuration.training
    if training.iterations is None:
        return training.epochs or 0
    return math.ceil(training.iterations / len(batching(configuration).runs(samples)))


# What a process opens or computes once and uses for all its trials.


@lru_cache(maxsize=4)
def opened(folder: str) -> Dataset:
    """Return the data set of a cached folder, opened once in a process."""
    return open_dataset(Path(folder))


@lru_cache(maxsize=16)
def _fit(folder: str, kind: str, over: str, dtype: str) -> Normalization:
    return fit(kind, over, opened(folder).train.x, np.dtype(dtype))
