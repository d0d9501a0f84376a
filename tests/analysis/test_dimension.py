"""Box counting on sets whose dimension is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.analysis.dimension import boundary, box_counting_dimension, box_sizes

SIDE = 256


def empty():
    return np.zeros((SIDE, SIDE), bool)


def line():
    cells = empty()
    cells[100] = True
    return cells


def slanted():
    cells, places = empty(), np.linspace(0, 1, 4 * SIDE)
    cells[(SIDE * places * 0.37).astype(int), np.minimum(SIDE * places, SIDE - 1).astype(int)] = True
    return cells


def carpet():
    """Sierpinski's triangle: the binomial coefficients that are odd."""
    places = np.arange(SIDE)
    return (places[:, None] & places) == 0


def koch():
    """Koch's curve: each side of length 1 becomes four of a third."""
    points = np.array([0, 1 + 0j])
    for _ in range(7):
        steps = np.diff(points) / 3
        bend = np.exp(1j * math.pi / 3)
        parts = [points[:-1], points[:-1] + steps, points[:-1] + steps + steps * bend, points[:-1] + 2 * steps]
        points = np.append(np.stack(parts, 1).ravel(), points[-1])
    cells = np.zeros((4 * SIDE, 4 * SIDE), bool)
    cells[(points.imag * 4 * SIDE).astype(int), np.minimum(points.real * 4 * SIDE, 4 * SIDE - 1).astype(int)] = True
    return cells


@pytest.mark.parametrize(
    ("cells", "dimension", "within"),
    [
        (line(), 1, 0.01),
        (slanted(), 1, 0.06),
        (~empty(), 2, 0.01),
        (carpet(), math.log(3) / math.log(2), 0.01),
        (koch(), math.log(4) / math.log(3), 0.06),
    ],
    ids=["line", "slanted line", "filled square", "sierpinski", "koch"],
)
def test_known_dimensions(cells, dimension, within):
    found = box_counting_dimension(cells)
    assert found.value == pytest.approx(dimension, abs=within)
    assert abs(found.value - dimension) <= max(2 * found.error, 0.01)
    assert 0 <= found.error < 0.1


def test_a_single_cell_has_dimension_0_wherever_it_lies():
    for place in [(0, 0), (100, 3), (255, 255)]:
        cells = empty()
        cells[place] = True
        assert box_counting_dimension(cells).value == pytest.approx(0, abs=1e-12)


def test_what_cannot_be_told_is_none():
    assert box_counting_dimension(empty()) is None
    assert box_counting_dimension(np.ones((31, 200), bool)) is None
    assert box_counting_dimension(np.ones((32, 200), bool)) is not None
    assert box_sizes(31) == [1, 2]
    assert box_sizes(255) == [1, 2, 4, 8, 16]
    assert box_sizes(256) == [1, 2, 4, 8, 16, 32]


def test_a_set_that_is_no_power_law_has_a_larger_error():
    rng = np.random.default_rng(0)
    dust = rng.uniform(size=(SIDE, SIDE)) < 0.05  # of dimension 0 for small boxes, and 2 for large ones
    assert box_counting_dimension(dust).error > 3 * box_counting_dimension(carpet()).error


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.01, 0.9))
def test_turning_and_mirroring_change_nothing_and_it_is_between_0_and_2(seed, share):
    cells = np.random.default_rng(seed).uniform(size=(48, 48)) < share
    found = box_counting_dimension(cells)
    if found is not None:
        assert -1e-12 <= found.value <= 2 + 1e-12
        assert box_counting_dimension(cells.T).value == pytest.approx(found.value, abs=1e-12)


def test_the_boundary_is_where_a_cell_has_corners_of_both_regions():
    inside = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]], bool)
    np.testing.assert_array_equal(boundary(inside), [[False, True], [True, True]])
    np.testing.assert_array_equal(boundary(~inside), boundary(inside))
    assert not boundary(np.ones((5, 5), bool)).any()
