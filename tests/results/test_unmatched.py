"""Tests of what is said where a condition selects nothing."""

import numpy as np
import pandas as pd
import pytest

from sweep.records import Parameter
from sweep.results.filter import columns_named
from sweep.results.unmatched import described


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.Series([False, "epoch", None, True]), 'false, "epoch", true (text in quotes, all else without)'),
        (pd.Series(["false", "true", "false"]), '"false", "true"'),
        (pd.Series([True, None, False], dtype="boolean"), "true, false"),
        (pd.Series([0, "0"], dtype=object), '0, "0" (text in quotes, all else without)'),
        (pd.Series([0, False], dtype=object), "0, false"),
        (pd.Series([f"{n}" for n in range(20)]), ", ".join(f'"{n}"' for n in range(8)) + ", …"),
        (pd.Series(['a "b"', "類"]), '"a \\"b\\"", "類"'),
    ],
)
def test_the_values_are_written_as_in_a_condition(values, words):
    assert described("x", values) == f"x has the values {words}"


def test_numbers_are_between_the_least_and_the_greatest():
    assert described("x", pd.Series([8.67e-05, np.nan, 0.5])) == "x is between 8.67e-05 and 0.5"
    assert described("x", pd.Series([3, 1, None], dtype="Int64")) == "x is between 1 and 3"


def test_one_value_and_none():
    assert described("x", pd.Series([3.0])) == "x has the value 3"
    assert described("x", pd.Series([np.nan])) == "x has no values"


def test_columns_are_named_in_any_way_that_a_condition_has():
    frame = pd.DataFrame({"trial": [1], "hidden[0]": [2], "shuffle": [True], "other": [1]})
    parameters = [Parameter("network.hidden[0]", "hidden[0]"), Parameter("training.shuffle", "shuffle")]
    condition = "not (network.hidden[0] > 3 and hidden[0] < 9) or training.shuffle == false and trial != 'x'"
    assert columns_named(frame, condition, parameters) == ["hidden[0]", "shuffle", "trial"]
