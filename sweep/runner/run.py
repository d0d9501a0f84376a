"""Running a new sweep: its trials are drawn, stored and trained by an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sweep.data import data_entry, data_options, options_key
from sweep.engines import RunOptions, open_engine
from sweep.experiment.experiment import Experiment
from sweep.records import SweepRecord, Trial
from sweep.runner.prepare import data_sha256, plan, prepare_datasets, surroundings
from sweep.runner.train import train_queued
from sweep.store import Store
from sweep.system.variables import data_folder


def run(experiment: Experiment, store: Store, options: RunOptions) -> SweepRecord:
    """Draw all trials of a new sweep, store them and train them; return the sweep's record.

    Raises:
        SweepError: when a configuration, a data set or the name is unusable, and nothing is stored then; or when the
            sweep had to stop, and all that was done is kept.
    """
    trials = experiment.trials()
    found = surroundings(experiment.header.trainer_table(), experiment.folder)
    sections = [trial.configuration["data"] for trial in trials if "data" in trial.configuration]
    described = {options_key(data_options(section)): section for section in sections}
    folders = prepare_datasets(described.values(), options.data_folder, experiment.folder, options.observer)
    trials = plan(trials, folders)
    with open_engine(options, store, len(trials)) as engine:
        record = _describe(experiment, trials, described, folders, options.data_folder, found)
        store.add_sweep(record, trials)
        record = store.sweep(experiment.name)
        train_queued(record, store, folders, engine, options)
    return record


def _describe(
    experiment: Experiment,
    trials: Sequence[Trial],
    described: Mapping[str, Any],
    folders: Mapping[str, str],
    data: Path | None,
    found: dict[str, str],
) -> SweepRecord:
    return SweepRecord(
        name=experiment.name,
        description=experiment.header.description,
        seed=experiment.header.seed,
        epochs=max(trial.planned_epochs for trial in trials),
        experiment=experiment.text,
        overrides=list(experiment.overrides),
        fingerprint=experiment.fingerprint,
        datasets=[{**data_entry(d), "sha256": data_sha256(folders[key])} for key, d in described.items()],
        data_folder=_absolute(data or data_folder()),
        experiment_folder=_absolute(experiment.folder),
        environment=found,
        objective=experiment.objective,
        repeats=experiment.repeats,
        format=experiment.format,
    )


def _absolute(folder: str | Path | None) -> str | None:
    return str(Path(folder).absolute()) if folder else None
