"""Reading a study of Optuna's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from sweep.errors import Argument, SweepError, UsageError, shortened, suggest
from sweep.experiment.sections.objective import check_metric_name
from sweep.metrics import Direction, Objective, metric
from sweep.records import Divergence, Epoch, Status
from sweep.results.export.databases import tables_at
from sweep.results.export.optuna import THEIR_TABLES, storage_at, study_url
from sweep.results.importing.found import Found, FoundTrial, ended_only, range_of, repeats_of, scalar
from sweep.results.importing.own import as_told, exported_epochs, is_exported, sweep_of
from sweep.results.studies import METRIC_NAMES, require_optuna, utc
from sweep.store.imports import Ended
from sweep.system.urls import without_password

SQLITE = b"SQLite format 3\0"
"""What a file of SQLite begins with."""
STATUSES: dict[str, Status] = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "failed"}
"""Name of a state of ended trials in Optuna -> status."""
VALUE = "value"
"""Name of the objective of a study that names none."""


def read_study(place: str, name: str | None) -> Found:
    """Return a study in a database, or a journal file, of Optuna's.

    Args:
        place: URL or file.
        name: that of the study; None where there is only one.

    Raises:
        SweepError: when it cannot be read, or there is no such study.
    """
    require_optuna()
    with _storage(place) as storage:
        study = _chosen(storage.get_all_studies(), name, without_password(place))
        trials = storage.get_all_trials(study._study_id, deepcopy=False)
    return _found(study, sorted(trials, key=lambda trial: trial.number))


@contextmanager
def _storage(place: str) -> Iterator[Any]:
    """Yield the storage at a URL or in a file.

    Raises:
        SweepError: when it is not one of Optuna's.
    """
    path = Path(place)
    if "://" not in place and not path.is_file():
        problem = f"there is no file '{place}'"
        if path.exists():
            problem = f"'{place}' is {'a folder' if path.is_dir() else 'no file that can be imported'}"
        wrong = UsageError if path.exists() else SweepError
        raise wrong(f"{problem}; give a database of Optuna's, or a table of trials as .csv, .parquet or .json")
    if "://" in place or _begins(path) == SQLITE:
        address = study_url(place, "import") if "://" in place else study_url(f"sqlite:///{path.absolute()}", "import")
        _check_tables(address, without_password(place))
        with storage_at(address, without_password(address)) as storage:
            yield storage
        return
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    try:
        yield JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SweepError(
            f"{place} is neither a database nor a journal file of Optuna's, nor a table of trials as .csv, .parquet or "
            ".json"
        ) from error


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SQLITE))


def _check_tables(address: str, place: str) -> None:
    """Check that a database has the tables of Optuna's, so that none is made in another one."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise SweepError(f"there is no file '{url.database}'")
    if not tables_at(url) >= THEIR_TABLES:
        raise SweepError(f"{place} is a database, but not one of Optuna's")


def _chosen(studies: Sequence[Any], name: str | None, place: str) -> Any:
    """Return the study of a name, or the only one."""
    by_name = {study.study_name: study for study in studies}
    if not by_name:
        raise SweepError(f"{place} has no study")
    if name is None and len(by_name) > 1:
        raise UsageError(
            f"{place} has several studies: {shortened(sorted(by_name))}; name one with ", Argument("study")
        )
    if name is not None and name not in by_name:
        raise UsageError(f"{place} has no study '{name}'; {suggest(name, by_name)}")
    return by_name[name] if name is not None else studies[0]


def _found(study: Any, trials: Sequence[Any]) -> Found:
    """Return a study as it is imported."""
    own = sweep_of(study)
    names, notes = _metric_names(study)
    objective = _objective(study, trials, names[0], own)
    is_shifted = not own and any(0 in trial.intermediate_values for trial in trials)
    exported = [bool(own) and is_exported(trial) for trial in trials]
    read = [
        _exported(trial, objective) if is_own else _trial(trial, names, objective, is_shifted)
        for trial, is_own in zip(trials, exported, strict=True)
    ]
    if own and (others := exported.count(False)):
        trials_are = "1 trial is" if others == 1 else f"{others} trials are"
        notes.append(f"{trials_are} not as sweep exports them, and read as of any other study")
    places = [trial.state.name.lower() for trial in trials]
    kept, left = ended_only(read, places)
    if is_shifted:
        notes.append("its steps begin at 0 and become epochs from 1 on, since epoch 0 is the untrained model")
    return Found(
        name=study.study_name,
        source=f"the Optuna study {study.study_name!r}",
        description=str(own.get("description") or f"imported from the Optuna study {study.study_name!r}"),
        objective=objective,
        trials=kept,
        ranges=_ranges(trials, own.get("parameters", ())),
        seed=own.get("seed", 0),
        repeats=repeats_of(kept),
        notes=[*notes, *left],
    )


def _metric_names(study: Any) -> tuple[list[str], list[str]]:
    """Return the names of the objectives of a study, and sentences about them."""
    count = len(study.directions)
    given = study.system_attrs.get(METRIC_NAMES) or ([VALUE] if count == 1 else [f"{VALUE}_{i}" for i in range(count)])
    names = [each if check_metric_name(each) is None else f"{VALUE}_{place}" for place, each in enumerate(given)]
    directions = [metric(each).direction for each in names]
    wanted = [_direction(each) for each in study.directions]
    for place, (known, asked) in enumerate(zip(directions, wanted, strict=True)):
        if known and known != asked:
            names[place] = f"{VALUE}_of_{names[place]}"
    notes = [
        f"{old!r} cannot be the name of a metric with this direction, so it is called {new}"
        for old, new in zip(given, names, strict=True)
        if old != new
    ]
    if count > 1:
        notes.append(f"it has {count} objectives: trials are ranked by {names[0]}, the others are metrics")
    return names, notes


