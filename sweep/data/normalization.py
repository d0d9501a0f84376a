"""Normalization x ↦ (x − shift)·scale, fitted to the training part alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from sweep.data.dataset import Array
from sweep.errors import DataError, suggest

_Axis = Literal[0] | None
_Fit = Callable[[Array, _Axis], tuple[Array, Array]]

_BLOCK = 8192
"""Elements of the work buffers: 64 KiB of float64, which fit the processor's L2 cache."""


@dataclass(frozen=True, eq=False)
class Normalization:
    """The map x ↦ (x − shift)·scale; both are of shape () or (features,), in the dtype of the computation."""

    shift: Array | None
    """None stands for 0 and saves the subtraction."""
    scale: Array

    def apply(self, x: Array, out: Array) -> None:
        """Write the normalized rows of `x` into `out`.

        The shift is subtracted first, so that a mean far above the standard deviation costs no precision.
        Nothing is allocated but, where `out` is of another dtype than the computation (float64 data in
        float32), a buffer of 64 KiB or one row.

        Args:
            x: (samples, features) of any real dtype.
            out: (samples, features) float32 or float64; may be a strided view.
        """
        if self.shift is None:
            np.multiply(x, self.scale, out=out)
        elif self.scale.dtype == out.dtype:
            np.subtract(x, self.shift, out=out)
            np.multiply(out, self.scale, out=out)
        else:
            self._apply_in_blocks(x, self.shift, out)

    def _apply_in_blocks(self, x: Array, shift: Array, out: Array) -> None:
        """Normalize where x − shift in the dtype of `out` might overflow or lose digits."""
        rows = max(1, _BLOCK // x.shape[1])
        buffer = np.empty((min(rows, len(x)), x.shape[1]), self.scale.dtype)
        for start in range(0, len(x), rows):
            block = x[start : start + rows]
            shifted = buffer[: len(block)]
            np.subtract(block, shift, out=shifted)
            np.multiply(shifted, self.scale, out=out[start : start + rows])


def fit(kind: str, over: str, x_train: Array, dtype: DTypeLike, constant: str = "zero") -> Normalization:
    """Return the normalization of `kind` whose statistics are those of `x_train`.

    `none` leaves x as it is; `min_max` maps the smallest value to 0 and the largest to 1; `z_score` maps the
    mean to 0 and the population standard deviation to 1.

    A feature that is constant in the training part gets scale 0 and so becomes 0 in every part, as the network
    cannot have learned anything from it. Values whose spread is below the resolution of float64 count as constant.
    With `constant="article"`, 1e-7 is added to every divisor instead, as one published article does: a constant
    feature is 0 in the training part, but a stray pixel of 255 in a test image becomes 2.5e9.

    Args:
        kind: `none`, `min_max` or `z_score`.
        over: `all` for one statistic over all features, `feature` for one each.
        x_train: (samples, features) of any real dtype, finite, samples > 0.
        dtype: float32 or float64, of the normalized data.
        constant: what becomes of constant features: `zero`, or `article`.

    Returns: a normalization that computes in `dtype`, or in float64 where the data need it.
    Raises: DataError if the kind is unknown or the values span more than float64 can hold.
    """
    if kind not in KINDS:
        raise DataError(f"There is no normalization {kind!r}: {suggest(kind, KINDS)}")
    if over not in OVER:
        raise DataError(f"A normalization cannot go over {over!r}: {suggest(over, OVER)}")
    if constant not in DIVISORS:
        raise DataError(f"Constant features cannot be treated as {constant!r}: {suggest(constant, DIVISORS)}")
    shift, divisor = KINDS[kind](x_train, OVER[over])
    scale = _inverse(divisor + DIVISORS[constant])
    computation = np.result_type(x_train.dtype, dtype)
    if computation == np.float32 and not _fits_float32(shift, scale):
        computation = np.dtype(np.float64)
    return Normalization(shift.astype(computation) if shift.any() else None, scale.astype(computation))


def _none(x: Array, axis: _Axis) -> tuple[Array, Array]:
    return np.array(0.0), np.array(1.0)


def _min_max(x: Array, axis: _Axis) -> tuple[Array, Array]:
    low, spread = _range(x, axis)
    return low, spread


def _z_score(x: Array, axis: _Axis) -> tuple[Array, Array]:
    """Return mean and standard deviation, by two passes over the values mapped to [0, 1].

    In [0, 1], neither sums nor squares can overflow, and the deviations from the mean do not cancel.
    """
    low, spread = _range(x, axis)
    unit = Normalization(low, _inverse(spread))
    mean = _average(x, unit, axis)
    variance = _average(x, unit, axis, mean)
    return low + spread * mean, spread * np.sqrt(variance)


KINDS: dict[str, _Fit] = {"none": _none, "min_max": _min_max, "z_score": _z_score}
"""(x_train, axis) -> (shift, divisor), both float64 of shape () or (features,)."""

OVER: dict[str, _Axis] = {"all": None, "feature": 0}
"""The axis that the statistics are taken over."""

DIVISORS = {"zero": 0.0, "article": 1e-7}
"""How constant features are treated -> what is added to every divisor; 1 / 0 is taken for 0."""


def _range(x: Array, axis: _Axis) -> tuple[Array, Array]:
    """Return the smallest value and the distance from it to the largest, float64."""
    low = np.asarray(x.min(axis=axis), np.float64)
    high = np.asarray(x.max(axis=axis), np.float64)
    with np.errstate(over="ignore"):
        spread = np.asarray(high - low)
    if not np.isfinite(spread).all():
        raise DataError(
            f"The data range from {low.min():g} to {high.max():g}, more than float64 can hold: rescale them."
        )
    return low, spread


def _inverse(spread: Array) -> Array:
    """Return 1 / spread, and 0 where that would not be finite."""
    return np.divide(1.0, spread, out=np.zeros_like(spread), where=spread >= np.finfo(np.float64).tiny)


def _average(x: Array, unit: Normalization, axis: _Axis, center: Array | None = None) -> Array:
    """Return the mean of u = unit(x) in float64, or with a center that of (u − center)², block by block."""
    rows = max(1, _BLOCK // x.shape[1])
    buffer = np.empty((rows, x.shape[1]))
    total = np.zeros(unit.scale.shape)
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        u = buffer[: len(block)]
        unit.apply(block, u)
        if center is not None:
            u -= center
            u *= u
        total += u.sum(axis=axis)
    return np.asarray(total * (total.size / x.size))


def _fits_float32(shift: Array, scale: Array) -> bool:
    """Return whether float32 data can be normalized in float32.

    The rounded shift must not move the result by more than 1e-6, as it does where the mean is far above
    the standard deviation; and x − shift and scale must stay within float32's range by a wide margin.
    """
    used = scale > 0
    moved = np.abs(shift - shift.astype(np.float32)) * scale
    return bool(np.all(moved <= 1e-6) and np.all(~used | ((scale > 1e-30) & (scale < 1e30))))
