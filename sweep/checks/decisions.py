"""Deciding again, from the stored epochs, which trials a stopping rule lets go on."""

from __future__ import annotations

from dataclasses import dataclass

from sweep.experiment.sections.stopping import rules_of
from sweep.observer import Silent
from sweep.records import SweepRecord
from sweep.runner.rungs import UNENDED, Rungs
from sweep.stopping import Standing, rung_rule
from sweep.stopping.simulation import Recording, simulate
from sweep.store import Store


@dataclass(frozen=True)
class DecisionCheck:
    """The decisions of a rule, compared with those that the stored epochs lead to."""

    rule: str
    """Its kind."""
    configurations: int
    """How many were compared."""
    different: list[str]
    """A sentence on each about which another decision is stored."""


def check_decisions(record: SweepRecord, store: Store) -> DecisionCheck | None:
    """Decide again about all trials of a sweep, in the groups that its rule compares.

    Returns None where nothing can be compared: the sweep has no rule that compares trials, the rule depends on which
    trials come first, or not all trials have ended.
    """
    found = rung_rule(rules_of(record))
    statuses = {each.status for each in store.competitors(record.id)}
    if found is None or found[1].is_asynchronous or statuses.intersection((*UNENDED, "paused")):
        return None
    made = [each for each in store.decisions(record.id) if each.decision != "go on" and each.value is not None]
    stops = {each.trial: each.epoch for each in made if each.rule == found[0]}
    count, different = 0, []
    for group in Rungs(*found, record, store, Silent()).standings():
        count += len(group)
        recordings = [_recording(each, each.trial in stops) for each in group]
        for outcome in simulate(found[1], recordings, record.objective):
            then, now = stops.get(outcome.trial), outcome.epochs if outcome.end == "stopped" else None
            if then != now or outcome.end == "unknown":
                different.append(f"trial {outcome.trial} {_words(then)}, but by its epochs it {_words(now)}")
    return DecisionCheck(found[0], count, different)


def _recording(standing: Standing, is_stopped: bool) -> Recording:
    """Return a configuration as it was trained; of one that was lost while it was trained, nothing comes after."""
    ending = "completed" if standing.state == "completed" else "unknown" if is_stopped else "lost"
    return Recording(standing.trial, standing.values, standing.planned, ending)  # type: ignore[arg-type]


def _words(epoch: int | None) -> str:
    return "was not stopped" if epoch is None else f"was stopped after epoch {epoch}"
