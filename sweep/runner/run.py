"""Running a new sweep: its trials are drawn, stored and trained by an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sweep.data import Dataset, data_entry, data_options, options_key
from sweep.engines import RunOptions, open_engine
from sweep.experiment.experiment import Experiment
from sweep.observer import Observer
from sweep.records import SweepRecord, Trial
from sweep.runner.limits import LimitCheck
from sweep.runner.prepare import data_sha256, plan, prepare_datasets, surroundings
from sweep.runner.progress import noting
from sweep.runner.train import resumable, train_queued
from sweep.store import Store
from sweep.system.files import utf_8_path
from sweep.system.variables import data_folder
from sweep.training.build import opened

MANY = 10_000
"""Trials that take so long to be stored that the observer is told."""


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
    store.check_name(experiment.name)
    with resumable(experiment.name, store):
        drawn = draw(experiment, options)
        with open_engine(options, store, len(drawn.trials)) as engine:
            if len(drawn.trials) >= MANY:
                options.observer.note(f"storing {len(drawn.trials):,} trials")
            store.add_sweep(drawn.record, drawn.trials)
            record = store.sweep(experiment.name)
            train_queued(record, store, drawn.datasets, engine, options)
    return record


def draw(experiment: Experiment, options: RunOptions) -> Drawn:
    """Draw the trials of a sweep, prepare each data set when it is first drawn, and plan the epochs.

    Raises:
        SweepError: when a configuration or a data set is unusable, or a user's function cannot be found.
    """
    data, folder = (
        utf_8_path(path) if path else None for path in (options.data_folder or data_folder(), experiment.folder)
    )
    found = surroundings(experiment.header.trainer_table(), experiment.folder)
    trials, described, folders = _drawn_with_data(experiment, options)
    _note_repetitions(trials, experiment.repeats, options.observer)
    trials = plan(trials, folders, options.observer)
    record = SweepRecord(
        name=experiment.name,
        description=experiment.header.description,
        seed=experiment.header.seed,
        epochs=max(trial.planned_epochs for trial in trials),
        experiment=experiment.text,
        overrides=list(experiment.overrides),
        fingerprint=experiment.fingerprint,
        datasets=[{**entry, "sha256": data_sha256(folders[key])} for key, entry in described.items()],
        data_folder=data,
        experiment_folder=folder,
        environment=found,
        objective=experiment.objective,
        repeats=experiment.repeats,
        format=experiment.format,
    )
    return Drawn(record, trials, folders)


def _drawn_with_data(
    experiment: Experiment, options: RunOptions
) -> tuple[list[Trial], dict[str, dict[str, Any]], dict[str, str]]:
    """Return the trials, and what is kept of each data set and its cached folder by key.

    A data set that is not there is found out before the other trials are drawn, of which there may be many.
    """
    trials: list[Trial] = []
    described: dict[str, dict[str, Any]] = {}
    datasets = DrawnDatasets(experiment, options)
    limits = LimitCheck(experiment, datasets.of)
    previous = None
    for trial in noting(experiment.draws(limits.is_outside), "drew", options.observer):
        section = trial.configuration.get("data")
        if section is not None and section != previous:
            key, previous = datasets.prepare(section), section
            described.setdefault(key, data_entry(section))
        trials.append(trial)
    limits.tell(len(trials) // experiment.repeats, options.observer)
    return trials, described, {key: datasets.folders[key] for key in described}


class DrawnDatasets:
    """The data sets of the trials of an experiment, each prepared in the cache when it is first drawn."""

    def __init__(self, experiment: Experiment, options: RunOptions) -> None:
        self._experiment = experiment
        self._options = options
        self.folders: dict[str, str] = {}
        """Cached folder of each data set by its key."""

    def prepare(self, section: Mapping[str, Any]) -> str:
        """Return the key of the data set of a section `data`, which is in the cache then."""
        key = options_key(data_options(section))
        if key not in self.folders:
            options, entry = self._options, data_entry(section)
            self.folders |= prepare_datasets([entry], options.data_folder, self._experiment.folder, options.observer)
        return key

    def of(self, trial: Trial) -> Dataset:
        """Return the data set of a trial of our networks."""
        return opened(self.folders[self.prepare(trial.configuration["data"])])


def _note_repetitions(trials: Sequence[Trial], repeats: int, observer: Observer) -> None:
    """Tell the observer of configurations that were drawn several times."""
    drawn = len(trials) // repeats
    # Values of different types stay apart: 1 and true are equal.
    different = len({repr(trial.parameters) for trial in trials[::repeats]})
    if different < drawn:
        observer.note(
            f"warning: of {drawn} drawn configurations only {different} are different, and what was drawn again is "
            "trained again with other seeds; for that, draw fewer trials and give `repeats`"
        )
