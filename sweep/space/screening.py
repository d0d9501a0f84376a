"""A quadratic model of results, and the points that it expects to be among the best.

The model is a ridge regression of the results' normal scores on the coordinates, their squares and their products. Its
penalty has the least leave-one-out error (Golub, Heath and Wahba 1979), computed in closed form from one singular value
decomposition. The arithmetic uses one thread, and sums in one order, so the same results give the same points.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import NamedTuple
from zlib import crc32

import numpy as np
from threadpoolctl import threadpool_limits

from sweep.metrics import Objective
from sweep.space.coordinates import Array, Slot, columns, from_parameters, from_uniform, shares_choice
from sweep.space.distributions import Distribution, Tree
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.base import Point
from sweep.space.samplers.bits import many_random_bits

PENALTIES = np.geomspace(0.3, 300, 10)
"""The penalties among which leave-one-out error chooses."""
MOST_CROSSED = 60
"""Columns up to which products of two are features; more would be thousands."""
ATTEMPTS = 10
"""Attempts for a point, times 1/keep; all fail with a probability of exp(-10)."""
REFERENCE = 40
"""Uniform points whose scores give the threshold, times 1/keep."""
_CHUNK = 128  # attempts that are looked at together


@dataclass(frozen=True, slots=True)
class Model:
    """A linear function of features, and the score from which a point is accepted."""

    intercept: float
    """Its value where all features are 0."""
    coefficients: Mapping[str, float]
    """By name of the feature."""
    threshold: float
    """The least score of an accepted point."""

    def scores(self, places: Sequence[Slot], coordinates: Array) -> Array:
        """Return the model's value at each row of coordinates; a feature that it does not have counts 0."""
        total = np.full(len(coordinates), self.intercept)
        for name, column in features(columns(places, coordinates)):
            # One column after the other: the sum of a row does not depend on the other rows.
            if name in self.coefficients:
                total += self.coefficients[name] * column
        return total


