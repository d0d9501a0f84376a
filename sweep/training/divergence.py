"""Divergence: seen cheaply while training, explained by doing the same steps again under close watch.

NumPy's floating-point flags cost nothing, but they are silent for a NaN that is already there and for SciPy's BLAS
calls, and now and then raised for nothing; a finite loss can hide infinite weights. So flags, the loss of each step
and all that an epoch leaves (parameters, and what layers and the optimizer remember) only raise a suspicion. The judge
is a second run of the epoch from its start, bit for bit the same, in which every array that any layer is given, returns
or keeps is checked: it names the first value that is not finite, or finds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NoReturn

import numpy as np

from sweep.nn.layer import (
    Array,
    Cache,
    Call,
    Gradient,
    Layer,
    Parameters,
    State,
    Work,
)
from sweep.nn.losses import Loss, LossWork
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


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the arrays and numbers in nested tuples and lists."""
    if isinstance(tree, tuple | list):
        for member in tree:
            yield from leaves(member)
    elif tree is not None:
        yield tree


def all_finite(tree: Any) -> bool:
    """Tell whether every element of every array in nested tuples and lists is finite."""
    return all(np.isfinite(leaf).all() for leaf in leaves(tree))


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
    """Wraps layers and losses so that each result is checked, element by element.

    Raises:
        NotFinite: from the wrapped functions and all checks, at the first value that is not finite.
    """

    def __init__(self, flags: Flags) -> None:
        self._flags = flags

    def check(self, place: str, *results: Any) -> None:
        """Look at every element of the results of one computation, in nested tuples."""
        self.check_all([(place, results)])

    def check_all(self, placed: Iterable[tuple[str, Any]]) -> None:
        """Look at every element of (place, results) of computations since the last check."""
        for place, results in placed:
            for leaf in leaves(results):
                if not np.isfinite(leaf).all():
                    self._fail(place, np.asarray(leaf))
        self._flags.clear()  # raised for nothing, or by something finite such as a comparison

    def _fail(self, place: str, array: Array) -> NoReturn:
        kind = self._flags.kind or ("overflow" if np.isinf(array).any() else "invalid")
        raise NotFinite(place, kind)

    def layer(self, name: str, layer: Layer) -> Layer:
        """Watch both passes of a layer."""

        def forward(params: Parameters, state: State, x: Array, work: Work, call: Call) -> tuple[Array, State, Cache]:
            self.check(f"{name}/input", x)  # of the first layer: what normalization has made of the data
            y, new_state, cache = layer.forward(params, state, x, work, call)
            self.check(f"{name}/forward", y, new_state)
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
