"""Data sets as memory-mapped arrays, and their normalization."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sweep.data import cache
from sweep.data.cache import open_dataset
from sweep.data.dataset import Dataset
from sweep.data.formats.cifar10 import locate_cifar10
from sweep.data.formats.csv import locate_csv
from sweep.data.formats.digits import locate_digits
from sweep.data.formats.mnist import locate_images
from sweep.data.formats.npz import locate_npz
from sweep.data.normalization import Normalization, fit
from sweep.data.sources import Places, Source
from sweep.errors import DataError, suggest

__all__ = ["KINDS", "Dataset", "Normalization", "fit", "open_dataset", "prepare"]

KINDS: dict[str, Callable[..., Source]] = {
    "cifar10": locate_cifar10,
    "csv": locate_csv,
    "digits": locate_digits,
    "fashion_mnist": partial(locate_images, "fashion_mnist"),
    "mnist": partial(locate_images, "mnist"),
    "npz": locate_npz,
}
"""How the files of each kind of data set are found: (places, **options) -> Source."""


def prepare(kind: str, *, folder: Path | None = None, base: Path | None = None, **options: object) -> Path:
    """Return the folder of a data set in the cache, reading its files only if their content is not cached.

    Args:
        kind: one of `KINDS`.
        folder: where files are looked for, itself and its sub-folder named like the data set; by default the
            environment variable SWEEP_DATA.
        base: folder of the experiment file, where a relative `file` is looked for too.
        options: of the kind: `file` of npz; `file`, `label`, `test_fraction` and `split_seed` of csv.

    Returns: a folder for `open_dataset`, in this process or another.
    Raises: DataError if the data set is missing, damaged or foreign, or the cache cannot be written.
    """
    source = _locate(kind, Places(folder, base), options)
    sha256 = source.sha256(kind)
    cached = cache.find(source.name, sha256)
    if cached is not None:
        return cached
    parts = source.load()
    arrays = {name: getattr(parts, name) for name in cache.ARRAYS}
    return cache.store(source.name, sha256, arrays, parts.class_names, parts.shape)


def _locate(kind: str, places: Places, options: dict[str, object]) -> Source:
    if kind not in KINDS:
        raise DataError(f"There is no kind of data set {kind!r}: {suggest(kind, KINDS)}")
    locate = KINDS[kind]
    try:
        inspect.signature(locate).bind(places, **options)
    except TypeError as error:
        raise DataError(f"The options of the data set {kind} are wrong: {error}.") from error
    return locate(places, **options)
