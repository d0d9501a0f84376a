"""What stopping rules would have saved on a recorded sweep, and what they would have cost.

All functions take two frames: `epochs` with the columns `trial`, `epoch` (from 1; epoch 0 is left out) and `value` (the
objective's metric), and `trials` with the columns `trial`, `status` and `planned` (epochs of the whole training).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd

from sweep.metrics import Objective
from sweep.stopping import Rule, RungRule
from sweep.stopping.asha import Asha
from sweep.stopping.halving import Halving
from sweep.stopping.hyperband import Hyperband
from sweep.stopping.median import Median
from sweep.stopping.patience import Patience
from sweep.stopping.rungs import spearman
from sweep.stopping.simulation import Ending, Outcome, Recording, completed, simulate

RULES: dict[str, Rule | RungRule] = {
    "halving, factor 2, first 3": Halving(),
    "halving, factor 2, first 4": Halving(first=4),
    "halving, factor 2, first 5": Halving(first=5),
    "halving, factor 2, first auto": Halving(first="auto"),
    "halving, factor 3, first 3": Halving(factor=3),
    "halving, factor 4, first 3": Halving(factor=4),
    "asha, factor 2, first 3": Asha(),
    "hyperband, factor 3, first 3": Hyperband(),
    "median": Median(),
    "patience": Patience(),
}
"""The usual rules by their names in tables."""
RUNGS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48)
"""Epochs of which the ranks are compared with those at the end."""
ENDINGS: dict[str, Ending] = {"completed": "completed", "diverged": "lost", "failed": "lost"}
"""Status -> what came after the last epoch; nobody knows of all others."""
CONFIDENCE = 0.9
"""Of the interval for the share of stopped trials that would have been better than all others."""


def recordings(epochs: pd.DataFrame, trials: pd.DataFrame) -> list[Recording]:
    """Return the trials of a sweep as recorded, by number; a frame may have train losses in a column `loss`."""
    values = _listed(epochs[epochs["epoch"] >= 1], "value")
    losses = _listed(epochs, "loss") if "loss" in epochs else {}
    rows = trials.sort_values("trial")[["trial", "status", "planned"]].itertuples(index=False)
    return [
        Recording(trial, values.get(trial, []), int(planned), ENDINGS.get(status, "unknown"), losses.get(trial, ()))
        for trial, status, planned in rows
    ]


def _listed(epochs: pd.DataFrame, column: str) -> dict[int, list[float]]:
    """Return the values of a column by trial, in the order of epochs."""
    lists = epochs.sort_values(["trial", "epoch"]).groupby("trial")[column].agg(list).to_dict()
    return cast(dict[int, list[float]], lists)


def replay(
    epochs: pd.DataFrame,
    trials: pd.DataFrame,
    objective: Objective,
    rules: Mapping[str, Rule | RungRule] = RULES,
    workers: int = 1,
) -> pd.DataFrame:
    """Return what each rule would have used and lost: one row a rule.

    Columns: `rule`; `epochs` that it uses; their `share` of the epochs without any rule; the share `saved`; `loss`, by
    how much the best of the trials that it trains to their end is worse than the best of all that were; whether the
    `best` was `kept`; and `unknown`, the trials that it would have trained for longer than they were.

    Where all trials were trained to their end, `unknown` is 0 and the figures are exact for this order of trials. A
    sweep that was stopped has trials whose later epochs nobody knows. They count with their planned epochs in the
    epochs without any rule, and as lost to a rule that would have trained them on. There, `loss` and `kept` compare
    with the best that is known: neither tells whether a stopped trial would have been better; `audit` does.
    """
    recorded = recordings(epochs, trials)
    return summary(
        {name: simulate(rule, recorded, objective, workers) for name, rule in rules.items()}, recorded, objective
    )


def summary(
    replays: Mapping[str, Sequence[Outcome]], recorded: Sequence[Recording], objective: Objective
) -> pd.DataFrame:
    """Return the table of `replay`, given how trials end by each rule."""
    finals = {each.trial: _final(each, objective) for each in recorded if each.ending == "completed"}
    best = _best(finals.values(), objective)
    whole = sum(each.planned if each.ending == "unknown" else len(each.values) for each in recorded)
    rows = []
    for name, outcomes in replays.items():
        used = sum(each.epochs for each in outcomes)
        kept = _best([finals[trial] for trial in completed(outcomes)], objective)
        loss = (best - kept) if objective.is_max else (kept - best)
        share = used / whole if whole else np.nan
        unknown = sum(each.end == "unknown" for each in outcomes)
        rows.append((name, used, share, 1 - share, loss, bool(loss == 0), unknown))
    return pd.DataFrame(rows, columns=["rule", "epochs", "share", "saved", "loss", "kept", "unknown"])


def rank_agreement(
    epochs: pd.DataFrame, trials: pd.DataFrame, objective: Objective, rungs: Iterable[int] = RUNGS
) -> pd.DataFrame:
    """Return Spearman's correlation between the values so far at some epochs and those at the end: one row an epoch.

    Columns: `epoch`, `spearman` (NaN where it is not defined), `trials`. Only trials that were trained to their end
    and for longer than the epoch count. In a sweep that was stopped these are mostly its best ones, whose ranks differ
    by less, so that the correlation is lower than that of all trials would be.
    """
    ended = [each for each in recordings(epochs, trials) if each.ending == "completed"]
    rows = []
    for epoch in rungs:
        longer = [each for each in ended if each.planned > epoch]
        early = [_final(each, objective, epoch) for each in longer]
        found = spearman(early, [_final(each, objective) for each in longer])
        rows.append((epoch, np.nan if found is None else found, len(longer)))
    return pd.DataFrame(rows, columns=["epoch", "spearman", "trials"])


def audit(epochs: pd.DataFrame, trials: pd.DataFrame, audited: Iterable[int], objective: Objective) -> pd.DataFrame:
    """Return what the trials tell that a rule wanted to stop, but that were trained to their end: one row.

    They were drawn at random from those to be stopped, and so speak for all of these. Columns: `stopped`, how many were
    to be stopped, the audited ones included; `audited`, how many of these have ended, lost ones included; `better`, how
    many of those became better than the best that went on; `low` and `high`, a 90 % interval (Clopper and Pearson,
    1934) for the share of all stopped trials that would have; `loss`, by how much the best audited one is better than
    the best that went on, at least 0.
    """
    recorded = {each.trial: each for each in recordings(epochs, trials)}
    drawn = [recorded[trial] for trial in audited if recorded[trial].ending != "unknown"]
    numbers = {each.trial for each in drawn}
    pruned = int((trials["status"] == "pruned").sum())
    went_on = [each for each in recorded.values() if each.ending == "completed" and each.trial not in numbers]
    best = _best([_final(each, objective) for each in went_on], objective)
    finals = [_final(each, objective) for each in drawn if each.ending == "completed"]
    better = sum(objective.is_better(value, best) for value in finals)
    gain = abs(_best(finals, objective) - best) if better else 0.0
    low, high = _interval(better, len(drawn))
    columns = ["stopped", "audited", "better", "low", "high", "loss"]
    return pd.DataFrame([(pruned + len(drawn), len(drawn), better, low, high, gain)], columns=columns)


def _final(recording: Recording, objective: Objective, epoch: int | None = None) -> float:
    """Return what stands for a trial after an epoch, or at its end."""
    values = recording.values[:epoch]
    if objective.epoch == "last":
        return values[-1]
    return max(values) if objective.is_max else min(values)


def _best(values: Iterable[float], objective: Objective) -> float:
    """Return the best of some values; NaN where there are none."""
    return (max if objective.is_max else min)(values, default=np.nan)


def _interval(successes: int, number: int) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson for a probability."""
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = beta.ppf(tail, successes, number - successes + 1) if successes else 0.0
    high = beta.ppf(1 - tail, successes + 1, number - successes) if successes < number else 1.0
    return float(low), float(high)
