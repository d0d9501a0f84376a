"""What the results read from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.metrics import NATIVE_METRICS, Objective
from sweep.records import Status, SweepRecord
from sweep.store import Store

if TYPE_CHECKING:
    import pandas as pd


def objective_of(record: SweepRecord) -> Objective:
    """Return what a sweep's trials are ranked by."""
    objective: Objective = getattr(record, "objective", Objective())
    return objective


def repeats_of(record: SweepRecord) -> int:
    """Return how often a sweep trains each configuration."""
    return int(getattr(record, "repeats", 1))


def metric_names(store: Store, sweep_id: int) -> list[str]:
    """Return the names of the metrics that a sweep's epochs have."""
    names: list[str] = store.metrics(sweep_id) if hasattr(store, "metrics") else list(NATIVE_METRICS)
    return names


def read_trials(
    store: Store, sweep_id: int, objective: Objective, status: Status | None, n: int | None, best_first: bool
) -> pd.DataFrame:
    """Return one row for each trial, or for the first `n` of a status by rank."""
    from sweep.store.frames import Which

    which = Which(status, n, best_first) if status else None
    return store.trials(sweep_id, objective.metric, which)
