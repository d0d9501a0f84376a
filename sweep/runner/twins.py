"""Twins: trials made from those of another sweep, with another configuration or other seeds, in a sweep of their own.

A twin begins at the beginning, or forks from its parent: then it has the parent's epochs up to one of them, and goes on
from the parent's state after it, bit for bit. It is trained, resumed and shown as any other trial:

    twin = Twin(12, configuration, further_seeds(parent, 12), {"parent": "digits/12"})
    record = add_twins(parent, "digits.seeds", [twin], store, prepare_again(parent, None, observer))
    record = resume(record.name, store, options)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from sweep.errors import Argument, SweepError, UsageError
from sweep.experiment.file import experiment_of
from sweep.experiment.parameters import COMMON_KEYS, NAME_PATTERN, NAME_WORDS, read_table
from sweep.experiment.parents import parent_of
from sweep.experiment.toml import write_toml
from sweep.observer import Silent
from sweep.records import BatchLosses, Epoch, Scalar, Seeds, SweepRecord, Trial, TrialRecord, Weights
from sweep.runner.prepare import plan, surroundings
from sweep.space.samplers.base import trial_seeds
from sweep.space.trees import leaves
from sweep.store import Store
from sweep.store.twins import Start
from sweep.system.files import within
from sweep.training import checkpoint
from sweep.training.build import build, dataset_of
from sweep.training.checkpoint import Snapshot
from sweep.training.forks import transferred
from sweep.training.products import products_of
from sweep.training.trainer import Setup
from sweep.trial.origins import Origin
from sweep.trial.weights import provenance

TWINS = Argument("twins")
ATTEMPTS = 20
"""How often twins are added again, each time behind those that another process has added meanwhile."""


@dataclass(frozen=True)
class ForkPoint:
    """The parent after an epoch, from which twins go on."""

    seeds: Seeds
    """Those of the parent."""
    snapshot: Snapshot
    epochs: Sequence[Epoch]
    """All up to that of the snapshot, the untrained network included."""
    losses: Sequence[BatchLosses] = ()
    """Of their mini-batches, as far as they are recorded."""
    correct: bytes | None = None
    """Which examples are right at that of the epochs which stands for the parent, packed, where that is known."""


@dataclass(frozen=True)
class Twin:
    """A trial to be made from one of another sweep."""

    parent: int
    """Its number there."""
    configuration: Mapping[str, Any]
    """As stored configurations are, every value drawn."""
    seeds: Seeds
    labels: Mapping[str, str]
    """What is kept with the trial as if it were searched, by name; all twins of a sweep have the same names."""
    target_epochs: int | None = None
    """Epochs after which it pauses; None for the end of its training."""
    fork: ForkPoint | None = None
    """Where it goes on from; None for the beginning."""
    parameters: Mapping[str, Scalar] | None = None
    """The searched values that it has; None for those of its parent, as far as its configuration has them."""


def further_seeds(record: SweepRecord, number: int, more: int = 0) -> Seeds:
    """Return the seeds that a trial would have as a further repeat of its configuration, from 0."""
    return trial_seeds(record.seed, number // record.repeats, record.repeats + more)


def add_twins(
    parent: SweepRecord,
    name: str,
    twins: Sequence[Twin],
    store: Store,
    folders: Mapping[str, str],
    *,
    once: Sequence[str] = (),
    datasets: Sequence[dict[str, Any]] = (),
) -> SweepRecord:
    """Store twins as queued trials, behind those that a sweep has already, or of a new one; return its record.

    Another process may add twins at the same time: then this is tried again behind those.

    Args:
        parent: the sweep that they are made from.
        name: that of their own.
        twins: at least one.
        store: where both are.
        folders: cached folder of each data set by its key.
        once: the labels by which twins are the same; those that the sweep has already are left out. By default none
            are.
        datasets: what is kept of those data sets that the parent does not have.

    Raises:
        ExperimentError: when a configuration is impossible.
        SweepError: when the name is that of a sweep of another kind, or other processes add twins all the time.
    """
    for _ in range(ATTEMPTS):
        record = find_twins(parent, name, store) or _new(parent, name, list(twins[0].labels))
        record = replace(
            record, datasets=[*record.datasets, *(each for each in datasets if each not in record.datasets)]
        )
        new = _not_there(record, twins, store, once)
        if not new or _are_added(parent, record, new, store, folders):
            return store.sweep(name)
    raise SweepError(f"other processes add twins to {name} all the time; give the same command again once they end")


def _not_there(record: SweepRecord, twins: Sequence[Twin], store: Store, once: Sequence[str]) -> list[Twin]:
    """Return those twins that a sweep does not have yet."""
    if not (once and record.id):
        return list(twins)
    there = {tuple(str(own.get(name)) for name in once) for own in store.parameters(record.id).values()}
    return [twin for twin in twins if tuple(twin.labels[name] for name in once) not in there]


def _are_added(
    parent: SweepRecord, record: SweepRecord, twins: Sequence[Twin], store: Store, folders: Mapping[str, str]
) -> bool:
    """Add twins to a sweep as it is in its record; return False where another process has changed it since."""
    drawn = plan(list(_trials(parent, record.trials, twins, store)), folders, Silent())
    record = replace(record, epochs=max(record.epochs, *(trial.planned_epochs for trial in drawn)))
    starts = {
        trial.number: _start(record, trial, twin.fork, store, folders)
        for trial, twin in zip(drawn, twins, strict=True)
        if twin.fork
    }
    if store.add_twins(record, drawn, starts, record.datasets):
        return True
    for start in starts.values():
        with suppress(OSError):
            within(store.folder, start.checkpoint.file).unlink()
    return False


def find_twins(parent: SweepRecord, name: str, store: Store) -> SweepRecord | None:
    """Return the sweep of a name that has twins of trials of another one; None where there is none of that name.

    Raises:
        UsageError: when no sweep can have the name.
        SweepError: when it is a sweep of another kind, or of twins of another sweep.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"a sweep of twins cannot be called {name!r}: give {NAME_WORDS} with ", TWINS)
    if name not in store.names():
        return None
    record = store.sweep(name)
    if parent_of(record) != parent.name:
        raise SweepError(
            f"{name} is a sweep already, and not one of twins of {parent.name}; give another name with ", TWINS
        )
    return record


