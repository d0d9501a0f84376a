"""What has become of the twins of casualties so far: which there are, and which have learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweep.metrics import Objective
from sweep.records import Epoch, SweepRecord
from sweep.runner.changes import ORDER
from sweep.store import Store
from sweep.store.decisions import Competitor

AFTER = 2
"""Epochs past that of the divergence to which twins are trained at first."""
SAME = ("parent", "change", "begin")
"""The labels by which twins of a casualty are the same."""
START = "start"
"""What a twin begins from that does not fork."""
EPOCH = "epoch "
"""What stands before the epoch after which a twin forks."""


@dataclass(frozen=True)
class Member:
    """A twin of a casualty that is stored."""

    trial: Competitor
    parent: int
    """Number of its parent."""
    change: str
    """Name of its change."""
    detail: str
    """What the change is."""
    fork: int | None
    """The epoch after which it forks; None where it begins from the start."""

    @property
    def size(self) -> tuple[int, bool, int]:
        """The order by the size of the change, in which forks come before starts."""
        return ORDER.index(self.change) if self.change in ORDER else len(ORDER), self.fork is None, self.trial.number


def labels(parent: str, change: str, detail: str, fork: int | None) -> dict[str, str]:
    """Return what is kept with a twin, by name."""
    return {"parent": parent, "change": change, "detail": detail, "begin": START if fork is None else f"{EPOCH}{fork}"}


def members(record: SweepRecord, store: Store) -> list[Member]:
    """Return the twins of a sweep, by the number of the parent and then by the size of the change."""
    kept = {
        number: {name: str(value) for name, value in own.items()} for number, own in store.parameters(record.id).items()
    }
    found = [
        Member(
            trial=each,
            parent=int(own["parent"].rpartition("/")[2]),
            change=own["change"],
            detail=own["detail"],
            fork=None if own["begin"] == START else int(own["begin"].removeprefix(EPOCH)),
        )
        for each in store.competitors(record.id)
        if "begin" in (own := kept[each.number])
    ]
    return sorted(found, key=lambda each: (each.parent, each.size))


@dataclass(frozen=True)
class Judge:
    """Tells whether a twin has learned, compared with its parent and the other twins of that."""

    objective: Objective
    threshold: float | None
    """What the value of one that has learned is better than; None where no network was untrained."""

    @classmethod
    def of(cls, objective: Objective, parent: Sequence[Epoch], twins: Iterable[Sequence[float]]) -> Judge:
        """Return the judge of the twins of a trial with these epochs.

        The threshold is half-way from the untrained network to the best value that the parent or a twin has reached
        until the twins paused.

        Args:
            objective: of which the metric is looked at.
            parent: its epochs.
            twins: the values of each twin up to the epoch at which it paused.
        """
        untrained = parent[0].metrics.get(objective.metric) if parent and parent[0].number == 0 else None
        if untrained is None:
            return cls(objective, None)
        reached = [epoch.metrics[objective.metric] for epoch in parent] + [value for each in twins for value in each]
        best = max(reached) if objective.is_max else min(reached)
        return cls(objective, (untrained + best) / 2)

    def has_learned(self, values: Sequence[float]) -> bool:
        """Tell whether a twin with these values has learned at the last of them."""
        if not values or self.threshold is None:
            return bool(values)
        return self.objective.is_better(values[-1], self.threshold)

    def suffices(self, twin: Member, values: Sequence[float]) -> bool:
        """Tell whether a twin with these values has learned, and not been found never to have learned or to collapse.

        A finding counts more than the values: where no twin learns, one is half-way to the best by chance.
        """
        return twin.trial.finding is None and self.has_learned(values)


def judge(record: SweepRecord, parents: int, twins: Sequence[Member], store: Store) -> Judge:
    """Return the judge of the stored twins of one casualty; `parents` is the id of the sweep of casualties."""
    number = twins[0].parent
    diverged = store.trial(parents, number).divergence
    pause = AFTER + (diverged.epoch if diverged else 0)
    values = (values_of(record, each, store)[: pause - (each.fork or 0)] for each in twins)
    return Judge.of(record.objective, store.trial_epochs(parents, number), values)


def values_of(record: SweepRecord, twin: Member, store: Store) -> list[float]:
    """Return the values of the objective's metric of a twin after its fork, or from epoch 1 on."""
    return store.values_after(record.id, twin.trial.number, record.objective.metric, twin.fork or 0)
