"""Preparing a run: data sets in the cache, networks that fit them, warnings about a changed environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sweep.data import Task, data_options, open_dataset, options_key, prepare
from sweep.errors import Argument, ExperimentError, SweepError
from sweep.experiment.sections import Configuration
from sweep.observer import Observer
from sweep.records import SweepRecord, Trial
from sweep.system.environment import differences, environment
from sweep.training.build import epoch_count
from sweep.training.networks import check_fit


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
        observer.note(f"preparing the data set {options['kind']}")
        folders[options_key(options)] = str(prepare(folder=data, base=base, **{"task": task, **options}))
    return folders


def prepare_again(record: SweepRecord, data: Path | None, observer: Observer) -> dict[str, str]:
    """Bring the data sets of a stored sweep into the cache; return the folder of each by its key.

    Raises:
        DataError: when one is missing or damaged.
        SweepError: when one has changed since the sweep was begun.
    """
    data = data or (Path(record.data_folder) if record.data_folder else None)
    base = Path(record.experiment_folder) if record.experiment_folder else None
    # A sweep that states no task was found to be one of classes when it was begun.
    folders = prepare_datasets(record.datasets, data, base, observer, task="classification")
    _check_digests(record, folders)
    return folders


def check_fit(trials: list[Trial], folders: dict[str, str]) -> int:
    """Check that the layers of each network fit each other and the data set; return the epochs of the longest trial.

    Raises:
        ExperimentError: when those of a trial do not.
    """
    epochs = 0
    datasets = {key: open_dataset(Path(folder)) for key, folder in folders.items()}
    for trial in trials:
        dataset = datasets[options_key(data_options(trial.configuration["data"]))]
        configuration = Configuration.model_validate(trial.configuration)
        try:
            check_fit(configuration, dataset.outputs, dataset.shape)
        except ValueError as error:
            raise ExperimentError(f"trial {trial.number}: {error}") from None
        epochs = max(epochs, epoch_count(configuration, len(dataset.train.x)))
    return epochs


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


def warn_of_changes(record: SweepRecord, observer: Observer) -> None:
    """Tell the observer which versions differ from those the sweep was begun with, as results may then differ, too."""
    if changes := differences(record.environment, environment()):
        observer.note(
            f"warning: not the environment this sweep was begun in, so the last bits of results may differ: {changes}"
        )
