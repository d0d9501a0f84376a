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

from sweep.data import cache, data_options, open_dataset, options_key, prepare
from sweep.errors import DataError, Hint, StoreBusy, SweepError
from sweep.records import Status
from sweep.system.environment import environment, one_blas_thread
from sweep.system.processes import is_lost
from sweep.trial.worker import Assignment, open_store, run_trial


@dataclass(frozen=True)
class MissingData:
    """The answer of a node that lacks a data set."""

    folder: str
    """Its cached folder on the machine that leads the sweep."""
    place: str
    """The node and its cache folder, which its workers share."""
    worker: str
    """Address of the worker that noticed."""


@dataclass(frozen=True)
class NodeError:
    """The answer of a node that failed; Dask would log an exception with all arguments."""

    host: str
    sentence: tuple[str | Hint, ...]
    """The parts of the error's message."""
    is_temporary: bool
    """Whether another try may succeed."""


@dataclass(frozen=True)
class NodeInfo:
    """A worker's description of itself."""

    host: str
    environment: dict[str, str]
    sees_results: bool
    """Whether the folder for files that belong to the database is that of the machine that leads the sweep."""


def describe(database: str, marker: str) -> NodeInfo | NodeError:
    """Describe this worker.

    Args:
        marker: name of a file beside the kept weights of the machine that leads the sweep.
    """
    try:
        sees_results = (open_store(database).folder / marker).exists()
    except SweepError as error:
        return _node_error(error)
    return NodeInfo(socket.gethostname(), environment(), sees_results)


def train(assignment: Assignment) -> Status | MissingData | NodeError | None:
    """Train one trial on this node; return how it ended, or None if another worker has it."""
    try:
        with _reserved(assignment) as is_free:
            return _train(assignment) if is_free else None
    except SweepError as error:
        return _node_error(error)


def receive(folder: str, files: Mapping[str, bytes]) -> NodeError | None:
    """Add the files of a data set to the cache of this node.

    Args:
        folder: its cached folder elsewhere, whose name is used here, too.
    """
    try:
        cache.add(Path(folder).name, files)
    except DataError as error:
        return _node_error(error)
    return None


def _node_error(error: SweepError) -> NodeError:
    return NodeError(socket.gethostname(), error.args, isinstance(error, StoreBusy))


_trials: set[tuple[str, int, int]] = set()
_trials_lock = threading.Lock()


@contextmanager
def _reserved(assignment: Assignment) -> Iterator[bool]:
    """Reserve a trial for one thread, since the store tells processes apart, not threads."""
    trial = (assignment.database, assignment.sweep_id, assignment.number)
    with _trials_lock:
        is_free = trial not in _trials
        _trials.add(trial)
    try:
        yield is_free
    finally:
        if is_free:
            _trials.remove(trial)


def _train(assignment: Assignment) -> Status | MissingData | None:
    one_blas_thread()  # for good, as another thread of this process may be training, too
    folders: dict[str, str] = {}
    for key, folder in assignment.datasets.items():
        local = _find(assignment, key, Path(folder).name)
        if local is None:
            return _missing(folder)
        folders[key] = local
    here = replace(assignment, datasets=folders)
    status = run_trial(here)
    if status is None and _is_requeued(here):
        status = run_trial(here)
    return status or _ended(here)


def _is_requeued(assignment: Assignment) -> bool:
    """Record the crash of the trial's worker, if it is gone; return whether it is requeued."""
    store, reason = open_store(assignment.database), "the worker that had it is gone"
    return store.record_crash(assignment.sweep_id, assignment.number, reason, is_lost, unclaimed=False) == "queued"


def _ended(assignment: Assignment) -> Status | None:
    """Return how a trial has ended with another worker; None if it has not."""
    status = open_store(assignment.database).status(assignment.sweep_id, assignment.number)
    return None if status in ("queued", "running") else status


def _missing(folder: str) -> MissingData:
    from distributed import get_worker

    return MissingData(folder, f"{socket.gethostname()}:{cache.cache_folder()}", get_worker().address)


def _find(assignment: Assignment, key: str, name: str) -> str | None:
    """Return the folder of a data set on this node, from its cache or made from SWEEP_DATA."""
    folder = cache.cache_folder() / name
    if _is_cached(str(folder)):
        return str(folder)
    entries = open_store(assignment.database).sweep(assignment.sweep).datasets
    (options,) = [each for each in map(data_options, entries) if options_key(each) == key]
    stated: dict[str, Any] = {"task": "classification", **options}  # as decided when the sweep was begun
    try:
        prepared = prepare(**stated)
    except DataError:
        return None
    return str(prepared) if prepared.name == name else None


def _is_cached(folder: str) -> bool:
    try:
        _check(folder)
    except DataError:
        return False
    return True


@lru_cache(maxsize=16)
def _check(folder: str) -> None:
    """Read every byte of a cached data set, once in a process.

    Raises:
        DataError: when it is missing or damaged.
    """
    dataset = open_dataset(Path(folder))
    found = cache.find(dataset.name, dataset.sha256)
    if found is None or found.name != Path(folder).name:
        raise DataError(f"The cached data set {folder} is damaged.")
