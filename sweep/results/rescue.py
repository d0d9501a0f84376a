"""What would have saved the trials that diverged: what has become of their twins, as frames and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from sweep.errors import Call, SweepError, counted
from sweep.experiment.imported import refuse_imported
from sweep.experiment.parents import parent_of
from sweep.results.format import format_value
from sweep.runner.changes import ORDER, spoken
from sweep.runner.rungs import UNENDED
from sweep.runner.twin_results import Judge, Member, judge, members
from sweep.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from sweep.metrics import Objective
    from sweep.results.trials import SweepTrials

Outcome = Literal["saved", "stuck", "diverged", "failed", "unfinished"]
"""What has become of a twin: it has learned as far as it was trained; it has not diverged, but not learned either, or
its learning collapsed; it diverged again; it failed; it is not trained yet."""
BEST_FIRST: tuple[Outcome, ...] = ("saved", "stuck", "diverged")


def casualties(results: SweepTrials) -> list[int]:
    """Return the numbers of the trials of a sweep that diverged.

    Raises:
        SweepError: when none did, or the sweep was imported.
    """
    refuse_imported(results.record)
    found = [each.number for each in results.store.competitors(results.record.id) if each.status == "diverged"]
    if not found:
        raise SweepError(f"no trial of {results.name} has diverged, so there is nothing to rescue")
    return found


def twins_of(results: SweepTrials) -> SweepTrials:
    """Return the sweep of the twins of a sweep, or that itself if it is one.

    Raises:
        SweepError: when there is none.
    """
    from sweep.results.trials import SweepTrials

    if parent_of(results.record) is not None:
        return results
    name = f"{results.name}.rescue"
    if name not in results.store.names():
        raise SweepError(
            f"no twins of trials of {results.name} are trained; do so with: ", Call("rescue", results.name)
        )
    return SweepTrials(results.store, results.store.sweep(name))


def outcomes(twins: SweepTrials, parents: list[int] | None = None) -> pd.DataFrame:
    """Return one row for each twin of the casualties, or of some: by casualty, and then by the size of the change.

    Columns: `casualty` (the number of the trial that diverged), `diverged` (in which epoch), `change`, `detail` (what
    the change is), `fork` (the epoch after which the twin forks; none
    of one that begins at the start), `twin` (its number), `outcome`,
    `epochs` (the last one that it was trained to), `of` (the epochs of a whole training), the metric of the objective
    at the best or last epoch after the fork, as the objective says, and `epoch` (of that value).
    """
    import pandas as pd

    store, record = twins.store, twins.record
    origin = store.sweep(parent_of(record))
    metric = record.objective.metric
    rows, diverged = [], {}
    for number, group in groupby(members(record, store), key=lambda each: each.parent):
        if parents is None or number in parents:
            same = list(group)
            diverged[number] = _diverged(store, origin.id, number)
            by = judge(record, origin.id, same, store)
            rows += [_row(each, by, twins) for each in same]
    columns = ["casualty", "diverged", "change", "detail", "fork", "twin", "outcome", "epochs", "of", metric, "epoch"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["diverged"] = frame["casualty"].map(diverged)
    return frame.astype({"diverged": "Int64", "fork": "Int64", "epoch": "Int64", metric: "float64"})


def _diverged(store: Store, sweep_id: int, number: int) -> int | None:
    at = store.trial(sweep_id, number).divergence
    return at.epoch if at else None


def _row(twin: Member, by: Judge, twins: SweepTrials) -> dict[str, Any]:
    """Return the row of a twin."""
    objective, trial = twins.objective, twin.trial
    after = [
        epoch
        for epoch in twins.store.trial_epochs(twins.record.id, trial.number)
        if epoch.number > (twin.fork or 0) and objective.metric in epoch.metrics
    ]
    chosen = objective.choose(after)
    return {
        "casualty": twin.parent,
        "change": twin.change,
        "detail": twin.detail,
        "fork": twin.fork,
        "twin": trial.number,
        "outcome": _outcome(twin, by, [epoch.metrics[objective.metric] for epoch in after]),
        "epochs": trial.last_epoch,
        "of": trial.planned_epochs,
        objective.metric: chosen.metrics[objective.metric] if chosen else None,
        "epoch": chosen.number if chosen else None,
    }


def _outcome(twin: Member, by: Judge, values: list[float]) -> Outcome:
    status = twin.trial.status
    if status in ("diverged", "failed"):
        return status
    if status in UNENDED or not values:
        return "unfinished"
    return "saved" if by.suffices(twin, values) else "stuck"


def answers(found: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return one row for each casualty: how many twins were saved, and the smallest change that suffices.

    That is the first twin that was saved and trained to the end; where there is none, the first that was saved as far
    as it was trained. Columns: `casualty`, `diverged`, `twins`, `saved`, and of the chosen twin `change`, `detail`,
    `fork`, `twin`, `epochs`, `of`, the metric and `epoch`; empty where nothing suffices.
    """
    import pandas as pd

    rows = []
    names = ["change", "detail", "fork", "twin", "epochs", "of", objective.metric, "epoch"]
    for number, twins in found.groupby("casualty", sort=True):
        saved = twins[twins["outcome"] == "saved"]
        whole = saved[saved["epochs"] == saved["of"]]
        chosen: list[Any] = (whole if len(whole) else saved)[names].iloc[:1].to_dict("records") or [{}]
        head = {"casualty": number, "diverged": twins["diverged"].iloc[0], "twins": len(twins), "saved": len(saved)}
        rows.append({**head, **chosen[0]})
    frame = pd.DataFrame(rows, columns=["casualty", "diverged", "twins", "saved", *names])
    return frame.astype(dict.fromkeys(("diverged", "fork", "twin", "epochs", "of", "epoch"), "Int64"))


