"""Data sets as memory-mapped arrays, and their normalization."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from sweep.data import cache
from sweep.data.cache import find_digest, open_dataset
from sweep.data.dataset import Array, Dataset, Part, PartName, Target, Task
from sweep.data.encoding import Encoding
from sweep.data.formats import KINDS
from sweep.data.formats.base import Loaded, Request, Source
from sweep.data.normalization import Normalization, fit
from sweep.data.remarks import remarks, same_numbers
from sweep.data.sources import Places
from sweep.data.transforms import TRANSFORMS, Transform, transformed
from sweep.errors import DataError, suggest

__all__ = [
    "KINDS",
    "Dataset",
    "Encoding",
    "Normalization",
    "Part",
    "PartName",
    "Target",
    "Task",
    "data_entry",
    "data_options",
    "find_digest",
    "fit",
    "open_dataset",
    "options_key",
    "prepare",
    "remarks",
    "same_numbers",
]

_SECTION = {"task": "task", "validation": "validation", "split_seed": "validation_seed", "transform": "transform"}
"""Keys of the section `data` -> arguments of `prepare`."""


def prepare(
    kind: str,
    *,
    folder: Path | None = None,
    base: Path | None = None,
    task: Task | None = None,
    validation: float = 0.0,
    validation_seed: int = 0,
    transform: Transform = "none",
    **options: object,
) -> Path:
    """Return the folder of a data set in the cache, reading its files only if their content is not cached.

    Args:
        kind: one of `KINDS`.
        folder: where files are looked for, itself and its sub-folder named like the data set; by default the
            environment variable SWEEP_DATA.
        base: folder of the experiment file, where a relative `file` is looked for too.
        task: None for classification, unless the target looks like that of a regression, which is refused then.
        validation: fraction of the training part that becomes the validation part, in [0, 1), stratified by class.
        validation_seed: seed of that draw, at least 0.
        transform: what is done to images; the transformed data set is cached as one of its own.
        options: of the kind, such as `file` of npz; see its `locate` function.

    Returns: a folder for `open_dataset`, in this process or another.
    Raises: DataError if the data set is missing, damaged or of another kind, an option is wrong, the task has to be
        stated, or the cache cannot be written.
    """
    _check(task, validation, validation_seed, transform)
    request = Request(task, validation, validation_seed, transform)
    source = _locate(kind, Places(folder, base), options)
    sha256 = source.sha256(kind, request)
    cached = cache.find(source.name, sha256)
    if cached is not None:
        request.check_stated(cache.question(cached))
        return cached
    loaded = transformed(source.load(request), transform, source.name)
    return cache.store(_dataset(kind, source.name, sha256, loaded, request), loaded.question)


def data_options(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of `prepare` for the section `data` of a configuration.

    Args:
        section: the section, or an entry of a stored sweep's data sets; other keys are left out.

    Returns: `kind`, and whatever differs from its default.
    """
    dataset = section["dataset"]
    options = {"kind": dataset} if isinstance(dataset, str) else dict(dataset)
    for name, default in _defaults(options.get("kind")).items():
        if name in options and _plain(options[name]) == _plain(default):
            del options[name]
    given = {argument: section[key] for key, argument in _SECTION.items() if section.get(key)}
    if "validation" not in given:  # nothing is drawn
        given.pop("validation_seed", None)
    if given.get("transform") == "none":
        del given["transform"]
    return options | given


def data_entry(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a stored sweep keeps of a section `data`: all that `data_options` needs."""
    options = data_options(section)
    stated = {key: section[key] for key, argument in _SECTION.items() if argument in options}
    return {"dataset": section["dataset"], **stated}


def options_key(options: Mapping[str, Any]) -> str:
    """Return the options of a data set as one line: the kind alone if there are no others."""
    kind = options["kind"]
    return str(kind) if len(options) == 1 else json.dumps(dict(options), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _defaults(kind: object) -> dict[str, Any]:
    """Return the default of each option of a kind that has one."""
    if kind not in KINDS:
        return {}
    parameters = inspect.signature(KINDS[str(kind)].locate).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}


def _check(task: Task | None, validation: float, seed: int, transform: str) -> None:
    if task not in (None, *get_args(Task)):
        raise DataError(f"There is no task {task!r}: {suggest(str(task), get_args(Task))}")
    if not isinstance(validation, int | float) or not 0 <= validation < 1:
        raise DataError(f"validation is {validation!r}: it must be a number from 0 to below 1.")
    if not isinstance(seed, int) or seed < 0:
        raise DataError(f"The seed of the validation part is {seed!r}: it must be an integer, at least 0.")
    if transform not in ("none", *TRANSFORMS):
        raise DataError(f"There is no transform {transform!r}: {suggest(str(transform), ['none', *TRANSFORMS])}")


def _locate(kind: str, places: Places, options: dict[str, object]) -> Source:
    if kind not in KINDS:
        raise DataError(f"There is no kind of data set {kind!r}: {suggest(kind, KINDS)}")
    locate = KINDS[kind].locate
    try:
        inspect.signature(locate).bind(places, **options)
    except TypeError as error:
        raise DataError(f"The options of the data set {kind} are wrong: {error}.") from error
    return locate(places, **options)


def _dataset(kind: str, name: str, sha256: str, loaded: Loaded, request: Request) -> Dataset:
    """Return a loaded data set with its validation part and, for regression, the moments of its target."""
    task: Literal["classification", "regression"] = request.task or "classification"
    if (task == "regression") == bool(loaded.class_names):
        raise DataError(f'The data set {kind} is one of classes: set data.task = "classification", or leave it out.')
    parts = dict(loaded.parts)
    if request.validation and "validation" not in parts:
        train = parts["train"]
        kept, cut = request.cut(train.t, name, loaded.class_names)
        parts |= {"train": Part(train.x[kept], train.t[kept]), "validation": Part(train.x[cut], train.t[cut])}
    target = _target(name, parts["train"].t) if task == "regression" else None
    return Dataset(name, parts, task, loaded.class_names, loaded.shape, sha256, target, loaded.encoding)


def _target(name: str, t: Array) -> Target:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(t.mean()), float(t.std())
    if not np.isfinite([mean, scale]).all():
        raise DataError(f"{name}: the target ranges from {t.min():g} to {t.max():g}, too far to be scaled: rescale it.")
    return Target(mean, scale if t.min() < t.max() and scale > 0 else 1.0)
