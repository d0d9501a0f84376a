"""What stopping rules have saved on a sweep, or would have saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.errors import SweepError
from sweep.records import LOST, Status
from sweep.store.decisions import Competitor

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.trials import SweepTrials

SHORTEST = 5
"""Fewest epochs of the longest trial of a sweep of which it is asked what a rule would have saved."""
FEWEST_RANKED = 10
"""Fewest trials that were trained to their end of which ranks are compared."""
MOST = 1_000
"""Trials up to which rules are replayed after a sweep, in less than two seconds."""
FEWEST = 8
"""Fewest configurations of such a sweep."""


def frames(results: SweepTrials) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the epochs and the trials of a sweep as `sweep.analysis.stopping` takes them.

    With repeats these are the configurations: their means over the trainings, as far as all of these have come.

    Raises:
        SweepError: when the sweep has too few trials, or too few epochs, to learn anything from.
    """
    record, objective = results.record, results.objective
    found = results.store.competitors(record.id)
    longest = max((each.last_epoch for each in found), default=0)
    if longest < SHORTEST or len(found) // record.repeats < FEWEST:
        raise SweepError(
            f"{results.name} has too little to learn from what stopping rules would have saved: that takes "
            f"{FEWEST} configurations and {SHORTEST} epochs"
        )
    epochs = results.store.epochs(record.id)
    columns = {objective.metric: "value", **({"train_loss": "loss"} if "train_loss" in epochs else {})}
    values = epochs[["trial", "epoch"]].assign(**{new: epochs[name] for name, new in columns.items()})
    trials = _trials(found, record.repeats)
    if record.repeats > 1:
        values["trial"] //= record.repeats
        grouped = values.groupby(["trial", "epoch"])
        means, counts = grouped.mean(), grouped.size()
        values = means[counts == record.repeats].reset_index()
    return values, trials


def _trials(found: Sequence[Competitor], repeats: int) -> pd.DataFrame:
    """Return `trial`, `status`, `planned` and whether it was `audited`, of each configuration."""
    import pandas as pd

    lost: tuple[Status, ...] = (*LOST, "pruned")
    rows = []
    for first in range(0, len(found), repeats):
        same = found[first : first + repeats]
        statuses = {each.status for each in same}
        status = next((each for each in lost if each in statuses), same[0].status)
        is_whole = len(statuses) == 1 or status in lost
        planned = max(each.planned_epochs for each in same)
        audited = any(each.exempt == "audit" for each in same)
        rows.append((first // repeats, status if is_whole else "running", planned, audited))
    return pd.DataFrame(rows, columns=["trial", "status", "planned", "audited"])


def tables(results: SweepTrials) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return what rules would have used and lost, how ranks agree with those at the end, and what an audit tells.

    See `replay`, `rank_agreement` and `audit` of `sweep.analysis.stopping`. The second table has the epochs that enough
    trials have had; the third has no row where no trial was audited.

    Raises:
        SweepError: as `frames`.
    """
    from sweep.analysis import stopping

    (epochs, trials), objective = frames(results), results.objective
    rules = _honest(trials, stopping.replay(epochs, trials, objective))
    agreement = stopping.rank_agreement(epochs, trials, objective)
    audited = trials.loc[trials["audited"], "trial"].tolist()
    audit = stopping.audit(epochs, trials, audited, objective)
    return rules, agreement[agreement["trials"] >= FEWEST_RANKED], audit if audited else audit.iloc[:0]


def _honest(trials: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of rules without what nobody knows: the loss to trials that were stopped before their end."""
    is_stopped = bool((trials["status"] == "pruned").any())
    known = (table["unknown"] == 0) & (not is_stopped)
    return table.assign(loss=table["loss"].where(known), kept=table["kept"].astype("boolean").where(known))


def short_table(results: SweepTrials) -> pd.DataFrame | None:
    """Return the table of the rules that most would choose, and that of the sweep; None where it says too little.

    That is so of small and of very large sweeps, and while not all trials have ended.
    """
    from sweep.analysis import stopping
    from sweep.experiment.sections.stopping import rules_of
    from sweep.stopping import KINDS, RepeatRule

    counts = results.store.progress(results.record.id).counts
    is_ended = not set(counts).intersection(("queued", "running", "paused", "interrupted"))
    if not is_ended or counts.get("completed", 0) < 1 or sum(counts.values()) > MOST:
        return None
    names = ("halving, factor 2, first 3", "halving, factor 2, first auto", "median")
    rules = {name: stopping.RULES[name] for name in names}
    own = {
        f"{kind}, of this sweep": rule
        for kind, rule in rules_of(results.record).items()
        if kind in KINDS and not isinstance(rule, RepeatRule)
    }
    try:
        epochs, trials = frames(results)
    except SweepError:
        return None
    found = stopping.replay(epochs, trials, results.objective, {**own, **rules})
    return _honest(trials, found.drop(columns="saved"))
