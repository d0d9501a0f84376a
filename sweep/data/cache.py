"""The cache folder: data sets as `.npy` files that any number of processes can map."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from platformdirs import user_cache_path

from sweep.data.dataset import Array, Dataset
from sweep.data.sources import expanded, file_sha256, one_line
from sweep.errors import DataError

ARRAYS = ("x_train", "t_train", "x_test", "t_test")
FILES = ("meta.json", *(f"{array}.npy" for array in ARRAYS))
_FORMAT = 1
_ATTEMPTS = 20


def cache_folder() -> Path:
    """Return the folder of cached data sets: SWEEP_CACHE of the environment, else the user's own."""
    given = os.environ.get("SWEEP_CACHE")
    return expanded(given) if given else user_cache_path("sweep")


def find(name: str, sha256: str) -> Path | None:
    """Return the folder of a cached data set, None if it is not there or damaged.

    Every byte of the arrays is checked against the digests taken when they were written: that costs no more
    than hashing the source files, which precedes it.
    """
    folder = _entry(name, sha256)
    try:
        if open_dataset(folder).sha256 != sha256:
            return None
        digests = _read_meta(folder)["digests"]
        sound = all(digests[array] == file_sha256(_array_path(folder, array)) for array in ARRAYS)
    except (DataError, KeyError, TypeError):
        return None
    return folder if sound else None


def store(
    name: str,
    sha256: str,
    arrays: Mapping[str, Array],
    class_names: tuple[str, ...],
    shape: tuple[int, ...],
) -> Path:
    """Write a data set to the cache and return its folder, which appears complete or not at all.

    Args: as the fields of `Dataset`, whose four arrays are given by name.
    Raises: DataError if the cache folder cannot be written.
    """
    folder = _entry(name, sha256)
    temporary = _sibling(folder)
    meta = {"format": _FORMAT, "name": name, "sha256": sha256, "class_names": class_names, "shape": shape}
    try:
        _write(temporary, arrays, meta)
        _publish(temporary, folder, name, sha256)
    except OSError as error:
        raise _unwritable(folder.parent, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def contents(folder: str) -> dict[str, bytes]:
    """Return the files of a cached data set, to be added to the cache of another machine."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name in FILES}


def add(name: str, files: Mapping[str, bytes]) -> Path:
    """Put the `contents` of a data set into the cache, under the name of its folder; return the folder.

    Raises: DataError if the name is none, or the cache folder cannot be written.
    """
    if not re.fullmatch(r"[\w.-]+-[0-9a-f]{16}", name, flags=re.ASCII) or set(files) != set(FILES):
        raise DataError(f"What came is no data set: {name!r}.")
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

    Raises: DataError if a file is missing, truncated or foreign.
    """
    try:
        meta = _read_meta(folder)
        dataset = Dataset(
            name=meta["name"],
            class_names=tuple(meta["class_names"]),
            shape=tuple(meta["shape"]),
            sha256=meta["sha256"],
            **{array: _map(_array_path(folder, array)) for array in ARRAYS},
        )
        _check(dataset)
    except Exception as error:  # whatever json, mmap and NumPy's header parser raise on damaged files
        raise DataError(
            f"The cached data set {folder} is missing or damaged ({one_line(error)}): "
            "start the sweep again to rebuild it."
        ) from error
    return dataset


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
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text("utf-8"))
    if meta["format"] != _FORMAT:
        raise ValueError(f"its format is {meta['format']}, not {_FORMAT}")
    return meta


def _check(dataset: Dataset) -> None:
    """Raise ValueError unless the arrays fit together."""
    for x, t in ((dataset.x_train, dataset.t_train), (dataset.x_test, dataset.t_test)):
        if x.shape != (len(t), math.prod(dataset.shape)) or t.shape != (len(x),) or t.dtype != np.int64:
            raise ValueError(f"the shapes {x.shape} and {t.shape} do not fit {dataset.shape}")


def _write(folder: Path, arrays: Mapping[str, Array], meta: dict[str, object]) -> None:
    folder.mkdir(parents=True)
    for array in ARRAYS:
        np.save(_array_path(folder, array), np.ascontiguousarray(arrays[array]), allow_pickle=False)
    digests = {array: file_sha256(_array_path(folder, array)) for array in ARRAYS}
    (folder / "meta.json").write_text(json.dumps(meta | {"digests": digests}, indent=1), "utf-8")


def _publish(temporary: Path, folder: Path, name: str, sha256: str) -> None:
    """Rename a complete entry to its place, unless another process put a sound one there first.

    An entry cannot be replaced in one step, so a damaged one steps aside; whoever has mapped it keeps it. Where
    several processes repair it at once, each may find the others' work moved away, and tries again.
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
