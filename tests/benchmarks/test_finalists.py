"""The benchmark of finalists still runs, and sees what it is to see."""

from functools import partial

import numpy as np

from benchmarks import finalists


def test_the_tables_have_all_rows():
    expected = finalists._expected_table(10)
    assert len(expected.rows) == 2 * 3 * 2
    pairs = finalists._pairs_table(10)
    assert set(pairs.rows) == {f"{name}, {seeds} seeds" for name in finalists.NOISES for seeds in (3, 5, 10)}
    assert all(0 <= cell.value <= 1 for cell in pairs.cells)


def test_pairs_of_equal_ones_are_told_less_often_than_by_their_own_intervals():
    draw = partial(finalists.NOISES["normal"], np.random.default_rng(0))
    false, alone = finalists.false_claims(draw, 5, 150)
    assert false < 0.5 * alone


def test_what_is_predicted_is_compared_with_seeds_that_are_left():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1000, 5))  # nothing but luck: what is expected of the best is 0
    found = [finalists.predicted(values, [0, seed], is_paired=True) for seed in range(60)]
    assert abs(np.mean([error for error, *_ in found])) < 0.3
    assert np.mean([error for *_, error in found]) > 2  # the best of 100 is lucky
    assert np.mean([is_held for _, is_held, _ in found]) > 0.8
