"""Renaming a sweep, with the sweeps of twins that were made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sweep.errors import SweepError, UsageError
from sweep.experiment.file import experiment_of
from sweep.experiment.parameters import NAME_PATTERN, NAME_WORDS, read_table
from sweep.experiment.parents import labels_of, parent_of
from sweep.records import SweepRecord
from sweep.store import Store
from sweep.store.renaming import Renamed


def twins_of(record: SweepRecord, store: Store) -> list[SweepRecord]:
    """Return the sweeps whose trials were made from those of one, by name."""
    mentioning = [each for each in store.records() if record.name in "\n".join([each.experiment, *each.overrides])]
    found = [each for each in mentioning if each.id != record.id and parent_of(each) == record.name]
    return sorted(found, key=lambda each: each.name)


def rename(record: SweepRecord, new: str, store: Store) -> SweepRecord:
    """Give a sweep another name; return its record as it is then.

    Sweeps of twins that are called after it, such as NAME.finalists, get another name, too. The experiment file stays
    as it was read: the new name is kept as what was changed in it.

    Raises:
        UsageError: when no sweep can have the name.
        SweepError: when it is taken, or one of the sweeps is being trained; nothing is changed then.
    """
    twins = twins_of(record, store)
    names = {record.name: new} | {
        each.name: new + each.name.removeprefix(record.name)
        for each in twins
        if each.name.startswith(f"{record.name}.")
    }
    _check(names, store)
    store.rename(names, [_renamed(each, names) for each in (record, *twins)])
    return store.sweep(new)


def _check(names: Mapping[str, str], store: Store) -> None:
    there = {name.lower(): name for name in store.names() if name not in names}
    for old, new in names.items():
        if not re.fullmatch(NAME_PATTERN, new):
            raise UsageError(f"a sweep cannot be called {new!r}: give {NAME_WORDS.rstrip(',')}")
        if taken := there.get(new.lower()):  # views and some folders tell no case
            raise SweepError(f"there is a sweep '{taken}' already, so '{old}' cannot be called so; choose another name")


def _renamed(record: SweepRecord, names: Mapping[str, str]) -> Renamed:
    """Return what changes of a sweep and in its trials."""
    table = read_table(record.experiment, record.name, record.overrides)
    name, parent = names.get(record.name, record.name), parent_of(record)
    changed = {"name": name} if name != record.name else {}
    values: dict[str, Any] = {}
    if parent is not None and parent in names:
        changed["sampler.of"] = names[parent]
        if record.description == f"twins of trials of {parent}":
            values["description"] = f"twins of trials of {names[parent]}"
    pickle, moved = _pickle(table.get("trainer"), names)
    if moved:
        changed["trainer.file"] = moved
    values["overrides"] = _overridden(record.overrides, changed)
    if changed.keys() - {"name"}:
        values |= _fingerprint(record, values["overrides"])
    return Renamed(record.id, name, values, labels_of(record), _with_trainer(pickle, moved) if moved else None)


def _overridden(overrides: list[str], changed: Mapping[str, str]) -> list[str]:
    """Return overrides with some more, which take the place of earlier ones of the same keys."""
    kept = [each for each in overrides if each.partition("=")[0].strip() not in changed]
    return [*kept, *(f"{key}={json.dumps(value)}" for key, value in changed.items())]


def _fingerprint(record: SweepRecord, overrides: list[str]) -> dict[str, str]:
    """Return the new fingerprint, of which names are a part; nothing where this version reads the file differently."""
    if experiment_of(record).fingerprint != record.fingerprint:
        return {}
    return {"fingerprint": experiment_of(replace(record, overrides=overrides)).fingerprint}


def _pickle(trainer: Any, names: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the file of a pickled function, and where it is from then on; None where it stays."""
    file = str(trainer.get("file", "")) if isinstance(trainer, dict) and trainer.get("kind") == "pickle" else ""
    folder, slash, rest = file.partition("/")
    return file, f"{names[folder]}/{rest}" if slash and folder in names else None


def _with_trainer(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the function that puts the new file of a pickled function into a configuration."""

    def changed(configuration: dict[str, Any]) -> dict[str, Any]:
        trainer = configuration.get("trainer")
        if not isinstance(trainer, dict) or trainer.get("file") != old:
            return configuration
        return {**configuration, "trainer": {**trainer, "file": new}}

    return changed
