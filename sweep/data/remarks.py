"""What is unusual about a data set that can be used all the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from sweep.data.dataset import Dataset
from sweep.data.labels import number

_NAMED = 5
"""Most names that a sentence holds."""
_CHANNELS = (1, 3, 4)
"""Numbers of channels of pictures: gray; red, green and blue; these and opacity."""
_LACKS = {
    "train": "to learn from in the training part",
    "validation": "in the validation part",
    "test": "in the test part",
}


def remarks(dataset: Dataset) -> list[str]:
    """Return one sentence for each thing that is likely a mistake, without a full stop."""
    found = [*_missing_classes(dataset), *_same_numbers(dataset), *_channels_last(dataset)]
    return [f"the data set {dataset.name}: {sentence}" for sentence in found]


def _missing_classes(dataset: Dataset) -> Iterator[str]:
    if dataset.task != "classification":
        return
    for name, part in dataset.parts.items():
        counts = np.bincount(part.t, minlength=len(dataset.class_names))
        missing = [class_name for class_name, count in zip(dataset.class_names, counts, strict=True) if not count]
        if missing:
            has = "class {} has" if len(missing) == 1 else "classes {} have"
            yield f"the {has.format(_listed(missing))} no sample {_LACKS[name]}"


def _same_numbers(dataset: Dataset) -> Iterator[str]:
    if names := same_numbers(dataset.class_names):
        yield f"{_listed(names)} are one number but different classes, as they are written differently"


def same_numbers(class_names: Iterable[str]) -> list[str]:
    """Return the first classes that are one number written differently; none if there are no such classes."""
    spellings = defaultdict(list)
    for name in class_names:
        spellings[number(name)].append(name)
    return next((names for value, names in spellings.items() if value is not None and len(names) > 1), [])


def _channels_last(dataset: Dataset) -> Iterator[str]:
    if len(dataset.shape) != 3:
        return
    channels, rows, columns = dataset.shape
    if columns in _CHANNELS and channels not in _CHANNELS and rows not in _CHANNELS:
        yield (
            f"its examples have {channels} channels of {rows}×{columns} pixels; if channels are the last axis of x, "
            "save x.transpose(0, 3, 1, 2)"
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
