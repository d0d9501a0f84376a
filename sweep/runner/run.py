"""Running a sweep: an experiment -> its missing trials -> worker slots -> store."""

from __future__ import annotations

import contextlib
import math
import os
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from joblib import cpu_count

from sweep.engines.local import Pool
from sweep.engines.shutdown import Switch
from sweep.errors import StoreError, SweepError, UsageError
from sweep.experiment.experiment import Experiment
from sweep.observer import Observer, Silent
from sweep.records import Status, SweepRecord
from sweep.runner.prepare import check_fit, data_sha256, prepare_again, prepare_datasets, warn_of_changes
from sweep.runner.progress import reporting
from sweep.store import Store
from sweep.system.environment import environment
from sweep.system.processes import is_lost, process_of
from sweep.training.build import dataset_key
from sweep.trial.worker import Assignment


@dataclass(frozen=True)
class Means:
    """With what a sweep is trained, and what it may cost; nothing here changes a bit of its results."""

    workers: int | None = None
    """Number of worker processes; None for one for each core."""
    timeout: float | None = None
    """Seconds of wall time after which a trial is stopped and counts as failed."""
    max_failures: int | None = None
    """The sweep is stopped when more trials than that have failed."""
    scheduler: str | None = None
    """Address of a Dask scheduler, whose workers train instead of processes of ours."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: when one is out of its range.
        """
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers must be at least 1, not {self.workers}")
        if self.timeout is not None and not 0 < self.timeout < math.inf:
            raise UsageError(f"--timeout takes a positive number of seconds, not {self.timeout:g}")
        if self.max_failures is not None and self.max_failures < 0:
            raise UsageError(f"--max-failures must be at least 0, not {self.max_failures}")
        if self.scheduler is not None and self.workers is not None:
            raise UsageError("--workers does not go with --backend dask: the workers of the scheduler train")


class Engine(Protocol):
    """What trains trials side by side."""

    switch: Switch
    """Stops it."""

    def run_all(self, assignments: Sequence[Assignment]) -> Iterator[Status | None]:
        """Train trials; yield how each has ended, None where that is another's business."""

    def closing(self) -> AbstractContextManager[Engine]:
        """End all that it has started, whatever has happened."""


class Stopped(SweepError):
    """The sweep was stopped by a signal; its state is saved."""

    def __init__(self, name: str, signal_number: int) -> None:
        super().__init__(f"stopped; every epoch so far is kept. Go on with: sweep resume {name}")
        self.exit_code = 128 + signal_number


class Hopeless(SweepError):
    """Too many trials have failed."""

    def __init__(self, name: str, failures: int) -> None:
        super().__init__(
            f"stopped after {failures} trials that failed; see why with `sweep show {name}/TRIAL`, and go on with: "
            f"sweep resume {name}"
        )


def run(
    experiment: Experiment,
    store: Store,
    *,
    data: Path | None = None,
    means: Means | None = None,
    observer: Observer | None = None,
) -> SweepRecord:
    """Draw all trials of a new sweep, store them and train them; return the sweep's record.

    Raises:
        SweepError: when a configuration, a data set or the name is unusable, and nothing is stored then; or when the
            sweep had to stop, and all that was done is kept.
    """
    observer, means = observer or Silent(), means or Means()
    trials = experiment.trials()
    described = {dataset_key(d): d for d in (trial.configuration["data"]["dataset"] for trial in trials)}
    folders = prepare_datasets(described.values(), data, experiment.folder, observer)
    epochs = check_fit(trials, folders)
    with engine_for(means, store, observer, len(trials)) as engine:
        store.add_sweep(_describe(experiment, epochs, described, folders, data), trials)
        record = store.sweep(experiment.name)
        train_queued(record, store, folders, engine, means, observer)
    return record


def resume(
    name: str | None,
    store: Store,
    *,
    data: Path | None = None,
    means: Means | None = None,
    retry_failed: bool = False,
    observer: Observer | None = None,
) -> SweepRecord:
    """Train what is still queued, was interrupted or has lost its worker, and what has failed if that is asked for.

    Raises:
        SweepError: when there is no such sweep, its data set has changed, or it had to stop again.
    """
    observer = observer or Silent()
    record = store.sweep(name)
    store.requeue(record.id, is_lost)
    if retry_failed:
        store.retry(record.id)
    queued = store.queued(record.id)
    if not queued:
        observer.note(f"nothing is left to train in {record.name}")
        return record
    warn_of_changes(record, observer)
    means = means or Means()
    folders = prepare_again(record, data, observer)
    with engine_for(means, store, observer, len(queued)) as engine:
        train_queued(record, store, folders, engine, means, observer)
    return record


