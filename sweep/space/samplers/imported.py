"""The sampler of sweeps that were imported, whose configurations another program has drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from sweep.errors import ExperimentError
from sweep.space.samplers.base import Point, Sampler, Space


@dataclass(frozen=True, slots=True)
class Imported(Sampler):
    """Configurations that are stored with their trials; none is drawn."""

    needs_trials: ClassVar[bool] = False
    is_extensible: ClassVar[bool] = False
    can_redraw: ClassVar[bool] = False

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Refuse to draw.

        Raises:
            ExperimentError: always.
        """
        raise ExperimentError(
            "the sampler 'imported' is that of sweeps which `sweep import` has read, so it draws none; choose another "
            "sampler, such as random"
        )
