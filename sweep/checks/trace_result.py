"""What the trace of a training is: which steps are asked for, what was recorded of them, and what they show."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sweep.checks.growth import Growth, first_growth
from sweep.errors import Argument, SweepError, UsageError, shortened
from sweep.records import Divergence
from sweep.system.files import write_whole
from sweep.training import tracing
from sweep.training.tracing import Recording

BEFORE = 50
"""Steps before the divergence that are recorded."""
OTHERWISE = 100
"""Steps that are recorded where a training does not diverge."""


@dataclass(frozen=True)
class Range:
    """The steps that are asked for."""

    start: int | None = None
    """The first step, counted over the whole training from 1."""
    steps: int | None = None
    """Number of steps; before the divergence where `start` is None."""

    def __post_init__(self) -> None:
        """Refuse numbers below 1."""
        for argument, number in (("from_step", self.start), ("steps", self.steps)):
            if number is not None and number < 1:
                raise UsageError(Argument(argument), f" must be at least 1, not {number}")

    def bounds(self, diverged: int | None, total: int) -> tuple[int, int]:
        """Return the first and the last step to record of a training.

        Args:
            diverged: the step in which it diverges, None where it does not.
            total: number of its steps.

        Raises:
            UsageError: when the range begins after its end.
        """
        end = total if diverged is None else diverged
        if self.start is not None and self.start > end:
            has = f"has {total} steps in all" if diverged is None else f"diverges in step {diverged}"
            raise UsageError(Argument("from_step"), f" {self.start} is too late: the training {has}")
        if diverged is None:
            first = self.start or 1
            return first, min(end, first + (self.steps or OTHERWISE) - 1)
        first = self.start or max(1, end - (self.steps or BEFORE))
        return first, min(end, first + self.steps - 1) if self.start and self.steps else end


@dataclass(frozen=True)
class Trace:
    """The steps of a training, and what they show."""

    name: str
    """Sweep and number, such as `mnist-widths/12`."""
    recording: Recording
    layers: tuple[str, ...]
    """The layers with weights, from the first to the last."""
    dead: dict[str, float]
    """The share of dead or saturated units of each activation before the last step; see `dead_shares`."""
    stored: Divergence | None
    """Where the trial had diverged when it was trained before, if it was."""
    steps_in_epoch: int
    sharpness: pd.DataFrame | None = None
    """`epoch`, `sharpness` and `instability` of the untrained network and after each epoch up to the last step, if it
    was asked for; see `sweep.training.sharpness`."""
    finding: str | None = None
    """What was found wrong with how the stored trial learned."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each step; see `Recording.frame`."""
        return self.recording.frame

    @property
    def divergence(self) -> Divergence | None:
        """Where the steps ended, if they diverged."""
        return self.recording.divergence

    @property
    def diverged_step(self) -> int | None:
        """The step of the divergence, counted over the whole training."""
        return step_of(self.divergence, self.steps_in_epoch) if self.divergence else None

    @property
    def is_as_stored(self) -> bool:
        """Whether the steps end in the stored divergence, or before it."""
        if self.stored is None or self.divergence == self.stored:
            return True
        return self.divergence is None and int(self.frame["step"].iloc[-1]) < step_of(self.stored, self.steps_in_epoch)

    @property
    def first_not_finite(self) -> str | None:
        """The array that left the finite numbers first, such as `u of output`; None where none has."""
        if self.divergence is None:
            return None
        return array_words(self.divergence.place, self.layers, dict(self.frame.iloc[-1]))

    @property
    def growth(self) -> Growth | None:
        """The array that had begun to grow without return; None where none has, or where nothing diverged."""
        return first_growth(self.frame, tracing.columns(self.layers)) if self.divergence else None

    def columns(self, layers: Sequence[str] = ()) -> list[str]:
        """Return the columns of some layers; by default those of the last one, dz of the one below it, and what grew.

        Raises:
            UsageError: when there is no such layer, or it has no weights.
        """
        if not layers:
            last = [f"{self.layers[-1]}/{kind}" for kind in ("u", "W", "dW")]
            grown = [self.growth.series] if self.growth else []
            return list(dict.fromkeys([*last, *(f"{below}/dz" for below in self.layers[-2:-1]), *grown]))
        named = dict.fromkeys(self._layer(given) for given in layers)
        return [f"{layer}/{kind}" for layer in named for kind in tracing.KINDS]

    def _layer(self, given: str) -> str:
        found = [name for name in self.layers if given in (name, name.partition("/")[0])]
        if not found:
            raise UsageError(f"there is no layer {given!r} with weights; choose from {shortened(self.layers)}")
        return found[0]


def step_of(divergence: Divergence, steps_in_epoch: int) -> int:
    """Return the step of a divergence, counted over the whole training; at most 0 for one before the first step."""
    return (divergence.epoch - 1) * steps_in_epoch + divergence.step


def array_words(place: str, layers: Sequence[str], row: Mapping[str, float]) -> str:
    """Return the array of the place of a divergence in words.

    >>> array_words("output/forward", ["output"], {}), array_words("hidden[0]/relu/forward", ["output"], {})
    ('u of output', 'z, the output of hidden[0]/relu')

    Args:
        place: the computation that gave a value that is not finite; see `Divergence`.
        layers: the layers with weights.
        row: what was recorded of the step; of two arrays that one computation gives the infinite one is named.
    """
    if place.startswith("evaluation/"):
        return f"{array_words(place.removeprefix('evaluation/'), layers, {})} in the evaluation after it"
    layer, _, moment = place.rpartition("/")
    is_weighted = layer in layers
    if moment == "forward":
        return f"u of {layer}" if is_weighted else f"z, the output of {layer}"
    if moment == "backward":
        is_own = is_weighted and math.isinf(row.get(f"{layer}/dW", 0.0))
        return f"dW of {layer}" if is_own else f"the gradient that {layer} passes down"
    if moment == "update":
        return f"W of {layer}, or what the optimizer keeps of it"
    if moment == tracing.LOSS:
        return "the loss" if math.isinf(row.get(moment, math.inf)) else f"dz of {layers[-1]}"
    return place


def write_arrays(trace: Trace, path: Path) -> int:
    """Write the arrays of the last finite step to an .npz file, each by the name of its column; return the step.

    Raises:
        UsageError: when the name of the file ends in something else.
        SweepError: when there is no such step, or the file cannot be written.
    """
    recording = trace.recording
    if path.suffix.lower() != ".npz":
        raise UsageError(f"cannot write the arrays to '{path}': its name must end in .npz")
    if recording.finite_step is None:
        raise SweepError("in no recorded step all arrays are finite; begin earlier with ", Argument("from_step"))
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, step=np.array(recording.finite_step), **recording.arrays)
    write_whole(path, content.getvalue())
    return recording.finite_step
