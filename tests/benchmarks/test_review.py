"""Planted faults are found by their verdicts, and sweeps without any pass."""

import pytest

from benchmarks import review
from benchmarks.planted_faults import FAULTS, planted
from sweep.analysis.review import JUDGES


def test_there_is_a_fault_for_each_verdict():
    assert list(FAULTS) == list(JUDGES)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_nothing_where_there_is_none(fault):
    judge = JUDGES[fault]
    assert [judge(planted(seed, 100, fault)).passed for seed in range(4)] == [False] * 4
    assert [judge(planted(seed, 100)).passed for seed in range(4)] == [True] * 4


def test_the_table_counts_both(tmp_path):
    size = review.QUICK._replace(faulty=1, sound=1, read=((100, 5.0),))
    faults, times = review.run(size, tmp_path)
    assert list(faults.rows) == list(JUDGES)
    assert {row["found"].value for row in faults.rows.values()} <= {0.0, 1.0}
    assert times.rows["100 trials"]["seconds"].value > 0
