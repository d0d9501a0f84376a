"""Schedules: how the learning rate changes from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from sweep.nn.bounds import Bounds, Count, NonNegative

Schedule = Callable[[int, int], float]
"""(number of the epoch, from 1; number of epochs) -> factor of the learning rate, 1 at the start"""


def constant() -> Schedule:
    """Keep the learning rate."""
    return lambda epoch, epochs: 1.0


def decay(rate: NonNegative = 0.01) -> Schedule:
    """Divide the present learning rate by 1 + rate·e after each epoch e."""
    return lambda epoch, epochs: 1 / math.prod(1 + rate * e for e in range(1, epoch))


def step(every: Count = 10, factor: Annotated[float, Bounds(gt=0, le=1)] = 0.1) -> Schedule:
    """Multiply the learning rate by `factor` after every `every` epochs."""
    return lambda epoch, epochs: factor ** ((epoch - 1) // every)


def cosine() -> Schedule:
    """Follow half a cosine from 1 towards 0, without restarts.

    Loshchilov & Hutter 2017, equation 5.
    """
    return lambda epoch, epochs: 0.5 * (1 + math.cos(math.pi * (epoch - 1) / epochs))


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "cosine": cosine,
    "decay": decay,
    "step": step,
}
