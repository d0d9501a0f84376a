"""MNIST and Fashion-MNIST from the four published files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sweep.data.dataset import Part
from sweep.data.formats.base import Format, Loaded, Request, Source
from sweep.data.formats.idx import read_images, read_labels
from sweep.data.sources import Places, is_file
from sweep.errors import Argument, Call, DataError

_SHAPE = (1, 28, 28)
_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}

_TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}

# The files of both data sets have the same names and sizes, so nothing else tells them apart.
_FIRST_LABELS = {
    "mnist": (5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7),
    "fashion_mnist": (9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9),
}


def locate_images(name: str, places: Places) -> Source:
    """Return the four files of `mnist` or `fashion_mnist`.

    Raises: DataError if one of them is not there.
    """
    files = _find(name, places.data_folder)
    return Source(name, files, partial(_load, name, files))


def _find(name: str, root: Path | None) -> tuple[Path, ...]:
    """Return the paths of the four files: from the sub-folder `name` if it has them, else from `root`."""
    if root is None:
        raise DataError(
            f"The data set {name} needs {_described(name)}, which have to be put into a folder: name it with ",
            Argument("data", "DIR"),
            " or SWEEP_DATA, or download them with `",
            Call("fetch", name),
            "`.",
        )
    for folder in (root / name, root):
        found = {stem: _gzipped_or_not(folder / stem) for stem in _FILES}
        files = tuple(path for path in found.values() if path is not None)
        if len(files) == len(_FILES):
            return files
        if files:
            missing = ", ".join(f"{stem}.gz" for stem, path in found.items() if path is None)
            raise DataError(f"{folder} holds some files of {name} but not {missing}: download what is missing.")
    raise DataError(
        f"The data set {name} needs {_described(name)}, which are neither in {root / name} nor in {root}: "
        "put them there, or name the folder that holds them with ",
        Argument("data", "DIR"),
        " or SWEEP_DATA, or download them with `",
        Call("fetch", name),
        "`.",
    )


def _described(name: str) -> str:
    *first, last = (f"{stem}.gz" for stem in _FILES)
    return f"the four files of the {_TITLES[name]} database ({', '.join(first)} and {last})"


def _gzipped_or_not(stem: Path) -> Path | None:
    """Return the path of a published file in one of its spellings, None if it is not there."""
    dotted = stem.with_name(stem.name.replace("-idx", ".idx"))  # as some archives name them
    for path in (stem, dotted):
        for file in (path.with_name(f"{path.name}.gz"), path):
            if is_file(file):
                return file
    return None


def _load(name: str, files: tuple[Path, ...], request: Request) -> Loaded:
    """Return (samples, 784) uint8 images in [0, 255] and (samples,) int64 labels, any number of samples."""
    train, test = _read_pair(files[0], files[1]), _read_pair(files[2], files[3])
    for other, first in _FIRST_LABELS.items():
        if other != name and tuple(train.t[: len(first)]) == first:
            raise DataError(f"{files[1].parent} holds the files of {other}, not those of {name}: name another folder.")
    return Loaded({"train": train, "test": test}, CLASS_NAMES[name], _SHAPE)


def _read_pair(images: Path, labels: Path) -> Part:
    x, t = read_images(images), read_labels(labels)
    if len(x) != len(t):
        raise DataError(f"{images} holds {len(x)} images but {labels.name} holds {len(t)} labels: download both again.")
    return Part(x, t)


FORMATS = {name: Format(partial(locate_images, name), _SHAPE, len(names)) for name, names in CLASS_NAMES.items()}
