"""The page on the data sets: what is in them, and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import sweep
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from sweep.data import Dataset, open_dataset, prepare
from sweep.data.facts import moments, one_of_each, overview
from sweep.data.fetching import DIFFERENT, verify
from sweep.data.sources import Places
from sweep.errors import DataError
from sweep.results.plots import save
from sweep.results.plots.examples import samples

NAMES = ("mnist", "digits", "cifar10")
SHOWN = 25
"""Samples of one class in a picture."""


class Datasets(Page):
    """What `sweep data show` tells of the data sets; those that are not at hand are left out."""

    template = "data-sets.md"
    trainings = ()

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write the facts and the pictures of each data set that is at hand."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            try:
                dataset = open_dataset(prepare(name, folder=data))
            except DataError:
                continue
            pd.DataFrame(overview(dataset)).to_csv(folder / f"{name}.csv", index=False)
            verdicts = {each.verdict for each in verify(name, Places(data, None))}
            constant_table(dataset).assign(differs=DIFFERENT in verdicts).to_csv(
                folder / f"{name}-constant.csv", index=False
            )
            draw_classes(dataset, folder / f"{name}.png")
            draw_one_class(dataset, folder / f"{name}-one-class.png")

    def is_there(self, results: Results) -> bool:
        """Check whether any data set has been at hand."""
        return bool(at_hand(results))

    def content(self, results: Results) -> dict[str, Any]:
        """Return the facts of each data set."""
        names = at_hand(results)
        return {
            "facts": {name: facts_table(results.table(name)) for name in names},
            "constant": {name: results.table(f"{name}-constant").iloc[0] for name in names},
            "classes": {name: classes_table(results.table(name)) for name in names},
            "missing": [name for name in NAMES if name not in names],
            "shown": SHOWN,
        }

    def draw(self, results: Results) -> None:
        """Draw nothing: the pictures are of the samples themselves, which are not exported."""


def at_hand(results: Results) -> list[str]:
    """Return the data sets whose facts are there."""
    return [name for name in NAMES if (results.folder / f"{name}.csv").exists()]


def constant_table(dataset: Dataset) -> pd.DataFrame:
    """Return how many pixels are constant in training, and how often one of them is something else in the test part."""
    found = moments(dataset.train.x)
    is_constant = found.lowest == found.highest
    differs = dataset.parts["test"].x[:, is_constant] != found.lowest[is_constant]
    row = {
        "pixels": len(is_constant),
        "constant": int(is_constant.sum()),
        "differ": int(differs.any(axis=0).sum()),
        "samples": int(differs.any(axis=1).sum()),
        "test": len(differs),
    }
    return pd.DataFrame([row])


def facts_table(facts: pd.DataFrame) -> pd.DataFrame:
    """Return the facts but for the classes, each as it is best read."""
    chosen = facts[~facts["fact"].str.startswith("class ")]
    parts = [str(name) for name in chosen if name != "fact"]
    return chosen.assign(**{name: [as_read(value) for value in chosen[name]] for name in parts})


def as_read(value: object) -> str:
    """Return a fact as a text: integers with commas, other numbers with four significant digits."""
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    try:
        number = float(str(value))
    except ValueError:
        return str(value)
    return f"{number:,.0f}" if number.is_integer() else f"{number:.4g}"


def classes_table(facts: pd.DataFrame) -> pd.DataFrame:
    """Return the samples of each class, with their share of the part."""
    chosen = facts[facts["fact"].str.startswith("class ")]
    columns: dict[str, Any] = {"class": chosen["fact"].str.removeprefix("class ")}
    for part in [str(name) for name in chosen if name != "fact"]:
        counts = chosen[part].astype(float)
        columns[part] = [f"{count:,.0f}" for count in counts]
        columns[f"share of {part}"] = [f"{100 * count / counts.sum():.1f} %" for count in counts]
    return pd.DataFrame(columns)


def draw_classes(dataset: Dataset, path: Path) -> None:
    """Draw one sample of each class, and below the mean of each."""
    train = dataset.train
    first = one_of_each(dataset, train, len(dataset.class_names))
    means = np.array([train.x[train.t == train.t[row]].mean(axis=0) for row in first])
    words = [dataset.class_names[int(train.t[row])] for row in first]
    pictures = np.concatenate([train.x[first].astype(np.float64), means]).reshape(-1, *dataset.shape)
    names = [*words, *(f"mean of {word}" for word in words)]
    save(samples(pictures, names, title=dataset.name, facts="one of each class, and the mean of each"), path)


def draw_one_class(dataset: Dataset, path: Path) -> None:
    """Draw the first samples of the class in the middle."""
    place = len(dataset.class_names) // 2
    rows = np.flatnonzero(dataset.train.t == place)
    facts = f"{SHOWN} of {len(rows)} samples of {dataset.class_names[place]}"
    pictures = dataset.train.x[rows[:SHOWN]].reshape(-1, *dataset.shape).astype(np.float64)  # drawn to their own range
    save(samples(pictures, [f"#{row}" for row in rows[:SHOWN]], title=dataset.name, facts=facts), path)
