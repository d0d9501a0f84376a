"""Replay of stopping rules on recorded curves: which trials a rule would have stopped, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Literal

from sweep.metrics import Objective
from sweep.stopping import Curve, Rule, RungRule, Standing

Ending = Literal["completed", "lost", "unknown"]
End = Literal["completed", "stopped", "lost", "unknown"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A trial as it was trained."""

    trial: int
    """Its number."""
    values: Sequence[float]
    """Value of the objective's metric after each epoch, from epoch 1."""
    planned: int
    """Epochs of the whole training."""
    ending: Ending
    """What came after the last value: it was completed, it diverged or failed, or nobody knows, as of a trial that was
    stopped."""
    losses: Sequence[float] = ()
    """Loss of the training part after each epoch, the untrained network first; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ends in a replay."""

    trial: int
    epochs: int
    """That it is trained for, those of a trial that is lost included."""
    end: End
    """Unknown where the rule would have trained it for longer than it was."""


def simulate(
    rule: Rule | RungRule, recordings: Sequence[Recording], objective: Objective, workers: int = 1
) -> list[Outcome]:
    """Return how each trial would have ended by a rule, in the order of the recordings.

    Each worker trains one trial at a time, and all epochs take the same time. A free worker takes a trial that a rule
    has let go on, the longest waiting first; else the next one that has not begun. Trials of a sweep are one group.
    """
    make = _RungReplay if isinstance(rule, RungRule) else _TrialReplay
    replay = make(rule, recordings, objective)
    now, events = 0, list[tuple[int, int]]()
    while True:
        while len(events) < workers and (index := replay.take()) is not None:
            heappush(events, (now + replay.segment(index), index))
        if not events:
            return replay.outcomes()
        now, index = heappop(events)
        replay.arrive(index)


class _Replay:
    """The state of a replay; indices are those of the recordings."""

    def __init__(self, recordings: Sequence[Recording], objective: Objective) -> None:
        self.recordings = recordings
        self.objective = objective
        self.epochs = [0] * len(recordings)
        self.ends: list[End | None] = [None] * len(recordings)
        self.again: list[int] = []
        """Those that go on, the longest waiting first."""
        self.new = iter(range(len(recordings)))

    def take(self) -> int | None:
        """Return what a free worker trains next; None where there is nothing."""
        return self.again.pop(0) if self.again else next(self.new, None)

    def end(self, index: int, target: int) -> bool:
        """Let a trial end if its record ends before its target, or its training there; tell whether it did."""
        recording = self.recordings[index]
        is_whole = self.epochs[index] >= recording.planned
        if is_whole and recording.ending == "completed":
            self.ends[index] = "completed"
        elif is_whole or len(recording.values) < target:
            self.ends[index] = "lost" if recording.ending == "lost" else "unknown"
        return self.ends[index] is not None

    def outcomes(self) -> list[Outcome]:
        """Return how all trials have ended; those that still wait are stopped."""
        each = zip(self.recordings, self.epochs, self.ends, strict=True)
        return [Outcome(recording.trial, epochs, end or "stopped") for recording, epochs, end in each]


class _TrialReplay(_Replay):
    """The replay of a rule that looks at one trial after each epoch."""

    def __init__(self, rule: Rule | RungRule, recordings: Sequence[Recording], objective: Objective) -> None:
        super().__init__(recordings, objective)
        assert not isinstance(rule, RungRule)
        self.rule = rule

    def segment(self, index: int) -> int:
        """Return how many epochs a trial is trained for before it is looked at."""
        return 1 if self.recordings[index].values else 0

    def arrive(self, index: int) -> None:
        """Look at a trial after an epoch."""
        recording = self.recordings[index]
        self.epochs[index] += self.segment(index)
        epoch = self.epochs[index]
        curve = Curve(recording.trial, recording.values[:epoch], self.objective, losses=recording.losses[: epoch + 1])
        if epoch and epoch < recording.planned and self.rule.decide(curve, lambda at: self._others(index, at)):
            self.ends[index] = "stopped"
        elif not self.end(index, epoch + 1):
            self.again.append(index)

    def _others(self, index: int, epoch: int) -> Mapping[int, Sequence[float]]:
        others = ((i, each) for i, each in enumerate(self.recordings) if i != index and self.epochs[i] >= epoch)
        return {each.trial: each.values[:epoch] for _, each in others}


class _RungReplay(_Replay):
    """The replay of a rule at whose rungs trials pause."""

    def __init__(self, rule: Rule | RungRule, recordings: Sequence[Recording], objective: Objective) -> None:
        super().__init__(recordings, objective)
        assert isinstance(rule, RungRule)
        self.rule = rule
        self.group = [Standing(each.trial, "training", (), each.planned, 0) for each in recordings]
        self.indices = {each.trial: index for index, each in enumerate(recordings)}
        starts = (rule.start(place, each.planned) for place, each in enumerate(recordings))
        self.targets = [start or each.planned for start, each in zip(starts, recordings, strict=True)]

    def segment(self, index: int) -> int:
        """Return how many epochs a trial is trained for before it pauses or ends."""
        return min(self.targets[index], len(self.recordings[index].values)) - self.epochs[index]

    def arrive(self, index: int) -> None:
        """Let a trial pause or end, and carry out what can be decided then."""
        self.epochs[index] += self.segment(index)
        values = self.recordings[index].values[: self.epochs[index]]
        if not self.end(index, self.targets[index]):
            self._change(index, state="paused", values=values)
        else:
            self._change(index, state="completed" if self.ends[index] == "completed" else "lost", values=values)
        while decisions := self.rule.decide(self.group, self.objective):
            for decision in decisions:
                self._carry_out(self.indices[decision.trial], decision.target)

    def _change(self, index: int, **changes: object) -> None:
        self.group[index] = replace(self.group[index], **changes)  # type: ignore[arg-type]

    def _carry_out(self, index: int, target: int | None) -> None:
        if target is None:
            self.ends[index] = "stopped"
            self._change(index, state="lost")
        else:
            self.targets[index] = target
            self.again.append(index)
            self._change(index, state="training", promotions=self.group[index].promotions + 1)


def completed(outcomes: Sequence[Outcome]) -> Iterator[int]:
    """Return the numbers of the trials that are trained to their end."""
    return (each.trial for each in outcomes if each.end == "completed")
