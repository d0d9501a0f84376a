"""The benchmark of tuning curves: every figure of a small table, and the true curve by hand."""

import numpy as np
import pytest

from benchmarks import tuning_curve
from benchmarks.tuning_curve import Known, Size, chance_cells, coverage, further, true_chance

RNG = np.random.default_rng(0)
KEYS = [f"{first}{second}" for first in range(8) for second in range(8)]
SMALL = Known("HPOBench", "toy", RNG.random((64, 3)), KEYS)


def test_every_table_has_its_figures(monkeypatch, tmp_path):
    monkeypatch.setattr(tuning_curve, "tables", lambda datasets: iter([SMALL]))
    monkeypatch.setattr(tuning_curve, "find_spec", lambda name: True)
    bands, gains, chances = tuning_curve.run(Size(20, None), tmp_path)
    assert len(bands.rows["toy"]) == 8
    assert {"bound held", "bound held, ties", "rose"} <= set(gains.rows["toy"])
    assert len(chances.rows["toy"]) == 5
    assert bands.rows["toy"]["40"].value >= 0.8


def test_without_the_tables_there_is_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tuning_curve, "find_spec", lambda name: None)
    assert list(tuning_curve.run(Size(20, None), tmp_path)) == []


@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_a_wrong_band_is_found_out(monkeypatch, lost):
    values = np.arange(1000) / 1000
    assert coverage(values, 40, lost, 300)[0] >= 0.92
    right = tuning_curve.TuningCurve
    monkeypatch.setattr(tuning_curve, "TuningCurve", lambda draws: right(draws, level=0.7))
    assert coverage(values, 40, lost, 300)[0] < 0.85


def test_further_trials_rise_above_the_best():
    gains, bounds = further(np.arange(1000.0), 200)
    assert 0.55 < (gains > 0).mean() < 0.78
    assert (gains <= bounds).mean() > 0.9
    assert np.isnan(further(np.ones(5), 10)[1]).all()


def test_the_true_probability_of_two_tables():
    assert true_chance(np.array([1.0, 2.0]), np.array([0.0, 1.0]), 1) == pytest.approx(0.875)
    assert true_chance(np.array([1.0, 2.0]), np.array([0.0, 1.0]), 2) == pytest.approx(1 - 0.25 * 0.75 / 2)


def test_halves_of_a_table_differ_where_a_parameter_matters():
    values = np.repeat(np.arange(8.0), 8)[:, None] + RNG.random((64, 2))
    cells = chance_cells(Known("HPOlib", "toy", values, KEYS), 40)
    assert cells["told"].value > 0.4
    assert cells["wrong of these"].value <= 0.1
