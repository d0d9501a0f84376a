"""Our networks, made ready to be trained as a worker makes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sweep.data import Dataset, fit
from sweep.experiment.sections import Configuration
from sweep.nn.layers.matmul import faster
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.evaluation import Settings
from sweep.training.loop import NetworkTrainer
from sweep.training.networks import build_network, build_optimizer


def trainer(configuration: dict[str, Any], dataset: Dataset) -> NetworkTrainer:
    """Return what trains the network of a configuration, as a worker makes it."""
    checked = Configuration.model_validate(configuration)
    training, normalization = checked.training, checked.data.normalization
    dtype = np.dtype(training.dtype)
    settings = Settings(
        build_network(checked, len(dataset.class_names), dataset.shape, faster()),
        build_optimizer(checked),
        fit(normalization.kind, normalization.over, dataset.train.x, dtype),
        Batching(training.batch_size),
        1,
        dtype,
        Seeds(0, 0, 0),
    )
    return NetworkTrainer(dataset, settings)
