"""Random search over the hyperparameters of neural networks.

>>> import sweep                                     # doctest: +SKIP
>>> s = sweep.run("digits-quickstart")               # doctest: +SKIP
>>> s.best(10); s.worst(10); s.diverged(); s.epochs()   # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # heavy imports happen inside the functions, so that `sweep --help` is quick
    from sweep.observer import Observer
    from sweep.results.sweep import Sweep

__all__ = ["DEFAULT_DATABASE", "continue_", "database_url", "load", "resume", "run"]

DEFAULT_DATABASE = "results/sweeps.db"


def database_url(url: str | None = None) -> str:
    """Return the database that is meant: `url`, else the environment variable SWEEP_DB, else the default file."""
    return url or os.environ.get("SWEEP_DB") or DEFAULT_DATABASE


def run(
    source: str | Path,
    *,
    overrides: Sequence[str] = (),
    data: str | Path | None = None,
    workers: int | None = None,
    timeout: float | None = None,
    max_failures: int | None = None,
    scheduler: str | None = None,
    db: str | None = None,
    observer: Observer | None = None,
) -> Sweep:
    """Run an experiment, given by its file or by the name of one that comes with sweep, and return its results.

    Args:
        overrides: KEY=VALUE, each changing one value of the file, such as "training.epochs=5" or "name=again".
        data: folder in which the files of the data set are looked for; by default SWEEP_DATA.
        workers: number of worker processes; by default one for each core.
        timeout: seconds of wall time after which a trial is stopped and counts as failed; by default none.
        max_failures: the sweep is stopped when more trials than that have failed; by default never.
        scheduler: address of a Dask scheduler whose workers train, such as tcp://192.168.0.5:8786.
        db: URL or file of the database; by default SWEEP_DB, else results/sweeps.db.
        observer: hears how the sweep goes on.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.experiment import experiment
    from sweep.results.sweep import Sweep
    from sweep.runner import run as runner
    from sweep.store import Store

    loaded = experiment.load(source, overrides)
    means = runner.Means(workers, timeout, max_failures, scheduler)
    store = Store(database_url(db), create=True)
    record = runner.run(loaded, store, data=_path(data), means=means, observer=observer)
    return Sweep(store, record)


def resume(
    name: str | None = None,
    *,
    retry_failed: bool = False,
    data: str | Path | None = None,
    workers: int | None = None,
    timeout: float | None = None,
    max_failures: int | None = None,
    scheduler: str | None = None,
    db: str | None = None,
    observer: Observer | None = None,
) -> Sweep:
    """Finish a sweep that was interrupted, by default the newest, and return its results.

    Args: as of `run`.
        retry_failed: whether trials that have failed are trained again.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.results.sweep import Sweep
    from sweep.runner import run as runner
    from sweep.store import Store

    means = runner.Means(workers, timeout, max_failures, scheduler)
    store = Store(database_url(db))
    record = runner.resume(name, store, data=_path(data), means=means, retry_failed=retry_failed, observer=observer)
    return Sweep(store, record)


def continue_(
    trials: Sequence[int] = (),
    *,
    epochs: int,
    best: int | None = None,
    name: str | None = None,
    data: str | Path | None = None,
    workers: int | None = None,
    timeout: float | None = None,
    max_failures: int | None = None,
    scheduler: str | None = None,
    db: str | None = None,
    observer: Observer | None = None,
) -> Sweep:
    """Train completed trials on from their kept weights, as if there had been no stop, and return the sweep's results.

    Args:
        trials: numbers of the trials.
        epochs: how many epochs each shall have in all.
        best: so many of the best trials, besides those named.
        name: the sweep; by default the newest.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.errors import UsageError
    from sweep.runner import extend as continuation
    from sweep.runner.run import Means

    results = load(name, db=db)
    numbers = [*trials, *(results.best(best)["trial"].tolist() if best is not None else [])]
    if not numbers:
        raise UsageError(f"there is no trial of {results.name} to go on with; name some that are completed")
    store = results.store
    continuation.continue_trials(
        results.record,
        numbers,
        epochs,
        store,
        data=_path(data),
        means=Means(workers, timeout, max_failures, scheduler),
        observer=observer,
    )
    return results


def load(name: str | None = None, *, db: str | None = None) -> Sweep:
    """Return the results of a sweep, by default the newest, finished or not.

    Raises:
        SweepError: when there is no such sweep or database.
    """
    from sweep.results.sweep import Sweep
    from sweep.store import Store

    store = Store(database_url(db))
    return Sweep(store, store.sweep(name))


def _path(folder: str | Path | None) -> Path | None:
    return None if folder is None else Path(folder)
