"""Training the queued trials of a sweep until none is left, or the sweep has to stop."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from uuid import uuid4

from sweep.engines import Engine, RunOptions
from sweep.errors import Call, StoreError, SweepError, counted
from sweep.experiment.sections.stopping import rules_of
from sweep.records import SweepRecord
from sweep.runner.progress import reporting
from sweep.stopping import Rule
from sweep.store import Store
from sweep.system.processes import is_lost
from sweep.system.signals import EXIT_CODE, Signalled
from sweep.trial.worker import Assignment


class SweepInterrupted(SweepError):
    """A signal has stopped the sweep; its state is saved."""

    def __init__(self, name: str, exit_code: int) -> None:
        super().__init__(
            "stopped; what has ended is kept, and the rest goes on from its checkpoints or begins again. Go on with: ",
            Call("resume", name),
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
    only: Collection[int] | None = None,
) -> None:
    """Train all queued trials of a sweep in parallel, or those in `only`, which no stopping rule ends.

    Args:
        folders: the cached folder of each data set by its key.

    Raises:
        SweepInterrupted: after SIGINT, SIGTERM or SIGHUP, when all workers have ended.
        TooManyFailures: when more trials have failed than the options allow.
        StoreError: when the database can no longer be written, or is not in its place at the end.
    """
    assigned = _assignment(record, store, folders, rules_of(record) if only is None else {})
    shutdown, failures = engine.shutdown, 0
    with shutdown.on_signals(), reporting(store, record.id, options.observer):
        while not shutdown.is_requested:
            numbers = [number for number in store.queued(record.id) if only is None or number in only]
            if not numbers:
                break
            for status in engine.run_all([assigned(number=number) for number in numbers]):
                failures += status == "failed"
                if options.max_failures is not None and failures > options.max_failures:
                    shutdown.request()
            if not shutdown.is_requested:
                store.requeue(record.id, is_lost)
    if shutdown.is_requested:
        raise _stopped(record, store, shutdown.signal, failures)
    store.database.check_place()


def _assignment(
    record: SweepRecord, store: Store, folders: dict[str, str], rules: dict[str, Rule]
) -> partial[Assignment]:
    """Return the assignment of any trial in a new run of a sweep; only its number is missing."""
    return partial(
        Assignment,
        store.database.address,
        record.id,
        record.name,
        datasets=folders,
        run=f"{record.name}-{uuid4()}",
        experiment_folder=record.experiment_folder,
        stopping=rules,
    )


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
