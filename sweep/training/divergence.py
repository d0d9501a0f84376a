"""Detection of divergence: cheap signs in training, then a checked run of the epoch.

NumPy's floating-point flags cost nothing, but they do not report a NaN that is already there nor overflow in SciPy's
BLAS calls, and are sometimes raised without need; and a finite loss can come from infinite weights. So flags, the loss
of each step, and the parameters and states at the end of an epoch are only signs. If there is one, the epoch is run
again from its start, bit for bit the same, and every array that a layer takes, returns or keeps is checked: this finds
the first value that is not finite, or that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NoReturn

import numpy as np

from sweep.nn.layer import Array
from sweep.records import Divergence, DivergenceKind

KINDS: dict[str, DivergenceKind] = {
    "overflow": "overflow",
    "invalid value": "invalid",
    "divide by zero": "divide",
}
"""NumPy's name of a floating-point flag -> kind of divergence."""


class Diverged(Exception):
    """A trial has diverged; `divergence` says where."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence)
        self.divergence = divergence


class NotFinite(Exception):
    """The computation at `place` gave a value that is not finite."""

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
    """Return whether every element of every array in nested tuples and lists is finite."""
    return all(np.isfinite(leaf).all() for leaf in leaves(tree))


class Flags:
    """The first floating-point flag that NumPy has raised since the last `clear`."""

    def __init__(self) -> None:
        self.kind: DivergenceKind | None = None

    def __call__(self, message: str, flag: int) -> None:
        """Record a flag; NumPy calls this."""
        if self.kind is None:
            self.kind = KINDS[message]

    def clear(self) -> None:
        """Forget the flag."""
        self.kind = None

    def watching(self) -> AbstractContextManager[None]:
        """Return the context in which NumPy reports its flags here.

        Enter it once an epoch: it costs 1 µs.
        """
        return np.errstate(over="call", invalid="call", divide="call", under="ignore", call=self)


class FiniteCheck:
    """Checks every element of every result that an instrument reports to it.

    Raises:
        NotFinite: at the first value that is not finite.
    """

    def __init__(self, flags: Flags) -> None:
        self._flags = flags

    def __call__(self, place: str, *results: Any) -> None:
        """Check the results of one computation, in nested tuples and lists."""
        self.check_all([(place, results)])

    def check_all(self, placed: Iterable[tuple[str, Any]]) -> None:
        """Check each (place, results) of the computations since the last check."""
        for place, results in placed:
            for leaf in leaves(results):
                if not np.isfinite(leaf).all():
                    self._fail(place, np.asarray(leaf))
        self._flags.clear()  # raised without need, or by something finite such as a comparison

    def _fail(self, place: str, array: Array) -> NoReturn:
        """Name the kind by the flag, unless the array contradicts it: OpenBLAS raises `invalid` for nothing."""
        kind = self._flags.kind
        if kind is None or (kind == "invalid" and not np.isnan(array).any()):
            kind = "overflow" if np.isinf(array).any() else "invalid"
        raise NotFinite(place, kind)
