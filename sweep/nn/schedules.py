"""Schedules: how the learning rate changes from epoch to epoch, and in a warm-up from step to step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from sweep.nn.bounds import Bounds, Count, NonNegative, Positive

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


@dataclass(frozen=True)
class Warmup:
    """A schedule whose factor rises with each step at first; called as any other, it gives that of an epoch's end."""

    epochs: float
    """Epochs within which it rises, in proportion to the number of steps taken."""
    then: Schedule
    """What its factor is multiplied by; epochs are counted from the first one on."""

    def __call__(self, epoch: int, epochs: int) -> float:
        """Return the factor of the last step of an epoch."""
        return min(1.0, epoch / self.epochs) * self.then(epoch, epochs)

    def of_steps(self, epoch: int, epochs: int, steps: int) -> list[float]:
        """Return the factor of each of the steps of an epoch: that of step k of all, from 1, is k/(epochs · steps)."""
        whole, rising = self.then(epoch, epochs), self.epochs * steps
        return [min(1.0, k / rising) * whole for k in range((epoch - 1) * steps + 1, epoch * steps + 1)]


def warmup(epochs: Positive = 1.0, then: Schedule | None = None) -> Schedule:
    """Raise the learning rate in equal steps from near 0 to the whole within `epochs` epochs.

    Goyal et al. 2017, section 2.2. Multiplied by the schedule `then`, which counts epochs from the first one on.
    """
    return Warmup(epochs, then or constant())


def of_steps(schedule: Schedule, epoch: int, epochs: int, steps: int) -> list[float]:
    """Return the factor of each of the steps of a whole epoch, the same one for all but in a warm-up."""
    if isinstance(schedule, Warmup):
        return schedule.of_steps(epoch, epochs, steps)
    return [schedule(epoch, epochs)] * steps


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "cosine": cosine,
    "decay": decay,
    "step": step,
    "warmup": warmup,
}
