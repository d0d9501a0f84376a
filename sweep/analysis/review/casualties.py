"""Whether neighbors of the best configuration diverged."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.analysis.review.base import CERTAINTY, Verdict, unknown
from sweep.analysis.review.tables import Array, SweepTables, positions
from sweep.records import Parameter

NAME = "casualties at the best's edge"
FINE = "no casualties at the best's edge"
NEIGHBORS = 15
"""Configurations nearest to the best one that are looked at; three of them that diverged are no chance."""
FEWEST = 2 * NEIGHBORS
"""Fewest ended configurations, so that not all are neighbors."""
USUAL = 0.05
"""Share of the neighbors that may diverge where all is well."""
LEAST = 0.05
"""Weight of a number that tells nothing, so that neighbors are defined where none does."""
FEWEST_EACH = 5
"""Fewest trials of an option whose share of divergences counts."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether more of the nearest configurations diverged than one in twenty, by a binomial test.

    What is near is measured along each parameter by how well it tells diverged trials from others, so that those that
    have nothing to do with divergence do not blur it.
    """
    from scipy.stats import binom

    ended = tables.ended
    if len(ended) < FEWEST:
        return unknown(NAME, f"takes {FEWEST} ended configurations, there are {len(ended)}")
    diverged = ended["diverged"].to_numpy(dtype=bool)
    if not diverged.any():
        return Verdict(NAME, True, 0.0, f"none of {len(ended)} diverged")
    trial = int(tables.ranked["trial"][0])
    own = int((ended["trial"] == trial).to_numpy().argmax())
    squares = sum((_squares(each, ended, diverged, own) for each in tables.parameters), np.zeros(len(ended)))
    order = np.argsort(squares, kind="stable")
    near = order[order != own][:NEIGHBORS]
    lost = int(diverged[near].sum())
    evidence = f"{lost} of the {NEIGHBORS} configurations nearest to trial {trial} diverged"
    if binom.sf(lost - 1, NEIGHBORS, USUAL) > CERTAINTY:
        return Verdict(NAME, True, lost / NEIGHBORS, evidence)
    advice = (
        f"see how often it diverges with other seeds: `sweep analyze {tables.name} --seeds 5 --trials {trial}`; "
        f"what would save its neighbors: `sweep rescue {tables.name} --all`"
    )
    return Verdict(NAME, False, lost / NEIGHBORS, evidence, advice)


def _squares(parameter: Parameter, ended: pd.DataFrame, diverged: np.ndarray, own: int) -> Array:
    """Return the squared distances of all configurations from one along a parameter."""
    if parameter.name not in ended:
        return np.zeros(len(ended))
    places = positions(parameter, ended[parameter.name])
    if places is None:
        labels = ended[parameter.name].astype(str).to_numpy()
        return np.where(labels == labels[own], 0.0, _option_weight(labels, diverged) ** 2)
    values = np.asarray(places.fillna(0.5), dtype=np.float64)
    found: Array = (_weight(values, diverged) * (values - values[own])) ** 2
    return found


def _weight(values: Array, diverged: np.ndarray) -> float:
    """Return how well a number tells diverged trials from others: |2 A - 1| of the area under its ROC curve A."""
    from scipy.stats import rankdata

    ranks, lost = rankdata(values), int(diverged.sum())
    kept = len(values) - lost
    area = (float(ranks[diverged].sum()) - lost * (lost + 1) / 2) / (lost * kept)
    return max(LEAST, abs(2 * area - 1))


def _option_weight(labels: np.ndarray, diverged: np.ndarray) -> float:
    """Return by how much the shares of divergences of options differ."""
    shares = [
        float(diverged[labels == each].mean()) for each in np.unique(labels) if (labels == each).sum() >= FEWEST_EACH
    ]
    return max(shares) - min(shares) if shares else 0.0
