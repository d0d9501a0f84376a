"""Optuna: its storages; and as a command, a search with PyTorch by several processes: FILE of the work to do."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import json
import multiprocessing
import random
import sys
from pathlib import Path
from typing import Any

from benchmarks.data import load as load_data
from benchmarks.measurement import Tasks
from benchmarks.peers import pytorch

STUDY = "benchmark"
BUSY_SECONDS = 60
"""How long SQLite waits for another process, as sweep does; by default 5 s, which is too short for eight writers."""


def storage(kind: str, path: str) -> Any:
    """Open a storage: a SQLite database, or the file of a journal."""
    import optuna
    from optuna.storages import journal

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if kind == "rdb":
        options = {"connect_args": {"timeout": BUSY_SECONDS}}
        return optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs=options)
    return optuna.storages.JournalStorage(journal.JournalFileBackend(path))


def storage_tasks(kind: str) -> Tasks:
    """Return what a process does with a storage: make a study, open it, write trials, and read them again."""
    import optuna
    import pandas as pd

    from benchmarks.database import ROWS

    studies: list[Any] = []

    def create(path: str, trials: int) -> None:
        optuna.create_study(storage=storage(kind, path), study_name=STUDY, direction="maximize")

    def load(path: str) -> Any:
        return optuna.load_study(study_name=STUDY, storage=storage(kind, path))

    def open_(path: str) -> None:
        studies[:] = [load(path)]

    def write(trials: range) -> None:
        for _ in trials:
            trial = studies[0].ask()
            accuracies = [random.random() for _ in range(ROWS)]
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


def search(work: dict[str, Any], path: str) -> None:
    """Train what is enqueued in the study until nothing is left, as each of several processes does."""
    import optuna
    import torch

    torch.set_num_threads(1)
    study = optuna.load_study(study_name=STUDY, storage=storage("journal", path))
    parts = pytorch.tensors(load_data("mnist", work["samples"]), {"kind": "min_max", "over": "all"})
    while True:
        trial = study.ask()
        if trial.number >= len(work["configurations"]):  # this one was not enqueued
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return
        hidden = [trial.suggest_int(f"hidden[{index}]", 10, 99) for index in range(2)]
        alpha = trial.suggest_float("alpha", 0.0, 0.4)
        learning_rate = trial.suggest_float("learning_rate", 0.005, 0.1, log=True)
        batch_size = trial.suggest_int("batch_size", 10, 90, step=10)
        best = 0.0
        for epoch, accuracy in enumerate(
            pytorch.accuracies(parts, hidden, alpha, learning_rate, batch_size, work["epochs"]), start=1
        ):
            trial.report(accuracy, epoch)
            best = max(best, accuracy)
        study.tell(trial, best)


def main(file: str) -> None:
    """Do the work of a file; print how many trials were completed, and the best accuracy."""
    import optuna

    work = json.loads(Path(file).read_text())
    path = f"{file}.journal"
    study = optuna.create_study(storage=storage("journal", path), study_name=STUDY, direction="maximize")
    for configuration in work["configurations"]:
        study.enqueue_trial(configuration)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=search, args=(work, path)) for _ in range(work["processes"])]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(json.dumps([len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE])), study.best_value]))
    Path(path).unlink()


if __name__ == "__main__":
    main(sys.argv[1])
