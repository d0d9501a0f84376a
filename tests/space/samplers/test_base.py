"""Seeds and coordinates: pure functions of the seed, the trial and the name, uniform and independent.

The statistical tests have fixed seeds; a right sampler would fail each comparison for one seed in a million.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweep.records import Seeds
from sweep.space.samplers.base import random_point, trial_seeds
from tests.space.examples import law

FALSE_ALARM = 1e-6
Z = stats.norm.isf(FALSE_ALARM / 2)
N = 4000

seeds = st.integers(0, 2**63 - 1)
trials = st.integers(0, 10_000_000)
names = st.text(min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("seed", "trial", "name", "point"),
    [
        (0, 0, "training.optimizer.learning_rate", 0.18176049763664515),
        (0, 1, "training.optimizer.learning_rate", 0.7383436307651772),
        (1, 0, "training.optimizer.learning_rate", 0.3229824013585486),
        (0, 0, "network.hidden[0]", 0.8612854723918985),
        (0, 99, "network.hidden[1]", 0.7916124016887842),
        (2**63 - 1, 9_999_999, "network.activation.alpha", 0.6580647296946447),
        (42, 7, "größe", 0.5124956140363927),
    ],
)
def test_the_stream_never_changes(seed, trial, name, point):
    """Anyone's earlier sweeps can be drawn again only as long as these numbers stay."""
    assert random_point(seed, trial, name) == point


@pytest.mark.parametrize(
    ("seed", "trial", "expected"),
    [
        (0, 0, Seeds(9164820102406579837, 626203384802707806, 5799112242180594507)),
        (0, 1, Seeds(4672261150458408420, 391746927714845610, 6650901266632642183)),
        (2**63 - 1, 9_999_999, Seeds(6046134352649175975, 7213489182725096154, 2792868533584522919)),
    ],
)
def test_the_seeds_of_a_trial_never_change(seed, trial, expected):
    assert trial_seeds(seed, trial) == expected


@given(seeds, trials, names)
@law
def test_a_point_is_a_float_of_53_random_bits_below_1(seed, trial, name):
    point = random_point(seed, trial, name)
    assert type(point) is float
    assert 0 <= point < 1
    assert (point * 2**53).is_integer()
    assert point == random_point(seed, trial, name)


@given(seeds, trials)
@law
def test_seeds_are_python_integers_in_their_range(seed, trial):
    found = trial_seeds(seed, trial)
    for value in (found.weights, found.shuffling, found.dropout):
        assert type(value) is int
        assert 0 <= value < 2**63
    assert len({found.weights, found.shuffling, found.dropout}) == 3
    assert found == trial_seeds(seed, trial)


STREAMS = {
    "trials": lambda i: random_point(0, i, "network.hidden[0]"),
    "trials of another parameter": lambda i: random_point(0, i, "network.hidden[1]"),
    "trials of another seed": lambda i: random_point(1, i, "network.hidden[0]"),
    "seeds": lambda i: random_point(i, 0, "network.hidden[0]"),
    "names": lambda i: random_point(0, 0, f"network.hidden[{i}]"),
    "weights": lambda i: trial_seeds(0, i).weights / 2**63,
    "shuffling": lambda i: trial_seeds(0, i).shuffling / 2**63,
    "dropout": lambda i: trial_seeds(0, i).dropout / 2**63,
}


@pytest.fixture(scope="module")
def streams():
    """N values in [0, 1) along each of the arguments."""
    return {name: np.array([at(i) for i in range(N)]) for name, at in STREAMS.items()}


@pytest.mark.parametrize("stream", STREAMS)
def test_points_are_uniform(streams, stream):
    points = streams[stream]
    assert stats.kstest(points, "uniform").pvalue > FALSE_ALARM
    assert len(set(points)) == N


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("lag", [1, 2])
def test_successive_points_are_independent(streams, stream, lag):
    assert_independent(streams[stream][:-lag], streams[stream][lag:])


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(STREAMS, 2)))
def test_points_of_different_parameters_seeds_and_uses_are_independent(streams, one, other):
    # Two of them meet once, in trial 0 of seed 0.
    assert np.count_nonzero(streams[one] == streams[other]) <= 1
    assert_independent(streams[one], streams[other])


def assert_independent(one, other):
    """Compare the correlation with 0, and the counts in 8 × 8 squares with each other."""
    assert abs(np.corrcoef(one, other)[0, 1]) * math.sqrt(len(one)) < Z
    squares = np.histogram2d(one, other, bins=8, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(squares.ravel()).pvalue > FALSE_ALARM


@pytest.mark.parametrize("use", ["weights", "shuffling", "dropout"])
def test_all_63_bits_of_a_seed_are_random(use):
    values = [getattr(trial_seeds(0, trial), use) for trial in range(1000)]
    ones = np.array([sum(value >> bit & 1 for value in values) for bit in range(63)])
    assert (np.abs(ones - 500) < stats.norm.isf(FALSE_ALARM / 126) * math.sqrt(250)).all()


# Repeats


@given(seeds, trials, st.integers(1, 1000))
@law
def test_a_repeat_has_seeds_of_its_own_in_their_range(seed, point, repeat):
    first, again = trial_seeds(seed, point), trial_seeds(seed, point, repeat)
    assert trial_seeds(seed, point, 0) == first
    values = [first.weights, first.shuffling, first.dropout, again.weights, again.shuffling, again.dropout]
    assert len(set(values)) == 6
    assert all(type(value) is int and 0 <= value < 2**63 for value in values)
    assert trial_seeds(seed, point, repeat) == again


@pytest.mark.parametrize(
    ("seed", "point", "repeat", "expected"),
    [
        (0, 0, 1, Seeds(393472101282931577, 664203408310457000, 7034551682443004895)),
        (0, 1, 1, Seeds(4579283181572407245, 2119932330014980052, 9067766513594504504)),
    ],
)
def test_the_seeds_of_a_repeat_never_change(seed, point, repeat, expected):
    assert trial_seeds(seed, point, repeat) == expected


def test_seeds_of_repeats_are_uniform():
    values = [trial_seeds(0, point, repeat).weights / 2**63 for point in range(40) for repeat in range(100)]
    assert stats.kstest(values, "uniform").pvalue > FALSE_ALARM
    assert len(set(values)) == len(values)
