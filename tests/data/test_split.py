import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.data.split import cut

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)
FRACTIONS = st.floats(0.01, 0.99)
NAMES = tuple("abcde")


def has_pairs(t):
    return bool((np.bincount(t, minlength=5) != 1).all())


@given(LABELS.filter(has_pairs), FRACTIONS, st.integers(0, 2**63 - 1))
def test_every_row_lands_in_one_part_and_every_class_in_both(t, fraction, seed):
    kept, validation = cut(t, fraction, seed, "toy", NAMES)
    assert sorted([*kept, *validation]) == list(range(len(t)))
    assert set(t[kept]) == set(t[validation]) == set(t)
    assert (np.diff(kept) > 0).all()
    assert (np.diff(validation) > 0).all()


@given(LABELS.filter(has_pairs), FRACTIONS, st.integers(0, 2**63 - 1))
def test_each_class_gives_its_share(t, fraction, seed):
    _, validation = cut(t, fraction, seed, "toy", NAMES)
    for index, rows in enumerate(np.bincount(t, minlength=5)):
        given_up = int((t[validation] == index).sum())
        assert abs(given_up - rows * fraction) <= 0.5 or given_up in (1, rows - 1)


def test_shares_by_hand():
    t = np.repeat([0, 1, 2], [20, 10, 2])
    _, validation = cut(t, 0.25, 0, "toy", ("a", "b", "c"))
    assert np.bincount(t[validation]).tolist() == [5, 3, 1]  # 2.5 rounds up, and 0.5 is one at least


def test_the_draw_repeats_with_its_seed_and_differs_with_others():
    t = np.arange(200) % 2
    rows = [cut(t, 0.1, seed, "toy", ("a", "b"))[1].tolist() for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]
    assert rows[0] == [10, 32, 40, 41, 72, 104, 109, 117, 121, 123, 137, 144, 161, 164, 180, 186, 188, 189, 195, 197]


def test_no_fraction_cuts_nothing():
    kept, validation = cut(np.array([0, 1, 1]), 0.0, 0, "toy", ("a", "b"))
    assert kept.tolist() == [0, 1, 2]
    assert validation.tolist() == []


def test_targets_without_classes_are_drawn_from_all_rows():
    t = np.linspace(0, 1, 30)
    kept, validation = cut(t, 0.2, 3, "toy", ())
    assert (len(kept), len(validation)) == (24, 6)
    assert validation.tolist() != list(range(6))


def test_a_class_that_is_only_in_the_test_part_is_no_obstacle():
    kept, validation = cut(np.array([0, 0, 2, 2]), 0.5, 0, "toy", ("a", "b", "c"))
    assert (len(kept), len(validation)) == (2, 2)


@pytest.mark.parametrize(("t", "names", "who"), [([0, 0, 1], ("a", "b"), "the class 'b'"), ([0.5], (), "the data set")])
def test_one_sample_cannot_be_in_two_parts(refused, t, names, who):
    with refused("toy: " + who, "1 sample", "validation = 0"):
        cut(np.array(t), 0.1, 0, "toy", names)
