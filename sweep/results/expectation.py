"""A sentence before a sweep is trained: how many of its trials are likely to diverge, going by earlier sweeps.

It takes no frames, which take longer to import than the sentence may take in all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sweep.analysis.forecast import expected_divergences
from sweep.analysis.wording import listed
from sweep.errors import StoreError, counted
from sweep.records import Scalar, SweepRecord, Trial
from sweep.space.trees import leaves
from sweep.store import Store

MOST_TRIALS = 2_000
"""Trials of earlier sweeps that are read; the newest sweeps come first."""
MOST_SWEEPS = 20
"""Earlier sweeps with a divergence that are looked at."""
IRRELEVANT = (
    *("training.epochs", "training.keep_weights", "training.evaluate_train", "training.metrics"),
    *("training.record_batches", "training.record_sharpness"),
)
"""Keys of a configuration that do not change whether it diverges within some epochs."""

Example = tuple[dict[str, Scalar], bool]
"""The drawn values of a trial, and whether it diverged."""


def forecast(record: SweepRecord, trials: Sequence[Trial], store: Store) -> str | None:
    """Return a sentence on how many trials of a new sweep are likely to diverge; None where that is not known.

    It goes by earlier sweeps of the same parameters, data, trainer and fixed values; ranges may differ. A divergence
    counts if it came within the epochs that are planned now.
    """
    try:
        found = dict(_examples(record, trials, store))
    except StoreError as error:
        return f"earlier sweeps could not be read, so no divergences are foretold: {error}"
    examples = [example for part in found.values() for example in part]
    expected = expected_divergences(
        [values for values, _ in examples],
        [diverged for _, diverged in examples],
        [trial.parameters for trial in trials],
    )
    if expected is None or round(expected) < 1:
        return None
    of = f"of {counted(sum(diverged for _, diverged in examples), 'divergence')} in {counted(len(examples), 'trial')}"
    return (
        f"warning: about {round(expected)} of the {counted(len(trials), 'drawn trial')} are likely to diverge, "
        f"which is learned {of} of {listed(list(found))}"
    )


def _examples(record: SweepRecord, trials: Sequence[Trial], store: Store) -> Iterator[tuple[str, list[Example]]]:
    """Yield the earlier sweeps that are like a new one, with their trials, the newest first."""
    if not trials:
        return
    names = _names(trials)
    own = _fixed(trials[0].configuration, names)
    looked_at = read = 0
    for candidate in store.listed():
        if candidate.name == record.name or not candidate.counts.get("diverged"):
            continue
        looked_at += 1
        if looked_at > MOST_SWEEPS or read + candidate.trials > MOST_TRIALS:
            return
        earlier = store.sweep(candidate.name)
        if not _is_alike(record, earlier) or _fixed(store.trial(earlier.id, 0).configuration, names) != own:
            continue
        drawn = store.parameters(earlier.id)
        if {name for values in drawn.values() for name in values} != names:
            continue
        found = list(_ended(earlier, drawn, record.epochs, store))
        read += candidate.trials
        if found:
            yield earlier.name, found


def _names(trials: Sequence[Trial]) -> set[str]:
    return {name for trial in trials for name in trial.parameters}


def _is_alike(record: SweepRecord, earlier: SweepRecord) -> bool:
    """Tell whether two sweeps have the same data and the same trainer of a user's own."""

    def about(sweep: SweepRecord) -> tuple[Any, ...]:
        return sorted(str(entry.get("sha256")) for entry in sweep.datasets), sweep.environment.get("trainer")

    return about(record) == about(earlier)


def _fixed(configuration: Mapping[str, Any], searched: Collection[str]) -> dict[str, Any]:
    """Return the values of a configuration that are not searched, by path; what is off counts as not there."""

    def is_fixed(path: str) -> bool:
        parents = (path[:end] for end in range(1, len(path) + 1) if end == len(path) or path[end] in ".[")
        return not any(parent in searched or parent in IRRELEVANT for parent in parents)

    return {path: value for path, value in leaves(dict(configuration)) if is_fixed(path) and value not in (None, False)}


def _ended(
    earlier: SweepRecord, drawn: Mapping[int, dict[str, Scalar]], epochs: int, store: Store
) -> Iterator[Example]:
    """Yield the trials of which it is known whether they diverge within some epochs."""
    for each in store.competitors(earlier.id):
        # Of shorter trainings only the divergences would count, as if there were nothing else.
        if each.planned_epochs < epochs:
            continue
        # A diverged trial keeps the epochs before the one in which it did.
        if each.status == "diverged" and each.last_epoch < epochs:
            yield drawn[each.number], True
        elif each.status in ("completed", "diverged") and each.last_epoch >= epochs:
            yield drawn[each.number], False