def _direction(direction: Any) -> Direction:
    return "max" if direction.name == "MAXIMIZE" else "min"


def _objective(study: Any, trials: Sequence[Any], name: str, own: Mapping[str, Any]) -> Objective:
    """Return how trials are ranked: by their best step where that is the value of each, else by the last."""
    direction = _direction(study.directions[0])
    if own:
        epoch = "last" if own.get("objective_epoch") == "last" else "best"
        return Objective(name, direction, epoch, own.get("tie_break"))  # type: ignore[arg-type]
    best = max if direction == "max" else min
    valued = [trial for trial in trials if trial.values and trial.state.name == "COMPLETE"]
    is_best = all(trial.values[0] == best(_curve(trial).values(), default=trial.values[0]) for trial in valued)
    return Objective(name, direction, "best" if is_best else "last", None)


def _curve(trial: Any) -> dict[int, float]:
    """Return the finite intermediate values of a trial by step."""
    return {step: value for step, value in sorted(trial.intermediate_values.items()) if math.isfinite(value)}


def _exported(trial: Any, objective: Objective) -> FoundTrial:
    """Return a trial of a sweep that was exported, as it was."""
    epochs = exported_epochs(trial, objective.metric)
    return _with_values(trial, as_told(_ended(trial, epochs), trial.user_attrs), trial.user_attrs.get("repeat", 0))


def _trial(trial: Any, names: Sequence[str], objective: Objective, is_shifted: bool) -> FoundTrial:
    """Return a trial of another program as it is imported."""
    ended = _ended(trial, _epochs(trial, names, objective, is_shifted))
    divergence = _divergence(trial, names[0], is_shifted)
    return _with_values(trial, replace(ended, status="diverged", divergence=divergence) if divergence else ended)


def _ended(trial: Any, epochs: Sequence[Epoch]) -> Ended:
    """Return how a trial has ended."""
    return Ended(
        STATUSES.get(trial.state.name, "running"),
        epochs,
        started=utc(trial.datetime_start),
        finished=utc(trial.datetime_complete),
        seconds=_seconds(trial),
    )


def _seconds(trial: Any) -> float | None:
    """Return how long a trial took; None where that is not known, as when a clock was set back."""
    seconds = trial.duration.total_seconds() if trial.duration else -1.0
    return seconds if seconds >= 0 else None


def _with_values(trial: Any, ended: Ended, repeat: int = 0) -> FoundTrial:
    return FoundTrial({name: scalar(value) for name, value in trial.params.items()}, ended, repeat)


def _epochs(trial: Any, names: Sequence[str], objective: Objective, is_shifted: bool) -> list[Epoch]:
    """Return the epochs of a trial: its steps, and one more where its value is none of theirs."""
    curve = {step + is_shifted: value for step, value in _curve(trial).items()}
    seconds = (_seconds(trial) or 0.0) / max(1, len(curve))
    found = [Epoch(step, seconds, {names[0]: value}) for step, value in curve.items()]
    values = trial.values if trial.state.name == "COMPLETE" else None
    if values is None or not all(map(math.isfinite, values)):
        return found
    last = found[-1].metrics[names[0]] if found else None
    if objective.epoch == "best" and found and len(values) == 1:
        return found
    if last == values[0] and len(values) == 1:
        return found
    number = found[-1].number + 1 if found else 1
    return [*found, Epoch(number, seconds, dict(zip(names, values, strict=True)))]


def _divergence(trial: Any, name: str, is_shifted: bool) -> Divergence | None:
    """Return where the first value that is not finite was reported; None where all are finite."""
    steps = [step for step, value in sorted(trial.intermediate_values.items()) if not math.isfinite(value)]
    if steps:
        is_nan = math.isnan(trial.intermediate_values[steps[0]])
        return Divergence(steps[0] + is_shifted, 0, name, "invalid" if is_nan else "overflow")
    if trial.values and not all(map(math.isfinite, trial.values)):
        last = max(trial.intermediate_values, default=0) + is_shifted
        return Divergence(last + 1, 0, name, "overflow")
    return None


def _ranges(trials: Sequence[Any], order: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what is searched, by name: the ranges of all trials together, and the values outside of them.

    Names in `order` come first.
    """
    kinds: dict[str, list[Any]] = {name: [] for name in order}
    values: dict[str, list[Any]] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            known = kinds.setdefault(name, [])
            if not any(distribution is each for each in known):
                known.append(distribution)
            values.setdefault(name, []).append(scalar(trial.params[name]))
    return {name: _range(known, values[name]) for name, known in kinds.items() if known}


def _range(known: Sequence[Any], values: Sequence[Any]) -> dict[str, Any]:
    """Return one distribution, as in an experiment file, for those that a parameter has had."""
    names = {type(each).__name__ for each in known}
    if names == {"CategoricalDistribution"}:
        options = [scalar(option) for each in known for option in each.choices]
        return {"choice": list({(type(each), each): each for each in [*options, *values]}.values())}
    if "CategoricalDistribution" in names or any(isinstance(value, str | bool) for value in values):
        return range_of(values)
    low, high = min([*(each.low for each in known), *values]), max([*(each.high for each in known), *values])
    is_log = all(each.log for each in known) and low > 0
    if names == {"IntDistribution"} and max(abs(low), abs(high)) <= 2**53:
        steps = {each.step for each in known}
        step = steps.pop() if len(steps) == 1 else 1
        is_stepped = step > 1 and not is_log and (high - low) % step == 0
        return {"int": [low, high], **({"step": step} if is_stepped else {}), **({"log": True} if is_log else {})}
    return {"log_uniform" if is_log else "uniform": [float(low), float(high)]}
