"""The 1,797 handwritten digits of 8×8 pixels that come with scikit-learn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sweep.data.dataset import Part
from sweep.data.formats.base import Format, Loaded, Request, Source
from sweep.data.sources import Places, is_file
from sweep.errors import DataError

_SHAPE = (1, 8, 8)


def locate_digits(places: Places) -> Source:
    """Return scikit-learn's own file of digits, found without the slow import of scikit-learn.

    Raises: DataError if it is not there.
    """
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise DataError("The data set digits comes with scikit-learn, which is not installed: install scikit-learn.")
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if not is_file(path):
        raise DataError(f"The data set digits is not there as {path}: install scikit-learn again.")
    return Source("digits", (path,), _load, {"test_size": 0.25, "random_state": 0})


def _load(request: Request) -> Loaded:
    """Return 1347 training and 450 test images, (samples, 64) uint8 in [0, 16]."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, t = load_digits(return_X_y=True)
    x_train, x_test, t_train, t_test = train_test_split(
        x.astype(np.uint8), t.astype(np.int64), test_size=0.25, random_state=0
    )
    parts = {"train": Part(x_train, t_train), "test": Part(x_test, t_test)}
    return Loaded(parts, tuple("0123456789"), _SHAPE)


FORMAT = Format(locate_digits, _SHAPE, classes=10)
