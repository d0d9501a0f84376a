"""The simulation of the benchmark: equal classifiers are equal, and gaps are as large as they are to be."""

import numpy as np
import pytest

from benchmarks import brackets
from tests.engine_here import training_here


@pytest.fixture
def right():
    return np.random.default_rng(0).beta(4, 0.2, 2000)


def test_worse_classifiers_are_worse_by_the_gap(right):
    worse = brackets.worsened(right, 0.003)
    assert right.mean() - worse.mean() == pytest.approx(0.003, abs=1e-9)
    assert (worse <= right).all()


def test_pairs_are_as_discordant_as_expected(right):
    correct, order = brackets.ranked([right, right], 200_000, np.random.default_rng(1))
    assert (correct[0] != correct[1]).mean() == pytest.approx(brackets.simulated_discordance(right), rel=0.02)
    assert correct[0].sum() >= correct[1].sum()
    assert sorted(order) == [0, 1]


def test_large_gaps_are_found_and_small_ones_are_not(right):
    assert brackets.found(right, 0.05, 5, 5) == (1.0, 1.0)
    assert brackets.found(right, 0.0001, 5, 5) == (0.0, 0.0)


def test_every_table_is_there(monkeypatch, tmp_path):
    monkeypatch.setattr(brackets, "EXPERIMENT", "digits-quickstart")
    monkeypatch.setattr(brackets, "IMAGES", [50])
    monkeypatch.setattr(brackets, "GAPS", [0.003])
    with training_here():
        trained, equal, gaps = brackets.run(brackets.Size(3, [1], 2), tmp_path)
    assert set(trained.rows["1 epochs"]) >= {"accuracy", "discordant", "smallest gap"}
    assert list(equal.rows["1 epochs, 50 images"]) == [f"{rows} rows" for rows in brackets.ROWS]
    assert list(gaps.rows) == ["1 epochs, 0.3 points"]
