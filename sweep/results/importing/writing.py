"""Storing what was found as a sweep: names that can be written in conditions, an experiment file, trials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sweep.errors import Argument, SweepError, UsageError, shortened
from sweep.experiment.file import experiment_of
from sweep.experiment.imported import IMPORTED
from sweep.experiment.parameters import NAME_PATTERN, NAME_WORDS
from sweep.experiment.toml import write_toml
from sweep.records import SweepRecord, Trial
from sweep.results.importing.found import Found, range_of
from sweep.space.distributions import DISTRIBUTION_KEYS
from sweep.space.samplers.base import trial_seeds
from sweep.store import Store
from sweep.store.imports import MOST
from sweep.system.environment import environment

STRUCTURED = re.compile(r"[\w-]+(\[\d+\])*(\.[\w-]+(\[\d+\])*)*")
"""A name that is the path of a value in tables and lists."""
LONGEST = 200
"""Characters of a parameter's name."""
Path = tuple[str | int, ...]
"""Where a parameter stands in the table `parameters`: keys of tables, and numbers of items in lists."""


def store_found(found: Found, store: Store, name: str | None) -> tuple[SweepRecord, list[str]]:
    """Store what was found under a name, by default its own; return its record, and sentences on what was changed.

    Raises:
        UsageError: when no sweep can have the name.
        SweepError: when there is nothing that has ended, or a sweep of the name.
    """
    if not found.trials:
        raise SweepError(f"{found.source} has no trial that has ended, so there is nothing to import")
    for number, trial in enumerate(found.trials):
        if wrong := [epoch.number for epoch in trial.ended.epochs if not 0 <= epoch.number <= MOST]:
            raise SweepError(
                f"{found.source}: trial {number} has the epoch {wrong[0]}, but epochs go from 0 to {MOST}; number its "
                "steps in epochs, and import it again"
            )
    name, notes = _name(found, name)
    _check_free(name, store)
    names = list(dict.fromkeys(key for trial in found.trials for key in trial.parameters))
    known = [*found.ranges, *names]
    paths = paths_of(list(dict.fromkeys([*(name for name in found.order if name in known), *known])))
    if renamed := [f"{old!r} is {path_name(path)}" for old, path in paths.items() if old != path_name(path)]:
        notes.append(f"names of parameters that cannot be written in conditions are changed: {shortened(renamed)}")
    record = _record(found, name, paths)
    store.add_ended(record, list(_trials(found, record, paths)), [trial.ended for trial in found.trials])
    return store.sweep(name), notes


def _name(found: Found, name: str | None) -> tuple[str, list[str]]:
    """Return the name of the sweep, and sentences about it and what was found."""
    notes = list(found.notes)
    if name is None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", found.name).lstrip("._-").rstrip("-")[:100] or IMPORTED
        if name != found.name:
            notes.insert(0, f"{found.name!r} can be the name of no sweep, so it is called {name}")
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"a sweep cannot be called {name!r}: give {NAME_WORDS} with ", Argument("name"))
    return name, notes


def _check_free(name: str, store: Store) -> None:
    for other in store.names():
        if other.lower() == name.lower():
            raise SweepError(
                f"there is a sweep '{other}' already; import this one under another name with ", Argument("name")
            )


def _record(found: Found, name: str, paths: Mapping[str, Path]) -> SweepRecord:
    """Return the record of the sweep with an experiment file that says what was searched."""
    ranges = {key: found.ranges.get(key) or range_of(_values(found, key)) for key in paths}
    epochs = max([1, *(epoch.number for trial in found.trials for epoch in trial.ended.epochs)])
    objective = found.objective
    text = write_toml(
        {
            "name": name,
            "description": found.description,
            "sampler": IMPORTED,
            "seed": found.seed,
            "repeats": found.repeats,
            "epochs": epochs,
            "trainer": {"kind": IMPORTED, "source": found.source},
            "parameters": nested({paths[key]: each for key, each in ranges.items()}),
            "objective": {"metric": objective.metric, "direction": objective.direction, "epoch": objective.epoch},
        }
    )
    record = SweepRecord(
        name=name,
        description=found.description,
        seed=found.seed,
        epochs=epochs,
        experiment=text,
        overrides=[],
        fingerprint="",
        datasets=[],
        data_folder=None,
        experiment_folder=None,
        environment=environment(),
        objective=objective,
        repeats=found.repeats,
    )
    experiment = experiment_of(record)
    return replace(record, fingerprint=experiment.fingerprint, format=experiment.format)


