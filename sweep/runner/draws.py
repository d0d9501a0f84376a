"""Drawing the trials of a sweep, with their data sets and planned epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from sweep.data import Dataset, data_entry, data_options, options_key
from sweep.engines import RunOptions
from sweep.experiment.experiment import Experiment, IsOutside
from sweep.observer import Observer
from sweep.records import SweepRecord, Trial
from sweep.runner.limits import LimitCheck
from sweep.runner.prepare import data_sha256, plan, prepare_datasets, surroundings
from sweep.runner.progress import noting
from sweep.stopping import rung_rule
from sweep.system.files import utf_8_path
from sweep.system.variables import data_folder
from sweep.training.build import opened


@dataclass
class Datasets:
    """The data sets of a sweep, each prepared in the cache when it is first drawn."""

    _options: RunOptions
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is kept of each, by its key."""
    folders: dict[str, str] = field(default_factory=dict)
    """The cached folder of each, by its key."""

    @classmethod
    def stored(cls, record: SweepRecord, folders: dict[str, str], options: RunOptions) -> Datasets:
        """Return the data sets of a stored sweep, given their cached folders."""
        return cls(options, {options_key(data_options(entry)): entry for entry in record.datasets}, folders)

    def take(self, experiment: Experiment, draw: Callable[[IsOutside], Iterable[Trial]]) -> list[Trial]:
        """Return trials that are drawn, once the data sets that they have are in the cache.

        One that is not there is found out before the other trials are drawn, of which there may be many.

        Args:
            draw: draws the trials, given which configurations are outside of the limits.
        """
        limits = LimitCheck(experiment, lambda trial: self._of(trial, experiment.folder))
        taken: list[Trial] = []
        previous = None
        for trial in draw(limits.is_outside):
            section = trial.configuration.get("data")
            if section is not None and section != previous:
                key, previous = self._prepare(section, experiment.folder), section
                self.entries.setdefault(key, data_entry(section))
            taken.append(trial)
        limits.tell(len(taken) // experiment.repeats, self._options.observer)
        return taken

    def _prepare(self, section: Mapping[str, Any], folder: Path | None) -> str:
        """Return the key of the data set of a section `data`, which is in the cache then."""
        key = options_key(data_options(section))
        if key not in self.folders:
            entries, options = [data_entry(section)], self._options
            self.folders |= prepare_datasets(entries, options.data_folder, folder, options.observer)
        return key

    def _of(self, trial: Trial, folder: Path | None) -> Dataset:
        """Return the data set of a trial of our networks."""
        return opened(self.folders[self._prepare(trial.configuration["data"], folder)])

    def listed(self) -> list[dict[str, Any]]:
        """Return what is kept of each, with the digest of its files."""
        return [{**entry, "sha256": data_sha256(self.folders[key])} for key, entry in self.entries.items()]


class Drawn(NamedTuple):
    """A new sweep, ready to be stored."""

    record: SweepRecord
    trials: list[Trial]
    datasets: Datasets


def draw(experiment: Experiment, options: RunOptions) -> Drawn:
    """Draw the trials of a sweep, prepare each data set when it is first drawn, and plan the epochs.

    Raises:
        SweepError: when a configuration or a data set is unusable, or a user's function cannot be found.
    """
    data, folder = (
        utf_8_path(path) if path else None for path in (options.data_folder or data_folder(), experiment.folder)
    )
    found = surroundings(experiment.header.trainer_table(), experiment.folder)
    datasets = Datasets(options)
    trials = datasets.take(experiment, lambda outside: noting(experiment.draws(outside), "drew", options.observer))
    _note_repetitions(trials, experiment.repeats, options.observer)
    trials = grouped(plan(trials, datasets.folders, options.observer), experiment, 0)
    _note_too_short(experiment, trials, options.observer)
    planned = experiment.planned_trials if experiment.is_adaptive else None
    record = SweepRecord(
        name=experiment.name,
        description=experiment.header.description,
        seed=experiment.header.seed,
        epochs=max(trial.planned_epochs for trial in trials),
        experiment=experiment.text,
        overrides=list(experiment.overrides),
        fingerprint=experiment.fingerprint,
        datasets=datasets.listed(),
        data_folder=data,
        experiment_folder=folder,
        environment=found,
        objective=experiment.objective,
        repeats=experiment.repeats,
        format=experiment.format,
        planned_trials=None if planned == len(trials) else planned,
    )
    return Drawn(record, trials, datasets)


def grouped(trials: Sequence[Trial], experiment: Experiment, round_number: int) -> list[Trial]:
    """Return trials that are drawn together, each with the epoch after which it first pauses."""
    rule = rung_rule(experiment.rules)
    found = []
    for place, trial in enumerate(trials):
        target = rule[1].start(place // experiment.repeats, trial.planned_epochs) if rule else None
        is_within = target is not None and target < trial.planned_epochs
        found.append(replace(trial, round=round_number, target_epochs=target if is_within else None))
    return found


def _note_repetitions(trials: Sequence[Trial], repeats: int, observer: Observer) -> None:
    """Tell the observer of configurations that were drawn several times."""
    drawn = len(trials) // repeats
    # Values of different types stay apart: 1 and true are equal.
    different = len({repr(trial.parameters) for trial in trials[::repeats]})
    if different < drawn:
        verb = "is" if different == 1 else "are"
        observer.note(
            f"warning: of {drawn} drawn configurations only {different} {verb} different, and what was drawn again is "
            "trained again with other seeds; for that, draw fewer trials and give `repeats`"
        )


def _note_too_short(experiment: Experiment, trials: Sequence[Trial], observer: Observer) -> None:
    """Tell the observer of a rule that stops none of these trials, as their training is too short."""
    rule = rung_rule(experiment.rules)
    warning = rule[1].warning(max(trial.planned_epochs for trial in trials)) if rule else None
    if rule and warning:
        observer.note(f"warning: the rule '{rule[0]}' has nothing to do: {warning}")
