"""The registry of samplers: a new one is a dataclass and an entry, its options in the file included."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from sweep.errors import ExperimentError
from sweep.experiment.file import parse
from sweep.space.distributions import Integer
from sweep.space.samplers import KINDS
from sweep.space.samplers.base import Point, Sampler, Space
from sweep.space.samplers.random import Random

TEXT = """
name = "toy"
trials = 3
sampler = {sampler}
trainer = "mine:train"
epochs = 2
parameters = {{ x = {{ int = [0, 100] }} }}
objective = {{ metric = "rmse", direction = "min" }}
"""


@dataclass(frozen=True, slots=True)
class Steps(Sampler):
    """Equal steps through the unit interval."""

    size: Annotated[float, Field(gt=0, le=1)] = 0.1

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield points a step apart."""
        return (lambda name, d, depth, i=i: d.at(i * self.size) for i in range(int(1 / self.size) + 1))


@pytest.fixture
def _steps(monkeypatch):
    monkeypatch.setitem(KINDS, "steps", Steps)


def drawn(sampler):
    return [t.parameters["parameters.x"] for t in parse(TEXT.format(sampler=sampler), "toy.toml").trials()]


@pytest.mark.usefixtures("_steps")
def test_a_registered_sampler_is_drawn_from_with_its_options():
    assert drawn('"steps"') == [0, 10, 20]
    assert drawn('{ kind = "steps", size = 0.5 }') == [0, 50, 100]


@pytest.mark.usefixtures("_steps")
@pytest.mark.parametrize(
    ("sampler", "sentence"),
    [
        ('{ kind = "steps", size = 2 }', "toy.toml: sampler.size is 2, but must be less than or equal to 1"),
        ('{ kind = "steps", sise = 1 }', "toy.toml: sampler has no key 'sise'; did you mean 'size'?"),
        ('"step"', "toy.toml: sampler is of the unknown kind 'step'; did you mean 'steps'?"),
    ],
)
def test_its_options_are_checked(sampler, sentence):
    with pytest.raises(ExperimentError) as caught:
        drawn(sampler)
    assert str(caught.value) == sentence


@pytest.mark.usefixtures("_steps")
def test_its_options_decide_the_fingerprint():
    prints = {
        parse(TEXT.format(sampler=sampler), "x").fingerprint
        for sampler in ('"random"', '"steps"', '{ kind = "steps", size = 0.5 }')
    }
    assert len(prints) == 3


def test_a_sampler_that_is_not_registered_is_unknown():
    with pytest.raises(ExperimentError, match="'steps'; choose from given, grid, halton, "):
        drawn('"steps"')


def test_random_points_do_not_end():
    space = Space({"x": Integer(0, 9)}, [], None, Path())
    assert len(list(islice(Random().points(space, 0), 1000))) == 1000
