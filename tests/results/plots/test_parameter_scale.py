"""Tests of where values stand along an axis from 0 to 1."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.records import Parameter
from sweep.results.plots.parameter_scale import ParameterScale

ANY = Parameter("a.x", "x")


def scale(values, parameter=ANY, most_distinct=0):
    return ParameterScale.of(parameter, pd.Series(values), most_distinct)


@pytest.mark.parametrize(
    ("parameter", "values", "places"),
    [
        (Parameter("x", "x", low=0, high=10), [0, 5, 10], [0, 0.5, 1]),
        (Parameter("x", "x", log=True, low=0.01, high=1.0), [0.01, 0.1, 1.0], [0, 0.5, 1]),
        (Parameter("x", "x", log=True, low=1e-300, high=1e300), [1e-300, 1.0], [0, 0.5]),
        (Parameter("x", "x", low=-1.7e308, high=1.7e308), [-1.7e308, 0.0, 1.7e308], [0, 0.5, 1]),
        (Parameter("x", "x", options=("a", "b")), ["b", "a"], [0.75, 0.25]),
        (ANY, [False, True], [0.25, 0.75]),
        (ANY, [3.0, 3.0], [0.5, 0.5]),
        (ANY, [1.0, None, 2.0], [0, np.nan, 1]),
        (Parameter("x", "x", options=("a", "b", "c")), ["c", None], [5 / 6, np.nan]),
        (ANY, [None, None], [np.nan, np.nan]),
    ],
)
def test_a_value_stands_in_its_own_scale(parameter, values, places):
    np.testing.assert_allclose(scale(values, parameter).places(pd.Series(values)), places)


def test_few_numbers_that_many_trials_share_are_categories():
    assert scale([16, 64, 16, 64], most_distinct=4).categories == (16, 64)
    assert scale([16, 64], most_distinct=4).categories is None
    assert scale([16, 64, 16, 64]).categories is None


@pytest.mark.parametrize(
    ("parameter", "values", "words"),
    [
        (Parameter("x", "x", log=True, low=0.001, high=1.0), [0.5], ["0.001", "0.01", "0.1", "1"]),
        (Parameter("x", "x", low=0, high=1), [0.5], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (ANY, [True, False], ["false", "true"]),
        (ANY, [0.25, 0.25], ["0.25"]),
    ],
)
def test_ticks_are_round_numbers_or_all_categories(parameter, values, words):
    places, found = scale(values, parameter).ticks()
    assert found == words
    assert len(places) == len(words)


@given(st.floats(1e-290, 1e290), st.floats(1e-290, 1e290), st.booleans())
def test_the_ticks_of_any_range_are_on_the_axis(low, high, log):
    low, high = sorted((low, high))
    places, words = ParameterScale.of(Parameter("x", "x", log=log, low=low, high=high), pd.Series([low, high])).ticks()
    assert len(places) == len(words)
    assert ((places >= -1e-9) & (places <= 1 + 1e-9)).all()
