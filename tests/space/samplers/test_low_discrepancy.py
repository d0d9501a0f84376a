"""Points that fill a space more evenly than independent draws."""

from itertools import islice
from math import ceil, log2
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from scipy.stats import qmc

from sweep.errors import ExperimentError
from sweep.experiment.file import parse
from sweep.space.samplers import low_discrepancy
from sweep.space.samplers.base import Space
from sweep.space.samplers.dimensions import dimensions
from sweep.space.samplers.halton import Halton
from sweep.space.samplers.latin_hypercube import LatinHypercube
from sweep.space.samplers.sobol import Sobol
from sweep.space.trees import draw, parse_tree
from tests.experiment.toys import own

ENGINES = {Sobol: qmc.Sobol, Halton: qmc.Halton, LatinHypercube: qmc.LatinHypercube}
SQUARE = {"x": {"uniform": [0.0, 1.0]}, "y": {"uniform": [0.0, 1.0]}}
CONDITIONAL = {"a": {"choice": [{"int": [1, 9]}, "none", {"kind": "k", "b": {"uniform": [0.0, 1.0]}}]}, "c": [1, 2]}


def drawn(sampler, tree, n, seed=7, trials=None):
    tree = parse_tree(tree)
    found = []
    for point in islice(sampler.points(Space(tree, [], trials or n, Path()), seed), n):
        values = {}
        draw(tree, point, values)
        found.append(values)
    return found


@pytest.mark.parametrize("kind", ENGINES)
def test_they_are_those_of_scipy_with_a_stream_of_the_seed(kind):
    rng = np.random.default_rng([7, crc32(kind.__name__.encode())])
    expected = ENGINES[kind](2, rng=rng).random(16)
    found = [list(values.values()) for values in drawn(kind(), SQUARE, 16)]
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("kind", ENGINES)
def test_each_sixteenth_of_each_dimension_has_one_of_sixteen_points(kind):
    found = np.array([list(values.values()) for values in drawn(kind(), SQUARE, 16)])
    if kind is Halton:  # whose second dimension has the base 3
        found = found[:, :1]
    for column in found.T:
        assert sorted(np.floor(column * 16)) == list(range(16))


@pytest.mark.parametrize("kind", [Sobol, Halton])
def test_more_points_begin_with_the_same(kind):
    many = drawn(kind(), SQUARE, 200)
    assert many[:100] == drawn(kind(), SQUARE, 100)
    assert drawn(kind(), SQUARE, 5, seed=8) != many[:5]
    assert kind.is_extensible


def test_a_latin_hypercube_depends_on_its_size_and_says_so():
    assert not LatinHypercube.is_extensible
    assert len(drawn(LatinHypercube(), SQUARE, 30, trials=20)) == 20
    with pytest.raises(ExperimentError, match="give trials"):
        next(LatinHypercube().points(Space(parse_tree(SQUARE), [], None, Path()), 0))


def test_each_distribution_has_a_dimension_and_those_of_one_place_share_it():
    assert dimensions(parse_tree(CONDITIONAL)) == [("a", 0), ("a", 1), ("a.b", 0)]
    values = drawn(Sobol(), CONDITIONAL, 64)
    assert {type(each["a"]) for each in values} == {int, str}
    assert all(("a.b" in each) == (each["a"] == "k") for each in values)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_space_without_distributions_has_one_point(kind):
    assert drawn(kind(), {"x": 1}, 3) == [{}] * 3


@pytest.mark.parametrize("kind", ENGINES)
def test_what_decides_the_points_is_in_the_fingerprint(kind):
    number = {"uniform": [0.0, 1.0]}
    one, other = (
        parse(own(sampler=kind.kind, trials=4, parameters=table), "x")
        for table in ({"a": number, "b": number}, {"b": number, "a": number})
    )
    assert one.trials()[0].parameters != other.trials()[0].parameters
    assert one.fingerprint != other.fingerprint
    more = parse(own(sampler=kind.kind, trials=5, parameters={"a": number, "b": number}), "x")
    begins_with = more.trials()[:4] == one.trials()
    assert begins_with == kind.is_extensible
    assert (more.fingerprint == one.fingerprint) == begins_with


def test_permutations_of_all_bases_of_a_halton_sequence_have_room_in_memory():
    primes = qmc.Halton(Halton.most_dimensions, scramble=False).base
    assert sum(8 * base * ceil(54 / log2(base)) for base in primes) < 200e6


def test_too_many_dimensions_are_refused(monkeypatch):
    monkeypatch.setattr(Halton, "most_dimensions", 1)
    with pytest.raises(ExperimentError, match="'halton' has at most 1 dimensions, and the space has 2 distributions"):
        drawn(Halton(), SQUARE, 3)
    assert low_discrepancy.CHUNK & (low_discrepancy.CHUNK - 1) == 0  # Sobol's points are balanced in powers of 2
