"""Drawing the trials of a pack again from its experiment file and seed, and comparing them with the packed ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sweep.errors import ExperimentError, SweepError, UsageError
from sweep.experiment.experiment import Experiment, History
from sweep.experiment.file import experiment_of
from sweep.experiment.imported import source_of
from sweep.experiment.parents import parent_of
from sweep.records import Scalar, SweepRecord, Trial
from sweep.store import Store
from sweep.store.schema import trials

EPOCHS = "training.epochs"
"""Name of the parameter that is another one where a trial was trained for more epochs than it was drawn with."""
_COLUMNS = ("number", "repeat", "redraws", "exempt", "seed_weights", "seed_shuffling", "seed_dropout", "configuration")


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What came of drawing trials again."""

    drawn: int
    """How many were drawn again."""
    different: list[str]
    """One clause for each thing that is not what the file and the seed draw."""
    remark: str = ""
    """Why not all were drawn again, in one clause; the empty text where all were."""


def redraw(store: Store, record: SweepRecord, files: Path) -> Redrawn:
    """Draw the trials of a sweep again, and compare configuration, parameters and seeds.

    Draws that were outside of limits are passed over as often as is stored: whether they had to be is known only with
    the data set. Of a sampler that learns from results the draws before the first result are compared.

    Args:
        store: a database.
        record: its sweep.
        files: folder with the files that the experiment names.

    Raises:
        SweepError: when the experiment cannot be read or drawn.
    """
    if parent := parent_of(record):
        return Redrawn(0, [], f"its trials were made from those of the sweep {parent}, not drawn")
    if source := source_of(record):
        return Redrawn(0, [], f"its trials were imported from {source}, not drawn")
    experiment = experiment_of(replace(record, experiment_folder=str(files)))
    if experiment.fingerprint != record.fingerprint:
        return Redrawn(0, ["the experiment file is not the one of the stored fingerprint, or draws otherwise"])
    stored, parameters = _stored(store, record.id), store.parameters(record.id)
    redraws = {number: row["redraws"] or 0 for number, row in stored.items()}
    different, drawn = list(_header_differences(experiment, record)), 0
    try:
        for trial in _draws(experiment, len(stored), redraws):
            drawn += 1
            if trial.number in stored:
                row = stored[trial.number]
                names = _differences(_continued(trial, row), row, parameters.get(trial.number, {}))
                different += [f"trial {trial.number}: {name} is not what the file and the seed draw" for name in names]
    except (ExperimentError, UsageError) as error:
        raise SweepError(f"the trials cannot be drawn again: {error}") from None
    return Redrawn(drawn, different, _remark(experiment, len(stored) - drawn))


def _header_differences(experiment: Experiment, record: SweepRecord) -> Iterator[str]:
    """Yield which columns of the sweep's own row are not what the file says."""
    said = {"seed": experiment.header.seed, "repeats": experiment.repeats, "objective": experiment.objective}
    yield from (f"{name} of the sweep is not that of the file" for name in said if getattr(record, name) != said[name])


def _remark(experiment: Experiment, left: int) -> str:
    if not left:
        return ""
    if experiment.is_adaptive:
        return f"{left} later ones were drawn by a sampler that learns from results"
    return f"{left} more are beyond what the experiment file draws"


def _draws(experiment: Experiment, total: int, redraws: Mapping[int, int]) -> Iterator[Trial]:
    """Yield the first `total` trials, as far as they follow from the file and the seed alone."""

    def is_outside(trial: Trial) -> bool:
        return trial.redraws < redraws.get(trial.number, 0)

    first = 0
    for trial in islice(experiment.draws(is_outside), total):
        first += 1
        yield trial
    if first < total and not experiment.is_adaptive:  # extended, or as many as a budget allowed
        each = experiment.repeats
        nothing = History((), (), ())
        yield from islice(experiment.draw_more(first // each, total // each, nothing, is_outside), total - first)


def _stored(store: Store, sweep_id: int) -> dict[int, dict[str, Any]]:
    query = select(*(trials.c[name] for name in _COLUMNS)).where(trials.c.sweep_id == sweep_id)
    with store.database.reading() as connection:
        return {row["number"]: dict(row) for row in connection.execute(query).mappings()}


def _continued(trial: Trial, row: Mapping[str, Any]) -> Trial:
    """Return a drawn trial with the epochs of the stored one, if that was continued and has more."""
    training = trial.configuration.get("training", {})
    now = row["configuration"].get("training", {}).get("epochs")
    if row["exempt"] != "continued" or now is None or "epochs" not in training or training["epochs"] >= now:
        return trial
    drawn = trial.parameters | ({EPOCHS: now} if EPOCHS in trial.parameters else {})
    return replace(
        trial, configuration=trial.configuration | {"training": training | {"epochs": now}}, parameters=drawn
    )


def _differences(trial: Trial, row: Mapping[str, Any], parameters: Mapping[str, Scalar]) -> Iterator[str]:
    """Yield the names of what differs."""
    if _exact(trial.configuration) != _exact(row["configuration"]):
        yield "configuration"
    if _exact(trial.parameters) != _exact(parameters):
        yield "parameters"
    for name in ("weights", "shuffling", "dropout"):
        if getattr(trial.seeds, name) != row[f"seed_{name}"]:
            yield f"seed_{name}"
    if trial.repeat != row["repeat"]:
        yield "repeat"
    if trial.redraws != (row["redraws"] or 0):
        yield "redraws"


def _exact(value: object) -> str:
    """Return a value as JSON, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)
