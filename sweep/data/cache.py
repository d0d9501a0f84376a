"""The cache folder: data sets as `.npy` files that any number of processes can map."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from platformdirs import user_cache_path

from sweep.data.dataset import Array, Dataset, Part, Target
from sweep.data.encoding import Encoding
from sweep.data.sources import expanded, file_sha256, one_line
from sweep.errors import Call, DataError

META = "meta.json"
_PARTS = ("train", "validation", "test")
_FORMAT = 3
"""Raised where the same files give other arrays or names of classes than before."""
_ATTEMPTS = 20


def cache_folder() -> Path:
    """Return the folder of cached data sets: SWEEP_CACHE of the environment, else the user's own.

    Raises:
        DataError: when the user has no home.
    """
    if given := os.environ.get("SWEEP_CACHE"):
        return expanded(given)
    try:
        folder = user_cache_path("sweep")
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():  # older versions of platformdirs leave the ~ as it is
        raise DataError(
            "this user has no home folder, where data sets would be cached: set the environment variable SWEEP_CACHE "
            "to a folder that can be written."
        )
    return folder


def find(name: str, sha256: str) -> Path | None:
    """Return the folder of a cached data set, None if it is not there or damaged.

    Every byte of the arrays is checked against the digests taken when they were written: that costs no more
    than hashing the source files, which precedes it.
    """
    folder = _entry(name, sha256)
    try:
        dataset = open_dataset(folder)
        if dataset.sha256 != sha256:
            return None
        digests = _read_meta(folder)["digests"]
        sound = all(digests[array] == file_sha256(_array_path(folder, array)) for array in _names(dataset.parts))
    except (DataError, KeyError, TypeError):
        return None
    return folder if sound else None


def find_digest(sha256: str) -> Path | None:
    """Return the folder of a cached data set of this digest, whatever its name; None if it is not there or damaged."""
    for folder in sorted(cache_folder().glob(f"*-{sha256[:16]}")):
        if find(folder.name[: -len("-") - 16], sha256) == folder:
            return folder
    return None


def question(folder: Path) -> str | None:
    """Return the sentence that asks for the task of a cached data set, None if its task is plain."""
    asked = _read_meta(folder).get("question")
    return None if asked is None else str(asked)


def store(dataset: Dataset, question: str | None = None) -> Path:
    """Write a data set to the cache and return its folder, which appears complete or not at all.

    Args:
        dataset: its arrays may lie in memory or in other files.
        question: the sentence that asks for the task, if it has to be stated.

    Raises: DataError if the cache folder cannot be written.
    """
    folder = _entry(dataset.name, dataset.sha256)
    temporary = _sibling(folder)
    try:
        _write(temporary, dataset, question)
        _publish(temporary, folder, dataset.name, dataset.sha256)
    except OSError as error:
        raise _unwritable(folder.parent, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def contents(folder: str) -> dict[str, bytes]:
    """Return the files of a cached data set, to be added to the cache of another machine."""
    known = {META, *(f"{array}.npy" for array in _names(_PARTS))}
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name in known}


def add(name: str, files: Mapping[str, bytes]) -> Path:
    """Write the `contents` of a data set to the cache, under the name of its folder; return the folder.

    Raises: DataError if it is not a data set, or the cache folder cannot be written.
    """
    known = {META, *(f"{array}.npy" for array in _names(_PARTS))}
    needed = {META, *(f"{array}.npy" for array in _names(("train", "test")))}
    if not re.fullmatch(r"[\w.-]+-[0-9a-f]{16}", name, flags=re.ASCII) or not needed <= set(files) <= known:
        raise DataError(f"The files received are not a data set: {name!r}.")
    folder = cache_folder() / name
    temporary = _sibling(folder)
    try:
        temporary.mkdir(parents=True)
        for file, content in files.items():
            (temporary / file).write_bytes(content)
        meta = _read_meta(temporary)
        _publish(temporary, folder, meta["name"], meta["sha256"])
    except OSError as error:
        raise _unwritable(folder.parent, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def open_dataset(folder: Path) -> Dataset:
    """Return the data set of a cached folder, its arrays mapped into memory and read-only.

    Raises: DataError if a file is missing, truncated or of another program.
    """
    try:
        dataset = _open(folder, _read_meta(folder))
        _check(dataset)
    except Exception as error:  # whatever json, mmap and NumPy's header parser raise on damaged files
        raise DataError(
            f"The cached data set {folder} is missing or damaged ({one_line(error)}); `",
            Call("resume"),
            "` makes it again.",
        ) from error
    return dataset


def _open(folder: Path, meta: dict[str, Any]) -> Dataset:
    parts = {name: Part(*(_map(_array_path(folder, array)) for array in _names([name]))) for name in meta["parts"]}
    target, encoding = meta["target"], meta["encoding"]
    return Dataset(
        name=meta["name"],
        parts=parts,
        task=meta["task"],
        class_names=tuple(meta["class_names"]),
        shape=tuple(meta["shape"]),
        sha256=meta["sha256"],
        target=None if target is None else Target(**target),
        encoding=None if encoding is None else Encoding.from_json(json.dumps(encoding)),
    )


def _unwritable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"The cache folder {folder} cannot be written ({error.strerror or error}): "
        "set the environment variable SWEEP_CACHE to a folder that can."
    )


def _entry(name: str, sha256: str) -> Path:
    """Return the folder of a data set, its name reduced to what every file system takes."""
    plain = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:80]
    return cache_folder() / f"{plain}-{sha256[:16]}"


def _sibling(folder: Path) -> Path:
    return folder.with_name(f".{uuid4().hex}")


def _array_path(folder: Path, array: str) -> Path:
    return folder / f"{array}.npy"


def _map(path: Path) -> Array:
    """Return a file's array as a plain ndarray; the memory map lives on as its base."""
    return np.asarray(np.lib.format.open_memmap(path, mode="r"))


