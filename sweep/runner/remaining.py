"""How long a sweep still takes, estimated from the epochs that its trials have had.

The seconds of an epoch are predicted for each trial by a ridge regression of their logarithm on the drawn values, since
trials of one sweep may differ tenfold. How many epochs a trial has before it diverges or is stopped is estimated by the
product of Kaplan and Meier (1958), in which trials that are still trained count as far as they are; rules that keep a
fixed part at each rung are taken at their word, and that of the median is asked what it would do to each trial if it
were compared with all others. Then the trials are handed out to the workers in order.

How far the estimate may be off is told, too: early in a sweep with a stopping rule few trials tell how many go on. It
comes from the variance of that product, by the formula of Greenwood (1926), from the chance of each trial that is left,
and from what the regression leaves unexplained; that the machine may become slower or faster is not in it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.records import Remaining
from sweep.runner.comparing import Comparison

Array = NDArray[np.float64]

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e6)
"""Penalties among which the regression chooses by leaving one trial out; the last one is as good as the mean."""
FEWEST = 5
"""Trials with epochs from which on the drawn values are looked at."""
RECENT = 8
"""Fewest trials by which the speed of the machine is judged, the latest ones."""
QUANTILE = 1.2816
"""Standard errors on each side within which 80 % of a normal distribution lie; a little more is unknown than those."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a trial is, and how long that took."""

    state: Literal["ended", "running", "waiting"]
    epochs: int
    """Number of epochs that it has had."""
    planned: int
    """Number of epochs after which it is completed."""
    seconds: float = 0.0
    """Time of these epochs."""
    overhead: float | None = None
    """Time besides that of its epochs, in seconds, where it has ended at the first attempt."""
    features: tuple[float, ...] = ()
    """Numbers that tell what an epoch of it costs; all trials have the same ones."""
    is_pruned: bool = False
    """Whether a stopping rule has ended it."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """What is known of a stopping rule before it has stopped anything."""

    epochs: tuple[int, ...]
    """Epochs at which it stops trials, in order."""
    share: float
    """Which part of those that have come there it stops."""
    weight: float | None = None
    """How many trials it takes to know better; None where the rule keeps exactly to the share."""
    comparison: Comparison | None = None
    """What it would do to the trials so far, each compared with all others, where that is known."""


def remaining(
    trials: Sequence[Pace],
    workers: int,
    undrawn: int = 0,
    stopping: Stopping | None = None,
    closes: float | None = None,
) -> Remaining | None:
    """Return the time until all trials have ended; None while no epoch is done or nobody trains.

    Args:
        trials: all trials, in the order in which they are trained.
        workers: how many are trained at the same time.
        undrawn: number of trials that are drawn later.
        stopping: what is known of the stopping rule, if there is one.
        closes: seconds after which no trial is begun any more.
    """
    if workers < 1 or not any(trial.epochs and trial.seconds > 0 for trial in trials):
        return None
    rates, rate_error = epoch_seconds(trials)
    expected = Expectation(trials, stopping)
    overheads = [trial.overhead for trial in trials if trial.overhead is not None]
    overhead = float(np.mean(overheads)) if overheads else 0.0
    durations: dict[str, list[float]] = {"running": [], "waiting": []}
    for trial, rate in zip(trials, rates, strict=True):
        if trial.state != "ended":
            more = rate * expected.more_epochs(trial.epochs, trial.planned)
            durations[trial.state].append(more + (overhead if trial.state == "waiting" else 0.0))
    longest = max(trial.planned for trial in trials)
    later = float(np.mean(rates)) * expected.more_epochs(0, longest) + overhead
    waiting = [*durations["waiting"], *[later] * undrawn]
    seconds = makespan(durations["running"], waiting, workers, closes)
    number = len(durations["running"]) + len(waiting)
    error = math.hypot(expected.relative_error(longest, number), rate_error)
    factor = math.exp(QUANTILE * error)
    return Remaining(seconds, seconds / factor, seconds * factor)


def makespan(running: Sequence[float], waiting: Sequence[float], workers: int, closes: float | None = None) -> float:
    """Return the time until all tasks have ended, each waiting one being begun by the first worker that is free.

    None is begun after `closes`.

    >>> makespan([3.0, 1.0], [4.0, 1.0], 2)
    5.0
    """
    ends = [*running, *[0.0] * (workers - len(running))]
    heapq.heapify(ends)
    for duration in waiting:
        if closes is not None and ends[0] >= closes:
            break
        heapq.heapreplace(ends, ends[0] + duration)
    return float(max(ends))


class Hazards(NamedTuple):
    """How probably a trial ends after each number of epochs, given that it has had them; `(planned + 1,)` each."""

    values: Array
    trials: Array
    """Number of trials that tell it; infinite where a rule keeps exactly to its share."""

    @property
    def greenwood(self) -> Array:
        """Greenwood's terms: the variance of the logarithm of the probability to go on."""
        found: Array = self.values / (self.trials * np.maximum(1 - self.values, 1e-9))
        return found


