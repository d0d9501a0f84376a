"""Rescue: what would have kept a diverged trial from diverging, found out by training twins of it.

Of each casualty, twins with one change each (`changes`) are trained, from before the divergence (forks) or from the
start, to AFTER epochs past it. There they pause. The smallest change whose twin has neither diverged nor unlearned goes
on to the end; if that one diverges as well, the next one does, and no third. How long all this may take is measured in
epochs of the casualty, replaying it included: the forks come first, then as many starts as fit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby

from sweep.engines import Engine, RunOptions, open_engine
from sweep.errors import Argument, Call, SweepError, UsageError
from sweep.experiment.imported import refuse_imported
from sweep.experiment.parents import parent_of
from sweep.records import Decided, DecisionRecord, SweepRecord, TrialRecord
from sweep.runner.casualties import Casualty, revisit
from sweep.runner.changes import RATES, Change, changes, own_rate
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.rungs import UNENDED
from sweep.runner.train import SweepInterrupted, TooManyFailures, resumable, train_queued
from sweep.runner.twin_results import AFTER, SAME, Judge, Member, judge, labels, members, values_of
from sweep.runner.twins import Twin, add_twins, find_twins, further_seeds
from sweep.store import Store
from sweep.system.processes import is_lost
from sweep.system.signals import Signalled

TIMES = 3.0
"""How many times the time of one trial each casualty may take."""
LEAST_TIMES = 2.0
"""The least that can be kept: a trial of one epoch is replayed, and then trained with one change."""
LEAST_TIMES_OWN = 3.0
"""The same of users' own trainers, whose ENDINGS begin again at the start."""
ENDINGS = 2
"""Twins of a casualty that may be trained to the end, the second one if the first diverges."""
RULE = "rescue"
"""Name of what decides which twins go on, in the stored decisions."""

DURATION = Argument("duration")


@dataclass(frozen=True)
class Planned:
    """A twin that is to be trained."""

    change: str
    """Its name."""
    is_fork: bool
    target: int
    """Epochs after which it pauses."""


def plan_twins(row: TrialRecord, made: Sequence[Change], times: float = TIMES) -> list[Planned]:
    """Return which twins of a casualty are trained within `times` the epochs of one trial.

    Forks come first, then the changes that make no sense as one, then the others from the start, each by size. One
    that does not fit is left out. What is kept back are ENDINGS trainings from the pause to the end.
    """
    assert row.divergence is not None
    diverged, is_own = row.divergence.epoch, "trainer" in row.configuration
    target = min(row.planned_epochs, diverged + AFTER)
    replayed = 0 if is_own else diverged - (row.weights.epoch if row.weights else 0)
    rest = row.planned_epochs - (0 if is_own else target)  # without a kept state, a training begins again
    left = times * row.planned_epochs - replayed - ENDINGS * rest
    can_fork = diverged > 1 and not is_own
    forks = [(change, True, target - diverged + 1) for change in made if change.forks and can_fork]
    starts = [(change, False, target) for change in made]
    if can_fork:
        starts.sort(key=lambda start: start[0].forks)
    found: list[Planned] = []
    for change, is_fork, epochs in [*forks, *starts]:
        cost = change.cost * epochs
        if cost <= left or not found:  # so that there is an answer, however short the trial is
            found.append(Planned(change.name, is_fork, target))
            left -= cost
    return found


def rescue(
    record: SweepRecord,
    numbers: Sequence[int],
    name: str,
    store: Store,
    options: RunOptions,
    *,
    times: float = TIMES,
) -> SweepRecord:
    """Train those twins of diverged trials that are missing; return the record of the twins' sweep.

    Args:
        record: the sweep of the casualties.
        numbers: those of the casualties.
        name: that of the sweep of the twins, which is made if there is none.
        store: where both are.
        options: execution options; their duration is that of all.
        times: how many times the time of one trial each casualty may take, at least LEAST_TIMES.

    Raises:
        SweepError: when a trial did not diverge, the data set has changed, or training had to stop; then what was done
            is kept.
    """
    if (parent := parent_of(record)) is not None:
        raise SweepError(f"the trials of {record.name} are twins of those of {parent} already; rescue those instead")
    twins = find_twins(record, name, store)
    rows = [_checked(record, store.trial(record.id, number)) for number in numbers]
    _check_times(times, rows)
    missing = {row.number: _missing(record, row, twins, times, store) for row in rows}
    if twins is not None:
        store.requeue(twins.id, is_lost)
        if not any(missing.values()) and not _is_unended(twins, store):
            options.observer.note(f"all twins are trained already, in {name}")
            return twins
    with _repeatable(name, again(record, numbers, name, store, times)), resumable(name, store):
        warn_of_changes(record, options.observer)
        folders = prepare_again(record, options.data_folder, options.observer)
        with open_engine(options, store, sum(map(len, missing.values())) or len(rows)) as engine:
            work = Rescue(record, name, store, folders, engine, options)
            for row in rows:  # another process may have added twins of it meanwhile
                if planned := _missing(record, row, find_twins(record, name, store), times, store):
                    work.add(row, planned)
            work.conclude()
    if name not in store.names():
        raise SweepError("the time was over before the first twin could be trained; give more of it with ", DURATION)
    return store.sweep(name)


