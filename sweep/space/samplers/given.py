"""The sampler of sweeps whose configurations were given one by one, not drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from sweep.errors import ExperimentError
from sweep.space.samplers.base import Point, Sampler, Space


@dataclass(frozen=True, slots=True)
class Given(Sampler):
    """Configurations that are stored with their trials, such as those of `sweep rescue`; none is drawn."""

    of: str
    """The sweep whose trials they were made from."""
    labels: list[str]
    """Names of texts that are kept with each trial, as if they were parameters."""

    needs_trials: ClassVar[bool] = False
    is_extensible: ClassVar[bool] = False
    can_redraw: ClassVar[bool] = False

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Refuse to draw.

        Raises:
            ExperimentError: always.
        """
        raise ExperimentError(
            "the sampler 'given' is that of sweeps whose configurations were made from those of other trials, such as "
            "by `sweep rescue`, so it draws none; choose another sampler, such as random"
        )
