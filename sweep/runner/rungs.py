"""Rules that compare the trials of a group at rungs, applied to a stored sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean

from sweep.observer import Observer
from sweep.records import LOST, DecisionRecord, SweepRecord
from sweep.space.samplers.base import random_point
from sweep.stopping import AnyRule, Decision, RungRule, Standing, State, rung_rule
from sweep.store import Store
from sweep.store.decisions import Competitor

AUDIT = "audit of stopping"
"""Name of the stream of random numbers that chooses the trials of an audit."""
UNENDED = ("queued", "running", "interrupted")


class Rungs:
    """Asks a rule about the trials that have paused, and carries out what it decides.

    The trainings of one configuration go on or stop together.
    """

    def __init__(self, kind: str, rule: RungRule, record: SweepRecord, store: Store, observer: Observer) -> None:
        self._kind = kind
        self._rule = rule
        self._record = record
        self._store = store
        self._observer = observer
        self._values: dict[int, list[float]] = {}
        """The objective's metric after each epoch, by trial, as far as it was read."""
        self._noted: set[str] = set()

    @classmethod
    def of(cls, rules: Mapping[str, AnyRule], record: SweepRecord, store: Store, observer: Observer) -> Rungs | None:
        """Return what asks the rule of a sweep that compares trials at rungs, if it has one."""
        rule = rung_rule(rules)
        return cls(*rule, record, store, observer) if rule else None

    @property
    def is_eager(self) -> bool:
        """Whether to ask whenever a worker is free, not only when no trial is queued."""
        return self._rule.is_asynchronous

    def decide(self) -> list[int]:
        """Decide what can be decided now; return the numbers of the trials that are queued to go on."""
        found = self._store.competitors(self._record.id)
        paused = {each.round for each in found if each.status == "paused"}
        groups = [group for group in self._groups(found) if group[0][0].round in paused]
        made = [each for group in groups for each in self._decisions(group)]
        queued = self._store.decide(self._record.id, made) if made else []
        self._note_trained_again(queued)
        return queued

    def standings(self) -> Iterator[list[Standing]]:
        """Yield how far the configurations of each group have come, those that no rule ends included."""
        for group in self._groups(self._store.competitors(self._record.id)):
            yield [self._standing(same, place) for place, same in enumerate(group)]

    def _groups(self, found: Sequence[Competitor]) -> Iterator[list[list[Competitor]]]:
        """Yield the groups: the trainings of each configuration, by number."""
        repeats = self._record.repeats
        by_round = sorted(found, key=lambda each: (each.round, each.number))
        for _, group in groupby(by_round, key=lambda each: each.round):
            yield [list(same) for _, same in groupby(group, key=lambda each: each.number // repeats)]

    def _decisions(self, group: Sequence[Sequence[Competitor]]) -> Iterator[DecisionRecord]:
        trainings = {same[0].number: same for same in group}
        standings = {
            number: self._standing(same, place)
            for place, (number, same) in enumerate(trainings.items())
            if all(each.exempt is None for each in same)
        }
        for decision in self._rule.decide(list(standings.values()), self._record.objective):
            yield from self._recorded(decision, trainings[decision.trial])
        for number, standing in standings.items():
            if standing.state == "lost":
                yield from self._given_up(trainings[number])

    def _standing(self, same: Sequence[Competitor], place: int) -> Standing:
        """Return how far a configuration has come, with the means over its trainings."""
        statuses = {each.status for each in same}
        state: State
        if statuses.intersection((*LOST, "pruned")):
            state = "lost"
        elif statuses.intersection(UNENDED):
            state = "training"
        else:
            state = "paused" if "paused" in statuses else "completed"
        curves = [self._curve(each) for each in same]
        values = [fmean(at_epoch) for at_epoch in zip(*curves, strict=False)] if len(curves) > 1 else curves[0]
        planned = max(each.planned_epochs for each in same)
        return Standing(same[0].number, state, values, planned, min(each.promotions for each in same), place)

    def _curve(self, trial: Competitor) -> list[float]:
        """Return the values of a trial after each epoch, of which only new ones are read."""
        values = self._values.setdefault(trial.number, [])
        if len(values) > trial.last_epoch:  # it has begun again
            values.clear()
        if len(values) < trial.last_epoch:
            metric = self._record.objective.metric
            values += self._store.values_after(self._record.id, trial.number, metric, len(values))
        return values

    def _recorded(self, decision: Decision, same: Iterable[Competitor]) -> Iterator[DecisionRecord]:
        """Yield the record of a decision about a configuration for each of its trainings that has paused."""
        target, is_audited = decision.target, False
        if target is None:
            configuration = decision.trial // self._record.repeats
            is_audited = random_point(self._record.seed, configuration, AUDIT) < self._rule.audit
        for each in same:
            if each.status == "paused":
                yield DecisionRecord(
                    trial=each.number,
                    epoch=each.last_epoch,
                    rule=self._kind,
                    decision="audit" if is_audited else "stop" if target is None else "go on",
                    value=decision.value,
                    threshold=decision.threshold,
                    target_epochs=target if target is not None and target < each.planned_epochs else None,
                    reason=decision.reason,
                )

    def _given_up(self, same: Iterable[Competitor]) -> Iterator[DecisionRecord]:
        """Yield that the paused trainings of a configuration stop, another of which has diverged or failed."""
        for each in same:
            if each.status == "paused":
                reason = "another training of its configuration has diverged or failed"
                yield DecisionRecord(each.number, each.last_epoch, self._kind, "stop", None, None, None, reason)

    def _note_trained_again(self, queued: Sequence[int]) -> None:
        """Say once that trials without a saved state are trained from the start again."""
        if not queued or "again" in self._noted:
            return
        trial = self._store.trial(self._record.id, queued[0])
        if trial.last_epoch and trial.checkpoint is None and trial.weights is None:
            self._noted.add("again")
            self._observer.note(
                "the trainer saves no state, so a trial that goes on is trained again from its first epoch; "
                "trial.save(...) in a training function spares that"
            )
