"""The gradient check of an experiment: its first trial's network, on made-up inputs of the data set's shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sweep.data import KINDS, data_options, open_dataset, prepare
from sweep.errors import ExperimentError, UsageError
from sweep.experiment.experiment import Experiment
from sweep.experiment.sections import Configuration
from sweep.nn.comparison import Comparison
from sweep.nn.gradient_check import check
from sweep.nn.input_check import check_inputs
from sweep.nn.layer import Array, Shape
from sweep.nn.network import Network
from sweep.system.environment import one_blas_thread
from sweep.training.networks import build_network, build_penalty, check_fit

BATCH = 4
"""Samples of the mini-batch: batch normalization needs more than two, and each one brings more kinks near."""


def gradient_check(
    experiment: Experiment,
    *,
    data: Path | None = None,
    samples: int | None = 100,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Check the gradient of the network of an experiment's trial 0, as it is initialized, in float64.

    Then that of each layer without weights, of the loss and of the penalty with respect to its input, over a wide range
    and at kinks. `sweep.nn.gradient_check` and `sweep.nn.input_check` say which faults these checks cannot find.

    The inputs are normally distributed and the labels random, so the files of the data set are only needed where its
    shape is in no other place: for `npz` and `csv`.

    Args:
        experiment: its network, loss and regularization are checked.
        data: the folder of data sets.
        samples: how many entries of each parameter are compared, at least 1, chosen at random; None for all.
        progress: told after each entry how many of how many are done.

    Returns: one row for each parameter of each layer: `layer`, `parameter`, `shape` as text, `entries`, `checked`,
        `kinks` (left out), `error` (NaN where nothing could be checked) and `verdict`. Rows whose parameter is "input"
        follow, for layers and for the layer "loss", and ("penalty", "weights"); they count directions as checked.
    Raises:
        UsageError: when `samples` is below 1.
        ExperimentError: when the layers do not fit each other or the data set.
        DataError: when the file of the data set is needed, and missing or damaged.
    """
    if samples is not None and samples < 1:
        raise UsageError(f"the number of samples must be at least 1, not {samples}")
    if not experiment.is_native:
        raise UsageError(f"{experiment.name} has a trainer of its own, whose gradients sweep does not know")
    trial = experiment.trials()[0]
    configuration = Configuration.model_validate(trial.configuration)
    shape, classes = _describe(trial.configuration["data"], data, experiment.folder)
    x, targets = _batch(shape, classes, trial.seeds.shuffling, configuration.is_regression)
    network, penalty = _build(configuration, shape, classes), build_penalty(configuration)
    with one_blas_thread():  # as in training; and twice as fast here
        findings = check(network, x, targets, trial.seeds, penalty=penalty, samples=samples, progress=progress)
        findings += check_inputs(network, x.shape[:-1], targets, trial.seeds, penalty)
    return pd.DataFrame([_row(finding) for finding in findings])


def has_problem(checked: pd.DataFrame) -> bool:
    """Tell whether any verdict of a gradient check is "PROBLEM"."""
    return bool((checked["verdict"] == "PROBLEM").any())


def wrong_layers(checked: pd.DataFrame) -> list[str]:
    """Return the layers to look at: those that are wrong by themselves, else all with a wrong parameter."""
    problems = checked[checked["verdict"] == "PROBLEM"]
    alone = problems[problems["parameter"].eq("input") | problems["layer"].eq("penalty")]
    return list((problems if alone.empty else alone)["layer"].unique())


def _describe(section: Mapping[str, Any], data: Path | None, base: Path | None) -> tuple[Shape, int]:
    """Return the shape of a data set's examples and the number of its outputs, from its file if need be."""
    options = data_options(section)
    known = KINDS[options["kind"]]
    if known.shape is not None and known.classes is not None:
        return known.shape, known.classes
    opened = open_dataset(prepare(folder=data, base=base, **options))
    return opened.shape, opened.outputs


def _build(configuration: Configuration, shape: Shape, classes: int) -> Network:
    try:
        check_fit(configuration, classes, shape)
    except ValueError as error:
        raise ExperimentError(f"trial 0: {error}") from None
    return build_network(configuration, classes, shape)


def _batch(shape: Shape, classes: int, seed: int, is_regression: bool) -> tuple[Array, Array]:
    """Draw inputs (features, samples) and targets (samples,): classes, or numbers for regression."""
    rng = np.random.default_rng([seed, 1])  # another stream than the choice of entries
    x = rng.normal(size=(int(np.prod(shape)), BATCH))
    return x, rng.normal(size=BATCH) if is_regression else rng.integers(0, classes, BATCH)


def _row(finding: Comparison) -> dict[str, Any]:
    return {
        "layer": finding.layer,
        "parameter": finding.parameter,
        "shape": "×".join(map(str, finding.shape)),
        "entries": finding.entries,
        "checked": finding.checked,
        "kinks": finding.kinks,
        "error": finding.error,
        "verdict": finding.verdict,
    }
