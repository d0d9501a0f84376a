"""Running a sweep: an experiment -> its missing trials -> worker slots -> store."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from joblib import cpu_count

from sweep.assembly import dataset_key, epoch_count
from sweep.configuration import Configuration
from sweep.data import open_dataset, prepare
from sweep.environment import environment
from sweep.errors import ExperimentError, SweepError, UsageError
from sweep.experiment import Experiment
from sweep.pool import Pool
from sweep.records import Trial
from sweep.store import Progress, Store, SweepRecord
from sweep.worker import Assignment, is_alive

POLL_SECONDS = 0.5
"""How often progress is read from the store."""
ROUNDS = 3
"""How often a trial may end its worker process before it is left for later."""


class Observer(Protocol):
    """Who wants to know how a sweep goes on."""

    def note(self, message: str) -> None:
        """Hear one sentence."""

    def update(self, progress: Progress) -> None:
        """Hear how far the sweep has come, about twice a second."""


class Silent:
    """An observer that does nothing."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def update(self, progress: Progress) -> None:
        """Ignore it."""


class Stopped(SweepError):
    """The sweep was stopped by a signal; its state is saved."""

    def __init__(self, name: str, signal_number: int) -> None:
        super().__init__(f"stopped; every epoch so far is kept. Go on with: sweep resume {name}")
        self.exit_code = 128 + signal_number


def run(
    experiment: Experiment,
    store: Store,
    *,
    data: Path | None = None,
    workers: int | None = None,
    observer: Observer | None = None,
) -> SweepRecord:
    """Draw all trials of a new sweep, store them and train them; return the sweep's record.

    Raises:
        SweepError: when a configuration, a data set or the name is unusable, and nothing is stored then; or when the
            sweep had to stop, and all that was done is kept.
    """
    observer = observer or Silent()
    count = worker_count(workers)
    trials = experiment.trials()
    described = {dataset_key(d): d for d in (trial.configuration["data"]["dataset"] for trial in trials)}
    folders = prepare_datasets(described.values(), data, experiment.folder, observer)
    epochs = _check_fit(trials, folders)
    store.add_sweep(_describe(experiment, epochs, described, folders, data), trials)
    record = store.sweep(experiment.name)
    train_queued(record, store, folders, count, observer)
    return record


def resume(
    name: str | None,
    store: Store,
    *,
    data: Path | None = None,
    workers: int | None = None,
    observer: Observer | None = None,
) -> SweepRecord:
    """Train what is still queued, was interrupted or has lost its worker; return the sweep's record.

    Raises:
        SweepError: when there is no such sweep, its data set has changed, or it had to stop again.
    """
    observer = observer or Silent()
    count = worker_count(workers)
    record = store.sweep(name)
    store.requeue(record.id, is_alive)
    if not store.queued(record.id):
        observer.note(f"nothing is left to train in {record.name}")
        return record
    warn_of_changes(record, observer)
    folders = prepare_again(record, data, observer)
    train_queued(record, store, folders, count, observer)
    return record


def prepare_datasets(
    datasets: Iterable[Any], data: Path | None, base: Path | None, observer: Observer
) -> dict[str, str]:
    """Bring data sets into the cache; return the folder of each by its key.

    Raises:
        DataError: when one is missing or damaged.
    """
    folders = {}
    for dataset in datasets:
        table = {"kind": dataset} if isinstance(dataset, str) else dataset
        observer.note(f"preparing the data set {table['kind']}")
        folders[dataset_key(dataset)] = str(prepare(folder=data, base=base, **table))
    return folders


def prepare_again(record: SweepRecord, data: Path | None, observer: Observer) -> dict[str, str]:
    """Bring the data sets of a stored sweep into the cache; return the folder of each by its key.

    Raises:
        DataError: when one is missing or damaged.
        SweepError: when one is not what it was when the sweep was begun.
    """
    data = data or (Path(record.data_folder) if record.data_folder else None)
    base = Path(record.experiment_folder) if record.experiment_folder else None
    folders = prepare_datasets([entry["dataset"] for entry in record.datasets], data, base, observer)
    _refuse_other_data(record, folders)
    return folders


