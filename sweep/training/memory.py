"""The memory that the training of a network needs, estimated from its shapes."""

from __future__ import annotations

import numpy as np

from sweep.experiment.sections import Configuration
from sweep.training.build import batching
from sweep.training.divergence import leaves
from sweep.training.networks import NetworkSize, build_optimizer


def training_bytes(configuration: Configuration, size: NetworkSize, samples: int) -> int:
    """Return the bytes of the arrays with which a network learns from its longest mini-batch.

    They are the parameters, their gradient and what the optimizer keeps of each of them; and for each sample of the
    mini-batch the input, the output of every layer, and a gradient of each of these numbers; all in the network's
    dtype. Neither the data set is counted, nor what layers need besides, nor the evaluation after an epoch.

    `samples` is the number of samples of the training part.
    """
    numbers = (2 + _optimizer_arrays(configuration)) * size.parameters
    numbers += 2 * batching(configuration).longest(samples) * size.values
    return numbers * np.dtype(configuration.training.dtype).itemsize


def _optimizer_arrays(configuration: Configuration) -> int:
    """Return the number of arrays of the parameters' shape that the optimizer keeps or works with."""
    optimizer, parameters = build_optimizer(configuration), np.zeros(1)
    arrays = leaves((optimizer.init(parameters), optimizer.scratch(parameters)))
    return sum(isinstance(array, np.ndarray) for array in arrays)
