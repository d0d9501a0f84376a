"""One trial's losses as curves over its epochs, computed from arrays; nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """Points in the order of their places; both arrays have shape (points,)."""

    places: Floats
    losses: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """The losses of one trial, placed along its epochs.

    Epoch e reaches from e - 1 to e, and its k-th of n mini-batches stands at e - 1 + k / n. A last epoch that
    was cut short ends at its last mini-batch, being as long as the others otherwise.
    """

    batches: Line
    """The mean loss of each mini-batch."""
    means: Line
    """The average of these over each epoch, in its middle."""
    train: Line
    """The evaluated loss of the training part, at the end of each epoch; 0 is the untrained network."""
    test: Line
    start: float
    """Where the axis begins."""
    end: float
    """Where the axis ends: the last epoch would end there if it were whole."""
    unit: str
    """What the places are counted in."""
    title: str
    """Title of the panel."""


def curve(trial: int, batches: pd.DataFrame, epochs: pd.DataFrame) -> Curve:
    """Return the losses of one trial as lines along its epochs.

    Nothing tells how long a first epoch would have been if it was neither finished nor evaluated; only then
    the places are counted in mini-batches.

    Args:
        trial: the number of the trial.
        batches: `epoch` (from 1), `step` (from 1) and `loss` of the trial's mini-batches, at least one.
        epochs: `epoch` (0 is the untrained network), `train_loss` and `test_loss` of the trial's epochs.
    """
    batches, epochs = batches.sort_values(["epoch", "step"]), epochs.sort_values("epoch")
    epoch, step, evaluated = _whole(batches, "epoch"), _whole(batches, "step"), _whole(epochs, "epoch")
    first, last, steps = int(epoch[0]), int(epoch[-1]), int(step.max())
    placed = Line(epoch - 1 + step / steps, _real(batches, "loss"))
    ends = np.where(evaluated == last, placed.places[-1], evaluated)
    lines = [placed, _means(placed, epoch), *(Line(ends, _real(epochs, name)) for name in ("train_loss", "test_loss"))]
    start, end, unit = min([first - 1, *evaluated]), max([last, *evaluated]), "epoch"
    is_of_unknown_length = end == first and last not in evaluated
    if is_of_unknown_length:
        lines = [Line((line.places - first + 1) * steps, line.losses) for line in lines]
        start, end, unit = 0, steps, f"mini-batch of epoch {last}"
    is_cut = is_of_unknown_length or step[-1] < steps
    title = f"trial {trial}, up to mini-batch {step[-1]} of epoch {last}" if is_cut else f"trial {trial}"
    placed, means, train, test = lines
    return Curve(placed, means, train, test, start, end, unit, title)


def _whole(frame: pd.DataFrame, column: str) -> NDArray[np.int64]:
    return frame[column].to_numpy(dtype=np.int64)


def _real(frame: pd.DataFrame, column: str) -> Floats:
    return frame[column].to_numpy(dtype=np.float64)


def _means(batches: Line, epoch: NDArray[np.int64]) -> Line:
    """Return the average loss of each epoch, in the middle of what was trained of it."""
    firsts = np.flatnonzero(np.diff(epoch, prepend=epoch[0] - 1))
    counts = np.diff(firsts, append=len(epoch))
    middles = (epoch[firsts] - 1 + batches.places[firsts + counts - 1]) / 2
    # Losses just before a divergence can be so high that their sum is infinite.
    return Line(middles, np.add.reduceat(batches.losses / np.repeat(counts, counts), firsts))


def thinned(line: Line, start: float, end: float, columns: int) -> Line:
    """Return the points of `line` that decide how it looks on a number of pixel columns from `start` to `end`.

    In each column these are the first, the last, the lowest and the highest point (M4: Jugel, Jerzak,
    Hackenbroich and Markl, VLDB 2014, section 4): every peak stays, and a line through them covers the same
    pixels. A line of at most four points per column stays as it is.
    """
    if len(line.places) <= 4 * columns:
        return line
    column = np.floor((line.places - start) / (end - start) * columns).clip(0, columns - 1)
    firsts = np.flatnonzero(np.diff(column, prepend=-1))
    lasts = np.append(firsts[1:], len(column)) - 1
    by_height = np.lexsort([line.losses, column])
    kept = np.unique(np.concatenate([firsts, lasts, by_height[firsts], by_height[lasts]]))
    return Line(line.places[kept], line.losses[kept])
