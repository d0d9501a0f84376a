"""The law of divergence: the probability that a trial diverges, as a function of its configuration.

An event is a divergence within the planned epochs. A trial that was pruned, or has not ended, might still have diverged
(it is right-censored), and is left out, as a failed one is; how many these are is said. Leaving pruned trials out is
harmless only as far as a stopping rule does not end those that are about to diverge.

How much is said depends on the rarer of the two outcomes: below FEWEST configurations only the base rate with its
interval; up to FEW a logistic regression with a fixed ridge; above, a mixture of three models (see
`sweep.analysis.stack`), and an additive one for the formula (see `sweep.analysis.effects`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.analysis.calibration import calibration_error, error_of_right
from sweep.analysis.effects import LEVEL, Boundary, Effect, Estimate, effects_of
from sweep.analysis.logistic import Array, Logistic, firth, log_loss, ridge
from sweep.analysis.predictors import Predictor, independent, matrix, predictors
from sweep.analysis.stack import FOLDS, Stack, fit_stack, stratified_folds
from sweep.records import Parameter

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5
"""Configurations with the rarer outcome from which on it is asked what it depends on."""
FEW = 10
"""Configurations with the rarer outcome up to which the ridge is fixed."""
RIDGE = 1.0
"""The fixed ridge on standardized columns."""
USED = ("completed", "diverged")
"""Statuses of the trials that count."""

Values = Mapping[str, Sequence[Any]]
"""Of each trial, by the full name of a parameter."""


@dataclass(frozen=True)
class Law:
    """What is known about the divergence of some trials."""

    outcomes: Array
    """1 of each trial that diverged, 0 of each that completed."""
    left_out: Mapping[str, int]
    """Number of other trials, by status."""
    parameters: Sequence[Parameter]
    """What was searched."""
    columns: Sequence[Predictor]
    """The columns of the model; none where it is the base rate."""
    model: Stack | Logistic | None
    """None for the base rate."""
    effects: Sequence[Effect]
    """What each column does in the additive model, the strongest first."""
    boundary: Boundary | None
    """Where a divergence is more likely than not; None where no number's influence can be told."""
    rarer: int
    """Configurations with the rarer outcome, which decide how much can be said."""
    is_shrunk: bool
    """Whether effects are shrunk by a ridge, as there are more columns than `rarer`."""
    predicted: Array
    """Of each trial the probability by a model that was fitted without it."""
    predicted_base: Array
    """Of each trial the share of divergences among those that the same model was fitted to."""
    predicted_linear: Array
    """As `predicted`, of the additive model with a ridge."""

    @property
    def trials(self) -> int:
        """Number of the trials that count."""
        return len(self.outcomes)

    @property
    def diverged(self) -> int:
        """Number of those that diverged."""
        return int(self.outcomes.sum())

    @property
    def has_model(self) -> bool:
        """Whether the probability depends on the configuration."""
        return self.model is not None

    @cached_property
    def base_rate(self) -> Estimate:
        """The share that diverged, with its interval of Clopper and Pearson."""
        return clopper_pearson(self.diverged, self.trials)

    @cached_property
    def log_loss(self) -> float:
        """Cross-validated log-loss of the probability."""
        return log_loss(self.outcomes, self.predicted)

    @cached_property
    def base_log_loss(self) -> float:
        """Cross-validated log-loss of the base rate."""
        return log_loss(self.outcomes, self.predicted_base)

    @cached_property
    def linear_log_loss(self) -> float:
        """Cross-validated log-loss of the additive model."""
        return log_loss(self.outcomes, self.predicted_linear)

    @cached_property
    def calibration(self) -> tuple[float, float]:
        """Calibration error of the left-out trials, and what it would be of right probabilities."""
        return calibration_error(self.outcomes, self.predicted), error_of_right(self.predicted)

    def probabilities(self, values: Values, rows: int) -> Array:
        """Return the probability of each of `rows` configurations to diverge."""
        if self.model is None:
            return np.full(rows, self.base_rate.value)
        return self.model.probabilities(matrix(self.columns, values, rows))

    def strength(self, parameter: Parameter) -> float:
        """Return how much a parameter matters among these trials, 0 where that is not known."""
        own = [each.strength for each in self.effects if each.predictor.parameter.name == parameter.name]
        return max(own, default=0.0)