def totals(found: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each change, the smallest first: of how many casualties it has saved how many.

    A casualty counts once, whether its twin forks or begins from the start: it is saved if either is. Columns:
    `change`, `saved`, `tried`, `stuck` (none of its twins diverged for good, but none learned) and `diverged`.
    """
    import pandas as pd

    ended = found[found["outcome"].isin(BEST_FIRST)]
    rows = []
    for change, same in ended.groupby("change"):
        best = same["outcome"].map(BEST_FIRST.index).groupby(same["casualty"]).min()
        counts = {str(name): int((best == rank).sum()) for rank, name in enumerate(BEST_FIRST)}
        rows.append({"change": change, "tried": len(best), **counts})
    rows.sort(key=lambda row: ORDER.index(str(row["change"])))
    return pd.DataFrame(rows, columns=["change", "saved", "tried", *BEST_FIRST[1:]])


def sentences(name: str, found: pd.DataFrame, objective: Objective) -> Iterator[str]:
    """Yield what suffices for each casualty of a sweep, and what each change saves over all of them."""
    for row in answers(found, objective).to_dict("records"):
        answer = {str(key): value for key, value in row.items()}
        twins = found[found["casualty"] == row["casualty"]]
        head = f"{name}/{row['casualty']}, diverged in epoch {row['diverged']}: "
        if row["saved"]:
            yield head + _what_suffices(answer, objective) + _better(answer, twins, objective)
        else:
            yield head + _nothing_suffices(twins)
    table = totals(found)
    if found["casualty"].nunique() > 1 and len(table):
        first, *others = [(spoken(row.change), row.saved, row.tried) for row in table.itertuples()]
        yield ", ".join(["{} saves {} of {}".format(*first), *("{} {} of {}".format(*each) for each in others)])


def _nothing_suffices(twins: pd.DataFrame) -> str:
    """Return what is known about a casualty none of whose twins was saved."""
    table = totals(twins)
    tried, stuck = len(table), int(table["stuck"].sum())
    if tried > 1 and stuck:
        words = f"none of {tried} changes suffices: {stuck} {'keeps' if stuck == 1 else 'keep'} it from diverging, but "
        parts = [words + ("does not learn" if stuck == 1 else "do not learn")]
    elif tried > 1:
        parts = [f"none of {tried} changes keeps it from that"]
    elif tried:
        does = "keeps it from diverging, but does not learn" if stuck else "does not keep it from that"
        parts = [f"the one change tried {does}"]
    else:
        parts = []
    counts = twins["outcome"].value_counts()
    if unfinished := int(counts.get("unfinished", 0)):
        parts.append(f"{counted(unfinished, 'twin')} {'is' if unfinished == 1 else 'are'} not trained")
    if failed := int(counts.get("failed", 0)):
        parts.append(f"{counted(failed, 'twin')} failed")
    return ("" if tried else "not known yet: ") + "; ".join(parts)


def _what_suffices(row: dict[str, Any], objective: Objective) -> str:
    begin = f"from {begin_words(row['fork'])}"
    value = format_value(objective.metric, row[objective.metric])
    reached = "to the end" if row["epochs"] == row["of"] else f"to epoch {row['epochs']}, as far as it was trained"
    return f"{spoken(row['change'])} ({row['detail']}) {begin} suffices {reached}: {objective.metric} {value}"


def begin_words(fork: Any) -> str:
    """Return where a twin begins that forks after an epoch; a missing one stands for the start.

    >>> begin_words(4), begin_words(None)
    ('epoch 5 on', 'the start')
    """
    import pandas as pd

    return "the start" if pd.isna(fork) else f"epoch {fork + 1} on"


def _better(answer: dict[str, Any], twins: pd.DataFrame, objective: Objective) -> str:
    """Return which larger change reaches more than the smallest one that suffices; the empty text where none does."""
    saved = twins[twins["outcome"] == "saved"]
    ordered = saved.sort_values(objective.metric, ascending=not objective.is_max, kind="stable")
    if ordered.empty or ordered["twin"].iloc[0] == answer["twin"]:
        return ""
    best = ordered.iloc[0]
    value = format_value(objective.metric, best[objective.metric])
    return f"; {spoken(best['change'])} ({best['detail']}) reaches {value} in epoch {best['epoch']}"
