"""Verdicts on learning curves: overfitting, too short, too long, jitter, early stopping."""

import math

import numpy as np
import pytest

from sweep.analysis.review import early_stopping, epoch_jitter, improving, overfitting, saturated
from sweep.analysis.review.tables import jitter
from sweep.metrics import Objective
from tests.analysis.review.small import ACCURACY, small

LAST = Objective("accuracy", "max", "last", None)
VALIDATION = Objective("validation_accuracy", "max", tie_break=None)


def test_jitter_is_the_noise_of_the_second_half_whatever_the_trend():
    rng = np.random.default_rng(0)
    curve = np.linspace(0, 5, 20_000) + rng.normal(0, 0.01, 20_000)
    curve[:10_000] += rng.normal(0, 1, 10_000)
    assert jitter(curve) == pytest.approx(0.01, rel=0.03)
    assert jitter(np.linspace(0, 1, 10)) == pytest.approx(0, abs=1e-12)
    assert jitter(np.array([0.1, 0.2])) == 0


@pytest.mark.parametrize(("rise", "passed"), [(0.1, True), (0.11, False)])
def test_the_best_overfits_where_a_tenth_of_what_its_loss_fell_is_lost_again(rise, passed):
    loss = [1.0] + [0.0] * 12 + [rise] * 7
    found = overfitting.judge(small([0.9, 0.8], curves=[0.9] * 20, loss=loss, objective=VALIDATION))
    assert (found.passed, found.figure) == (passed, pytest.approx(rise))
    assert found.evidence.startswith("validation_loss of trial 0 ends ")


def test_a_rise_within_jitter_is_no_overfitting():
    loss = np.r_[1.0, np.zeros(9), np.tile([0.3, 0.0], 5)]
    assert overfitting.judge(small([0.9, 0.8], curves=[0.9] * 20, loss=loss)).passed is True


def test_without_a_loss_the_objective_is_watched():
    curve = [0.0] + [0.9] * 12 + [0.6] * 7
    found = overfitting.judge(small([0.9, 0.8], curves=curve))
    assert found.passed is False
    assert found.evidence.startswith("accuracy of trial 0 ends 0.3 worse than around epoch 2, 33 % of")
    assert "`--set epochs=2`" in found.advice


@pytest.mark.parametrize(("before", "passed"), [(0.979, False), (0.981, True)])
def test_the_best_still_improve_where_the_last_fifth_adds_two_percent(before, passed):
    curve = [0.0] + [before] * 7 + [1.0] * 2
    found = improving.judge(small(np.linspace(1, 0.9, 10), curves=curve))
    assert (found.passed, found.figure) == (passed, pytest.approx(1 - before))
    assert found.evidence.startswith("the best 5 gained ")
    assert ("`sweep continue toy --best 5 --epochs 20`" in found.advice) is not passed


def test_a_gain_within_jitter_is_none():
    noise = np.tile([0.2, -0.2], 5)
    curve = np.r_[0.0, np.full(7, 0.9), [0.95] * 2] + np.r_[np.zeros(4), noise[:6]]
    assert improving.judge(small([0.95, 0.9], curves=curve)).passed is True


@pytest.mark.parametrize(("at", "passed"), [(10, False), (11, True)])
def test_saturated_is_what_has_learned_all_in_the_first_half(at, passed):
    curve = [0.0] * (at - 1) + [1.0] * (21 - at)
    found = saturated.judge(small(np.linspace(1, 0.9, 10), curves=curve))
    assert (found.passed, found.figure) == (passed, at / 20)


def test_a_minimized_curve_is_judged_as_its_mirror():
    objective = Objective("rmse", "min", tie_break=None)
    curve = [1.0] * 3 + [0.0] * 17
    found = saturated.judge(small([0.0, 0.1], curves=curve, objective=objective))
    assert (found.passed, found.figure) == (False, 4 / 20)
    assert improving.judge(small([0.0, 0.1], curves=np.linspace(1, 0, 20), objective=objective)).passed is False


@pytest.mark.parametrize(("objective", "share"), [(LAST, 1.0), (ACCURACY, 0.5)])
@pytest.mark.parametrize(("times", "passed"), [(0.99, False), (1.01, True)])
def test_the_best_five_differ_by_more_than_jitter(objective, share, times, passed):
    """A curve that alternates by ±d has second differences of 4 d, and so a jitter of 4 d / √6."""
    d = 0.001
    limit = 2 * math.sqrt(2) * share * 4 * d / math.sqrt(6)
    values = np.r_[np.linspace(0.9, 0.9 - times * limit, 5), np.full(5, 0.5)]
    curve = 0.9 + np.tile([d, -d], 10)
    found = epoch_jitter.judge(small(values, curves=curve, objective=objective))
    assert (found.passed, found.figure) == (passed, pytest.approx(times * limit))


def test_one_bad_epoch_makes_no_jitter_where_the_best_epoch_counts():
    curve = 0.9 + np.tile([0.001, -0.001], 10)
    curve[15] = 0.5
    for objective, passed in ((ACCURACY, True), (LAST, False)):
        values = np.r_[np.linspace(0.9, 0.85, 5), np.full(5, 0.5)]
        assert epoch_jitter.judge(small(values, curves=curve, objective=objective)).passed is passed


def halved(best, **columns):
    """Eight curves of eight epochs, all alike after the third, so that the best one is kept only if it leads there."""
    values = np.linspace(0.2, 0.9, 8)
    curves = np.repeat(values[:, None], 8, axis=1)
    curves[7, :4] = best
    return early_stopping.judge(small(values, curves=curves, **columns))


def test_early_stopping_is_worth_it_where_the_best_lead_early():
    """Four of eight are stopped after epoch 3 and two after epoch 6: 4 · 3 + 2 · 6 + 2 · 8 = 40 of 64 epochs."""
    found = halved(0.9, planned=8)
    assert (found.passed, found.figure) == (False, 1 - 40 / 64)
    assert found.evidence == "halving would have saved 38 % of the epochs and lost 0 of accuracy"


def test_it_is_not_where_it_would_have_lost_the_best():
    assert halved(0.1, planned=8).passed is True


def test_a_sweep_that_was_stopped_or_runs_is_not_asked():
    stopped = ["pruned"] * 4 + ["completed"] * 4
    assert halved(0.9, planned=8, status=stopped).evidence == "4 of 8 were stopped early already"
    running = ["running"] + ["completed"] * 7
    assert halved(0.9, planned=8, status=running).passed is None


@pytest.mark.parametrize("module", [overfitting, improving, saturated, epoch_jitter])
def test_nine_epochs_are_too_few(module):
    found = module.judge(small(np.linspace(1, 0, 10), curves=[0.5] * 9))
    assert found.passed is None
    assert found.evidence.startswith("takes 10 epochs, ")
