"""Rustuna: its SQLite storage. It is written in Rust, with the interface of Optuna."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from benchmarks.measurement import Tasks

STUDY = "benchmark"


def storage_tasks() -> Tasks:
    """Return what a process does with a storage: make a study, open it, write trials, and read them again.

    Its trials have no `report` as those of Optuna do; the storage takes the values of epochs.
    """
    import pandas as pd
    import rustuna
    from rustuna.storages import SQLite3Storage

    from benchmarks.database import ROWS

    studies: list[Any] = []

    def create(path: str, trials: int) -> None:
        rustuna.create_study(storage=SQLite3Storage(path), study_name=STUDY, direction="maximize")

    def load(path: str) -> Any:
        storage, sampler = SQLite3Storage(path, create_database=False), rustuna.samplers.RandomSampler()
        return rustuna.load_study(study_name=STUDY, storage=storage, sampler=sampler)

    def open_(path: str) -> None:
        studies[:] = [load(path)]

    def write(trials: range) -> None:
        study, storage = studies[0], studies[0]._storage
        for _ in trials:
            trial = _when_free(study.ask)
            accuracies = [random.random() for _ in range(ROWS)]
            for epoch, accuracy in enumerate(accuracies):
                _when_free(storage.set_trial_intermediate_value, trial._trial_id, epoch, accuracy)
            _when_free(study.tell, trial.number, max(accuracies))

    def best(path: str) -> list[int]:
        return [trial.number for trial in sorted(load(path).get_trials(), key=lambda trial: -trial.value)[:10]]

    def epochs(path: str) -> int:
        trials = load(path).get_trials()
        rows = [(t.number, epoch, value) for t in trials for epoch, value in t.intermediate_values.items()]
        return len(pd.DataFrame(rows, columns=["trial", "epoch", "test_accuracy"]))

    def sweeps(path: str) -> int:
        return len(SQLite3Storage(path, create_database=False).get_studies())

    return {"create": create, "open": open_, "write": write, "best 10": best, "epochs": epochs, "list": sweeps}


def _when_free(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call again while another process writes: it waits 5 s itself, too short for eight, and has no option for it."""
    from rustuna.exceptions import StorageInternalError

    while True:
        try:
            return call(*arguments)
        except StorageInternalError as error:
            if "database is locked" not in str(error):
                raise