def _check_fit(trials: list[Trial], folders: dict[str, str]) -> int:
    """Refuse networks whose layers do not fit each other or the data set; return the epochs of the longest trial."""
    epochs = 0
    datasets = {key: open_dataset(Path(folder)) for key, folder in folders.items()}
    for trial in trials:
        dataset = datasets[dataset_key(trial.configuration["data"]["dataset"])]
        configuration = Configuration.model_validate(trial.configuration)
        try:
            configuration.check_fit(len(dataset.class_names), dataset.shape)
        except ValueError as error:
            raise ExperimentError(f"trial {trial.number}: {error}") from None
        epochs = max(epochs, epoch_count(configuration, len(dataset.x_train)))
    return epochs


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
        datasets=[{"dataset": d, "sha256": _sha256(folders[key])} for key, d in described.items()],
        data_folder=_absolute(data or os.environ.get("SWEEP_DATA")),
        experiment_folder=_absolute(experiment.folder),
        environment=environment(),
    )


def _absolute(folder: str | Path | None) -> str | None:
    return str(Path(folder).absolute()) if folder else None


def _sha256(folder: str) -> str:
    return open_dataset(Path(folder)).sha256


def _refuse_other_data(record: SweepRecord, folders: dict[str, str]) -> None:
    for entry in record.datasets:
        key = dataset_key(entry["dataset"])
        if _sha256(folders[key]) != entry["sha256"]:
            raise SweepError(
                f"the data set {key} is not the one that '{record.name}' was begun with; bring the old files back, "
                "or run the experiment again under another --name"
            )


def worker_count(workers: int | None) -> int:
    """Return the number of worker processes: as many as asked for, by default one for each core.

    Raises:
        UsageError: when it is below 1.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, not {workers}")
    return workers or cpu_count()


def warn_of_changes(record: SweepRecord, observer: Observer) -> None:
    """Say which versions differ from those the sweep was begun with: the last bits of results may differ then."""
    now = environment()
    changed = [f"{key} {old} -> {now.get(key)}" for key, old in record.environment.items() if now.get(key) != old]
    if changed:
        observer.note(
            "warning: not the environment this sweep was begun in, so the last bits of results may differ: "
            + "; ".join(changed)
        )


def train_queued(
    record: SweepRecord,
    store: Store,
    folders: dict[str, str],
    workers: int,
    observer: Observer,
    only: Collection[int] | None = None,
) -> None:
    """Train every trial of a sweep that is queued, or `only` some, side by side; one whose worker dies is tried again.

    Raises:
        Stopped: after SIGINT or SIGTERM, when all workers are gone.
        StoreError: when the database can no longer be written.
    """
    url = store.database.url.render_as_string(hide_password=False)
    pool = Pool(workers)

    def waiting() -> list[int]:
        return [number for number in store.queued(record.id) if only is None or number in only]

    with pool.closing(), pool.stopping_on_signals(), _reporting(store, record.id, observer):
        for _ in range(ROUNDS):
            assignments = [Assignment(url, record.id, record.name, number, folders) for number in waiting()]
            if pool.stopped_by or not assignments:
                break
            pool.run_all(assignments)
            store.requeue(record.id, is_alive, interrupted=False)
    if pool.stopped_by:
        store.requeue(record.id, is_alive, interrupted=False)
        raise Stopped(record.name, pool.stopped_by)
    if left := waiting():
        observer.note(
            f"warning: {len(left)} trials have ended their worker process each time and are left out; "
            f"try them again with: sweep resume {record.name}"
        )


@contextlib.contextmanager
def _reporting(store: Store, sweep_id: int, observer: Observer) -> Iterator[None]:
    """Tell the observer about the progress now and then, from a thread of its own, and once more at the end."""
    done = threading.Event()

    def report() -> None:
        while not done.wait(POLL_SECONDS):
            with contextlib.suppress(SweepError):  # a reader that is kept waiting tries again
                observer.update(store.progress(sweep_id))

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with contextlib.suppress(SweepError):
            observer.update(store.progress(sweep_id))