def again(record: SweepRecord, numbers: Sequence[int], name: str, store: Store, times: float = TIMES) -> Call:
    """Return the call that goes on with a rescue that has ended before all was done; see `rescue`."""
    diverged = [each.number for each in store.competitors(record.id) if each.status == "diverged"]
    which = "" if set(diverged) <= set(numbers) else str(numbers[0] if len(numbers) == 1 else list(numbers))
    given = [("twins", name)] if name != f"{record.name}.rescue" else []
    return Call("rescue", record.name, which, (*given, *([("times", times)] if times != TIMES else [])))


@contextmanager
def _repeatable(name: str, call: Call) -> Iterator[None]:
    """Say that the same call goes on with a rescue that was stopped; resuming the twins would add none of the others.

    Raises:
        SweepError: with the sentence in which that is said.
    """
    try:
        yield
    except Signalled as signalled:  # before there is a twin
        raise SweepInterrupted(name, signalled.exit_code, call) from None
    except (SweepInterrupted, TooManyFailures) as error:
        error.args = tuple(call if part == Call("resume", name) else part for part in error.args)
        raise


def untried(record: SweepRecord, store: Store) -> tuple[str, int]:
    """Return the name of the sweep of the casualties of twins, and how many of these have no twins yet.

    The number is 0 for a sweep that has no twins of casualties, too.
    """
    parent, twins = parent_of(record), members(record, store)
    if parent is None or parent not in store.names() or not twins:
        return record.name, 0
    diverged = {each.number for each in store.competitors(store.sweep(parent).id) if each.status == "diverged"}
    return parent, len(diverged - {each.parent for each in twins})


def _checked(record: SweepRecord, row: TrialRecord) -> TrialRecord:
    """Return a trial that diverged, with the epochs that it was to have; refuse another one."""
    refuse_imported(record)
    if row.status != "diverged" or row.divergence is None:
        raise SweepError(
            f"{record.name}/{row.number} is {row.status}, not diverged, so there is nothing to rescue it from; list "
            f"those that are with: sweep leaderboard {record.name} --diverged"
        )
    return replace(row, planned_epochs=row.planned_epochs or record.epochs)


def _check_times(times: float, rows: Sequence[TrialRecord]) -> None:
    """Refuse a limit of the time of each casualty that cannot be kept."""
    is_own = any("trainer" in row.configuration for row in rows)
    least = LEAST_TIMES_OWN if is_own else LEAST_TIMES
    if not times >= least:
        why = (
            "as a trainer of your own begins again for each twin that is trained to the end"
            if is_own
            else "as replaying a trial and training it once more may take that long"
        )
        raise UsageError(Argument("times"), f" must be at least {least:g}, not {times:g}, {why}")


def _missing(
    record: SweepRecord, row: TrialRecord, twins: SweepRecord | None, times: float, store: Store
) -> list[Planned]:
    """Return the planned twins of a casualty that are not there yet."""
    try:
        made = changes(row.configuration, row.seeds, row.seeds, norm=1.0)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        name = f"{record.name}/{row.number}"
        raise SweepError(f"the configuration of {name} is damaged; look into it with: ", Call("doctor")) from error
    stored = members(twins, store) if twins else []
    known = {(each.change, each.fork is not None) for each in stored if each.parent == row.number}
    return [each for each in plan_twins(row, made, times) if (each.change, each.is_fork) not in known]


def _is_unended(record: SweepRecord, store: Store) -> bool:
    return any(each.status in (*UNENDED, "paused") for each in store.competitors(record.id))