def features(base: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield the features by name: the columns, the squares of positions, and products of two."""
    yield from base.items()
    for name, column in base.items():
        if "=" not in name:
            yield f"{name}^2", column**2
    names = list(base)
    for index, one in enumerate(names if len(names) <= MOST_CROSSED else ()):
        for other in names[index + 1 :]:
            if not shares_choice(one, other):
                yield f"{one} * {other}", base[one] * base[other]


def normal_scores(results: Sequence[Result], objective: Objective) -> Array:
    """Return the standard normal quantile of (rank + 1/2) / n for each result, ranks from 0 for the worst.

    Results rank by value, those that a stopping rule has ended below all that were trained to their end, the earlier
    ended the lower; diverged and failed ones are last. Equal results share the mean of their ranks.
    """
    keys = [_key(result, objective) for result in results]
    ordered = sorted(keys)
    first = {key: index for index, key in reversed(list(enumerate(ordered)))}
    last = {key: index for index, key in enumerate(ordered)}
    quantile = NormalDist().inv_cdf
    return np.array([quantile(((first[key] + last[key]) / 2 + 0.5) / len(keys)) for key in keys])


def _key(result: Result, objective: Objective) -> tuple[bool, float, float]:
    if result.value is None or not math.isfinite(result.value):
        return False, 0.0, 0.0
    epochs = math.inf if result.stopped_after is None else result.stopped_after
    return True, epochs, result.value if objective.is_max else -result.value


class _Regression(NamedTuple):
    """Standardized features of results, and their scores."""

    names: list[str]
    table: Array
    target: Array
    mean: Array
    deviation: Array


def _regression(places: Sequence[Slot], results: Sequence[Result], objective: Objective) -> _Regression | None:
    """Return what a model is fitted to; None where the results do not differ."""
    if len(results) < 2 or not places:
        return None
    results = sorted(results, key=lambda result: result.number)
    target = normal_scores(results, objective)
    coordinates = np.array([from_parameters(places, result.parameters) for result in results])
    named = dict(features(columns(places, coordinates)))
    table = np.stack(list(named.values()), axis=1)
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    varies = deviation > 1e-12
    if np.ptp(target) == 0 or not varies.any():
        return None
    names = [name for name, is_used in zip(named, varies.tolist(), strict=True) if is_used]
    standard = (table[:, varies] - mean[varies]) / deviation[varies]
    return _Regression(names, standard, target, mean[varies], deviation[varies])


def fit(places: Sequence[Slot], results: Sequence[Result], objective: Objective) -> Model | None:
    """Return the model of results, of threshold -inf; None where they do not differ."""
    known = _regression(places, results, objective)
    if known is None:
        return None
    with threadpool_limits(1):  # two threads would give other bits than one
        raw = ridge(known.table, known.target - known.target.mean()) / known.deviation
    intercept = float(known.target.mean()) - math.fsum((raw * known.mean).tolist())
    return Model(intercept, dict(zip(known.names, raw.tolist(), strict=True)), -math.inf)


def explained(places: Sequence[Slot], results: Sequence[Result], objective: Objective) -> float:
    """Return the share of the scores' variance that the model explains of results left out one by one.

    At most 1; 0 or less where it predicts no better than their mean.
    """
    known = _regression(places, results, objective)
    if known is None:
        return 0.0
    target = known.target - known.target.mean()
    with threadpool_limits(1):
        left, values, _ = np.linalg.svd(known.table, full_matrices=False)
        least = min(_errors(left, values, target))
    # The mean of the others is as far from a result as its own distance from the mean of all, by n / (n - 1).
    return 1 - least / float(np.mean((target * len(target) / (len(target) - 1)) ** 2))


def ridge(table: Array, target: Array) -> Array:
    """Return the coefficients of a ridge regression on centered columns, with the best of `PENALTIES`.

    With the decomposition U S V', the fit is U diag(s^2 / (s^2 + penalty)) U' y, whose matrix has the leverages h on
    its diagonal, 1/n of the mean included; the error of row i when it is left out is (y_i - fit_i) / (1 - h_i).
    """
    left, values, right = np.linalg.svd(table, full_matrices=False)
    penalty = PENALTIES[int(np.argmin(_errors(left, values, target)))]
    found: Array = right.T @ (values / (values**2 + penalty) * (left.T @ target))
    return found


def _errors(left: Array, values: Array, target: Array) -> list[float]:
    """Return the mean squared leave-one-out error with each of `PENALTIES`."""
    projected = left.T @ target
    errors = []
    for penalty in PENALTIES:
        shrunk = values**2 / (values**2 + penalty)
        leverages = (left**2) @ shrunk + 1 / len(target)
        errors.append(float(np.mean(((target - left @ (shrunk * projected)) / (1 - leverages)) ** 2)))
    return errors


def uniform_draws(places: Sequence[Slot], seed: int, trial: int, purpose: str, numbers: range) -> dict[str, Array]:
    """Return numbers in [0, 1) by stream, one for each of `numbers`, each a function of all it is named by."""
    found = {}
    for stream in dict.fromkeys(slot.stream for slot in places):
        checksums = np.array([crc32(f"{stream}|{purpose} {number}".encode()) for number in numbers], np.uint64)
        found[stream] = (many_random_bits(seed, trial, checksums) >> np.uint64(11)) / 2.0**53
    return found


def threshold(model: Model, places: Sequence[Slot], seed: int, trial: int, keep: float) -> float:
    """Return the score that the share `keep` of the space reaches, by uniform points named by `trial`."""
    count = math.ceil(REFERENCE / keep)
    draws = uniform_draws(places, seed, trial, "threshold", range(count))
    scores = np.sort(model.scores(places, from_uniform(places, draws)))
    return float(scores[-math.ceil(keep * count)])


def screened_model(
    places: Sequence[Slot], results: Sequence[Result], objective: Objective, seed: int, trial: int, keep: float
) -> Model | None:
    """Return the model of results with the threshold of `keep`; None where they do not differ."""
    model = fit(places, results, objective)
    return model and replace(model, threshold=threshold(model, places, seed, trial, keep))


def accepted(model: Model, places: Sequence[Slot], seed: int, trial: int, attempts: int, known: set[bytes]) -> Point:
    """Return the first of some uniform points that reaches the threshold; the best one where none does.

    Args:
        known: keys of configurations that shall not be drawn again while there are others; that of the point is added.
    """
    best, point, key = (False, -math.inf), None, b""
    for start in range(0, attempts, _CHUNK):
        draws = uniform_draws(places, seed, trial, "attempt", range(start, min(start + _CHUNK, attempts)))
        coordinates = from_uniform(places, draws)
        scores, keys = model.scores(places, coordinates), configuration_keys(coordinates)
        is_new = np.array([each not in known for each in keys])
        passes = np.flatnonzero(is_new & (scores >= model.threshold))
        index = int(passes[0]) if passes.size else int(np.lexsort((scores, is_new))[-1])
        quality = bool(is_new[index]), float(scores[index])
        if point is None or quality > best:
            best, key = quality, keys[index]
            point = {stream: float(draw[index]) for stream, draw in draws.items()}
        if passes.size:
            break
    assert point is not None
    known.add(key)
    return _pick(point)


def configuration_keys(coordinates: Array) -> list[bytes]:
    """Return what is equal for equal configurations, given their coordinates."""
    return [row.tobytes() for row in np.nan_to_num(coordinates, nan=-1.0)]


def keys_of(places: Sequence[Slot], results: Sequence[Result]) -> set[bytes]:
    """Return the keys of the configurations that have results."""
    if not results or not places:
        return set()
    return set(configuration_keys(np.array([from_parameters(places, result.parameters) for result in results])))


def _pick(point: Mapping[str, float]) -> Point:
    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        return distribution.at(point[name + "|option" * depth])

    return pick
