"""Which series grew first without return: planted ones, the published ones, and the definition taken literally."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.checks.growth import first_growth

CALM = [1.0, 1.2, 0.9, 1.1, 1.3, 0.8, 1.0, 1.2]


def found(first_step=1, **series):
    longest = max(map(len, series.values()))
    padded = {name: [*values, *[math.nan] * (longest - len(values))] for name, values in series.items()}
    frame = pd.DataFrame({"step": range(first_step, first_step + longest), **padded})
    return first_growth(frame, [*series])


def growing(factor, count, start=1.3):
    return [start * factor**power for power in range(1, count + 1)]


def test_the_step_of_the_first_value_above_all_before_is_the_start():
    growth = found(101, u=CALM + growing(2, 10))
    assert (growth.series, growth.start) == ("u", 109)
    assert (growth.before, growth.last, growth.last_step) == (1.3, 1.3 * 2**10, 118)


def test_the_series_that_starts_first_counts_and_in_the_same_step_the_one_computed_first():
    early, late = CALM[:6] + growing(3, 12), CALM + growing(9, 10)
    assert found(late=late, early=early).series == "early"
    assert found(one=early, two=early).series == "one"


@pytest.mark.parametrize(
    "values",
    [
        CALM * 3,
        [*CALM, 500.0, *CALM, 700.0, *CALM],  # peaks
        CALM + growing(2, 10) + CALM,  # which came back
        [1.01**step for step in range(60)],  # a drift
        CALM + [7.0] * 4,  # less than ten times as large
        CALM + [1e6] * 30,  # a level that it came to rest at
        [5.0],
        [],
    ],
)
def test_what_has_not_grown_without_return(values):
    assert found(u=values, other=CALM * 3) is None


def test_noise_on_the_way_does_not_hide_a_growth():
    noise = np.random.default_rng(0).uniform(0.8, 1.25, 40)
    growth = found(u=np.concatenate([CALM, 4 * 1.5 ** np.arange(40) * noise]))
    assert growth.start == 9


@pytest.mark.parametrize("left_out", [0, 5, 20, 35])
def test_how_many_steps_before_are_known_changes_nothing(left_out):
    calm = [5.0, *np.random.default_rng(1).uniform(1.0, 2.0, 49)]
    values = [*calm, *growing(2, 12, start=2.0)]
    growth = found(1 + left_out, u=values[left_out:])
    assert (growth.start, growth.before) == (51, max(calm[-10:]))


def test_a_slow_rise_before_it_is_not_its_start():
    values = [1.4, 2.1, 4.9, 6.13, 6.39, 5.96, 6.19, 6.16, 6.09, 6.3, 7.1, 9.8, 40.0, 9e3, 1e8, 1e17]
    assert found(u=values).start == 11


def test_a_growth_from_the_first_step_on_may_have_begun_earlier():
    growth = found(7, u=growing(3, 10, start=1.0))
    assert (growth.start, growth.before, growth.is_from_first) == (8, 3.0, True)
    assert not found(u=CALM + growing(3, 10)).is_from_first


def test_others_that_start_with_it_are_named():
    late = CALM[:1] + CALM
    growth = found(a=late + growing(9, 10), b=CALM + growing(9, 11), c=[*CALM, *CALM, *growing(9, 3)], d=CALM * 3)
    assert (growth.series, growth.also) == ("b", ("a",))


def test_the_end_may_be_infinite_and_some_series_may_end_before():
    growth = found(u=[*CALM, 2.0, 60.0, math.inf], dz=[*CALM, 1.9, 30.0], W=CALM)
    assert (growth.series, growth.start, growth.last, growth.last_step) == ("u", 9, 60.0, 10)
    assert found(dz=[*CALM, 2.0, 60.0], u=[*CALM, 1.0, 1.1, math.inf]).series == "dz"


LEAKY = """
1.02414694045,0.71142370528,0.103146812254,0.0556380289438
3.50086120607,0.717012777871,0.304204124963,0.0616197182729
42.0303510583,1.01637660155,9.19282549189,0.122515322953
187.486171612,2.5055810304,18.8419152026,1.06820299205
20979.4768888,6.79860594896,315.422922008,0.330265278138
1313582.06845,326.681196395,36853.335196,4.23711824052
807654175770.0,13940.1241538,19612923.7657,1680.74798761
2.09712899853e+22,7001210.14566,3.20687900685e+15,700478.542985
"""
RELU = """
1.13917149054,0.71142370528,0.115069014906,0.0562912992378
2.85198881448,0.710679074987,0.411644293618,0.0567578104152
43.2878534582,1.04498258635,10.9761589965,0.133511676772
2.97599151397,3.045657225,0.3944940876,1.1832955403
3.55269416732,3.045657225,0.697594957774,1.06049038113
3.46893146088,3.045657225,0.54347919221,0.613186155551
1.87653864759,3.045657225,0.188400250272,0.181941475396
6.61003329221,3.045657225,2.21060981208,0.100531181658
6.28065023901,3.045657225,0.472896096975,0.13147556295
1.8999663514,3.045657225,0.0873401782609,0.0868772615172
"""


def test_the_published_traces():
    """The first layers are not in them, so of the last one it is u that grows, and with relu nothing."""
    leaky, relu = (np.array([line.split(",") for line in text.split()], float) for text in (LEAKY, RELU))
    growth = found(**dict(zip(["W", "u", "dW", "dz"], leaky.T[[1, 0, 2, 3]], strict=True)))
    assert (growth.series, growth.start) == ("u", 2)
    assert found(**dict(zip(["W", "u", "dW", "dz"], relu.T[[1, 0, 2, 3]], strict=True))) is None


def literally(values):
    """The definition of `first_growth`, word for word."""
    for s in range(1, len(values)):
        before, after = values[max(0, s - 10) : s], values[s:]
        is_above = all(later >= 1.05 * earlier for later in after for earlier in before)
        doubles = all(later >= 2 * values[t] for t in range(s, len(values)) for later in values[t + 4 :])
        if is_above and doubles and values[-1] >= 10 * max(before):
            return s + 1
    return None


@given(st.lists(st.floats(-1.0, 1.5), min_size=1, max_size=40), st.integers(0, 39))
def test_the_definition_taken_literally(logs, calm):
    """Random walks, a calm time before them."""
    values = [1.0 + 0.01 * (place % 3) for place in range(calm)] + np.exp(np.cumsum(logs)).tolist()
    growth = found(u=values)
    assert (growth and growth.start) == literally(values)
