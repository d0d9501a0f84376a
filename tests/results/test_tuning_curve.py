"""The tuning curve of a sweep: its frame, the lines of the summary, and sweeps that have none."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sweep.analysis.tuning_curve import TuningCurve
from sweep.errors import SweepError, UsageError
from sweep.metrics import Objective
from sweep.records import SweepRecord
from sweep.results import tuning_curve
from sweep.results.independent import Draws, independent_draws
from sweep.results.tuning_curve import counts_up_to, range_words, summary, table
from tests.results.small_curves import FILE, run

RECORD = SweepRecord("mine", "", 0, 3, FILE, [], "", [], None, None, {}, trials=40)


@pytest.fixture
def told(monkeypatch):
    """Return the summary of a sweep with given values, NaN for diverged trials."""

    def lines(values, objective=Objective("rmse", "min", tie_break=None), repeats=1, **more):
        frame = pd.DataFrame({"trial": range(len(values)), "value": np.asarray(values, float), "seconds": 1.0})
        monkeypatch.setattr(tuning_curve, "independent_draws", lambda results: Draws(frame, objective, **more))
        return summary(SimpleNamespace(record=RECORD, repeats=repeats))

    return lines


def test_counts_up_to():
    assert counts_up_to(1) == [1]
    assert counts_up_to(10) == [1, 2, 5, 10]
    assert counts_up_to(137) == [1, 2, 5, 10, 20, 50, 100, 137]


def test_the_frame_is_the_curve_of_the_draws_in_units_of_the_metric(tmp_path):
    results = run(tmp_path)
    frame = results.tuning_curve([1, 2.5, 30])
    assert list(frame.columns) == ["trials", "best", "low", "high"]
    draws = independent_draws(results).values
    best = TuningCurve(draws, is_max=False).best_of([1, 2.5, 30])
    assert frame["best"].tolist() == best.value.tolist()
    assert frame["low"].tolist() == best.better.tolist()  # less is better
    assert frame["high"].tolist() == best.worse.tolist()
    assert frame["best"].iloc[-1] == draws.min()
    assert (frame["low"] <= frame["best"]).all()
    assert results.tuning_curve()["trials"].tolist() == [1, 2, 5, 10, 20, 30]
    assert results.tuning_curve([3], 0.9)["best"].item() < results.tuning_curve([3])["best"].item()


def test_arguments_out_of_range_are_refused(tmp_path):
    results = run(tmp_path, trials=3)
    with pytest.raises(UsageError, match="numbers of trials must be above 0; give such as 1, 10 and 100"):
        results.tuning_curve([0])
    with pytest.raises(UsageError, match="quantile must be between 0 and 1, not 1"):
        results.tuning_curve(quantile=1)


def test_a_sweep_without_independent_draws_says_why(tmp_path):
    results = run(tmp_path, file=FILE.replace("trials = 30", 'trials = 12\nsampler = "sobol"'))
    why = (
        "no tuning curve, which needs independent trials that ran to their end: its sampler 'sobol' spreads the trials"
    )
    with pytest.raises(SweepError, match=f"mine has {why}"):
        results.tuning_curve()
    assert summary(results)[0].startswith(why)


def test_the_summary_of_a_real_sweep(tmp_path):
    results = run(tmp_path, trials=40)
    best, further = summary(results)
    two, all_ = table(TuningCurve(independent_draws(results).values, is_max=False), [2, 40]).itertuples(index=False)
    ends = f"{two.low:.4g}–{two.high:.4g}, of 40: at most {all_.high:.4g}"  # less is better
    assert best == f"median best of 2 trials: {ends} (95 %)"
    assert further.startswith("another 40 trials beat the best of these with probability 1/2, and lower it by at most ")
    assert further.endswith(" (95 %, if good values thin out towards a limit)")


def test_the_summary_of_a_hundred_trials_has_the_best_of_ten_and_a_bound(told):
    values = np.arange(100) / 1000
    best, further = told(values, Objective("test_accuracy"))
    assert best == "median best of 10 trials: 0.0840–0.0990, of 100: at least 0.0950 (95 %)"
    bound = TuningCurve(values).most_gain(100)
    assert f"probability 1/2, and raise it by at most {bound:.2g} (" in further


def test_ties_and_limits_of_the_metric(told):
    tied = [*np.linspace(0.5, 0.9, 38), 0.95, 0.95]
    assert "with probability at most 1/2, and raise it" in told(tied, Objective("test_accuracy"))[1]
    near = np.linspace(0.5, 0.999, 40)
    assert "raise it by at most 0.001 (" in told(near, Objective("test_accuracy"))[1]  # no accuracy is above 1
    perfect = np.linspace(0.5, 1.0, 40)
    assert len(told(perfect, Objective("test_accuracy"))) == 1
    assert told([1.0] * 40)[1] == "another 40 trials beat the best of these with probability at most 1/2"


@pytest.mark.parametrize("diverged", [30, 39])
def test_where_most_have_diverged(told, diverged):
    best, further = told([math.nan] * diverged + [0.5] * (40 - diverged))
    assert best.startswith("median best of 2 trials: ")
    assert "nan" not in best + further
    assert "inf" not in best + further


def test_what_is_not_told(told):
    assert told(np.arange(9.0)) == []
    assert told([math.nan] * 40) == []
    assert len(told(np.arange(12.0))[1].split(", and lower")) == 1  # too few for a bound


def test_configurations_and_what_was_left_out_are_named(told):
    best, further = told(np.arange(20.0), repeats=3, note="5 configurations left out")
    assert "configurations: " in best
    assert best.endswith("(95 %; 5 configurations left out)")
    assert further.startswith("another 20 configurations")


def test_ranges_in_words():
    assert range_words(Objective("test_accuracy"), 0.9, 0.9) == "0.9000"
    assert range_words(Objective("test_accuracy"), 0.9, math.inf) == "at least 0.9000"
    assert range_words(Objective("rmse", "min"), -math.inf, math.inf) == "not known"