def _read_meta(folder: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / META).read_text("utf-8"))
    if meta["format"] != _FORMAT:
        raise ValueError(f"its format is {meta['format']}, not {_FORMAT}")
    return meta


def _names(parts: Iterable[str]) -> list[str]:
    """Return the names of the arrays of parts: of each x, then t."""
    return [f"{array}_{part}" for part in parts for array in ("x", "t")]


def _check(dataset: Dataset) -> None:
    """Raise ValueError unless the arrays fit together."""
    dtype = np.int64 if dataset.task == "classification" else np.float64
    if not {"train", "test"} <= set(dataset.parts) <= set(_PARTS) or (dataset.target is None) == (dtype is np.float64):
        raise ValueError(f"the parts {', '.join(dataset.parts)} or the target do not fit a {dataset.task}")
    for part in dataset.parts.values():
        x, t = part.x, part.t
        if x.shape != (len(t), math.prod(dataset.shape)) or t.shape != (len(x),) or t.dtype != dtype:
            raise ValueError(f"the shapes {x.shape} and {t.shape} do not fit {dataset.shape}")


def _write(folder: Path, dataset: Dataset, question: str | None) -> None:
    folder.mkdir(parents=True)
    for name, part in dataset.parts.items():
        for array, values in zip(_names([name]), (part.x, part.t), strict=True):
            np.save(_array_path(folder, array), np.ascontiguousarray(values), allow_pickle=False)
    digests = {array: file_sha256(_array_path(folder, array)) for array in _names(dataset.parts)}
    meta = {
        "format": _FORMAT,
        "name": dataset.name,
        "sha256": dataset.sha256,
        "task": dataset.task,
        "class_names": dataset.class_names,
        "shape": dataset.shape,
        "parts": list(dataset.parts),
        "target": None if dataset.target is None else asdict(dataset.target),
        "encoding": None if dataset.encoding is None else json.loads(dataset.encoding.to_json()),
        "question": question,
        "digests": digests,
    }
    (folder / META).write_text(json.dumps(meta, indent=1), "utf-8")


def _publish(temporary: Path, folder: Path, name: str, sha256: str) -> None:
    """Rename a complete entry to its place, unless another process has put a sound one there.

    An entry cannot be replaced in one step, so a damaged one is renamed first; processes that have mapped it keep it.
    Where several processes repair it at once, each may find the other's entry moved away, and tries again.
    """
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            temporary.rename(folder)
            return
        except OSError:
            if find(name, sha256) is not None:
                return
            if not attempts_left:
                raise
        aside = _sibling(folder)
        with suppress(FileNotFoundError):
            folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
