"""What the rule of the median would do to trials that are each compared with all others."""

from statistics import fmean, median

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sweep.metrics import Objective
from sweep.runner.comparing import compare, medians_of_others
from sweep.stopping.base import Curve
from sweep.stopping.median import Median

NUMBERS = st.floats(-100, 100).map(lambda value: round(value, 1))
CURVES = st.lists(st.lists(NUMBERS, min_size=1, max_size=8), min_size=3, max_size=9)


@given(st.lists(NUMBERS, min_size=2, max_size=9))
def test_the_median_of_the_others_leaves_each_one_out(values):
    expected = [median(values[:place] + values[place + 1 :]) for place in range(len(values))]
    np.testing.assert_allclose(medians_of_others(np.array(values)), expected)


@given(CURVES, st.booleans())
def test_each_is_stopped_where_the_rule_stops_it(curves, is_max):
    rule = Median(grace=1, trials=2)
    found = compare(curves, rule, 8, is_max=is_max)
    stopped = np.zeros(9)
    objective = Objective("test_accuracy" if is_max else "test_loss", "max" if is_max else "min")
    for place, curve in enumerate(curves):
        others = [other for index, other in enumerate(curves) if index != place]
        for epoch in range(1, min(len(curve), 7) + 1):
            there = {index: other[:epoch] for index, other in enumerate(others) if len(other) >= epoch}
            if rule.decide(Curve(epoch, curve[:epoch], objective), lambda _, there=there: there):
                stopped[epoch] += 1
                break
    np.testing.assert_array_equal(found.stopped, stopped)
    assert (found.compared >= found.stopped).all()


def test_by_hand():
    # Running means after two epochs: 1.5, 2, 3; the last one is worse than the median of the others, 2.5.
    curves = [[1.0, 2.0, 9.0], [2.0, 2.0], [3.0, 3.0, 3.0]]
    found = compare(curves, Median(grace=1), 3, is_max=True)
    assert found.compared.tolist() == [0, 0, 3, 0]  # of three epochs the last one stops nothing
    assert found.stopped.tolist() == [0, 0, 2, 0]
    assert max(curves[0][:2]) < fmean([2.0, 3.0])


def test_two_trials_tell_nothing():
    assert compare([[1.0] * 9, [2.0] * 9], Median(), 9, is_max=True).compared.sum() == 0
