"""Optuna: its storages, and a search by two processes with PyTorch."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import random
from typing import Any

from benchmarks.measurement import Tasks

STUDY = "benchmark"


def storage(kind: str, path: str) -> Any:
    """Open a storage: a SQLite database, or the file of a journal."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if kind == "rdb":
        return optuna.storages.RDBStorage(f"sqlite:///{path}")
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))


def storage_tasks(kind: str) -> Tasks:
    """Return what a process does with a storage: make a study, open it, write trials, and read them again."""
    import optuna
    import pandas as pd

    studies: list[Any] = []

    def create(path: str, trials: int) -> None:
        optuna.create_study(storage=storage(kind, path), study_name=STUDY, direction="maximize")

    def load(path: str) -> Any:
        return optuna.load_study(study_name=STUDY, storage=storage(kind, path))

    def open_(path: str) -> None:
        studies[:] = [load(path)]

    def write(trials: range, rows: int) -> None:
        for _ in trials:
            trial = studies[0].ask()
            accuracies = [random.random() for _ in range(rows)]
            for epoch, accuracy in enumerate(accuracies):
                trial.report(accuracy, epoch)
            studies[0].tell(trial, max(accuracies))

    def best(path: str) -> list[int]:
        trials = load(path).get_trials(deepcopy=False)
        return [trial.number for trial in sorted(trials, key=lambda trial: -trial.value)[:10]]

    def epochs(path: str) -> int:
        trials = load(path).get_trials(deepcopy=False)
        rows = [(t.number, epoch, value) for t in trials for epoch, value in t.intermediate_values.items()]
        return len(pd.DataFrame(rows, columns=["trial", "epoch", "test_accuracy"]))

    def sweeps(path: str) -> int:
        return len(optuna.get_all_study_summaries(storage(kind, path)))

    return {"create": create, "open": open_, "write": write, "best 10": best, "epochs": epochs, "list": sweeps}