def engine_for(means: Means, store: Store, observer: Observer, trials: int) -> AbstractContextManager[Engine]:
    """Return what opens the engine that the means name: processes of our own, or the workers of a scheduler.

    There are no more processes than `trials`. They begin to import at once, so all that may be refused comes before.

    Raises:
        SweepError: when there is no such scheduler, or the database cannot be shared with its workers.
    """
    if means.scheduler is None:
        return Pool(min(means.workers or cpu_count(), trials), Inquest(store), means.timeout).closing()
    from sweep.engines.dask.engine import Cluster

    return Cluster(means.scheduler, store, means.timeout, observer.note).closing()


def _describe(
    experiment: Experiment,
    epochs: int,
    described: dict[str, Any],
    folders: dict[str, str],
    data: Path | None,
) -> SweepRecord:
    return SweepRecord(
        name=experiment.name,
        description=experiment.header.description,
        seed=experiment.header.seed,
        epochs=epochs,
        experiment=experiment.text,
        overrides=list(experiment.overrides),
        fingerprint=experiment.fingerprint,
        datasets=[{"dataset": d, "sha256": data_sha256(folders[key])} for key, d in described.items()],
        data_folder=_absolute(data or os.environ.get("SWEEP_DATA")),
        experiment_folder=_absolute(experiment.folder),
        environment=environment(),
    )


def _absolute(folder: str | Path | None) -> str | None:
    return str(Path(folder).absolute()) if folder else None


def train_queued(
    record: SweepRecord,
    store: Store,
    folders: dict[str, str],
    engine: Engine,
    means: Means,
    observer: Observer,
    only: Collection[int] | None = None,
) -> None:
    """Train every trial of a sweep that is queued, or `only` some, side by side.

    Raises:
        Stopped: after SIGINT or SIGTERM, when all workers are gone.
        Hopeless: when more trials have failed than `means` allow.
        StoreError: when the database can no longer be written, or is not in its place at the end.
    """
    assigned = partial(
        Assignment, store.database.address, record.id, record.name, datasets=folders, run=f"{record.name}-{uuid4()}"
    )
    failures = 0
    with engine.switch.heeding_signals(), reporting(store, record.id, observer):
        while not engine.switch.is_on:
            numbers = [number for number in store.queued(record.id) if only is None or number in only]
            if not numbers:
                break
            for status in engine.run_all([assigned(number=number) for number in numbers]):
                failures += status == "failed"
                if means.max_failures is not None and failures > means.max_failures:
                    engine.switch.turn()
            if not engine.switch.is_on:
                store.requeue(record.id, is_lost)
    if engine.switch.is_on:
        raise _stopped(record, store, engine.switch.signal, failures)
    store.database.check_place()


def _stopped(record: SweepRecord, store: Store, signal_number: int, failures: int) -> SweepError:
    with contextlib.suppress(StoreError):  # what runs without an owner is found when the sweep goes on
        store.requeue(record.id, is_lost, interrupted=False, patient=False)
    return Stopped(record.name, signal_number) if signal_number else Hopeless(record.name, failures)


class Inquest:
    """Finds out from the store what the death of a worker process means for its trial."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def died(self, assignment: Assignment, process: int, reason: str) -> Status | None:
        """Count the death; return the status of the trial, `queued` to try again."""
        return self._store.record_crash(assignment.sweep_id, assignment.number, reason, _trained_by(process))

    def hung(self, assignment: Assignment, process: int, reason: str) -> Status | None:
        """Let the trial fail; return its status."""
        return self._store.fail(assignment.sweep_id, assignment.number, reason, _trained_by(process))


def _trained_by(process: int) -> Callable[[str, float], bool]:
    """Return what tells whether a trial belonged to a process of this host."""
    return lambda owner, silent_seconds: process_of(owner) == (socket.gethostname(), process)
