"""Running a new sweep: its trials are drawn, stored and trained by an engine."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sweep.data import data_entry, data_options, options_key
from sweep.engines import RunOptions, open_engine
from sweep.experiment.experiment import Experiment
from sweep.records import SweepRecord, Trial
from sweep.runner.prepare import data_sha256, plan, prepare_datasets, surroundings
from sweep.runner.train import train_queued
from sweep.store import Store
from sweep.system.variables import data_folder


class Drawn(NamedTuple):
    """A new sweep, ready to be stored."""

    record: SweepRecord
    trials: list[Trial]
    datasets: dict[str, str]
    """Cached folder of each data set by its key."""


def run(experiment: Experiment, store: Store, options: RunOptions) -> SweepRecord:
    """Draw all trials of a new sweep, store them and train them; return the sweep's record.

    Raises:
        SweepError: when a configuration, a data set or the name is unusable, and nothing is stored then; or when the
            sweep had to stop, and all that was done is kept.
    """
    drawn = draw(experiment, options)
    with open_engine(options, store, len(drawn.trials)) as engine:
        store.add_sweep(drawn.record, drawn.trials)
        record = store.sweep(experiment.name)
        train_queued(record, store, drawn.datasets, engine, options)
    return record


def draw(experiment: Experiment, options: RunOptions) -> Drawn:
    """Draw the trials of a sweep, prepare its data sets, and plan its epochs.

    Raises:
        SweepError: when a configuration or a data set is unusable, or a user's function cannot be found.
    """
    trials = experiment.trials()
    found = surroundings(experiment.header.trainer_table(), experiment.folder)
    sections = [trial.configuration["data"] for trial in trials if "data" in trial.configuration]
    described = {options_key(data_options(section)): data_entry(section) for section in sections}
    folders = prepare_datasets(described.values(), options.data_folder, experiment.folder, options.observer)
    trials = plan(trials, folders)
    record = SweepRecord(
        name=experiment.name,
        description=experiment.header.description,
        seed=experiment.header.seed,
        epochs=max(trial.planned_epochs for trial in trials),
        experiment=experiment.text,
        overrides=list(experiment.overrides),
        fingerprint=experiment.fingerprint,
        datasets=[{**entry, "sha256": data_sha256(folders[key])} for key, entry in described.items()],
        data_folder=_absolute(options.data_folder or data_folder()),
        experiment_folder=_absolute(experiment.folder),
        environment=found,
        objective=experiment.objective,
        repeats=experiment.repeats,
        format=experiment.format,
    )
    return Drawn(record, trials, folders)


def _absolute(folder: str | Path | None) -> str | None:
    return str(Path(folder).absolute()) if folder else None
