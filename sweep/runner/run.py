"""Running a new sweep: an experiment becomes trials in the store, and an engine trains them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sweep.data import data_entry, data_options, options_key
from sweep.engines import RunOptions, open_engine
from sweep.experiment.experiment import Experiment
from sweep.records import SweepRecord
from sweep.runner.prepare import check_fit, data_sha256, prepare_datasets
from sweep.runner.train import train_queued
from sweep.store import Store
from sweep.system.environment import environment
from sweep.system.variables import data_folder


def run(experiment: Experiment, store: Store, options: RunOptions) -> SweepRecord:
    """Draw all trials of a new sweep, store them and train them; return the sweep's record.

    Raises:
        SweepError: when a configuration, a data set or the name is unusable, and nothing is stored then; or when the
            sweep had to stop, and all that was done is kept.
    """
    trials = experiment.trials()
    described = {options_key(data_options(d)): d for d in (trial.configuration["data"] for trial in trials)}
    folders = prepare_datasets(described.values(), options.data_folder, experiment.folder, options.observer)
    epochs = check_fit(trials, folders)
    with open_engine(options, store, len(trials)) as engine:
        store.add_sweep(_describe(experiment, epochs, described, folders, options.data_folder), trials)
        record = store.sweep(experiment.name)
        train_queued(record, store, folders, engine, options)
    return record


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
        datasets=[{**data_entry(d), "sha256": data_sha256(folders[key])} for key, d in described.items()],
        data_folder=_absolute(data or data_folder()),
        experiment_folder=_absolute(experiment.folder),
        environment=environment(),
    )


def _absolute(folder: str | Path | None) -> str | None:
    return str(Path(folder).absolute()) if folder else None
