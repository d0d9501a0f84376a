"""One trial, from start to end, in a worker process: claim it, train it, record it, finish it.

Whatever happens to a trial, it leaves a record, and the worker goes on to the next.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType
from typing import Any

from sweep.assembly import dataset_key, opened, settings
from sweep.configuration import Configuration
from sweep.errors import StaleAttempt, WeightsError
from sweep.recorder import Recorder
from sweep.records import BatchLosses, Divergence, Seeds, Status
from sweep.store import Claim, Store
from sweep.training.guard import Diverged
from sweep.training.loop import Trainer
from sweep.weights import Keeper, identity, restore

WATCH_SECONDS = 0.5
"""How often a worker looks whether its parent still lives."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker needs to know to train one trial."""

    database: str
    """URL of the store."""
    sweep_id: int
    sweep: str
    """Name of the sweep."""
    number: int
    datasets: dict[str, str]
    """Cached folder of each data set, by `dataset_key`."""


class Interrupted(BaseException):
    """The sweep is being stopped: leave the trial as it is."""


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
        dataset = opened(folder)
        trainer = Trainer(dataset, settings(configuration, dataset, folder, Seeds(*claim.seeds)))
        whose = identity(claim.configuration, claim.seeds, dataset.sha256)
        training = configuration.training
        keeper = Keeper(training.keep_weights, recorder.folder, assignment.sweep, claim, whose)
        _go_on(trainer, claim, recorder, whose)
        divergence = _train_to_end(trainer, recorder, keeper, training.record_batches)
    except (Interrupted, StaleAttempt):
        raise
    except BaseException as error:  # a trial may do anything, sys.exit and MemoryError included
        message = f"{type(error).__name__}: {error}".strip(": ")
        return recorder.finish("failed", error=message, trace=traceback.format_exc())
    return _finish(recorder, keeper, divergence)


def _go_on(trainer: Trainer, claim: Claim, recorder: Recorder, whose: Mapping[str, Any]) -> None:
    """Start from the kept weights where there are any; else from the first ones, which gives the same bits."""
    if claim.weights is not None:
        try:
            restore(recorder.folder / claim.weights.file, trainer, whose)
        except WeightsError:
            recorder.start_over()


def _train_to_end(trainer: Trainer, recorder: Recorder, keeper: Keeper, record_batches: bool) -> Divergence | None:
    """Train and record every epoch; return where the trial diverged, if it did."""
    try:
        for epoch in trainer.epochs():
            is_best = recorder.add(epoch)
            keeper.see(trainer, is_best)
            if record_batches:
                recorder.add_losses(BatchLosses(epoch.number, tuple(trainer.batch_losses)))
    except Diverged as error:
        if record_batches:
            recorder.add_losses(BatchLosses(error.divergence.epoch, tuple(trainer.batch_losses)))
        return error.divergence
    return None


def _finish(recorder: Recorder, keeper: Keeper, divergence: Divergence | None) -> Status:
    """Write the kept weights and how the trial ended; weights that cannot be written cost no figure."""
    weights, error = None, None
    try:
        weights = keeper.write()
    except WeightsError as problem:
        error = f"the weights are not kept: {problem}"
    try:
        status = recorder.finish("diverged" if divergence else "completed", divergence, error, weights=weights)
    except StaleAttempt:
        keeper.tidy(is_ours=False)
        raise
    if weights:
        keeper.tidy(is_ours=True)
    return status


@lru_cache(maxsize=1)
def _open_store(url: str) -> Store:
    return Store(url)
