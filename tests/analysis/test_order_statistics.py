"""The band of a distribution function: exact probabilities by hand and by SciPy, and the law that it holds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from sweep.analysis.order_statistics import LARGEST, Bounds, band, bounds, coverage, tails


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_the_ends_at_each_draw_are_quantiles_of_its_beta_distribution(n):
    found = bounds(n, 0.1)
    for k in range(1, n + 1):
        np.testing.assert_allclose(found.lower[k - 1], beta(k, n - k + 1).ppf(0.05), rtol=1e-9)
        np.testing.assert_allclose(found.upper[k - 1], beta(k, n - k + 1).ppf(0.95), rtol=1e-9)


def test_the_coverage_of_one_draw_is_the_length_of_its_interval():
    assert coverage(Bounds(np.array([0.2]), np.array([0.9]))) == pytest.approx(0.7)


def test_the_coverage_of_two_draws_is_an_area():
    # The smaller of two in [a, b] and the larger one in [c, d] with b < c: one of two orders each.
    apart = Bounds(np.array([0.1, 0.6]), np.array([0.5, 0.9]))
    assert coverage(apart) == pytest.approx(2 * 0.4 * 0.3)
    # Both in [0, 1], the smaller at most 0.7: all but both above it.
    assert coverage(Bounds(np.array([0.0, 0.0]), np.array([0.7, 1.0]))) == pytest.approx(1 - 0.3**2)


def test_the_coverage_of_three_draws_is_that_of_a_multinomial_count():
    # Bounds at 0.25, 0.5 and 0.75 only, so that counts in quarters decide.
    wanted = Bounds(np.array([0.0, 0.25, 0.5]), np.array([0.5, 0.75, 1.0]))
    ways = 0
    for quarters in itertools.product(range(4), repeat=3):
        first, second, third = sorted(quarters)
        ways += first <= 1 and 1 <= second <= 2 and third >= 2
    assert coverage(wanted) == pytest.approx(ways / 4**3)


@pytest.mark.parametrize("n", [1, 2, 10, 40, 100, 500])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.975])
def test_the_band_has_its_level(n, level):
    assert coverage(band(n, level)) == pytest.approx(level, abs=1e-6)


@pytest.mark.parametrize(("n", "known"), [(10, 0.00719), (20, 0.00488), (40, 0.00331), (100, 0.00213), (500, 0.00123)])
def test_the_tails_are_those_that_were_found_by_simulation(n, known):
    assert tails(n, 0.95) == pytest.approx(known, rel=0.05)


def test_of_many_draws_the_band_is_on_the_safe_side():
    n = LARGEST + 500
    assert 0.95 <= coverage(band(n, 0.95)) <= 0.953


@pytest.mark.parametrize("n", [5, 40])
def test_simulated_uniform_numbers_keep_within_the_band(n):
    draws = np.sort(np.random.default_rng(0).random((20_000, n)), axis=1)
    found = band(n, 0.95)
    held = ((draws >= found.lower) & (draws <= found.upper)).all(axis=1).mean()
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 20_000))


@given(st.integers(1, 60), st.floats(0.5, 0.99))
def test_the_ends_rise_and_the_band_holds_the_share_of_the_draws(n, level):
    found = band(n, level)
    rank = np.arange(1, n + 1)
    assert (np.diff(found.lower) > 0).all()
    assert (np.diff(found.upper) > 0).all()
    assert (found.lower < rank / (n + 1)).all()
    assert (rank / (n + 1) < found.upper).all()