class Rescue:
    """Trains twins of the casualties of a sweep."""

    def __init__(
        self,
        record: SweepRecord,
        name: str,
        store: Store,
        folders: dict[str, str],
        engine: Engine,
        options: RunOptions,
    ) -> None:
        self._record = record
        self._name = name
        self._store = store
        self._folders = folders
        self._engine = engine
        self._options = options
        self._end = None if options.duration is None else time.monotonic() + options.duration

    def add(self, row: TrialRecord, planned: Sequence[Planned]) -> None:
        """Replay a casualty, and train the planned twins of it until they pause."""
        name, observer = f"{self._record.name}/{row.number}", self._options.observer
        options = self._options_left()
        if options is None:
            observer.note(f"no time is left for {name}; give the same command again")
            return
        casualty = Casualty(None, None)
        if "trainer" not in row.configuration:
            observer.note(f"replaying {name} to its divergence in epoch {row.divergence and row.divergence.epoch}")
            casualty = revisit(self._record, row, self._store, self._folders, observer)
        elif own_rate(row.configuration) is None:
            observer.note(
                f"warning: no parameter of the trainer of {name} is named like a learning rate ({', '.join(RATES)}), "
                "so only other seeds are tried"
            )
        if twins := self._made(row, planned, casualty):
            record = add_twins(self._record, self._name, twins, self._store, self._folders, once=SAME)
            train_queued(record, self._store, self._folders, self._engine, self._options_left() or options)

    def _made(self, row: TrialRecord, planned: Sequence[Planned], casualty: Casualty) -> list[Twin]:
        """Return the planned twins of a casualty, as far as they can be made."""
        seeds = further_seeds(self._record, row.number)
        by_name = {each.name: each for each in changes(row.configuration, row.seeds, seeds, casualty.norm)}
        found = []
        for each in planned:
            change = by_name.get(each.change)
            if change is None or (each.is_fork and casualty.fork is None):
                continue
            fork = casualty.fork if each.is_fork else None
            parent = f"{self._record.name}/{row.number}"
            kept = labels(parent, change.name, change.words, fork.snapshot.epoch if fork else None)
            target = each.target if each.target < row.planned_epochs else None
            found.append(Twin(row.number, change.configuration, change.seeds, kept, target, fork))
        return found

    def conclude(self) -> None:
        """Train what is queued, and then the smallest change of each casualty that suffices to the end."""
        options = self._options_left()
        if self._name not in self._store.names() or options is None:
            return
        record = self._store.sweep(self._name)
        train_queued(record, self._store, self._folders, self._engine, options)
        conclude(record, self._store, self._folders, self._engine, self._options_left())

    def _options_left(self) -> RunOptions | None:
        """Return the options with the time that is left; None where none is."""
        if self._end is None:
            return self._options
        left = self._end - time.monotonic()
        return replace(self._options, duration=left) if left > 0 else None


def conclude(
    record: SweepRecord, store: Store, folders: dict[str, str], engine: Engine, options: RunOptions | None
) -> None:
    """Decide which twins that have paused go on, and train these, until none is left.

    Nothing is decided where a budget has ended the training; None as options stands for no time that is left.
    """
    while options is not None and store.sweep(record.name).ended is None:
        if not store.decide(record.id, list(decisions(record, store))):
            return
        train_queued(store.sweep(record.name), store, folders, engine, options)


def decisions(record: SweepRecord, store: Store) -> Iterator[DecisionRecord]:
    """Yield what becomes of the paused twins of each casualty none of whose twins is being trained."""
    casualties = store.sweep(parent_of(record))
    for _, group in groupby(members(record, store), key=lambda each: each.parent):
        twins = list(group)
        if not any(each.trial.status in UNENDED for each in twins):
            yield from _decided(record, judge(record, casualties.id, twins, store), twins, store)


def _decided(record: SweepRecord, by: Judge, twins: Sequence[Member], store: Store) -> Iterator[DecisionRecord]:
    """Yield that the smallest change that has sufficed so far goes on, or that all that have paused stop."""

    def suffices(twin: Member) -> bool:
        return by.suffices(twin, values_of(record, twin, store))

    paused = [each for each in twins if each.trial.status == "paused"]
    saved = next((each for each in twins if each.trial.status == "completed" and suffices(each)), None)
    going_on = sum(each.trial.promotions for each in twins)
    chosen = next(filter(suffices, paused), None) if saved is None and going_on < ENDINGS else None
    if saved:
        reason = f"trial {saved.trial.number} has sufficed to the end"
    elif chosen:
        reason = "it is the smallest change that has sufficed so far"
    else:
        reason = "none is to go on"
    made: Decided = "go on" if chosen else "stop"
    for each in [chosen] if chosen else paused:
        value, at = values_of(record, each, store)[-1], each.trial
        yield DecisionRecord(at.number, at.last_epoch, RULE, made, value, by.threshold, None, reason)