class Expectation:
    """How many epochs trials are expected to have."""

    def __init__(self, trials: Sequence[Pace], stopping: Stopping | None = None) -> None:
        longest = max(trial.planned for trial in trials)
        begun = [trial for trial in trials if trial.epochs or trial.state == "ended"]
        early = [trial for trial in begun if trial.state == "ended" and trial.epochs < trial.planned]
        self._losses = _hazards(begun, [trial for trial in early if not trial.is_pruned], longest)
        self._stops = _hazards(begun, [trial for trial in early if trial.is_pruned], longest, stopping)
        self._alive = np.cumprod((1 - self._losses.values) * (1 - self._stops.values))
        """Probability that a trial has more than that many epochs."""
        self._sums = np.concatenate([[0.0], np.cumsum(self._alive)])

    def more_epochs(self, epochs: int, planned: int) -> float:
        """Return how many more epochs a trial is expected to have that has had some of those planned."""
        if epochs >= planned:
            return 0.0
        before = float(self._alive[epochs - 1]) if epochs else 1.0
        return float(self._sums[planned] - self._sums[epochs]) / before if before else 0.0

    def relative_error(self, planned: int, number: int) -> float:
        """Return the standard error of the epochs that new trials will have together, as a part of that number.

        Args:
            planned: epochs that each of them has at most.
            number: how many they are.
        """
        mean = float(self._sums[planned])
        if not number or not mean:
            return 0.0
        beyond = mean - self._sums[:planned]
        terms = (self._losses.greenwood + self._stops.greenwood)[:planned]
        return math.sqrt(float((beyond**2 * terms).sum()) + self._variance(planned) / number) / mean

    def _variance(self, planned: int) -> float:
        """Return the variance of the epochs of one trial by chance, to which an exact share does not belong."""
        by_chance = np.where(np.isfinite(self._stops.trials), self._stops.values, 0.0)
        alive = np.cumprod((1 - self._losses.values) * (1 - by_chance))[:planned]
        return float(((2 * np.arange(planned) + 1) * alive).sum() - alive.sum() ** 2)


def _hazards(begun: Sequence[Pace], ended: Sequence[Pace], longest: int, stopping: Stopping | None = None) -> Hazards:
    had = np.bincount([min(trial.epochs, longest) for trial in begun], minlength=longest + 1)
    ends = np.bincount([min(trial.epochs, longest) for trial in ended], minlength=longest + 1).astype(np.float64)
    at_risk = (np.cumsum(had[::-1])[::-1] + 1).astype(np.float64)
    if stopping is not None and stopping.comparison is not None:
        ends, at_risk = stopping.comparison.stopped, stopping.comparison.compared + 1.0
    if stopping is None:
        return Hazards(ends / at_risk, at_risk)
    known = np.zeros(longest + 1)
    known[[epoch for epoch in stopping.epochs if epoch <= longest]] = stopping.share
    if stopping.weight is None:
        return Hazards(known, np.full(longest + 1, np.inf))
    weights = np.where(known > 0, stopping.weight, 0)
    return Hazards((ends + known * weights) / (at_risk + weights), at_risk + weights)


def epoch_seconds(trials: Sequence[Pace]) -> tuple[Array, float]:
    """Return the expected seconds of an epoch of each trial: its own once it has some, else by its features.

    The second value is the relative standard error of the mean of those that have none of their own.
    """
    has_own = np.array([trial.epochs > 0 and trial.seconds > 0 for trial in trials])
    own = np.array([trial.seconds / max(1, trial.epochs) for trial in trials])
    known = own[has_own]
    features = np.array([trial.features for trial in trials], dtype=np.float64).reshape(len(trials), -1)
    new = len(trials) - len(known)
    if len(known) < FEWEST or not features.shape[1]:
        return np.where(has_own, own, known.mean()), _error_of_mean(float(np.log(known).std()), len(known), new)
    logarithms, unexplained = _predict(features[has_own], np.log(known), features)
    fitted = np.exp(logarithms)
    recent = slice(-max(RECENT, len(known) // 4), None)  # for the machine may be slower or faster than before
    fitted *= known[recent].sum() / fitted[has_own][recent].sum()
    rates = np.where(has_own, own, np.clip(fitted, known.min() / 2, known.max() * 2))
    return rates, _error_of_mean(unexplained, len(known), new)


def _error_of_mean(deviation: float, known: int, new: int) -> float:
    """Return the standard error with which the mean of new values is predicted from known ones."""
    return deviation * math.sqrt(1 / known + 1 / new) if new else 0.0


def _predict(features: Array, values: Array, wanted: Array) -> tuple[Array, float]:
    """Return the values that a ridge regression predicts, its penalty chosen by leaving each one out.

    The second value is the root mean square of its errors at those left out.
    """
    center, scale = features.mean(0), features.std(0)
    usable = scale > 1e-12
    x = (features[:, usable] - center[usable]) / scale[usable]
    mean = values.mean()
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    projected = left.T @ (values - mean)
    best, chosen = np.inf, np.zeros(x.shape[1])
    for strength in STRENGTHS:
        shrunk = singular**2 / (singular**2 + strength)
        leverage = (left**2 * shrunk).sum(1) + 1 / len(values)
        errors = (values - mean - left @ (shrunk * projected)) / np.maximum(1 - leverage, 1e-3)
        if (error := float((errors**2).sum())) < best:
            best, chosen = error, right.T @ (shrunk / np.maximum(singular, 1e-12) * projected)
    predicted: Array = mean + (wanted[:, usable] - center[usable]) / scale[usable] @ chosen
    return predicted, math.sqrt(best / len(values))
