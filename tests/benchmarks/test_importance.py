"""Importance on tables: the truth of a small table by hand, and every row of what is planted."""

import math

import numpy as np
import pytest

from benchmarks import importance
from benchmarks.measurement import Table


def small():
    """A table of 2 times 4 configurations with 2 seeds, of which the mean is a sum."""
    mean = np.array([[0.0], [4.0]]) + np.array([0.0, 1.0, 1.0, 2.0])
    return np.stack([mean - 0.5, mean + 0.5], axis=-1)


def test_the_truth_of_a_table_is_that_by_hand():
    truth = importance.truth_of(small())
    # Variances 4 and 1/2; the best quarter are the two with 5 or more: 6, and one of 5 and 5 with it.
    assert truth.shares == pytest.approx([8 / 9, 1 / 9])
    assert truth.worth == pytest.approx([2, 1])
    assert truth.danger == pytest.approx([2, 1])
    assert truth.best_quarter.sum() == pytest.approx(1)
    assert truth.best_quarter[0] > 0.6


def test_a_search_has_the_values_of_the_table():
    values = small()
    found = importance.search(values, 50, seed=1)
    first, second = (found.coordinates * [2, 4] - 0.5).T.round().astype(int)
    assert (np.abs(found.values[:, None] - values[first, second]).min(axis=1) == 0).all()
    assert (importance.search(values, 50, seed=1).values == found.values).all()


def test_what_is_planted_has_all_rows(monkeypatch):
    table = importance._planted_table(4)
    assert isinstance(table, Table)
    assert len(table.rows) == 8
    assert all(math.isfinite(cell.value) for cell in table.cells)


@pytest.mark.slow
def test_the_command_is_timed(tmp_path):
    (row,) = importance._time_table([100], tmp_path).rows.values()
    assert 0 < row["measured"].value < 60
