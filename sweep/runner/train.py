"""Training the queued trials of a sweep until none is left, or the sweep has to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from sweep.engines import Engine, RunOptions
from sweep.errors import Call, StoreError, SweepError, counted
from sweep.experiment.sections.stopping import rules_of
from sweep.records import SweepRecord
from sweep.runner.budget import BudgetCheck
from sweep.runner.growth import Growth
from sweep.runner.pacing import TimeLeft
from sweep.runner.progress import POLL_SECONDS, reporting
from sweep.runner.rungs import Rungs
from sweep.runner.scheduler import Scheduler
from sweep.runner.waves import Waves
from sweep.stopping import Rule, worker_rules
from sweep.store import Store
from sweep.system.processes import is_lost
from sweep.system.signals import EXIT_CODE, Signalled
from sweep.training.products import products_of
from sweep.trial.worker import Assignment


class SweepInterrupted(SweepError):
    """A signal has stopped the sweep; its state is saved."""

    def __init__(self, name: str, exit_code: int, go_on: Call | None = None) -> None:
        super().__init__(
            "stopped; what has ended is kept, and the rest goes on from its checkpoints or begins again. Go on with: ",
            go_on or Call("resume", name),
        )
        self.exit_code = exit_code


class TooManyFailures(SweepError):
    """The sweep was stopped because more trials have failed than allowed."""

    def __init__(self, name: str, failures: int) -> None:
        super().__init__(
            f"stopped after {counted(failures, 'trial')} that failed; see why with `",
            Call("show", name, "TRIAL"),
            "`, and go on with: ",
            Call("resume", name),
        )


def train_queued(
    record: SweepRecord,
    store: Store,
    folders: dict[str, str],
    engine: Engine,
    options: RunOptions,
    *,
    growth: Growth | None = None,
    only: Collection[int] | None = None,
) -> None:
    """Train all queued trials of a sweep in parallel, or those in `only`, which no stopping rule ends.

    Args:
        folders: the cached folder of each data set by its key.
        growth: what draws further trials.

    Raises:
        SweepInterrupted: after SIGINT, SIGTERM or SIGHUP, when all workers have ended.
        TooManyFailures: when more trials have failed than the options allow.
        StoreError: when the database can no longer be written, or is not in its place at the end.
    """
    rules = rules_of(record) if only is None else {}
    assigned = _assignment(record, store, folders, worker_rules(rules))
    budget = BudgetCheck(options, record, store) if options.has_budget else None
    rungs = Rungs.of(rules, record, store, options.observer)
    waves = Waves.of(rules, record, store)
    shutdown, failures, ended = engine.shutdown, 0, None
    time_left = TimeLeft(store, record.id, rules, record.objective, duration=options.duration, only=only)
    with shutdown.on_signals(), reporting(store, record, options.observer, time_left), _training(store):
        while not shutdown.is_requested and ended is None:
            scheduler = Scheduler(
                record, store, assigned, rungs=rungs, waves=waves, growth=growth, budget=budget, only=only
            )
            for status in engine.run_all(scheduler):
                scheduler.count_ended()
                failures += status == "failed"
                if options.max_failures is not None and failures > options.max_failures:
                    shutdown.request()
            ended = scheduler.ended
            if not shutdown.is_requested and store.requeue(record.id, is_lost) == 0 and not scheduler.has_handed_out:
                if only is not None or not _waits_for_others(record, store):
                    break
                time.sleep(POLL_SECONDS)
    if shutdown.is_requested:
        raise _stopped(record, store, shutdown.signal, failures)
    if record.ended != ended:
        store.record_end(record.id, ended)
    store.database.check_place()


@contextmanager
def _training(store: Store) -> Iterator[None]:
    """Wait within this context for a database that is busy or full as long as the trials do."""
    store.database.trains = True
    try:
        yield
    finally:
        store.database.trains = False


def _waits_for_others(record: SweepRecord, store: Store) -> bool:
    """Tell whether something is left to do once trials that another process trains have ended."""
    progress = store.progress(record.id)
    waiting = progress.counts.get("paused", 0) + progress.counts.get("queued", 0)
    is_undrawn = progress.total > sum(progress.counts.values())
    return bool(progress.counts.get("running") and (waiting or is_undrawn))


def _assignment(
    record: SweepRecord, store: Store, folders: dict[str, str], rules: dict[str, Rule]
) -> Callable[[int], Assignment]:
    """Return the function that gives the assignment of a trial in a new run of a sweep by its number."""
    run = f"{record.name}-{uuid4()}"

    def assigned(number: int) -> Assignment:
        return Assignment(
            store.database.address,
            record.id,
            record.name,
            number,
            datasets=folders,
            run=run,
            experiment_folder=record.experiment_folder,
            stopping=rules,
            products=products_of(record.environment),
        )

    return assigned


def _stopped(record: SweepRecord, store: Store, signal_number: int, failures: int) -> SweepError:
    with suppress(StoreError):  # trials that run without an owner are requeued when the sweep is resumed
        store.requeue(record.id, is_lost, interrupted=False, patient=False)
    if signal_number:
        return SweepInterrupted(record.name, EXIT_CODE + signal_number)
    return TooManyFailures(record.name, failures)


@contextmanager
def resumable(name: str, store: Store) -> Iterator[None]:
    """Say how to go on with a sweep that a signal stops outside of its training.

    Raises:
        SweepInterrupted: after a signal, if the sweep is stored.
    """
    try:
        yield
    except Signalled as signalled:
        if name not in store.names():
            raise
        raise SweepInterrupted(name, signalled.exit_code) from None
