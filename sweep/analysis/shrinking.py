"""Shrinking an experiment to networks so small that thousands of them are trained in a minute."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.trainability import DOUBLE, Axis, Problem
from sweep.data import Dataset, data_options, fit, open_dataset, prepare
from sweep.errors import Argument, Hint, UsageError
from sweep.experiment.experiment import Experiment
from sweep.experiment.sections import Configuration
from sweep.experiment.sections.training import Training
from sweep.nn.initializers import normal
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.layers.affine import affine
from sweep.records import Parameter
from sweep.training.networks import initializer

Array = NDArray[Any]

DEFAULT = "digits-trainability"
"""The experiment that is mapped unless another one is named; it comes with sweep."""
FEATURES, UNITS, CLASSES, SAMPLES = 4, 8, 4, 24
"""At most so many inputs, units in each hidden layer, classes, and samples."""
AXES = {
    "training.optimizer.learning_rate": "learning_rate",
    "training.optimizer.momentum": "momentum",
    "network.weights.std": "std",
    "network.activation.alpha": "alpha",
}
"""Full name of a parameter that can be an axis -> what it is called."""
WITHOUT_EFFECT = frozenset(
    [
        *("epochs", "iterations", "batch_size", "batches_per_epoch", "shuffle", "dtype", "keep_weights"),
        *("checkpoint_every", "evaluate_train", "metrics", "record_batches", "record_sharpness"),
    ]
)
"""Keys of the section `training` that make no difference, since each step takes all samples, in float64."""
TREATED = frozenset(["optimizer", "loss"])
"""Keys of the section `training` that a map follows; all others must have their defaults."""


class Shrunk(NamedTuple):
    """A tiny version of an experiment."""

    problem: Problem
    x: Axis
    """The learning rate if it is searched, else the parameter that stands first in the file."""
    y: Axis


def shrink(experiment: Experiment, *, data: Path | None = None, seed: int | None = None) -> Shrunk:
    """Return a tiny version of an experiment, with its two searched parameters as axes.

    The samples are up to 24 of the training part, drawn at random and as many of each of its first four classes, and
    normalized as the file says. Of their features the four principal components are kept, without centering: the
    directions in which the inputs are largest decide from which learning rate on training is unstable. Hidden layers
    have at most 8 units. Whatever else is searched of the sizes of layers and of batches is without effect.

    Args:
        experiment: trains a perceptron by gradient descent, with momentum or without.
        data: the folder of data sets.
        seed: of the choice of samples and of the first weights; by default that of the experiment.

    Raises:
        UsageError: when the experiment cannot be mapped.
        DataError: when its data set is missing or damaged.
    """
    if not experiment.is_native:
        _refuse(experiment, "has a trainer of its own, which cannot be trained thousands of times at once")
    x, y = _axes(experiment)
    drawn = next(experiment.draws()).configuration
    configuration = Configuration.model_validate(drawn)
    _check(experiment, configuration)
    seed = experiment.header.seed if seed is None else seed
    dataset = open_dataset(prepare(folder=data, base=experiment.folder, **data_options(drawn["data"])))
    inputs, targets, outputs = _samples(configuration, dataset, np.random.default_rng([seed, 0]))
    names = {x.name, y.name}
    problem = Problem(
        inputs=inputs,
        targets=targets,
        loss="cross_entropy" if configuration.loss == "cross_entropy" else "mean_squared_error",
        weights=_weights(configuration, len(inputs) - 1, outputs, "std" in names, np.random.default_rng([seed, 1])),
        activation=ACTIVATIONS[configuration.network.activation.kind],
        fixed=_fixed(configuration, names),
    )
    return Shrunk(problem, x, y)


def zoomed(shrunk: Shrunk, zoom: Sequence[float]) -> Shrunk:
    """Return the same problem with other ends of the axes: x0, x1, y0, y1.

    Raises:
        UsageError: when they are not two ranges of possible values.
    """
    if len(zoom) != 4 or not np.isfinite(zoom).all():
        raise UsageError(Argument("zoom"), " takes four numbers: x0,x1,y0,y1, the ends of both axes")
    return shrunk._replace(x=_zoomed(shrunk.x, *zoom[:2]), y=_zoomed(shrunk.y, *zoom[2:]))


def _zoomed(axis: Axis, low: float, high: float) -> Axis:
    is_open = axis.is_log or axis.name == "learning_rate"
    top = {"momentum": 1.0, "alpha": 1.0}.get(axis.name, np.inf)
    if not (low < high and (low > 0 if is_open else low >= 0) and high <= top):
        wanted = "above 0" if is_open else "at least 0"
        wanted += f" and at most {top:g}" if top < np.inf else ""
        raise UsageError(
            Argument("zoom"),
            f": {axis.name} cannot go from {low:g} to {high:g}; both are {wanted}, and the lower one comes first",
        )
    return axis._replace(low=low, high=high)


def _refuse(experiment: Experiment, *reason: str | Hint) -> NoReturn:
    raise UsageError(f"{experiment.name} cannot be mapped: it ", *reason)


def _axes(experiment: Experiment) -> tuple[Axis, Axis]:
    """Return the axes of the parameters that an experiment searches."""
    wanted = [each for each in experiment.parameters if not _is_without_effect(each)]
    names, known = [each.short_name for each in wanted], list(AXES.values())
    unknown = [each.short_name for each in wanted if not _is_axis(each)]
    if unknown:
        _refuse(
            experiment,
            f"searches {_listed(unknown)}, and an axis is a range of {_listed(known, 'or')}; fix the rest with ",
            Argument("overrides", f"{unknown[0]}=…"),
        )
    if len(wanted) > 2:
        _refuse(
            experiment,
            f"searches {_listed(names)}, and a map has two axes; fix the others with ",
            Argument("overrides", f"{next(name for name in names if name != 'learning_rate')}=…"),
        )
    if len(wanted) < 2:
        found = f"searches only {names[0]}" if names else "searches nothing that can be an axis"
        _refuse(
            experiment,
            f"{found}, and a map has two axes; write ranges for two of {_listed(known)}, such as "
            'weights = { kind = "normal", std = { log_uniform = [0.05, 5] } }',
        )
    axes = [Axis(AXES[each.name], float(each.low or 0), float(each.high or 0), each.log) for each in wanted]
    first, second = sorted(axes, key=lambda axis: axis.name != "learning_rate")
    return first, second


def _is_axis(parameter: Parameter) -> bool:
    has_range = parameter.low is not None and parameter.high is not None and parameter.low < parameter.high
    return parameter.name in AXES and has_range


def _is_without_effect(parameter: Parameter) -> bool:
    section, _, key = parameter.name.partition(".")
    key = key.partition("[")[0]
    return (section == "network" and key == "hidden") or (section == "training" and key in WITHOUT_EFFECT)


def _check(experiment: Experiment, configuration: Configuration) -> None:
    """Refuse what the batched training does not do."""
    network, training = configuration.network, configuration.training
    if network.layers:
        _refuse(experiment, "lists network.layers, and only perceptrons of network.hidden are mapped")
    if training.optimizer.kind not in ("sgd", "momentum"):
        _refuse(experiment, f"uses the optimizer {training.optimizer.kind}, and only sgd and momentum are mapped")
    outputs: dict[str, str] = {"cross_entropy": "softmax", "mean_squared_error": "identity"}
    if outputs.get(configuration.loss) != configuration.output:
        _refuse(
            experiment,
            f"has the loss {configuration.loss} of the output {configuration.output}, and only cross_entropy of "
            "softmax and mean_squared_error of identity are mapped",
        )
    plain = Training.model_validate({"epochs": 1, "batch_size": 1, "optimizer": "sgd"})
    for name, value in training:
        if name not in WITHOUT_EFFECT | TREATED and value != getattr(plain, name):
            _refuse(experiment, f"sets training.{name}, which is not mapped; leave it out")
    if network.weights.kind == "normal" and network.weights.values()["mean"] != 0:
        _refuse(experiment, "has first weights whose mean is not 0, which are not mapped")


def _samples(configuration: Configuration, dataset: Dataset, rng: np.random.Generator) -> tuple[Array, Array, int]:
    """Return the inputs with their row of ones, the targets, and the number of outputs."""
    t = dataset.train.t
    classes = np.unique(t)[:CLASSES]
    if dataset.target is None:
        each = [rng.permutation(np.flatnonzero(t == label))[: SAMPLES // len(classes)] for label in classes]
        rows = np.sort(np.concatenate(each))
        labels = np.searchsorted(classes, t[rows])
        is_class = np.arange(len(classes))[:, None] == labels
        targets = labels if configuration.loss == "cross_entropy" else is_class.astype(DOUBLE)
    else:
        rows = np.sort(rng.permutation(len(t))[:SAMPLES])
        targets = ((t[rows] - dataset.target.mean) / dataset.target.scale)[None]
    kind = configuration.data.normalization
    x = np.empty((len(rows), dataset.train.x.shape[1]))
    fit(kind.kind, kind.over, dataset.train.x, DOUBLE, kind.constant).apply(dataset.train.x[rows], x)
    if x.shape[1] > FEATURES:
        x = x @ np.linalg.svd(x, full_matrices=False)[2][:FEATURES].T
    return np.vstack([x.T, np.ones(len(x))]), targets, len(classes) if dataset.target is None else 1


def _weights(
    configuration: Configuration, inputs: int, outputs: int, is_unit: bool, rng: np.random.Generator
) -> tuple[Array, ...]:
    """Return the first weights of each affine layer, drawn as of any network; `is_unit` for a standard deviation of 1.

    A normal distribution of mean 0 and standard deviation s gives s times the values of one of 1, bit for bit.
    """
    network = configuration.network
    draw, biases = normal(0, 1) if is_unit else initializer(network.weights), initializer(network.biases)
    widths = [inputs, *(min(units, UNITS) for units in network.hidden), outputs]
    return tuple(affine(units, draw, biases).init(rng, (fan_in,), DOUBLE)[0] for fan_in, units in pairwise(widths))


def _fixed(configuration: Configuration, names: set[str]) -> dict[str, float]:
    """Return the hyperparameters that are the same for all networks."""
    values = configuration.training.optimizer.values() | configuration.network.activation.values()
    return {name: float(value) for name, value in values.items() if name not in names}


def _listed(words: Sequence[str], last: str = "and") -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
