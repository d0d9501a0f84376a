"""Two trials side by side, of one sweep or of two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sweep.errors import UsageError
from sweep.records import TrialRecord
from sweep.results.trials import SweepTrials

if TYPE_CHECKING:
    import pandas as pd

    from sweep.analysis.difference import Parting

Row = tuple[str, str, Any, Any]


def difference(first: SweepTrials, one: int, second: SweepTrials, other: int) -> tuple[pd.DataFrame, Parting | None]:
    """Return a table of what differs between two trials, and from where on their epochs do.

    Columns: `of` (parameter, fixed value, seed, data, software, end, epoch or parting), `name`, and the values of each
    trial in a column named for it. Parameters, fixed values and seeds that are the same are left out.

    Raises:
        SweepError: when there is no such trial.
        UsageError: when both are the same trial.
    """
    import pandas as pd

    from sweep.analysis.difference import parting

    if first.record.id == second.record.id and one == other:
        raise UsageError(f"both are trial {one} of {first.name}; name two different ones")
    rows = [first.store.trial(first.record.id, one), second.store.trial(second.record.id, other)]
    epochs = [first.store.epochs(first.record.id, one), second.store.epochs(second.record.id, other)]
    metric = first.objective.metric
    has_metric = all(metric in each and each[metric].notna().any() for each in epochs)
    found = parting(epochs[0], epochs[1], metric) if has_metric else None
    table = [*_given(first, second, rows), *_ends(first, second, rows), *_epochs(epochs, found, rows), *_parting(found)]
    is_one_sweep = first.record.id == second.record.id
    names = [f"{one}", f"{other}"] if is_one_sweep else [f"{first.name}/{one}", f"{second.name}/{other}"]
    return pd.DataFrame(table, columns=["of", "name", *names]).astype(dict.fromkeys(names, object)), found


def _given(first: SweepTrials, second: SweepTrials, rows: list[TrialRecord]) -> Iterator[Row]:
    """Yield what differs in what two trials were given."""
    from sweep.analysis.difference import changed
    from sweep.space.trees import leaves

    sides = list(zip((first, second), rows, strict=True))
    drawn = [side.store.parameters(side.record.id, row.number)[row.number] for side, row in sides]
    searched = {*drawn[0], *drawn[1]}
    names = {each.name: each.short_name for side, _ in sides for each in side.parameters}
    different = list(changed(*drawn))
    yield from (("parameter", names.get(name, name), *values) for name, *values in different)
    within = tuple(f"{name}." for name, *_ in different)
    fixed = [{key: value for key, value in leaves(dict(row.configuration)) if key not in searched} for _, row in sides]
    fixed = [{key: value for key, value in each.items() if not key.startswith(within)} for each in fixed]
    for each, row in zip(fixed, rows, strict=True):
        each.setdefault("epochs planned", row.planned_epochs)
    yield from (("fixed value", *row) for row in changed(*fixed))
    yield from (("seed", *row) for row in changed(*(_seeds(row) for row in rows)))
    yield from (("data", *row) for row in changed(*(_data(side) for side, _ in sides)))
    yield from (("software", *row) for row in changed(first.record.environment, second.record.environment))


def _seeds(row: TrialRecord) -> Mapping[str, int]:
    return {name: getattr(row.seeds, name) for name in ("weights", "shuffling", "dropout")}


def _data(side: SweepTrials) -> Mapping[str, str]:
    """Return the digests of a sweep's data sets by their descriptions."""
    return {
        " ".join(f"{key}={value}" for key, value in each.items() if key != "sha256"): str(each.get("sha256", ""))[:12]
        for each in side.record.datasets
    }


def _ends(first: SweepTrials, second: SweepTrials, rows: list[TrialRecord]) -> Iterator[Row]:
    """Yield how two trials ended; lines without a value for either are left out."""
    ends = [_end(side, row) for side, row in zip((first, second), rows, strict=True)]
    for name in dict.fromkeys([*ends[0], *ends[1]]):
        one, other = (each.get(name) for each in ends)
        if one is not None or other is not None:
            yield "end", name, one, other


def _end(side: SweepTrials, row: TrialRecord) -> dict[str, Any]:
    """Return how a trial ended, by name."""
    at, objective = row.divergence, side.objective
    words = None if at is None else f"epoch {at.epoch}, step {at.step}: {at.kind} in {at.place}"
    return {
        "status": row.status,
        f"{objective.epoch} {objective.metric}": row.best_value,
        "at epoch": row.best_epoch,
        "last epoch": row.last_epoch,
        "diverged": words,
        "finding": row.finding,
        "error": row.error,
        "network parameters": row.network_parameters,
        "seconds": row.seconds,
    }


def _epochs(epochs: list[pd.DataFrame], found: Parting | None, rows: list[TrialRecord]) -> Iterator[Row]:
    """Yield the objective of two trials at the epochs that tell most."""
    from sweep.analysis.difference import interesting

    if found is None:
        return
    one, other = (each.set_index("epoch")[found.metric] for each in epochs)
    for epoch in interesting(found, [row.best_epoch for row in rows]):
        if epoch in one and epoch in other:
            yield "epoch", f"{found.metric}, epoch {epoch}", float(one[epoch]), float(other[epoch])


def _parting(found: Parting | None) -> Iterator[Row]:
    """Yield from where on the epochs of two trials differ, the same in both columns."""
    if found is not None:
        yield "parting", "last epoch that is the same, bit for bit", found.same, found.same
        yield "parting", "first epoch that differs by more than jitter", found.different, found.different
