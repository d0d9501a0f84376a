"""Ranks that the examples cannot tell apart: McNemar's test, Holm's correction, and the ranges of ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, binomtest

from sweep.analysis import brackets as module
from sweep.analysis.brackets import brackets, holm, mcnemar, told_apart


class TestMcNemar:
    @pytest.mark.parametrize(
        ("wins", "losses", "p"),
        [
            (0, 0, 1.0),
            (3, 3, 1.0),
            (5, 0, 1 / 32),  # P(X = 0) = 1/32
            (1, 3, 2 / 16 + 4 / 16),  # 2·P(X = 0) + P(X = 1)
            (2, 8, 2 * (1 + 10) / 1024 + 45 / 1024),
        ],
    )
    def test_by_hand(self, wins, losses, p):
        assert mcnemar([wins, losses], [losses, wins]) == pytest.approx([p, p], rel=1e-12)

    def test_the_exact_p_value_of_scipy_without_half_of_what_was_seen(self):
        for wins, losses in [(1, 9), (13, 30), (40, 80), (150, 210)]:
            exact = binomtest(wins, wins + losses, 0.5).pvalue
            assert mcnemar([wins], [losses]) == pytest.approx(exact - binom.pmf(wins, wins + losses, 0.5), rel=1e-9)

    @given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=20))
    def test_any_counts_beside_scipy(self, counts):
        wins, losses = np.array(counts).T
        n, k = wins + losses, np.minimum(wins, losses)
        expected = 2 * binom.cdf(k, n, 0.5) - binom.pmf(k, n, 0.5)
        np.testing.assert_allclose(mcnemar(wins, losses), expected, rtol=1e-8, atol=1e-285)


def test_holm_by_hand():
    assert holm(np.array([0.04, 0.01, 0.03, 0.5])).tolist() == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]


@settings(max_examples=30)
@given(arrays(bool, st.tuples(st.integers(2, 6), st.integers(1, 90))))
def test_pairs_are_those_of_comparing_one_by_one(correct):
    first, second = np.triu_indices(len(correct), 1)
    wins = (correct[first] & ~correct[second]).sum(1)
    losses = (correct[second] & ~correct[first]).sum(1)
    told = told_apart(correct)
    assert told[first, second].tolist() == (holm(mcnemar(wins, losses)) <= 0.05).tolist()
    assert (told == told.T).all()
    assert not told.diagonal().any()


def rows(*hits, examples=100):
    """Classifiers that have the first examples right."""
    return [np.arange(examples) < count for count in hits]


class TestRanges:
    def test_of_two_groups(self):
        found = brackets(rows(90, 89, 88, 50, 49))
        assert found.labels == ["1–3", "1–3", "1–3", "4–5", "4–5"]
        assert (
            found.sentence == "the first 3 cannot be told apart by 100 test examples (paired McNemar tests, 5 %, Holm)"
        )

    def test_ranges_overlap_where_only_the_ends_differ(self):
        # 6 of 6 discordant examples: 2/64/2 · 3 = 0.047 and 1/64 · 3; 3 of 3: 1/8.
        found = brackets(rows(96, 93, 90))
        assert found.labels == ["1–2", "1–3", "2–3"]

    def test_the_best_alone_and_all_alike(self):
        assert brackets(rows(90, 50)).sentence.startswith("the first is told apart from the others shown by 100 test")
        found = brackets(rows(90, 89, examples=12345), "validation")
        assert found.sentence.startswith("the first 2, and perhaps more, cannot be told apart by 12,345 validation")

    def test_rows_between_that_are_not_known_are_spanned(self):
        assert brackets(rows(90, 89, 50), ranks=[1, 4, 5]).labels == ["1–4", "1–4", "5"]

    def test_only_the_same_examples_of_two_or_more_can_be_compared(self):
        assert brackets([]) is None
        assert brackets(rows(90)) is None
        assert brackets([*rows(90), *rows(90, examples=99)]) is None
        assert brackets(rows(0, 0, examples=0)) is None

    def test_of_a_long_table_only_the_first_rows_are_compared(self, monkeypatch):
        monkeypatch.setattr(module, "MOST_ROWS", 2)
        assert brackets(rows(90, 89, 88)).labels == ["1–2", "1–2"]

    def test_ten_equal_classifiers_are_seldom_told_apart(self):
        rng = np.random.default_rng(0)
        right = rng.beta(4, 0.3, 300)
        told = [told_apart(rng.random((10, 300)) < right).any() for _ in range(400)]
        assert np.mean(told) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)
        assert np.mean(told) > 0.005  # the level is used
