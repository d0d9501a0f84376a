"""What the results read from the store."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sweep.metrics import NATIVE_METRICS, Objective
from sweep.records import Divergence, Seeds, Status, SweepRecord, Weights
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
    from sweep.results.leaderboard import counterpart
    from sweep.store import frames

    read: Any = store.trials
    if hasattr(store, "metrics"):
        selection = vars(frames)["Selection"](status, n, best_first) if status else None
        also = [name for name in (counterpart(objective),) if name]
        frame: pd.DataFrame = read(sweep_id, objective, selection, also)
    else:
        frame = read(sweep_id, objective.metric, frames.Which(status, n, best_first) if status else None)
    return frame


def trial_record(store: Store, sweep_id: int, number: int) -> Any:
    """Return all that is known of one trial besides its epochs."""
    row: Any = store.trial(sweep_id, number)
    if not isinstance(row, dict):
        return row
    names = ("number", "status", "attempt", "owner", "seconds", "error", "traceback", "configuration", "last_epoch")
    kept = (row["weights"], row["weights_epoch"])
    at = [row[f"diverged_{part}"] for part in ("epoch", "step", "place", "kind")]
    return _Row(
        **{name: row[name] for name in (*names, "best_value", "best_epoch")},
        repeat=0,
        log=None,
        tie_value=row["best_loss"],
        planned_epochs=0,
        seeds=Seeds(row["seed_weights"], row["seed_shuffling"], row["seed_dropout"]),
        divergence=None if at[0] is None else Divergence(*at),
        weights=Weights(*kept) if kept[0] else None,
        row=row,
    )


class _Row(SimpleNamespace):
    row: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.row[name]
