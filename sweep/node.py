"""What runs on each machine of a cluster, in a thread of a Dask worker."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sweep.assembly import dataset_key
from sweep.data import cache, open_dataset, prepare
from sweep.errors import DataError
from sweep.processes import is_lost
from sweep.records import Status
from sweep.store import Store
from sweep.worker import Assignment, open_store, run_trial, stop_run


@dataclass(frozen=True)
class Missing:
    """A node lacks a data set."""

    folder: str
    """Its cached folder on the machine that leads the sweep."""
    place: str
    """The node and its cache folder, which its workers share."""
    worker: str
    """Address of the worker that noticed."""


def train(assignment: Assignment) -> Status | Missing | None:
    """Train one trial on this node; return how it ended, what it lacks, or None where another worker has it."""
    from threadpoolctl import threadpool_limits

    folders: dict[str, str] = {}
    for key, folder in assignment.datasets.items():
        local = _located(assignment.database, assignment.sweep, key, Path(folder).name)
        if local is None:
            return _missing(folder)
        folders[key] = local
    with threadpool_limits(1):  # more threads give other bits
        here = replace(assignment, datasets=folders)
        status = run_trial(here)
        if status is None and _lost_its_worker(here):
            status = run_trial(here)
    return status or _ended(open_store(assignment.database), assignment)


def _lost_its_worker(assignment: Assignment) -> bool:
    """Tell whether a trial can be had now because the worker that had it has died, which is counted."""
    store = open_store(assignment.database)
    if store.status(assignment.sweep_id, assignment.number) != "running":
        return False
    reason = "the worker that had it is gone"
    return store.bury(assignment.sweep_id, assignment.number, reason, is_lost) == "queued"


def _ended(store: Store, assignment: Assignment) -> Status | None:
    """Return how a trial has ended in other hands; None if it has not."""
    status = store.status(assignment.sweep_id, assignment.number)
    return None if status in ("queued", "running") else status


def _missing(folder: str) -> Missing:
    from distributed import get_worker

    return Missing(folder, f"{socket.gethostname()}:{cache.cache_folder()}", get_worker().address)


def _located(database: str, sweep: str, key: str, name: str) -> str | None:
    """Return the folder of a data set on this node: from its cache, else from the files that SWEEP_DATA names."""
    folder = cache.cache_folder() / name
    if _holds(str(folder)):
        return str(folder)
    tables = [entry["dataset"] for entry in open_store(database).sweep(sweep).datasets]
    (dataset,) = [each for each in tables if dataset_key(each) == key]
    options: dict[str, Any] = {"kind": dataset} if isinstance(dataset, str) else dict(dataset)
    try:
        prepared = prepare(**options)
    except DataError:
        return None
    return str(prepared) if prepared.name == name else None


@lru_cache(maxsize=16)
def _checked(folder: str) -> None:
    """Read every byte of a cached data set once in a process.

    Raises:
        DataError: when it is missing or damaged.
    """
    dataset = open_dataset(Path(folder))
    found = cache.find(dataset.name, dataset.sha256)
    if found is None or found.name != Path(folder).name:
        raise DataError(f"The cached data set {folder} is damaged.")


def _holds(folder: str) -> bool:
    try:
        _checked(folder)
    except DataError:
        return False
    return True


async def stop(run: str) -> None:
    """Let the trials of a run end after the present epoch; a coroutine, because Dask waits for anything else."""
    stop_run(run)


def receive(folder: str, files: Mapping[str, bytes]) -> None:
    """Put the files of a data set into the cache of this node; `folder` is its cached folder elsewhere."""
    cache.add(Path(folder).name, files)
