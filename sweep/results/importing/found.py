"""What was found in another program's results, before it becomes a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sweep.errors import counted
from sweep.metrics import Objective
from sweep.records import ENDED, Scalar
from sweep.store.imports import Ended

WIDE = 100.0
"""Positive numbers whose largest is so many times the least are taken to be searched by their logarithm."""


@dataclass(frozen=True, slots=True)
class FoundTrial:
    """A trial of another program."""

    parameters: Mapping[str, Scalar]
    """Its values by the names that the other program has."""
    ended: Ended
    repeat: int = 0
    network_parameters: int | None = None
    multiplications: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A search of another program."""

    name: str
    """Such as that of the study, which may be the name of no sweep."""
    source: str
    """From where it is imported, in words."""
    description: str
    objective: Objective
    trials: Sequence[FoundTrial]
    ranges: Mapping[str, Mapping[str, Any]]
    """What is searched, by name, as in an experiment file; those not there are taken from the values."""
    seed: int = 0
    repeats: int = 1
    order: Sequence[str] = ()
    """Names of parameters in the order of the source, where that has one."""
    notes: Sequence[str] = ()
    """What could not be imported as it was, a sentence each."""


def ended_only(trials: Sequence[FoundTrial], places: Sequence[str]) -> tuple[list[FoundTrial], list[str]]:
    """Return the trials that have ended, and sentences about the others.

    Those behind all others are left out; others count as failed, so that numbers stay as they are.

    Args:
        trials: by number.
        places: what is said of each that has not ended, such as "running".
    """
    ends = [number for number, trial in enumerate(trials) if trial.ended.status in ENDED]
    kept = trials[: ends[-1] + 1] if ends else []
    found, failed = [], 0
    for trial, place in zip(kept, places, strict=False):
        if trial.ended.status not in ENDED:
            failed += 1
            error = f"it was {place} when it was imported"
            trial = replace(trial, ended=replace(trial.ended, status="failed", error=error))  # noqa: PLW2901
        found.append(trial)
    return found, list(_about_unended(len(trials) - len(kept), failed))


def _about_unended(left: int, failed: int) -> Iterator[str]:
    """Yield what has become of trials that had not ended, in a sentence."""
    if not left and not failed:
        return
    are_left = f"{left} {'is' if left == 1 else 'are'} left out" if left else ""
    fail = f"{failed} {'counts' if failed == 1 else 'count'} as failed, so that the others keep their numbers"
    yield f"{counted(left + failed, 'trial')} had not ended: " + ", and ".join(
        filter(None, [are_left, fail if failed else ""])
    )


def repeats_of(trials: Sequence[FoundTrial]) -> int:
    """Return the trainings of each configuration, 1 where not all of each are there."""
    repeats = max((trial.repeat for trial in trials), default=0) + 1
    is_whole = all(trial.repeat == number % repeats for number, trial in enumerate(trials))
    return repeats if is_whole and len(trials) % repeats == 0 else 1


def range_of(values: Iterable[Scalar]) -> dict[str, Any]:
    """Return the distribution, as in an experiment file, that values of a parameter seem to come from.

    >>> range_of([16, 64, 32])
    {'int': [16, 64]}
    >>> range_of([0.001, 0.5])
    {'log_uniform': [0.001, 0.5]}
    >>> range_of(["adam", "sgd", "adam"])
    {'choice': ['adam', 'sgd']}
    """
    seen = list({(type(value), value): value for value in values}.values())
    numbers = [value for value in seen if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(seen) or not seen:
        return {"choice": seen or ["missing"]}
    low, high = min(numbers), max(numbers)
    if all(isinstance(value, int) for value in numbers):
        return {"int": [low, high]} if max(abs(low), abs(high)) <= 2**53 else {"choice": numbers}
    is_wide = low > 0 and high / low >= WIDE
    return {"log_uniform" if is_wide else "uniform": [float(low), float(high)]}


def scalar(value: Any) -> Scalar:
    """Return a value as it can be stored: what is no finite number, text or truth value is written as text."""
    if isinstance(value, bool | str):
        return value.replace("\0", "") if isinstance(value, str) else value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)
