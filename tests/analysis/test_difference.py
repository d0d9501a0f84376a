"""What differs between two trials, worked by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from sweep.analysis.difference import changed, interesting, parting, sentences


def epochs(values, loss=None, first=0):
    frame = pd.DataFrame({"trial": 1, "epoch": range(first, first + len(values)), "accuracy": values})
    return frame.assign(loss=values if loss is None else loss, seconds=np.random.default_rng().random(len(values)))


STEADY = [0.1, 0.5, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]


def test_equal_trials_never_part():
    found = parting(epochs(STEADY), epochs(STEADY), "accuracy")
    assert (found.common, found.same, found.different) == (8, 8, None)
    assert list(sentences(found)) == [
        "all metrics are the same, bit for bit, up to epoch 8, the last that both have",
        "accuracy never differs by more than jitter from epoch to epoch explains (0)",
    ]


def test_the_last_bit_of_any_metric_parts_them_but_only_the_objective_beyond_jitter_counts():
    changed_loss = [*STEADY[:3], math.nextafter(STEADY[3], 1), *STEADY[4:]]
    other = [*STEADY[:5], 0.9, *STEADY[6:]]
    found = parting(epochs(STEADY), epochs(other[:5], changed_loss[:5]), "accuracy")
    assert (found.common, found.same, found.different) == (4, 2, None)
    assert next(sentences(found)) == "they part in epoch 3: up to epoch 2 all metrics are the same, bit for bit"


def test_jitter_is_no_difference_and_what_exceeds_it_is():
    """The second half alternates by ±0.01 in both: each has a jitter of 0.04 / √6, their difference √2 of it."""
    noise = np.tile([0.01, -0.01], 10)
    limit = 3 * math.sqrt(2) * 0.04 / math.sqrt(6)
    first = epochs(0.5 + noise, first=1)
    for factor, different in ((0.99, None), (1.01, 7)):
        second = 0.5 + noise
        second[6:] += factor * limit
        found = parting(first, epochs(second, first=1), "accuracy")
        assert found.limit == pytest.approx(limit)
        assert (found.same, found.different) == (6, different)


def test_trials_may_have_no_epoch_in_common():
    assert parting(epochs(STEADY), epochs(STEADY[:0]), "accuracy") is None
    assert list(sentences(None)) == ["they have no epoch in common"]


def test_one_bad_epoch_is_no_jitter():
    steady = [0.9] * 30
    found = parting(epochs(steady), epochs([*steady[:20], 0.1, *steady[21:]]), "accuracy")
    assert (found.different, found.limit) == (20, pytest.approx(0))


def test_a_difference_in_the_first_epoch():
    found = parting(epochs(STEADY), epochs([0.2, *STEADY[1:]]), "accuracy")
    assert (found.same, found.different) == (None, None), "epoch 0 is the untrained network"
    assert next(sentences(found)) == "they differ from the first epoch that both have"


def test_missing_figures_are_the_same_as_missing_ones():
    gaps = [math.nan, *STEADY[1:]]
    assert parting(epochs(gaps), epochs(gaps), "accuracy").same == 8


def test_the_epochs_that_tell_most():
    found = parting(epochs(STEADY), epochs([*STEADY[:3], 0.9, *STEADY[4:]]), "accuracy")
    assert interesting(found, [5, None]) == [1, 2, 3, 4, 5, 6, 8]
    assert interesting(found, [100]) == [1, 2, 3, 4, 6, 8]


def test_a_whole_number_is_another_value_than_the_same_real_one():
    assert list(changed({"a": 1}, {"a": 1.0})) == [("a", 1, 1.0)]
    assert not list(changed({"a": 1, "b": "x"}, {"b": "x", "a": 1}))
