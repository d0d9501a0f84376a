"""Units that no training can change: those through which no sample of a fixed sample passes a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sweep.nn.layer import Array, Call, ForwardResult, Layer, Parameters, State, Workspace, without_ones
from sweep.nn.layers.activations import ACTIVATIONS

if TYPE_CHECKING:
    from sweep.training.loop import NetworkTrainer

SAMPLES = 1000
"""Training samples that are looked at, at most."""
FLAT = 1e-3
"""A slope up to this fraction of the activation's largest one lets practically no gradient through."""
SATURATING = ("sigmoid", "softsign", "step", "tanh")
"""Activations whose units are called saturated; those of all others are called dead, since they give 0 or nearly 0."""
_LARGEST_SLOPES = {"sigmoid": 0.25}
"""Largest slope of activations where that is not about 1."""


def dead_shares(trainer: NetworkTrainer) -> dict[str, float]:
    """Return the share of dead or saturated units of each layer with an activation function, by the layer's name.

    A unit is dead (relu and its like) or saturated (`SATURATING`) if the slope of its activation, y'(x), is at most
    `FLAT` of the largest slope for every one of up to `SAMPLES` training samples: then practically no gradient passes
    it, and the weights below it stay as they are. For relu this means that the unit gives 0 for each of them. A unit of
    `step`, whose slope is 0 everywhere, counts if it gives the same for all samples. A unit of an image is a channel,
    with all its pixels. A value that is not finite is never dead.

    The samples are all of the training part or `SAMPLES` of them, the same in each call; the network is in the mode of
    evaluation, so without dropout. No bit of the training is changed; but call it between epochs, not within one, as it
    writes into the arrays that mini-batches are gathered in.

    Returns:
        shares from 0 to 1 in the order of the layers, such as {"hidden[0]/relu": 0.25}; empty without activations.
    """
    found: dict[str, Array] = {}

    def keep(name: str, flat: Array) -> None:
        dead = flat.all(axis=tuple(axis for axis in range(flat.ndim) if axis != (0 if flat.ndim == 2 else 1)))
        found[name] = np.logical_and(dead, found.get(name, True))

    _run(trainer, keep)
    return {name: float(dead.mean()) for name, dead in found.items()}


def flat_shares(trainer: NetworkTrainer) -> dict[str, float]:
    """Return the share of outputs without a gradient of each layer with an activation function, by the layer's name.

    They are counted unit by unit and sample by sample, with the samples and the slopes of `dead_shares`. Where large
    weights saturate nearly all of them, a unit may be at one end for some samples, and at the other for the rest.
    """
    found: dict[str, list[Array]] = {}
    _run(trainer, lambda name, flat: found.setdefault(name, []).append(flat.mean(axis=-1)))
    return {name: float(np.mean(shares)) for name, shares in found.items()}


def _run(trainer: NetworkTrainer, keep: Callable[[str, Array], None]) -> None:
    """Run the network over the samples; report which outputs of each activation have no gradient."""
    network = trainer.settings.network
    layers = {name: _watched(name, layer, keep) for name, layer in network.layers.items()}
    observed, state = network._replace(layers=layers), trainer.state
    with np.errstate(all="ignore"):
        for _ in trainer.evaluation.outputs(
            observed, trainer.params, state.layer_states, "train", sample_rows(trainer)
        ):
            pass


def sample_rows(trainer: NetworkTrainer) -> Array:
    """Return the rows of up to `SAMPLES` training samples, in order and the same in each call."""
    rows = np.arange(len(trainer.dataset.train.x))
    if len(rows) <= SAMPLES:
        return rows
    return np.sort(np.random.default_rng(0).choice(len(rows), SAMPLES, replace=False))


def is_saturating(layer: str) -> bool:
    """Return whether the units of a layer, such as `hidden[0]/tanh`, are called saturated rather than dead."""
    return _kind(layer) in SATURATING


def _kind(layer: str) -> str:
    return layer.rpartition("/")[2]


def _watched(name: str, layer: Layer, keep: Callable[[str, Array], None]) -> Layer:
    """Return a layer that reports which of its outputs are flat, (…, samples), if it is an activation."""
    kind = _kind(name)
    if kind not in ACTIVATIONS:
        return layer

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        result = layer.forward(params, state, x, work, call)
        y = without_ones(result[0])
        if kind == "step":
            is_flat = y == y[..., :1]
        else:
            slope, _ = layer.backward(params, result[2], np.ones_like(y), work, True)
            assert slope is not None
            is_flat = np.abs(slope) <= FLAT * _LARGEST_SLOPES.get(kind, 1.0)
        keep(name, is_flat & np.isfinite(y))
        return result

    return layer._replace(forward=forward)
