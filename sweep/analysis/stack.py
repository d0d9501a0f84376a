"""The probability of an outcome by a mixture of three models, with the weights that predict left-out trials best.

The models are a logistic regression on the columns, one on their squares and products too, both with a ridge chosen by
5-fold cross-validation, and a random forest. The mixture is a "super learner": M. van der Laan, E. Polley and A.
Hubbard, Statistical Applications in Genetics and Molecular Biology 6 (2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from sweep.analysis.logistic import Array, Logistic, log_loss, ridge

RIDGES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
"""Penalties to choose from, the largest first, as each fit starts from the last one."""
LEAST_SQUARED = 1.0
"""Smallest penalty of squares and products: with a smaller one 20 casualties can be told apart by chance."""
FOLDS = 5
PARTS = 5
"""The weights of a mixture are multiples of one over this."""
CLIP = 0.01
"""The forest's probabilities are at least this far from 0 and 1."""
MOST_SQUARED = 12
"""Columns of which there are squares and products: those of the largest weights."""
SEED = 0
"""Of folds and forests, so that the same trials give the same model."""

MIXTURES = [np.array(parts) / PARTS for parts in product(range(PARTS + 1), repeat=3) if sum(parts) == PARTS]


@dataclass(frozen=True, slots=True)
class Stack:
    """Three fitted models and their weights."""

    linear: Logistic
    quadratic: Logistic
    forest: Any
    """A fitted `RandomForestClassifier`."""
    squared: Sequence[int]
    """Places of the columns of which the quadratic model has squares and products."""
    weights: Array
    """Of linear, quadratic and forest; they add up to 1."""
    left_out: Array
    """Of each trial the probability by models that were fitted, chosen and weighted without it."""
    linear_left_out: Array
    """The same of the linear model alone."""

    def probabilities(self, columns: Array) -> Array:
        """Return the probability of each row of columns."""
        found = np.zeros(len(columns))
        if self.weights[0]:
            found += self.weights[0] * self.linear.probabilities(columns)
        if self.weights[1]:
            found += self.weights[1] * self.quadratic.probabilities(squares(columns, self.squared))
        if self.weights[2]:
            found += self.weights[2] * _forest_probabilities(self.forest, columns)
        return found


def fit_stack(columns: Array, outcomes: Array, groups: Array) -> Stack:
    """Return the mixture for standardized columns.

    Args:
        columns: a row for each trial.
        outcomes: 0 or 1 of each, at least five of both.
        groups: trials of the same number, such as trainings of one configuration, are left out together.
    """
    folds = stratified_folds(outcomes, groups, FOLDS)
    squared = _largest(ridge(columns, outcomes, 1.0), columns.shape[1])
    linear = columns, np.zeros(columns.shape[1], dtype=bool)
    more = squares(columns, squared)
    quadratic = more, np.arange(more.shape[1]) >= columns.shape[1]
    paths = [_left_out_path(columns, full, outcomes, folds) for columns, full in (linear, quadratic)]
    forest, of_forest = _forest(columns, outcomes, groups, folds)
    chosen = [_best_ridge(path, outcomes) for path in paths]
    parts = np.stack([*(path[best] for path, best in zip(paths, chosen, strict=True)), of_forest])
    models = [
        _path(columns, full, outcomes)[best] for (columns, full), best in zip((linear, quadratic), chosen, strict=True)
    ]
    weights = _best_mixture(parts, outcomes)
    honest, honest_linear = _chosen_without(paths, of_forest, outcomes, folds)
    return Stack(models[0], models[1], forest, squared, weights, honest, honest_linear)


