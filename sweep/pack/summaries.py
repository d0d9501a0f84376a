"""Computing again what stands with a trial as a summary of its epochs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sweep.metrics import Objective
from sweep.pack.scratch import stored_digests
from sweep.records import ENDED, Epoch, SweepRecord, TrialRecord
from sweep.store import Store


def wrong_summaries(store: Store, record: SweepRecord) -> tuple[int, list[str]]:
    """Return how many trials have a summary, and one clause for each figure that does not follow from the epochs."""
    checked, wrong = 0, []
    for number in stored_digests(store):
        row = store.trial(record.id, number)
        if row.status not in ENDED:
            continue
        checked += 1
        epochs = store.trial_epochs(record.id, number)
        wrong += [f"trial {number}: {what}" for what in _wrong(row, epochs, record.objective)]
    return checked, wrong


def _wrong(row: TrialRecord, epochs: tuple[Epoch, ...], objective: Objective) -> Iterator[str]:
    last = epochs[-1].number if epochs else None
    if row.last_epoch != last:
        yield f"last_epoch is {row.last_epoch}, but the last of its epochs is {last}"
    counted = [epoch for epoch in epochs if row.ranked_epochs is None or epoch.number <= row.ranked_epochs]
    for name, value in _summary(counted, objective).items():
        if getattr(row, name) != value:
            yield f"{name} is {getattr(row, name)!r}, but {value!r} by its epochs"
    seconds = [epoch.seconds for epoch in epochs]
    if any(each < 0 for each in seconds):
        yield "an epoch took less than no time"


def _summary(epochs: list[Epoch], objective: Objective) -> dict[str, Any]:
    """Return the columns of a trial that follow from its epochs."""
    chosen = objective.choose(epochs)
    if chosen is None:
        return {"best_epoch": None, "best_value": None, "tie_value": None}
    tie = chosen.metrics.get(objective.tie_break) if objective.tie_break else None
    return {"best_epoch": chosen.number, "best_value": chosen.metrics[objective.metric], "tie_value": tie}
