"""Preparing a run: data sets in the cache, networks that fit, a compared environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweep.data import (
    Dataset,
    Task,
    data_options,
    find_digest,
    open_dataset,
    options_key,
    prepare,
    remarks,
    same_numbers,
)
from sweep.errors import Argument, DataError, ExperimentError, SweepError
from sweep.experiment.checks import check
from sweep.experiment.experiment import LABELS_AS_WRITTEN
from sweep.experiment.imported import refuse_imported
from sweep.experiment.parameters import trainer_of
from sweep.experiment.sections import Configuration
from sweep.observer import Observer
from sweep.records import SweepRecord, Trial
from sweep.runner.progress import noting
from sweep.system.arithmetic import arithmetic_of
from sweep.system.environment import differences, environment
from sweep.training.build import code_digest, epoch_count
from sweep.training.networks import NetworkSize, check_fit
from sweep.training.products import PRODUCTS, chosen


def prepare_datasets(
    sections: Iterable[Mapping[str, Any]],
    data: Path | None,
    base: Path | None,
    observer: Observer,
    task: Task | None = None,
) -> dict[str, str]:
    """Prepare the data sets of sections `data` in the cache; return the folder of each by its key.

    `task` is that of sections that state none.

    Raises:
        DataError: when one is missing or damaged.
    """
    folders = {}
    for section in sections:
        options = data_options(section)
        transform = f", transform {options['transform']}" if "transform" in options else ""
        observer.note(f"preparing the data set {options['kind']}{transform}")
        folder = prepare(folder=data, base=base, **{"task": task, **options})
        for remark in remarks(open_dataset(folder)):
            observer.note(f"warning: {remark}")
        folders[options_key(options)] = str(folder)
    return folders


def prepare_again(record: SweepRecord, data: Path | None, observer: Observer) -> dict[str, str]:
    """Bring the data sets of a stored sweep into the cache; return each one's folder by key.

    The files of one that cannot be read are not needed if the cache holds what they were.

    Raises:
        DataError: when one is missing or damaged.
        SweepError: when one has changed since the sweep was begun, or the sweep was imported.
    """
    refuse_imported(record)
    data = data or (Path(record.data_folder) if record.data_folder else None)
    base = Path(record.experiment_folder) if record.experiment_folder else None
    # A sweep that states no task was found to be one of classes when it was begun.
    folders: dict[str, str] = {}
    for entry in record.datasets:
        try:
            folders |= prepare_datasets([entry], data, base, observer, task="classification")
        except DataError:
            cached = find_digest(entry["sha256"])
            if cached is None:
                raise
            folders[options_key(data_options(entry))] = str(cached)
    _check_digests(record, folders)
    _check_classes(record, folders)
    return folders


def plan(trials: Sequence[Trial], folders: Mapping[str, str], observer: Observer) -> list[Trial]:
    """Return trials with planned epochs and the sizes of their networks.

    Each configuration is checked, and its network with its data set.

    Raises:
        ExperimentError: when a configuration is impossible, or its layers do not fit each other or its data set.
    """
    datasets = {key: open_dataset(Path(folder)) for key, folder in folders.items()}

    def dataset_of(trial: Trial) -> Dataset:
        return datasets[options_key(data_options(trial.configuration["data"]))]

    return [plan_trial(trial, dataset_of) for trial in noting(trials, "checked", observer)]


def plan_trial(trial: Trial, dataset_of: Callable[[Trial], Dataset]) -> Trial:
    """Return a trial with its planned epochs and the size of its network; one of a user's own trainer as it is.

    Raises:
        ExperimentError: as `plan`.
    """
    if "trainer" in trial.configuration:
        return trial
    dataset = dataset_of(trial)
    configuration, size = network_size(trial, dataset)
    return replace(
        trial,
        planned_epochs=epoch_count(configuration, len(dataset.train.x)),
        network_parameters=size.parameters,
        multiplications=size.multiplications,
    )


def network_size(trial: Trial, dataset: Dataset) -> tuple[Configuration, NetworkSize]:
    """Return the checked configuration of a trial, and the size of its network, which makes no array.

    Raises:
        ExperimentError: when the configuration is impossible, or its layers do not fit each other or its data set.
    """
    configuration: Configuration = check([(Configuration, trial.configuration)], f"trial {trial.number}")[0]
    try:
        return configuration, check_fit(configuration, dataset.outputs, dataset.shape)
    except ValueError as error:
        raise ExperimentError(f"trial {trial.number}: {error}") from None


def surroundings(trainer: Mapping[str, Any] | None, folder: Path | None) -> dict[str, str]:
    """Return the environment that results depend on, with a digest of the code of a user's own trainer.

    For our own networks it tells how they multiply, which is measured where this machine has not done so yet.

    Raises:
        ExperimentError: when a user's function cannot be found.
    """
    if trainer is None:
        return environment() | {PRODUCTS: chosen()}
    digest = code_digest(trainer, folder)
    return environment() | ({"trainer": digest} if digest else {})


def data_sha256(folder: str) -> str:
    """Return the digest of the files that a cached data set was made from."""
    return open_dataset(Path(folder)).sha256


def _check_digests(record: SweepRecord, folders: dict[str, str]) -> None:
    for entry in record.datasets:
        key = options_key(data_options(entry))
        if data_sha256(folders[key]) != entry["sha256"]:
            raise SweepError(
                f"the data set {key} is not the one that '{record.name}' was begun with; bring the old files back, "
                "or run the experiment again under another ",
                Argument("name"),
            )


def _check_classes(record: SweepRecord, folders: dict[str, str]) -> None:
    """Refuse to go on with other classes than a sweep was begun with: see `FORMAT`."""
    if record.format >= LABELS_AS_WRITTEN:
        return
    for folder in folders.values():
        dataset = open_dataset(Path(folder))
        if names := same_numbers(dataset.class_names):
            raise SweepError(
                f"the labels {', '.join(map(repr, names))} of the data set {dataset.name} were one class when "
                f"'{record.name}' was begun, and are different classes now; run the experiment again under another ",
                Argument("name"),
            )


def warn_of_changes(record: SweepRecord, observer: Observer) -> None:
    """Tell the observer which versions have changed since the sweep was begun.

    The last bits of results may differ then.
    """
    folder = Path(record.experiment_folder) if record.experiment_folder else None
    trainer = trainer_of(record)
    now = surroundings(trainer, folder)
    now |= {key: kept for key, kept in record.environment.items() if key == PRODUCTS}  # it goes on as it was begun
    if trainer is not None:
        now["arithmetic"] = str(arithmetic_of(record.environment))  # of our own networks only
    if changes := differences(record.environment, now):
        observer.note(
            f"warning: not the environment this sweep was begun in, so the last bits of results may differ: {changes}"
        )
