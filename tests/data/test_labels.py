from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.data.labels import MANY_CLASSES, encode, number, question

FILE = Path("labels.csv")


@pytest.mark.parametrize(
    ("labels", "indices", "names"),
    [
        ([10, 9, -1, 10], [2, 1, 0, 2], ("-1", "9", "10")),
        (["10", "9", "-1", "10"], [2, 1, 0, 2], ("-1", "9", "10")),
        (["2.0", "1.5", "10.0"], [1, 0, 2], ("1.5", "2.0", "10.0")),
        ([2.0, 1.5, 10.0], [1, 0, 2], ("1.5", "2", "10")),
        (["1", "1.0", "2"], [0, 1, 2], ("1", "1.0", "2")),
        (["1.10", "1.1", "1.2"], [1, 0, 2], ("1.1", "1.10", "1.2")),
        (["1067", "01067", "99999"], [1, 0, 2], ("01067", "1067", "99999")),
        (["1_0", "1_1", "2_0", "10"], [1, 2, 3, 0], ("10", "1_0", "1_1", "2_0")),
        (["1e2", "100", "5"], [2, 1, 0], ("5", "100", "1e2")),
        (["+1", "-1", " -1 "], [1, 0, 0], ("-1", "1")),
        (["+1", "1", "0"], [1, 2, 0], ("0", "+1", "1")),
        (["-0", "0"], [0, 1], ("-0", "0")),
        (["٣", "3"], [1, 0], ("3", "٣")),
        (["dog", "cat", "Zebra", "dog"], [2, 1, 0, 2], ("Zebra", "cat", "dog")),
        (["10", "9", "none"], [0, 1, 2], ("10", "9", "none")),
        (["nan", "1"], [1, 0], ("1", "nan")),
        (["3", "inf", "Infinity"], [0, 2, 1], ("3", "Infinity", "inf")),
    ],
)
def test_classes_are_sorted_as_numbers_if_all_are(labels, indices, names):
    t, class_names = encode(np.array(labels), FILE)
    assert t.tolist() == indices
    assert t.dtype == np.int64
    assert class_names == names


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2).filter(lambda values: len(set(values)) > 1))
def test_names_give_the_labels_back(labels):
    for stored in (np.array(labels, np.int64), np.array(labels).astype(str)):
        t, names = encode(stored, FILE)
        assert [int(names[index]) for index in t] == labels
        assert sorted(map(int, names)) == list(map(int, names))


@given(st.lists(st.text("abc,é 1", min_size=1), min_size=2).filter(lambda values: len(set(values)) > 1))
def test_names_of_texts_are_distinct_and_cover_all(labels):
    t, names = encode(np.array([f"x{label}" for label in labels]), FILE)
    assert [names[index] for index in t] == [f"x{label}" for label in labels]
    assert len(set(names)) == len(names)


def test_one_class_is_refused(refused):
    with refused(FILE, "one class 7"):
        encode(np.array([7, 7, 7]), FILE)


WHOLE = tuple(map(str, range(MANY_CLASSES + 1)))


@pytest.mark.parametrize(
    ("names", "samples", "asks"),
    [
        (("0", "1"), 100, False),
        (("0.5", "1"), 100, True),
        (("a", "0.5"), 3, False),
        (("1", "1.0"), 9, False),
        (("0.5", "nan"), 3, False),
        (WHOLE, len(WHOLE), True),
        (WHOLE, 2 * len(WHOLE) - 1, True),
        (WHOLE, 2 * len(WHOLE), False),
        (WHOLE[:-1], MANY_CLASSES, False),
        ((*WHOLE, "none"), len(WHOLE) + 1, False),
    ],
)
def test_numbers_that_may_be_a_target_are_asked_about(names, samples, asks):
    sentence = question(names, samples, "a.csv: the label column 'y'")
    assert bool(sentence) == asks
    if sentence:
        assert f"'y' holds {len(names)} different numbers in {samples} samples" in sentence
        assert 'data.task = "regression"' in sentence
        assert 'data.task = "classification"' in sentence


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-2.5e3", -2500.0), ("0.1", 0.1), ("1_0", None), ("inf", None), ("nan", None), ("x", None)],
)
def test_finite_numbers_are_told_from_other_texts(text, value):
    assert number(text) == value