def clopper_pearson(events: int, trials: int, level: float = LEVEL) -> Estimate:
    """Return a share with its exact interval (C. Clopper and E. Pearson, Biometrika 26, 1934)."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, tail))
    high = 1.0 if events == trials else float(betaincinv(events + 1, trials - events, 1 - tail))
    return Estimate(events / trials, low, high)


def fit_law(trials: pd.DataFrame, parameters: Sequence[Parameter], level: float = LEVEL) -> Law:
    """Return the law of divergence of some trials, of which at least one has completed or diverged.

    Args:
        trials: `status`, `group` (a number that the trainings of one configuration share) and a column by the full name
            of each parameter, a row for each training.
        parameters: what was searched in all of them.
        level: of the intervals of the effects and of the boundary.
    """
    used = trials[trials["status"].isin(USED)]
    counts = trials["status"].value_counts()
    left_out = {str(status): int(count) for status, count in counts.items() if status not in USED}
    outcomes = has_diverged(used)
    values = {each.name: used[each.name].tolist() for each in parameters}
    groups = used["group"].to_numpy()
    rarer = min(len(np.unique(groups[outcomes == each])) for each in (0, 1))
    columns = predictors(parameters, values) if rarer >= FEWEST else []
    design = matrix(columns, values, len(outcomes))
    if not columns:
        flat = np.full(len(outcomes), outcomes.mean())
        return Law(outcomes, left_out, parameters, [], None, [], None, rarer, False, flat, flat, flat)
    model, predicted, linear = _fitted(design, outcomes, groups, rarer)
    effects, boundary, is_shrunk = _effects(columns, design, outcomes, rarer, level)
    base = _base(outcomes, stratified_folds(outcomes, groups, FOLDS))
    return Law(
        outcomes, left_out, parameters, columns, model, effects, boundary, rarer, is_shrunk, predicted, base, linear
    )


def has_diverged(trials: pd.DataFrame) -> Array:
    """Return 1 for each trial that diverged, and 0 for each other."""
    return np.array(trials["status"] == "diverged", dtype=np.float64)


def _fitted(design: Array, outcomes: Array, groups: Array, rarer: int) -> tuple[Stack | Logistic, Array, Array]:
    """Return the model of the probability, and the predictions of left-out trials by it and by the additive one."""
    if rarer > FEW:
        stack = fit_stack(design, outcomes, groups)
        return stack, stack.left_out, stack.linear_left_out
    folds = stratified_folds(outcomes, groups, FOLDS)
    found = np.empty(len(outcomes))
    for fold in range(FOLDS):
        inside = folds != fold
        found[~inside] = ridge(design[inside], outcomes[inside], RIDGE).probabilities(design[~inside])
    return ridge(design, outcomes, RIDGE), found, found


def _base(outcomes: Array, folds: np.ndarray[Any, np.dtype[np.int64]]) -> Array:
    found = np.empty(len(outcomes))
    for fold in range(FOLDS):
        found[folds == fold] = outcomes[folds != fold].mean()
    return found


def _effects(
    columns: Sequence[Predictor], design: Array, outcomes: Array, rarer: int, level: float
) -> tuple[list[Effect], Boundary | None, bool]:
    """Return the effects in the additive model, the strongest first, the boundary, and whether they are shrunk."""
    places = independent(columns, design)
    chosen, some = [columns[place] for place in places], design[:, places]
    is_shrunk = len(places) > rarer
    fitted = ridge(some, outcomes, RIDGE) if is_shrunk else firth(some, outcomes)
    effects, boundary = effects_of(fitted, chosen, level)
    return sorted(effects, key=lambda each: -each.strength), boundary, is_shrunk
