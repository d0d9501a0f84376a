"""What is known of a data set before anything is trained on it: counts, ranges, constant features, duplicates."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from sweep.data.dataset import Array, Dataset, Part

_ROWS = 4096
"""Samples that are looked at together, so that large data sets need little memory."""


class Moments(NamedTuple):
    """What the values of each feature are, (features,)."""

    lowest: Array
    highest: Array
    mean: Array
    std: Array


def moments(x: Array) -> Moments:
    """Return the range, mean and standard deviation of each feature of (samples, features)."""
    shift = x[:_ROWS].astype(np.float64).mean(axis=0)  # so that the variance of large numbers is not lost
    total, squares = np.zeros_like(shift), np.zeros_like(shift)
    for start in range(0, len(x), _ROWS):
        block = x[start : start + _ROWS].astype(np.float64) - shift
        total += block.sum(axis=0)
        squares += (block**2).sum(axis=0)
    mean = total / len(x)
    std = np.sqrt(np.maximum(squares / len(x) - mean**2, 0.0))
    lowest, highest = x.min(axis=0), x.max(axis=0)
    return Moments(lowest, highest, mean + shift, np.where(lowest == highest, 0.0, std))


def overview(dataset: Dataset) -> list[dict[str, Any]]:
    """Return a row for each fact, `fact` and its value in each part, of classes the number of samples of each."""
    columns = {name: _facts(dataset, part) for name, part in dataset.parts.items()}
    seen = _digests(dataset.train)
    for name, part in dataset.parts.items():
        own = _digests(part)
        columns[name]["samples twice in the part"] = len(part.x) - len(set(own))
        known = set(seen)
        columns[name]["samples also in train"] = None if name == "train" else sum(each in known for each in own)
    return [{"fact": fact, **{name: facts[fact] for name, facts in columns.items()}} for fact in columns["train"]]


def features(dataset: Dataset) -> list[dict[str, Any]]:
    """Return a row for each feature of the training part: its range, mean, deviation, and whether it is constant.

    Of a table, a gap in a column is a 1 in the feature `… is missing`, whose mean is the share of gaps.
    """
    found = moments(dataset.train.x)
    return [
        {
            "feature": name,
            "min": low.item(),
            "max": high.item(),
            "mean": float(mean),
            "std": float(std),
            "constant": bool(low == high),
        }
        for name, low, high, mean, std in zip(feature_names(dataset), *found, strict=True)
    ]


def feature_names(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the features of a table, the numbers of other features."""
    if dataset.encoding is None:
        return tuple(map(str, range(dataset.train.x.shape[1])))
    return dataset.encoding.features


def one_of_each(dataset: Dataset, part: Part, most: int) -> list[int]:
    """Return the first sample of each class that the part has, of at most so many classes."""
    classes, first = np.unique(part.t, return_index=True)
    return [int(index) for index in first[: min(most, len(classes))]]


def _facts(dataset: Dataset, part: Part) -> dict[str, Any]:
    found = moments(part.x)
    mean = float(found.mean.mean())
    std = float(np.sqrt(np.mean(found.std**2 + (found.mean - mean) ** 2)))
    facts: dict[str, Any] = {
        "samples": len(part.x),
        "shape": "×".join(map(str, dataset.shape)),
        "type": str(part.x.dtype),
        "lowest value": found.lowest.min().item(),
        "highest value": found.highest.max().item(),
        "mean": mean,
        "standard deviation": std,
        "constant features": int((found.lowest == found.highest).sum()),
    }
    if dataset.encoding is not None:
        gaps = [index for index, name in enumerate(feature_names(dataset)) if name.endswith(" is missing")]
        facts["missing values"] = int(part.x[:, gaps].sum())
    return facts | (_target_facts(part) if dataset.target else _class_facts(dataset, part))


def _target_facts(part: Part) -> dict[str, Any]:
    t = part.t
    return {
        "lowest target": t.min().item(),
        "highest target": t.max().item(),
        "mean target": float(t.mean()),
        "standard deviation of the target": float(t.std()),
    }


def _class_facts(dataset: Dataset, part: Part) -> dict[str, Any]:
    counts = np.bincount(part.t, minlength=len(dataset.class_names))
    return {f"class {name}": int(count) for name, count in zip(dataset.class_names, counts, strict=True)}


def _digests(part: Part) -> list[bytes]:
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in part.x]
