"""What a sampler is, and the seeds of trials.

Drawing does not depend on the order: point number *i* is a pure function of the seed, *i* and the parameter's name. So
any trial can be drawn alone, in any order and in any process; 100 trials are the first 100 of 200; and a further
parameter leaves the other draws as they were.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

from sweep.records import Parameter, Seeds
from sweep.space.distributions import Choice, Distribution, Tree
from sweep.space.priors import SHARE
from sweep.space.samplers.bits import random_bits
from sweep.space.trees import Pick

Point = Pick
"""Where one trial lies in the space: the function that picks the value of each parameter."""

MOST_TRIALS = 1_000_000
"""Trainings of one sweep: all are drawn and stored at once, which takes some 8 KB of memory and 0.4 ms each."""
USES = ("weights", "shuffling", "dropout")
"""What the seeds of a trial are for."""


@dataclass(frozen=True, slots=True)
class Space:
    """What a sampler can know of an experiment."""

    tree: Tree
    """The parsed tree that is drawn from."""
    parameters: list[Parameter]
    """Its parameters, in order."""
    trials: int | None
    """Number of configurations that the file asks for."""
    folder: Path
    """Folder in which files named by the sampler's options lie."""
    total: int | None = None
    """Number of configurations in all, those of extensions included; None where it is that of the file."""


class Sampler(ABC):
    """A way to choose points of a space.

    A sampler is a frozen dataclass in a module of its own, and one entry of `KINDS`. Its fields are the options that
    the experiment file gives beside the kind; their annotations are checked, those of `typing.Annotated` included.
    """

    needs_trials: ClassVar[bool] = True
    """Whether the file must say how many trials there are, as the points do not end by themselves."""
    fingerprint_kind: ClassVar[str | None] = None
    """The kind's name in fingerprints, where it is not the one in the file."""
    is_extensible: ClassVar[bool] = True
    """Whether its points begin with those of fewer trials."""
    can_redraw: ClassVar[bool] = True
    """Whether a random draw may take the place of a point that is outside of limits."""

    @abstractmethod
    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield the points in order; number i is a pure function of the space, the seed and i.

        Raises:
            ExperimentError: when the options do not fit the space.
        """

    def external(self, space: Space) -> Mapping[str, Any]:
        """Return what other files contribute to the points, as JSON, for the fingerprint."""
        return {}


def _bits(seed: int, trial: int, name: str, bits: int) -> int:
    """Return an integer of at most 64 random bits that depends on its arguments alone."""
    return random_bits(seed, trial, crc32(name.encode())) >> (64 - bits)


_SIGNIFICAND = 53  # bits of a float64


def random_point(seed: int, trial: int, name: str) -> float:
    """Return a uniform coordinate in [0, 1) for one parameter of one trial."""
    return _bits(seed, trial, name, _SIGNIFICAND) / float(2**_SIGNIFICAND)


def value_at(distribution: Distribution, u: float, seed: int, trial: int) -> Tree:
    """Return the value of a distribution at a coordinate; a trial follows all guesses or none.

    Where there is a guess, a coordinate is taken for one of the values near it, or for one of all values.
    """
    if isinstance(distribution, Choice) or distribution.likely is None:
        return distribution.at(u)
    is_guided = random_point(seed, trial, "whether to follow guesses") < SHARE
    return distribution.near(u) if is_guided else distribution.anywhere(u)


def trial_seeds(seed: int, point: int, repeat: int = 0) -> Seeds:
    """Return the seeds of one training of a point; they do not depend on its parameters."""
    suffix = f", repeat {repeat}" if repeat else ""
    return Seeds(*(_bits(seed, point, f"seed of {use}{suffix}", 63) for use in USES))


def common_seeds(seed: int, number: int) -> Seeds:
    """Return seeds of one training that all configurations of a sweep can have alike; no drawn trial has them."""
    return Seeds(*(_bits(seed, number, f"common seed of {use}", 63) for use in USES))


def common_split(seed: int, number: int) -> int:
    """Return the seed of the split of the data that goes with the common seeds of a number."""
    return _bits(seed, number, "common seed of the split", 63)
