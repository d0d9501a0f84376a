"""Drawn values as columns: in logarithms, by options, and with what is not there."""

import numpy as np
import pytest

from sweep.analysis.predictors import independent, matrix, predictors
from sweep.records import Parameter


def columns_of(values, **log):
    parameters = [Parameter(name, name.rpartition(".")[2], log=log.get(name, False)) for name in values]
    found = predictors(parameters, values)
    return found, matrix(found, values, len(next(iter(values.values()))))


def test_numbers_enter_by_their_logarithm_by_one_minus_them_or_as_they_are():
    values = {"lr": [0.01, 0.1, 1.5], "batch": [10, 20, 90], "sgd.momentum": [0.0, 0.5, 0.9], "alpha": [0.0, 0.1, 0.4]}
    found, design = columns_of(values, lr=True)
    assert [each.scale for each in found] == ["log", "log", "complement", "linear"]
    assert [each.label for each in found] == ["lr", "batch", "1 − momentum", "alpha"]
    expected = [np.log(values["lr"]), np.log(values["batch"]), np.log1p(-np.array([0.0, 0.5, 0.9])), values["alpha"]]
    for column, raw in zip(design.T, expected, strict=True):
        assert column == pytest.approx((np.array(raw) - np.mean(raw)) / np.std(raw))


def test_a_choice_has_a_column_for_each_option_and_one_for_two():
    found, design = columns_of({"kind": ["a", "b", "b", "c"], "flag": [True, False, False, False]})
    assert [each.label for each in found] == ["kind=b", "kind=a", "kind=c", "flag=True"]
    assert {each.reference for each in found} == {"b", False}
    assert (np.sign(design) == [[-1, 1, -1, 1], [1, -1, -1, -1], [1, -1, -1, -1], [-1, -1, 1, -1]]).all()


def test_what_is_not_there_has_the_mean_and_a_column_tells_so_unless_an_option_does():
    alphas = [0.1, 0.3, None, None]
    found, design = columns_of({"alpha": alphas})
    assert [each.label for each in found] == ["alpha", "alpha is there"]
    assert design[2:, 0] == pytest.approx(0) and design[0, 0] == pytest.approx(-1)
    found, _ = columns_of({"kind": ["leaky", "leaky", "relu", "relu"], "alpha": alphas})
    assert [each.label for each in found] == ["kind=relu", "alpha"]


def test_what_does_not_differ_has_no_column():
    found, design = columns_of({"a": [3, 3, 3], "b": ["x"] * 3, "c": [None] * 3, "d": [0.1 + 0.2, 0.3, 0.3]})
    assert found == [] and design.shape == (3, 0)


def test_independent_columns_leave_out_one_option_and_what_others_add_up_to():
    rng = np.random.default_rng(0)
    width = rng.uniform(0, 1, 40)
    values = {
        "kind": list(rng.choice(["a", "b", "c"], 40, p=[0.2, 0.5, 0.3])),
        "width": list(width),
        "twice": list(2 * width),
    }
    found, design = columns_of(values)
    labels = [found[place].label for place in independent(found, design)]
    assert labels == ["kind=c", "kind=a", "width"]