def stratified_folds(outcomes: Array, groups: Array, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the fold of each trial; each fold has about the same share of the outcome, and no group is in two."""
    rng = np.random.default_rng(SEED)
    names, members = np.unique(groups, return_inverse=True)
    shares = np.bincount(members, outcomes) / np.bincount(members)
    order = rng.permutation(len(names))
    order = order[np.argsort(shares[order], kind="stable")]
    folds = np.empty(len(names), dtype=np.int64)
    folds[order] = np.arange(len(names)) % count
    return folds[members]


def squares(columns: Array, squared: Sequence[int]) -> Array:
    """Return the columns, then the squares and products of some of them."""
    some = columns[:, list(squared)]
    first, second = np.triu_indices(some.shape[1])
    return np.hstack([columns, some[:, first] * some[:, second]])


def _largest(model: Logistic, count: int) -> list[int]:
    order = np.argsort(-np.abs(model.weights[1:]), kind="stable")
    return sorted(int(place) for place in order[: min(count, MOST_SQUARED)])


def _path(columns: Array, is_squared: Any, outcomes: Array) -> list[Logistic]:
    """Return the fits for all ridges, which are at least LEAST_SQUARED for squares and at most 1 for what is beside."""
    found: list[Logistic] = []
    for penalty in RIDGES:
        first = min(penalty, 1.0) if is_squared.any() else penalty
        penalties = np.where(is_squared, max(penalty, LEAST_SQUARED), first)
        found.append(ridge(columns, outcomes, penalties, found[-1].weights if found else None))
    return found


def _left_out_path(columns: Array, is_squared: Any, outcomes: Array, folds: Any) -> Array:
    """Return the probabilities of left-out trials, a row for each ridge."""
    found = np.empty((len(RIDGES), len(outcomes)))
    for fold in range(FOLDS):
        inside = folds != fold
        for row, model in enumerate(_path(columns[inside], is_squared, outcomes[inside])):
            found[row, ~inside] = model.probabilities(columns[~inside])
    return found


def _forest(columns: Array, outcomes: Array, groups: Array, folds: Any) -> tuple[Any, Array]:
    """Return a fitted forest, and the probabilities of left-out trials by it."""
    has_groups = len(np.unique(groups)) < len(groups)
    forest = _new_forest(out_of_bag=not has_groups).fit(columns, outcomes)
    if not has_groups:
        return forest, np.clip(np.nan_to_num(forest.oob_decision_function_[:, 1], nan=0.5), CLIP, 1 - CLIP)
    # Trees that lack a trial have seen the other trainings of its configuration.
    found = np.empty(len(outcomes))
    for fold in range(FOLDS):
        inside = folds != fold
        part = _new_forest(out_of_bag=False).fit(columns[inside], outcomes[inside])
        found[~inside] = _forest_probabilities(part, columns[~inside])
    return forest, found


def _new_forest(*, out_of_bag: bool) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, min_samples_leaf=3, max_features=0.5, oob_score=out_of_bag, random_state=SEED)


def _forest_probabilities(forest: Any, columns: Array) -> Array:
    found: Array = forest.predict_proba(columns)[:, 1]
    return np.clip(found, CLIP, 1 - CLIP)


def _best_ridge(path: Array, outcomes: Array) -> int:
    return int(np.argmin([log_loss(outcomes, row) for row in path]))


def _best_mixture(parts: Array, outcomes: Array) -> Array:
    losses = [log_loss(outcomes, weights @ parts) for weights in MIXTURES]
    return MIXTURES[int(np.argmin(losses))]


def _chosen_without(paths: Sequence[Array], of_forest: Array, outcomes: Array, folds: Any) -> tuple[Array, Array]:
    """Return probabilities of left-out trials whose ridges and weights are chosen on the other folds.

    Those of the mixture, and those of the linear model.
    """
    mixed, linear = np.empty(len(outcomes)), np.empty(len(outcomes))
    for fold in range(FOLDS):
        inside, outside = folds != fold, folds == fold
        chosen = [path[_best_ridge(path[:, inside], outcomes[inside])] for path in paths]
        parts = np.stack([*chosen, of_forest])
        mixed[outside] = _best_mixture(parts[:, inside], outcomes[inside]) @ parts[:, outside]
        linear[outside] = chosen[0][outside]
    return mixed, linear
