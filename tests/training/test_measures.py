"""Measures of a classification, against scikit-learn's."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from sweep.metrics import MEASURES
from sweep.training.measures import of_counts

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)
THEIRS = {
    "balanced_accuracy": balanced_accuracy_score,
    "f1": lambda t, predicted: f1_score(t, predicted, average="macro"),
}


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if measure.of_counts])
@given(pairs=PAIRS)
def test_a_measure_is_that_of_scikit_learn(name, pairs):
    t, predicted = np.array(pairs).T
    counts = np.zeros((4, 4), np.int64)
    np.add.at(counts, (t, predicted), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of classes that are predicted, but do not occur
        assert of_counts(name)(counts) == pytest.approx(THEIRS[name](t, predicted))


def test_f1_by_hand():
    counts = np.array([[3, 1], [2, 4]])
    assert of_counts("f1")(counts) == pytest.approx((6 / 9 + 8 / 11) / 2)
    assert of_counts("balanced_accuracy")(counts) == pytest.approx((3 / 4 + 4 / 6) / 2)
