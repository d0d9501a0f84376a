"""Sizes of the networks of experiments, and the estimated memory of their training beside the real arrays."""

import tracemalloc

import numpy as np
import pytest

from sweep.errors import ExperimentError
from sweep.experiment.file import load
from sweep.experiment.sections import Configuration
from sweep.nn.network import chain, flat_vector
from sweep.training.memory import training_bytes
from sweep.training.networks import build_network, build_optimizer, check_fit
from tests.training.test_layers import EVERYTHING, configuration

DATASETS = {"mnist": ((1, 28, 28), 60_000), "cifar10": ((3, 32, 32), 50_000), "digits": ((1, 8, 8), 1_437)}
SHIPPED = (
    "cifar10-cnn digits-cnn digits-quickstart mnist-alpha mnist-cnn mnist-cnn-batch-norm mnist-learning-rate "
    "mnist-normalization mnist-overflow mnist-search-everything mnist-sigmoid-mlp mnist-two-layer mnist-widths"
)


def first_trials(name):
    """Yield the configuration of each of the first trials, the shape of its examples, and the number of samples."""
    try:
        trials = load(name).trials()[:3]
    except ExperimentError as error:  # pragma: no cover
        pytest.fail(str(error))
    for trial in trials:
        made = Configuration.model_validate(trial.configuration)
        yield made, *DATASETS[made.data.dataset.kind]


def arrays(made, example, samples):
    """Make the arrays of a training, and return the parameters and the bytes of all."""
    dtype, shape = np.dtype(made.training.dtype), (int(np.prod(example)),)
    net, optimizer = chain(build_network(made, 10, example).layers), build_optimizer(made)
    tracemalloc.start()
    initial, _ = net.init(np.random.default_rng(0), shape, dtype)
    vector, views = flat_vector(initial, dtype)
    del initial
    held = [net.work(shape, samples, dtype), flat_vector(views, dtype), np.ones((shape[0] + 1, samples), dtype)]
    held += [optimizer.init(vector), optimizer.scratch(vector)]
    made_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return vector, made_bytes


@pytest.mark.parametrize("name", SHIPPED.split())
def test_the_networks_of_shipped_experiments_have_the_parameters_that_are_counted(name):
    for made, example, samples in first_trials(name):
        size = check_fit(made, 10, example)
        batch = min(made.training.batch_size or -(-samples // made.training.batches_per_epoch), samples)
        vector, made_bytes = arrays(made, example, batch)
        assert size.parameters == vector.size
        assert 0.6 < training_bytes(made, size, samples) / made_bytes < 1.2


def test_memory_by_hand():
    made = configuration([{"kind": "affine", "units": 5}, "relu"], batch_size=6)
    size = check_fit(made, 3, (4,))
    assert size == (5 * 5 + 6 * 3, 4 * 5 + 5 * 3, 4 + 5 + 5 + 3)
    # Adam keeps two arrays and works with one; the mini-batch is as long as the data set at most.
    assert training_bytes(made, size, 100) == 8 * (5 * 43 + 2 * 6 * 17)
    assert training_bytes(made, size, 2) == 8 * (5 * 43 + 2 * 2 * 17)
    single = configuration([{"kind": "affine", "units": 5}, "relu"], optimizer="sgd", dtype="float32")
    assert training_bytes(single, size, 100) == 4 * (2 * 43 + 2 * 6 * 17)


def test_a_mini_batch_is_the_longest_of_an_epoch():
    made = configuration(EVERYTHING, batch_size=None, batches_per_epoch=7)
    size = check_fit(made, 3, (2, 5, 4))
    assert training_bytes(made, size, 99) - training_bytes(made, size, 98) == 8 * 2 * size.values
