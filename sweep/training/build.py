"""The one place that makes a trainer, from a trial's drawn configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sweep.data import data_options, open_dataset, options_key
from sweep.data.dataset import Dataset, Part
from sweep.data.normalization import Normalization, fit
from sweep.experiment.sections import Configuration
from sweep.experiment.sections.data import Data
from sweep.nn.layers.matmul import Products
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.command import command_trainer, program_digest
from sweep.training.evaluation import Settings
from sweep.training.forks import ForkedTrainer
from sweep.training.function import check_function, function_trainer, pickled_trainer
from sweep.training.loop import NetworkTrainer
from sweep.training.networks import build_network, build_optimizer, build_penalty, build_schedule
from sweep.training.trainer import Setup, Trainer, TrainingError


def build(setup: Setup) -> Trainer:
    """Return the trainer of a trial.

    Raises:
        TrainingError: when a user's function cannot be found.
        ValueError, LookupError: when the configuration is damaged.
    """
    trainer = KINDS[trainer_kind(setup.configuration)](setup)
    fork = setup.fork
    if fork is None:
        return trainer
    return ForkedTrainer(trainer, lambda: build(fork.parent), fork.epoch, reseeded=fork.reseeded)


def trainer_kind(configuration: Mapping[str, Any]) -> str:
    """Return the kind of trainer that a configuration is for: `network` for our own."""
    kind: str = configuration.get("trainer", {"kind": "network"})["kind"]
    return kind


def is_deterministic(configuration: Mapping[str, Any]) -> bool:
    """Tell whether training again gives the same bits: our networks do, a user's trainer if it says so."""
    return bool(configuration.get("trainer", {"deterministic": True}).get("deterministic", False))


def build_network_trainer(setup: Setup) -> NetworkTrainer:
    """Return the trainer of one of our own networks."""
    configuration = Configuration.model_validate(setup.configuration)
    folder = _folder(setup)
    dataset = opened(folder)
    settings = network_settings(configuration, dataset, folder, setup.seeds, setup.products)
    return NetworkTrainer(dataset, settings)


def refuse_imported_trainer(setup: Setup) -> Trainer:
    """Refuse to train a trial that another program has trained.

    Raises:
        TrainingError: always.
    """
    raise TrainingError(f"it was imported from {setup.configuration['trainer']['source']}, and cannot be trained here")


KINDS: dict[str, Callable[[Setup], Trainer]] = {
    "command": lambda setup: command_trainer(setup, None),
    "function": lambda setup: function_trainer(setup, _parts(setup)),
    "imported": refuse_imported_trainer,
    "network": build_network_trainer,
    "pickle": lambda setup: pickled_trainer(setup, _parts(setup)),
}
"""Kind of trainer -> how it is made."""


def network_settings(
    configuration: Configuration, dataset: Dataset, folder: str, seeds: Seeds, products: Products = "wide"
) -> Settings:
    """Return what decides how a network is trained; `folder` is the cached folder of the data set."""
    training, normalization = configuration.training, configuration.data.normalization
    return Settings(
        network=build_network(configuration, dataset.outputs, dataset.shape, products),
        optimizer=build_optimizer(configuration),
        normalization=_fit(folder, normalization.kind, normalization.over, training.dtype, normalization.constant),
        batching=batching(configuration),
        epochs=epoch_count(configuration, len(dataset.train.x)),
        dtype=np.dtype(training.dtype),
        seeds=seeds,
        schedule=build_schedule(configuration),
        penalty=build_penalty(configuration),
        iterations=training.iterations,
        evaluate_train=training.evaluate_train,
        measures=tuple(training.metrics),
        record_sharpness=training.record_sharpness,
    )


def batching(configuration: Configuration) -> Batching:
    """Return how a configuration cuts an epoch into mini-batches."""
    training = configuration.training
    return Batching(training.batch_size, training.batches_per_epoch, training.shuffle)


def epoch_count(configuration: Configuration, samples: int) -> int:
    """Return the number of epochs with a number of training samples; `iterations` may cut the last one short."""
    training = configuration.training
    if training.iterations is None:
        return training.epochs or 0
    return math.ceil(training.iterations / len(batching(configuration).runs(samples)))


def dataset_of(setup: Setup) -> Dataset | None:
    """Return the data set of a trial, None if it has none."""
    return opened(_folder(setup)) if "data" in setup.configuration else None


def _folder(setup: Setup) -> str:
    return setup.datasets[options_key(data_options(setup.configuration["data"]))]


def _parts(setup: Setup) -> Mapping[str, Part] | None:
    """Return the parts of the data set that a user's trainer is given, normalized as the file says."""
    if "data" not in setup.configuration:
        return None
    normalization = Data.model_validate(setup.configuration["data"]).normalization
    return _normalized_parts(_folder(setup), normalization.kind, normalization.over, normalization.constant)


def code_digest(trainer: Mapping[str, Any], folder: Path | None) -> str | None:
    """Return the SHA-256 of the code beside the experiment file that a user's trainer runs; None if there is none.

    Raises:
        ExperimentError: when a function cannot be found.
    """
    if trainer["kind"] == "function":
        return check_function(trainer["function"], folder)
    return program_digest(trainer["run"], folder) if trainer["kind"] == "command" else None


# What a process opens or computes once and uses for all its trials.


@lru_cache(maxsize=4)
def opened(folder: str) -> Dataset:
    """Return the data set of a cached folder, opened once in a process."""
    return open_dataset(Path(folder))


@lru_cache(maxsize=16)
def _fit(folder: str, kind: str, over: str, dtype: str, constant: str) -> Normalization:
    return fit(kind, over, opened(folder).train.x, np.dtype(dtype), constant)


@lru_cache(maxsize=2)
def _normalized_parts(folder: str, kind: str, over: str, constant: str) -> Mapping[str, Part]:
    """Return the parts as they are, or normalized in float32."""
    parts = opened(folder).parts
    if kind == "none":
        return parts
    normalization = _fit(folder, kind, over, "float32", constant)
    found = {}
    for name, part in parts.items():
        x = np.empty(part.x.shape, np.float32)
        normalization.apply(part.x, x)
        found[name] = Part(x, part.t)
    return found
