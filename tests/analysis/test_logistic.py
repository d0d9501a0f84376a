"""Penalized logistic regression, beside scikit-learn, an own search for the maximum, and a case solved by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit as reference_expit

from sweep.analysis.calibration import calibration_error, error_of_right
from sweep.analysis.logistic import expit, firth, log_loss, logit, ridge


def drawn(rows=80, columns=3, seed=0):
    rng = np.random.default_rng(seed)
    design = rng.standard_normal((rows, columns))
    return design, (rng.random(rows) < reference_expit(design @ [1.5, -0.7, 0.0][:columns] - 0.5)).astype(float)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_a_ridge_is_that_of_scikit_learn(penalty):
    from sklearn.linear_model import LogisticRegression

    design, outcomes = drawn()
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(design, outcomes)
    ours = ridge(design, outcomes, penalty)
    assert ours.weights == pytest.approx([theirs.intercept_[0], *theirs.coef_[0]], abs=1e-5)
    assert ours.probabilities(design) == pytest.approx(theirs.predict_proba(design)[:, 1], abs=1e-5)


def penalized(weights, design, outcomes):
    """Minus the log-likelihood, less half the logarithm of the determinant of the information."""
    full = np.column_stack([np.ones(len(design)), design])
    chances = reference_expit(full @ weights)
    likelihood = np.sum(outcomes * np.log(chances) + (1 - outcomes) * np.log(1 - chances))
    return -likelihood - np.log(np.linalg.det(full.T @ (full * (chances * (1 - chances))[:, None]))) / 2


def test_firths_fit_maximizes_the_likelihood_with_jeffreys_prior():
    design, outcomes = drawn(40)
    found = minimize(penalized, np.zeros(4), (design, outcomes), method="BFGS", options={"gtol": 1e-8})
    assert firth(design, outcomes).weights == pytest.approx(found.x, abs=1e-4)


def test_firths_fit_without_columns_is_half_an_outcome_more_on_both_sides():
    outcomes = np.array([1.0, 0, 0, 0, 0, 0, 0])
    assert firth(np.empty((7, 0)), outcomes).weights[0] == pytest.approx(np.log(1.5 / 6.5))


def test_firths_fit_is_finite_where_a_threshold_separates_the_outcomes():
    design = np.linspace(-2, 2, 30)[:, None]
    fitted = firth(design, (design[:, 0] > 0.7).astype(float))
    assert np.isfinite(fitted.weights).all() and np.isfinite(fitted.covariance).all()
    assert fitted.weights[1] > 2
    assert -fitted.weights[0] / fitted.weights[1] == pytest.approx(0.7, abs=0.15)


def test_the_covariance_is_the_inverse_of_the_information():
    design, outcomes = drawn()
    fitted = firth(design, outcomes)
    full = np.column_stack([np.ones(len(design)), design])
    chances = fitted.probabilities(design)
    assert np.linalg.inv(fitted.covariance) == pytest.approx(full.T @ (full * (chances * (1 - chances))[:, None]), 1e-5)


def test_logits_and_probabilities_are_inverse_and_never_overflow():
    logits = np.array([-5.0, 0.0, 2.0])
    assert logit(expit(logits)) == pytest.approx(logits)
    assert expit(np.array([-1e308, 1e308])) == pytest.approx([0.0, 1.0])


def test_log_loss_and_calibration_by_hand():
    outcomes, chances = np.array([1.0, 0.0]), np.array([0.8, 0.5])
    assert log_loss(outcomes, chances) == pytest.approx(-(np.log(0.8) + np.log(0.5)) / 2)
    # Two in the bin of 0.5 with a share of 1, and two in that of 0.9 with a share of one half.
    outcomes, chances = np.array([1.0, 1.0, 1.0, 0.0]), np.array([0.55, 0.55, 0.95, 0.95])
    assert calibration_error(outcomes, chances) == pytest.approx((0.9 + 0.9) / 4)


def test_the_error_of_right_probabilities_falls_with_the_number_of_trials():
    rng = np.random.default_rng(1)
    few, many = (error_of_right(rng.random(count)) for count in (50, 5_000))
    assert many < 0.02 < few < 0.2
