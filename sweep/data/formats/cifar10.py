"""CIFAR-10 from its published batches (https://www.cs.toronto.edu/~kriz/cifar.html)."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from sweep.data.dataset import Array, Part
from sweep.data.formats.base import Format, Loaded, Request, Source
from sweep.data.formats.unpickle import StoredArray, unpickle
from sweep.data.sources import Places, is_file
from sweep.errors import Argument, Call, DataError

_BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
_META = "batches.meta"
_FILES = (*_BATCHES, _META)
_FOLDER = "cifar-10-batches-py"
_ARCHIVE = "cifar-10-python.tar.gz"
_DESCRIBED = f"the seven files of CIFAR-10's Python version ({', '.join(_FILES)})"
_SHAPE = (3, 32, 32)
_CLASSES = 10


def locate_cifar10(places: Places) -> Source:
    """Return the five training batches, the test batch and the names of the classes.

    Raises: DataError if one of them is not there.
    """
    root = places.data_folder
    if root is None:
        raise DataError(
            f"The data set cifar10 needs {_DESCRIBED}: unpack {_ARCHIVE}, and name the folder {_FOLDER} or the "
            "one above with ",
            Argument("data", "DIR"),
            " or SWEEP_DATA, or download them with `",
            Call("fetch", "cifar10"),
            "`.",
        )
    files = _find(root)
    return Source("cifar10", files, partial(_load, files))


def _find(root: Path) -> tuple[Path, ...]:
    """Return the paths of the seven files, from a sub-folder if one has them, else from `root`."""
    folders = (root / "cifar10" / _FOLDER, root / "cifar10", root / _FOLDER, root)
    for folder in folders:
        missing = [name for name in _FILES if not is_file(folder / name)]
        if not missing:
            return tuple(folder / name for name in _FILES)
        if len(missing) < len(_FILES):
            raise DataError(
                f"{folder} holds some files of cifar10 but not {', '.join(missing)}: unpack {_ARCHIVE} again."
            )
    _refuse_packed([root, *(folder / _ARCHIVE for folder in folders)])
    raise DataError(
        f"The data set cifar10 needs {_DESCRIBED}, which are neither in {root} nor in the folders {_FOLDER}, cifar10 "
        f"and cifar10/{_FOLDER} below it: unpack {_ARCHIVE} there, or name the folder that holds them with ",
        Argument("data", "DIR"),
        " or SWEEP_DATA, or download them with `",
        Call("fetch", "cifar10"),
        "`.",
    )


def _refuse_packed(archives: Sequence[Path]) -> None:
    for archive in archives:
        if archive.name == _ARCHIVE and is_file(archive):
            command = shlex.join(["tar", "-xzf", str(archive), "-C", str(archive.parent)])
            raise DataError(f"{archive} is not unpacked yet: run `{command}`.")


def _load(files: tuple[Path, ...], request: Request) -> Loaded:
    """Return (samples, 3072) uint8 images in [0, 255] and (samples,) int64 labels, any number of samples."""
    *training, test, meta = files
    class_names = read_class_names(meta)
    pairs = [read_batch(path) for path in training]
    x_train, t_train = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
    return Loaded({"train": Part(x_train, t_train), "test": Part(*read_batch(test))}, class_names, _SHAPE)


def read_batch(path: Path) -> tuple[Array, Array]:
    """Return the images and the labels of one batch.

    Returns: (samples, 3072) uint8, of each image the red, then the green, then the blue values, row by row; and
        (samples,) int64 in [0, 9].
    Raises: DataError if the file is damaged, of another format or empty.
    """
    batch = unpickle(path)
    x, t = _images(path, _entry(path, batch, "data")), _labels(path, _entry(path, batch, "labels"))
    if len(x) != len(t):
        raise DataError(f"{path} holds {len(x)} images but {len(t)} labels: download it again.")
    return x, t


def read_class_names(path: Path) -> tuple[str, ...]:
    """Return the names of the ten classes from `batches.meta`.

    Raises: DataError if the file is damaged or of another format, or does not hold ten different names.
    """
    given = _entry(path, unpickle(path), "label_names")
    names = tuple(map(_text, given)) if isinstance(given, list) else ()
    if not len(names) == len(set(names)) == _CLASSES or not all(map(str.strip, names)):
        raise DataError(f"{path}: label_names must be {_CLASSES} different names: download it again.")
    return names


def _entry(path: Path, content: object, name: str) -> object:
    """Return an entry of the dictionary that a file must be; Python 2 wrote its name as bytes."""
    for key in (name, name.encode()):
        if isinstance(content, dict) and key in content:
            return content[key]
    raise DataError(f"{path} has no entry {name}, so it is not a file of CIFAR-10: download it again.")


def _images(path: Path, data: object) -> Array:
    x = data.uint8() if isinstance(data, StoredArray) else None
    if x is None:
        raise DataError(f"{path}: data is not a sound array of the type uint8: download it again.")
    features = math.prod(_SHAPE)
    if x.ndim != 2 or x.shape[1] != features or len(x) == 0:
        raise DataError(
            f"{path}: data has the shape {x.shape}; it must be (samples, {features}), samples not 0: download it again."
        )
    return x


def _labels(path: Path, labels: object) -> Array:
    if not isinstance(labels, list):
        raise DataError(f"{path}: labels is not a list: download it again.")
    for index, label in enumerate(labels):
        if type(label) is not int:
            raise DataError(f"{path} has a label of the type {type(label).__name__} at index {index}: it must be int.")
        if not 0 <= label < _CLASSES:
            raise DataError(f"{path} has the label {label} at index {index}: labels must lie between 0 and 9.")
    return np.array(labels, np.int64)


def _text(name: object) -> str:
    """Return a name, empty if it is not text that can be printed, such as bytes that are not UTF-8."""
    text = name.decode(errors="surrogateescape") if isinstance(name, bytes) else name
    return text if isinstance(text, str) and text.isprintable() else ""


FORMAT = Format(locate_cifar10, _SHAPE, _CLASSES)
