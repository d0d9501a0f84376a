"""Tests of the axis of a metric, where it is logarithmic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.metrics import Objective
from sweep.results.plots.metric_axis import MetricAxis

LESS = Objective("mse", "min", tie_break=None)
MORE = Objective("score", "max", tie_break=None)


def wide(values, objective=LESS, has_band=True):
    return MetricAxis.wide(np.array(values, dtype=np.float64), objective, has_band=has_band)


@pytest.mark.parametrize(
    ("values", "objective", "is_log"),
    [
        ([1, 21], LESS, True),
        ([1, 19], LESS, False),
        ([1, 21], MORE, False),
        ([0, 21], LESS, False),
        ([-1, 21], LESS, False),
        ([], LESS, False),
        ([*np.linspace(1, 2, 40), 1000], LESS, False),
        ([*np.geomspace(1e-5, 1, 40), 1000], LESS, True),
    ],
)
def test_it_is_logarithmic_where_most_values_of_less_is_better_span_a_wide_range(values, objective, is_log):
    assert wide(values, objective).is_log is is_log


@given(st.lists(st.floats(1e-300, 1e140), min_size=1, max_size=40))
def test_all_values_have_a_place_between_its_ends_or_are_beyond(values):
    axis = wide(values)
    values = np.array(values)
    places = axis.places(values)
    is_beyond = values > axis.bound
    assert (places[~is_beyond] >= axis.bottom).all()
    assert (places[~is_beyond] <= axis.high).all()
    assert not is_beyond[values.argmin()]
    ticks, words = axis.ticks()
    assert words[0] == "diverged"
    assert len(ticks) == len(words)


def test_its_ticks_are_powers_of_ten():
    ticks, words = wide(np.geomspace(1e-5, 1, 50), has_band=False).ticks()
    assert ticks == [-5, -4, -3, -2, -1, 0]
    assert words == ["1e-5", "0.0001", "0.001", "0.01", "0.1", "1"]
