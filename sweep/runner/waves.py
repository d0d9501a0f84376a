"""Repeated trainings in waves, between which a rule leaves out those of configurations that are clearly worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from sweep.records import LOST, DecisionRecord, SweepRecord
from sweep.stopping import AnyRule, RepeatRule, Repeats, repeat_rule
from sweep.store import Store
from sweep.store.decisions import Competitor


class Waves:
    """Queues the first trainings of all configurations, then the second ones of those that are worth it, and so on.

    A wave begins when the one before has ended, so that the decisions do not depend on the order.
    """

    def __init__(self, kind: str, rule: RepeatRule, record: SweepRecord, store: Store) -> None:
        self._kind = kind
        self._rule = rule
        self._record = record
        self._store = store

    @classmethod
    def of(cls, rules: Mapping[str, AnyRule], record: SweepRecord, store: Store) -> Waves | None:
        """Return what queues the trainings of a sweep in waves, if it has such a rule."""
        rule = repeat_rule(rules)
        return cls(*rule, record, store) if rule else None

    def next(self) -> list[int]:
        """Decide what can be decided, and return the numbers of the trials of the next wave, or of what is left of one.

        None while a trial is being trained.
        """
        found = self._store.competitors(self._record.id)
        if any(each.status == "running" for each in found):
            return []
        wave, is_begun = self._wave(found)
        if wave and not is_begun:
            made = [each for _, group in groupby(found, key=lambda each: each.round) for each in self._left_out(group)]
            self._store.decide(self._record.id, made)
            wave, _ = self._wave(self._store.competitors(self._record.id))
        return wave

    def _wave(self, found: Sequence[Competitor]) -> tuple[list[int], bool]:
        """Return the queued trials of the first wave that has some, and whether others of it have ended."""
        repeats = self._record.repeats
        queued = [each.number for each in found if each.status == "queued"]
        place = min((number % repeats for number in queued), default=0)
        begun = any(each.number % repeats == place and each.status in ("completed", *LOST) for each in found)
        return [number for number in queued if number % repeats == place], begun

    def _left_out(self, group: Iterator[Competitor]) -> Iterator[DecisionRecord]:
        """Yield that the trainings of a configuration that have not begun are left out."""
        repeats = self._record.repeats
        trainings = {
            first * repeats: list(same) for first, same in groupby(group, key=lambda each: each.number // repeats)
        }
        known = [
            Repeats(
                trial=number,
                values=[each.best_value for each in same if each.status == "completed" and each.best_value is not None],
                lost=sum(each.status in LOST for each in same),
                waiting=sum(each.status == "queued" for each in same),
            )
            for number, same in trainings.items()
        ]
        for left_out in self._rule.decide(known, self._record.objective):
            p, level, reason = left_out.value, left_out.threshold, left_out.reason
            for each in trainings[left_out.trial]:
                if each.status == "queued":
                    yield DecisionRecord(each.number, 0, self._kind, "stop", p, level, None, reason)