def _new(parent: SweepRecord, name: str, labels: list[str]) -> SweepRecord:
    """Return a new sweep without trials, which searches what its parent does."""
    table = read_table(parent.experiment, parent.name, parent.overrides)
    trainer = experiment_of(parent).header.trainer_table()
    kept = {key: value for key, value in table.items() if key not in COMMON_KEYS or key == "objective"}
    description = f"twins of trials of {parent.name}"
    sampler = {"kind": "given", "of": parent.name, "labels": labels}
    text = write_toml({"name": name, "description": description, "sampler": sampler, **kept})
    record = SweepRecord(
        name=name,
        description=description,
        seed=parent.seed,
        epochs=0,
        experiment=text,
        overrides=[],
        fingerprint="",
        datasets=parent.datasets,
        data_folder=parent.data_folder,
        experiment_folder=parent.experiment_folder,
        environment=surroundings(trainer, Path(parent.experiment_folder) if parent.experiment_folder else None),
        objective=parent.objective,
        format=parent.format,
    )
    return replace(record, fingerprint=experiment_of(record).fingerprint)


def _trials(parent: SweepRecord, first: int, twins: Sequence[Twin], store: Store) -> Iterator[Trial]:
    """Yield the trials that twins are stored as."""
    searched = store.parameters(parent.id)
    rows: dict[int, TrialRecord] = {}
    for number, twin in enumerate(twins, first):
        row = rows.setdefault(twin.parent, store.trial(parent.id, twin.parent))
        origin = Origin(parent.name, twin.parent, twin.fork.snapshot.epoch) if twin.fork else None
        values = twin.parameters or _values(searched[twin.parent], row.configuration, twin.configuration)
        yield Trial(
            number=number,
            parameters={**twin.labels, **values},
            configuration=dict(twin.configuration),
            seeds=twin.seeds,
            planned_epochs=row.planned_epochs,
            target_epochs=twin.target_epochs,
            forked_from=str(origin) if origin else None,
        )


def _values(drawn: Mapping[str, Scalar], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the values of what the parent searches, in a twin's configuration.

    The name of an option that is a table or a list stays as it was drawn, whatever has changed in it.
    """
    before, after = dict(leaves(dict(old))), dict(leaves(dict(new)))
    changed = {name for name in drawn if name in before and name in after and before[name] != after[name]}
    return {name: after[name] if name in changed else value for name, value in drawn.items()}


def _start(record: SweepRecord, trial: Trial, fork: ForkPoint, store: Store, folders: Mapping[str, str]) -> Start:
    """Write the checkpoint that a twin goes on from, and return what it has then.

    Raises:
        WeightsError: when its network cannot go on from the state of its parent.
    """
    setup = Setup(
        number=trial.number,
        configuration=trial.configuration,
        seeds=trial.seeds,
        planned_epochs=trial.planned_epochs,
        objective=record.objective,
        datasets=folders,
        experiment_folder=Path(record.experiment_folder) if record.experiment_folder else None,
        files=store.files,
        sweep=record.name,
        products=products_of(record.environment),
    )
    trainer, dataset = build(setup), dataset_of(setup)
    snapshot = transferred(fork.snapshot, trainer, reseeded=trial.seeds != fork.seeds)
    trainer.check(snapshot)
    about = {"trial": trial.number, **provenance(trial.configuration, trial.seeds, dataset.sha256 if dataset else None)}
    place = (store.files / record.name).relative_to(store.folder).as_posix()
    # Another process may be about to add a trial of the same number, whose checkpoint is another file.
    file = f"{place}/checkpoints/{trial.number}-1-{snapshot.epoch}-{uuid4().hex[:8]}.npz"
    sha256 = checkpoint.write(replace(snapshot, about=about), within(store.folder, file))
    return Start(Weights(file, snapshot.epoch, sha256), fork.epochs, fork.losses, fork.correct)
