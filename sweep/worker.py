"""One trial, from start to end, in a worker process: claim it, train it, record it, finish it.

Whatever happens to a trial, it leaves a record, and the worker goes on to the next.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import threading
import time
import traceback
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType

import numpy as np

from sweep.configuration import Configuration
from sweep.data import open_dataset
from sweep.data.dataset import Dataset
from sweep.data.normalization import Normalization, fit
from sweep.errors import StaleAttempt
from sweep.records import Divergence, Epoch, Seeds, Status
from sweep.store import Claim, Store, digest
from sweep.training.batches import Batching
from sweep.training.guard import Diverged
from sweep.training.loop import Settings, train

FLUSH_SECONDS = 1.0
"""Epochs are written at most this often; a killed worker loses no more than that."""
WATCH_SECONDS = 0.5
"""How often a worker looks whether its parent still lives."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker needs to know to train one trial."""

    database: str
    """URL of the store."""
    sweep_id: int
    number: int
    datasets: dict[str, str]
    """Cached folder of each data set, by `dataset_key`."""


class Interrupted(BaseException):
    """The sweep is being stopped: leave the trial as it is."""


def dataset_key(dataset: object) -> str:
    """Write the `dataset` of a configuration as one line."""
    return dataset if isinstance(dataset, str) else repr(dataset)


def owner() -> str:
    """Return the name under which this process claims trials: its host, itself and its parent."""
    return f"{socket.gethostname()}:{os.getpid()}:{os.getppid()}"


def is_alive(owner: str) -> bool:
    """Tell whether an owner of a trial still runs; of one on another host it is assumed.

    A worker that has lost its parent is about to end, and what it still writes is refused, so it counts as gone.
    """
    host, *processes = owner.split(":")
    if host != socket.gethostname():
        return bool(processes)
    return bool(processes) and all(_is_running(int(process)) for process in processes)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as another user
    return True


def start_worker(parent: int) -> None:
    """Prepare a worker process: one BLAS thread, stopped by SIGTERM between epochs, ended with its parent."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


_in_trial = threading.Event()


def _stop(signum: int, frame: FrameType | None) -> None:
    if _in_trial.is_set():
        raise Interrupted


def run_trial(assignment: Assignment) -> Status | None:
    """Train one trial and return how it ended; None where another worker has it."""
    store = _open_store(assignment.database)
    claim = store.claim(assignment.sweep_id, assignment.number, owner())
    if claim is None:
        return None
    recorder = Recorder(store, claim)
    _in_trial.set()
    try:
        return _train(assignment, claim, recorder)
    except StaleAttempt:
        return None
    except Interrupted:
        _in_trial.clear()  # a second signal must not disturb the writing
        return _give_back(recorder)
    finally:
        _in_trial.clear()


def _give_back(recorder: Recorder) -> Status | None:
    try:
        return recorder.finish("interrupted")
    except StaleAttempt:  # the signal came just after the trial's last write
        return None


def _train(assignment: Assignment, claim: Claim, recorder: Recorder) -> Status:
    try:
        configuration = Configuration.model_validate(claim.configuration)
        folder = assignment.datasets[dataset_key(claim.configuration["data"]["dataset"])]
        dataset = _open_dataset(folder)
        for epoch in train(dataset, settings(configuration, dataset, folder, Seeds(*claim.seeds))):
            recorder.add(epoch)
    except Diverged as error:
        return recorder.finish("diverged", divergence=error.divergence)
    except (Interrupted, StaleAttempt):
        raise
    except BaseException as error:  # a trial may do anything, sys.exit and MemoryError included
        message = f"{type(error).__name__}: {error}".strip(": ")
        return recorder.finish("failed", error=message, trace=traceback.format_exc())
    return recorder.finish("completed")


def settings(configuration: Configuration, dataset: Dataset, folder: str, seeds: Seeds) -> Settings:
    """Make of a configuration what the training loop needs."""
    training, normalization = configuration.training, configuration.data.normalization
    return Settings(
        network=configuration.build_network(len(dataset.class_names), dataset.shape),
        optimiser=configuration.build_optimiser(),
        normalization=_fit(folder, normalization.kind, normalization.over, training.dtype),
        batching=batching(configuration),
        epochs=epoch_count(configuration, len(dataset.x_train)),
        dtype=np.dtype(training.dtype),
        seeds=seeds,
        schedule=configuration.build_schedule(),
        penalty=configuration.build_penalty(),
        iterations=training.iterations,
    )


def batching(configuration: Configuration) -> Batching:
    """Return how a configuration cuts an epoch into mini-batches."""
    training = configuration.training
    return Batching(training.batch_size, training.batches_per_epoch, training.shuffle)


def epoch_count(configuration: Configuration, samples: int) -> int:
    """Return the number of epochs of so many training samples; `iterations` may cut the last one short."""
    training = configuration.training
    if training.iterations is None:
        return training.epochs or 0
    return math.ceil(training.iterations / len(batching(configuration).runs(samples)))


class Recorder:
    """Writes the epochs of one attempt in batches, and keeps what is needed for the trial's summary."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self._store = store
        self._claim = claim
        self._epochs: list[Epoch] = []
        self._written = 0
        self._best: Epoch | None = None
        self._started = self._flushed = time.perf_counter()

    def add(self, epoch: Epoch) -> None:
        """Take an epoch, and write all that wait if the last write was a while ago."""
        self._epochs.append(epoch)
        if self._best is None or epoch.test_accuracy > self._best.test_accuracy:
            self._best = epoch
        now = time.perf_counter()
        if now - self._flushed >= FLUSH_SECONDS:
            self._store.record(self._claim, self._epochs[self._written :], self._best)
            self._written = len(self._epochs)
            self._flushed = now

    def finish(
        self,
        status: Status,
        divergence: Divergence | None = None,
        error: str | None = None,
        trace: str | None = None,
    ) -> Status:
        """Write all that waits, and how the trial ended."""
        self._store.finish(
            self._claim,
            status,
            self._epochs[self._written :],
            self._best,
            seconds=time.perf_counter() - self._started,
            digest=digest(self._epochs),
            divergence=divergence,
            error=error,
            traceback=trace,
        )
        return status


# What a process opens or computes once and uses for all its trials.


@lru_cache(maxsize=1)
def _open_store(url: str) -> Store:
    return Store(url)


@lru_cache(maxsize=4)
def _open_dataset(folder: str) -> Dataset:
    return open_dataset(Path(folder))


@lru_cache(maxsize=16)
def _fit(folder: str, kind: str, over: str, dtype: str) -> Normalization:
    return fit(kind, over, _open_dataset(folder).x_train, np.dtype(dtype))
