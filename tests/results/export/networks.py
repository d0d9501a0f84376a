"""Small trained networks of every kind of layer, made without a database."""

import numpy as np

from sweep.data import data_options, prepare
from sweep.experiment.sections import Configuration
from sweep.records import Seeds
from sweep.results.export.trained import trained_network
from sweep.training.build import network_settings, opened
from sweep.training.loop import NetworkTrainer

SAMPLES, CLASSES = 60, 3
CONVOLUTION = {"kind": "convolution", "filters": 4, "kernel": 3}


def arrays(shape, integers=True, regression=False, offset=0.0):
    """Random samples of a shape, bytes or numbers with a fraction, and targets that depend on them."""
    rng = np.random.default_rng(11)
    x = rng.integers(0, 256, (2, SAMPLES, *shape)).astype(np.uint8) if integers else None
    x = rng.normal(offset, 3, (2, SAMPLES, *shape)) if x is None else x
    sums = x.reshape(2, SAMPLES, -1).astype(float).sum(2)
    ranks = sums.argsort(axis=1).argsort(axis=1)
    t = 5_000 + 100 * (sums - sums.mean()) / sums.std() if regression else ranks * CLASSES // SAMPLES
    return {"x_train": x[0], "t_train": t[0], "x_test": x[1], "t_test": t[1]}


def trained(folder, network, data=None, training=None, **of_data):
    """Return the trainer of a network after two epochs, and the network as it is exported."""
    np.savez(folder / "own.npz", **arrays(**of_data))
    section = {"dataset": {"kind": "npz", "file": str(folder / "own.npz")}, "normalization": "z_score", **(data or {})}
    given = {"epochs": 2, "batch_size": 10, "optimizer": {"kind": "sgd", "learning_rate": 0.05}}
    configuration = Configuration.model_validate(
        {
            "data": section,
            "network": {"weights": "glorot_normal", "biases": {"kind": "normal", "std": 0.3}, **network},
            "training": {**given, **(training or {})},
        }
    )
    cached = str(prepare(**data_options(section)))
    settings = network_settings(configuration, opened(cached), cached, Seeds(1, 2, 3))
    trainer = NetworkTrainer(opened(cached), settings)
    list(trainer.epochs())
    return trainer, trained_network(trainer, configuration, "own", 0)