def _values(found: Found, key: str) -> Iterable[Any]:
    return (trial.parameters[key] for trial in found.trials if key in trial.parameters)


def _trials(found: Found, record: SweepRecord, paths: Mapping[str, Path]) -> Iterable[Trial]:
    """Yield the trials as they are stored before they have ended."""
    trainer = {"kind": IMPORTED, "source": found.source, "deterministic": False}
    for number, trial in enumerate(found.trials):
        values = {paths[key]: value for key, value in trial.parameters.items()}
        yield Trial(
            number=number,
            parameters={f"parameters.{path_name(path)}": value for path, value in values.items()},
            configuration={"trainer": trainer, "parameters": nested(values)},
            seeds=trial_seeds(found.seed, number // found.repeats, trial.repeat),
            repeat=trial.repeat,
            planned_epochs=record.epochs,
            network_parameters=trial.network_parameters,
            multiplications=trial.multiplications,
        )


def paths_of(names: Sequence[str]) -> dict[str, Path]:
    """Return where each parameter stands in the table `parameters`, by its name.

    >>> paths_of(["hidden[0]", "optimizer.lr", "my rate"])
    {'hidden[0]': ('hidden', 0), 'optimizer.lr': ('optimizer', 'lr'), 'my rate': ('my_rate',)}
    """
    found = {name: _path(name) for name in names}
    return found if _fit(found.values()) else _unique({name: (_flat(name),) for name in names})


def _path(name: str) -> Path:
    clean = re.sub(r"[^\w.\[\]-]+", "_", name)[:LONGEST]
    clean = clean if clean == name else clean.strip("_")
    if not STRUCTURED.fullmatch(clean):
        return (_flat(name),)
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", clean)
    return tuple(int(item) if item else _key(key) for item, key in parts)


def _flat(name: str) -> str:
    return _key(re.sub(r"[^\w-]+", "_", name)[:LONGEST].strip("_"))


def _key(key: str) -> str:
    """Return a key of a table that no distribution has."""
    return f"{key}_" if key in DISTRIBUTION_KEYS else key or "parameter"


def _fit(paths: Iterable[Path]) -> bool:
    """Tell whether all of some paths can stand in one table, with the items of each list numbered from 0."""
    paths = list(paths)
    children: dict[Path, set[str | int]] = {}
    for path in paths:
        for length in range(len(path)):
            children.setdefault(path[:length], set()).add(path[length])
    lists = [found for found in children.values() if any(isinstance(key, int) for key in found)]
    is_dense = all(found == set(range(len(found))) for found in lists)
    return is_dense and len(set(paths)) == len(paths) and not children.keys() & set(paths)


def _unique(paths: Mapping[str, tuple[str]]) -> dict[str, Path]:
    """Return paths of one key each, those that are there already with a number behind them."""
    found: dict[str, Path] = {}
    for name, (key,) in paths.items():
        number, own = 1, key
        while (own,) in found.values():
            number += 1
            own = f"{key}_{number}"
        found[name] = (own,)
    return found


def path_name(path: Path) -> str:
    """Return a path as a name.

    >>> path_name(("hidden", 0)), path_name(("optimizer", "lr"))
    ('hidden[0]', 'optimizer.lr')
    """
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the table in which values stand at their paths; of a list those items that there are."""
    tree: dict[str | int, Any] = {}
    for path, value in values.items():
        here = tree
        for key in path[:-1]:
            here = here.setdefault(key, {})
        here[path[-1]] = _Leaf(value)
    found: dict[str, Any] = _plain(tree)
    return found


class _Leaf:
    """A value, which may be a table, at the end of a path."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _plain(tree: Any) -> Any:
    if isinstance(tree, _Leaf):
        return tree.value
    if tree and all(isinstance(key, int) for key in tree):
        return [_plain(tree[key]) for key in sorted(tree)]
    return {key: _plain(each) for key, each in tree.items()}
