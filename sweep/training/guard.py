"""Divergence: seen cheaply while training, explained by doing the same steps again under close watch.

NumPy's floating-point flags cost nothing, but they are silent for a NaN that is already there and for SciPy's BLAS
calls, and now and then raised for nothing; a finite loss can hide infinite weights. So flags, the loss of each step
and all parameters at the end of each epoch only raise a suspicion. The judge is a second run of the epoch from its
start, bit for bit the same, in which every array that any layer returns is checked: it names the first value that is
not finite, or finds none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import NoReturn

import numpy as np

from sweep.nn.layer import (
    Array,
    Cache,
    Call,
    Gradient,
    Layer,
    OuterProduct,
    Parameters,
    State,
    Work,
)
from sweep.nn.losses import Loss, LossWork
from sweep.nn.optimisers import Optimiser, OptimiserState
from sweep.records import Divergence, DivergenceKind

KINDS: dict[str, DivergenceKind] = {
    "overflow": "overflow",
    "invalid value": "invalid",
    "divide by zero": "divide",
}
"""NumPy's words for its flags -> ours."""


class Diverged(Exception):
    """A trial has diverged; `divergence` says where."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence)
        self.divergence = divergence


class NotFinite(Exception):
    """The watched computation at `place` gave a value that is not finite."""

    def __init__(self, place: str, kind: DivergenceKind) -> None:
        super().__init__(place, kind)
        self.place = place
        self.kind: DivergenceKind = kind


class Flags:
    """The first floating-point flag that NumPy has raised since the last `clear`."""

    def __init__(self) -> None:
        self.kind: DivergenceKind | None = None

    def __call__(self, message: str, flag: int) -> None:
        """Note a flag; NumPy calls this."""
        if self.kind is None:
            self.kind = KINDS[message]

    def clear(self) -> None:
        """Forget the flag."""
        self.kind = None

    def watching(self) -> AbstractContextManager[None]:
        """Return the context in which NumPy reports its flags here; enter it once an epoch, it costs 1 µs."""
        return np.errstate(over="call", invalid="call", divide="call", under="ignore", call=self)


class Watch:
    """Wraps layers, losses and optimisers so that each result is checked, element by element.

    Raises:
        NotFinite: from the wrapped functions, at the first value that is not finite.
    """

    def __init__(self, flags: Flags) -> None:
        self._flags = flags

    def check(self, place: str, *results: Array | OuterProduct | float | None) -> None:
        """Look at every element of the results of one computation."""
        for result in results:
            arrays = result if isinstance(result, OuterProduct) else (result,)
            for array in arrays:
                if array is not None and not np.isfinite(array).all():
                    self._fail(place, np.asarray(array))
        self._flags.clear()  # raised for nothing, or by something finite such as a comparison

    def _fail(self, place: str, array: Array) -> NoReturn:
        kind = self._flags.kind or ("overflow" if np.isinf(array).any() else "invalid")
        raise NotFinite(place, kind)

    def layer(self, name: str, layer: Layer) -> Layer:
        """Watch both passes of a layer."""

        def forward(params: Parameters, state: State, x: Array, work: Work, call: Call) -> tuple[Array, State, Cache]:
            y, new_state, cache = layer.forward(params, state, x, work, call)
            self.check(f"{name}/forward", y)
            return y, new_state, cache

        def backward(
            params: Parameters, cache: Cache, dy: Array, work: Work, need_dx: bool
        ) -> tuple[Array | None, Gradient]:
            dx, gradient = layer.backward(params, cache, dy, work, need_dx)
            self.check(f"{name}/backward", dx, gradient)
            return dx, gradient

        return layer._replace(forward=forward, backward=backward)

    def layers(self, layers: Mapping[str, Layer]) -> dict[str, Layer]:
        """Watch every layer of a network."""
        return {name: self.layer(name, layer) for name, layer in layers.items()}

    def loss(self, loss: Loss) -> Loss:
        """Watch a loss and its gradient."""

        def watched(logits: Array, positions: Array, work: LossWork) -> tuple[float, Array]:
            value, gradient = loss(logits, positions, work)
            self.check("loss", value, gradient)
            return value, gradient

        return watched

    def optimiser(self, optimiser: Optimiser, named: Callable[[], Iterable[tuple[str, Array]]]) -> Optimiser:
        """Watch the parameters after every update; `named` gives those of each layer."""

        def update(params: Array, gradient: Gradient, state: OptimiserState, factor: float) -> OptimiserState:
            new_state = optimiser.update(params, gradient, state, factor)
            for name, layer_params in named():
                if not np.isfinite(layer_params).all():
                    self._fail(f"{name}/update", layer_params)
            self._flags.clear()
            return new_state

        return optimiser._replace(update=update)
