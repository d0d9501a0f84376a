"""Two names of one checksum would always be drawn alike."""

from pathlib import Path
from zlib import crc32

import pytest

from sweep.errors import ExperimentError
from sweep.space.distributions import uniform
from sweep.space.names import parameters
from sweep.space.samplers.base import Space
from sweep.space.samplers.random import Random

PAIR = ("hxcmqurip", "oxexryexh")


def points(names):
    tree = {"parameters": {name: uniform(0, 1) for name in names}}
    return Random().points(Space(tree, parameters(tree), None, Path()), 0)


def test_a_pair_of_names_that_would_be_drawn_alike_is_refused():
    first, second = (f"parameters.{name}" for name in PAIR)
    assert crc32(first.encode()) == crc32(second.encode())
    with pytest.raises(ExperimentError, match=f"{first} and {second} have the same CRC-32"):
        points(PAIR)
    assert points(PAIR[:1])
