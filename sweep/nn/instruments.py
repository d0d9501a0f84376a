"""Instruments: report every result of a network as it is computed, and change no bit.

A result is reported with its place: `<layer>/input`, `<layer>/forward`, `<layer>/backward` or `loss`. What is reported
are the arrays themselves, which later computations may overwrite: copy what is to be kept.
"""

from __future__ import annotations

from typing import Any, Protocol

from sweep.nn.layer import Array, BackwardResult, Cache, Call, ForwardResult, Layer, Parameters, State, Workspace
from sweep.nn.losses import Loss, LossWorkspace
from sweep.nn.network import Network


class Seen(Protocol):
    """What is called with each result."""

    def __call__(self, place: str, *results: Any) -> None:
        """Take the results of one computation: arrays, numbers, None, or nested tuples of them."""


def observe(network: Network, seen: Seen) -> Network:
    """Return the same network, which reports every result of its layers and loss to `seen`."""
    layers = {name: observe_layer(name, layer, seen) for name, layer in network.layers.items()}
    return network._replace(layers=layers, loss=observe_loss(network.loss, seen))


def observe_layer(name: str, layer: Layer, seen: Seen) -> Layer:
    """Return a layer that reports x, then y and its state, and dx and its gradient."""

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        seen(f"{name}/input", x)
        y, new_state, cache = layer.forward(params, state, x, work, call)
        seen(f"{name}/forward", y, new_state)
        return y, new_state, cache

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        seen(f"{name}/backward", dx, gradient)
        return dx, gradient

    return layer._replace(forward=forward, backward=backward)


def observe_loss(loss: Loss, seen: Seen) -> Loss:
    """Return a loss that reports its value and its gradient."""

    def observed(outputs: Array, targets: Array, work: LossWorkspace) -> tuple[float, Array]:
        value, gradient = loss(outputs, targets, work)
        seen("loss", value, gradient)
        return value, gradient

    return observed
