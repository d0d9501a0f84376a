"""What runs on each machine of a cluster, in a thread of a Dask worker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sweep.data import cache, open_dataset, prepare
from sweep.errors import DataError, StoreBusy, SweepError
from sweep.records import Status
from sweep.system.environment import environment, one_blas_thread
from sweep.system.processes import is_lost
from sweep.training.build import dataset_key
from sweep.trial.worker import Assignment, open_store, run_trial


@dataclass(frozen=True)
class Missing:
    """A node lacks a data set."""

    folder: str
    """Its cached folder on the machine that leads the sweep."""
    place: str
    """The node and its cache folder, which its workers share."""
    worker: str
    """Address of the worker that noticed."""


@dataclass(frozen=True)
class Trouble:
    """Why a node could not do what it was asked for; Dask would write an exception, with all arguments, to its log."""

    host: str
    sentence: str
    is_passing: bool
    """Whether another try may go well."""


@dataclass(frozen=True)
class Node:
    """A worker as it describes itself."""

    host: str
    environment: dict[str, str]
    sees_results: bool
    """Whether the folder of files that belong to the database is that of the machine that leads the sweep."""


def describe(database: str, marker: str) -> Node | Trouble:
    """Describe this worker; `marker` is a file that lies beside those of the database where the sweep is led."""
    try:
        sees_results = (open_store(database).folder / marker).exists()
    except SweepError as error:
        return _trouble(error)
    return Node(socket.gethostname(), environment(), sees_results)


def train(assignment: Assignment) -> Status | Missing | Trouble | None:
    """Train one trial on this node; return how it ended, or None where another worker has it."""
    try:
        with _in_hand(assignment) as is_free:
            return _train(assignment) if is_free else None
    except SweepError as error:
        return _trouble(error)


def receive(folder: str, files: Mapping[str, bytes]) -> Trouble | None:
    """Put the files of a data set into the cache of this node; `folder` is its cached folder elsewhere."""
    try:
        cache.add(Path(folder).name, files)
    except DataError as error:
        return _trouble(error)
    return None


def _trouble(error: SweepError) -> Trouble:
    return Trouble(socket.gethostname(), str(error), isinstance(error, StoreBusy))


_trials: set[tuple[str, int, int]] = set()
_trials_lock = threading.Lock()


@contextmanager
def _in_hand(assignment: Assignment) -> Iterator[bool]:
    """Take a trial for one thread of this process, since the store tells processes apart, not threads."""
    trial = (assignment.database, assignment.sweep_id, assignment.number)
    with _trials_lock:
        is_free = trial not in _trials
        _trials.add(trial)
    try:
        yield is_free
    finally:
        if is_free:
            _trials.remove(trial)


def _train(assignment: Assignment) -> Status | Missing | None:
    one_blas_thread()  # for good, as another thread of this process may be training, too
    folders: dict[str, str] = {}
    for key, folder in assignment.datasets.items():
        local = _located(assignment, key, Path(folder).name)
        if local is None:
            return _missing(folder)
        folders[key] = local
    here = replace(assignment, datasets=folders)
    status = run_trial(here)
    if status is None and _has_lost_its_worker(here):
        status = run_trial(here)
    return status or _ended(here)


def _has_lost_its_worker(assignment: Assignment) -> bool:
    """Tell whether a trial can be had now because the worker that had it has died, which is counted."""
    store, reason = open_store(assignment.database), "the worker that had it is gone"
    return store.record_crash(assignment.sweep_id, assignment.number, reason, is_lost, unclaimed=False) == "queued"


def _ended(assignment: Assignment) -> Status | None:
    """Return how a trial has ended in other hands; None if it has not."""
    status = open_store(assignment.database).status(assignment.sweep_id, assignment.number)
    return None if status in ("queued", "running") else status


def _missing(folder: str) -> Missing:
    from distributed import get_worker

    return Missing(folder, f"{socket.gethostname()}:{cache.cache_folder()}", get_worker().address)


def _located(assignment: Assignment, key: str, name: str) -> str | None:
    """Return the folder of a data set on this node: from its cache, else from the files that SWEEP_DATA names."""
    folder = cache.cache_folder() / name
    if _holds(str(folder)):
        return str(folder)
    tables = [entry["dataset"] for entry in open_store(assignment.database).sweep(assignment.sweep).datasets]
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
