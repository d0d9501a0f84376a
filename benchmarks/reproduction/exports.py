"""What is kept of a sweep in the folder of its page, and how it differs from what was kept before."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

import sweep
from benchmarks.reproduction.trainings import Training

SAME = "the same figures as before, bit for bit"
TIMED = ("seconds", "attempt")
"""Columns that tell of the run, not of its result: its time, and how often it was interrupted."""


@dataclass(frozen=True, slots=True)
class Results:
    """The exported sweeps of a page."""

    folder: Path

    def trials(self, name: str) -> pd.DataFrame:
        """Return one row for each trial, by number."""
        return pd.read_csv(self.folder / f"{name}.csv")

    def epochs(self, name: str) -> pd.DataFrame:
        """Return one row for each epoch of each trial."""
        return pd.read_parquet(self.folder / f"{name}.parquet")

    def about(self, name: str) -> dict[str, Any]:
        """Return the versions, the data sets and the command of a sweep."""
        found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_text())
        return found

    def table(self, name: str) -> pd.DataFrame:
        """Return a further table of the page."""
        return pd.read_csv(self.folder / f"{name}.csv")


def check_trials(results: Results, name: str) -> None:
    """Check that no trial has failed, which pages would leave out, and that accuracies are those of the epochs.

    Raises:
        ValueError: when one has, or is not, as after a change by hand.
    """
    trials = results.trials(name)
    for trial, status in trials[["trial", "status"]].itertuples(index=False):
        if status == "failed":
            raise ValueError(
                f"{results.folder / name}.csv: trial {trial} has failed, and no page tells of such trials; see why "
                f"with `sweep show {name}/{trial}`, and train it again with `sweep resume {name} --retry-failed`"
            )
    epochs = results.epochs(name).set_index(["trial", "epoch"])["test_accuracy"]
    for trial, epoch, accuracy in trials[["trial", "epoch", "test_accuracy"]].dropna().itertuples(index=False):
        if (trial, epoch) in epochs.index and epochs[(trial, epoch)] != accuracy:
            raise ValueError(
                f"{results.folder / name}.csv: trial {trial} has a test accuracy of {accuracy}, but its epoch {epoch} "
                f"{epochs[(trial, epoch)]}; export the sweep again"
            )


def export(found: sweep.Sweep, training: Training, folder: Path) -> str:
    """Write the trials, the epochs and the circumstances of a sweep; say how they differ from those there before.

    Where the figures are the same, the files stay as they are: only times would change.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        before = exported(Results(folder), training.name)
    except FileNotFoundError:
        before = None
    with TemporaryDirectory(dir=folder) as name:
        new = Path(name)
        write(found, training, new)
        after = exported(Results(new), training.name)
        is_known = before is not None and has_same_figures(before, after)
        for path in () if is_known else sorted(new.iterdir()):
            path.replace(folder / path.name)
    return f"{training.name}: {'new' if before is None else difference(before, after)}"


def write(found: sweep.Sweep, training: Training, folder: Path) -> None:
    """Write the trials, the epochs and the circumstances of a sweep into a folder."""
    found.export(folder / f"{training.name}.csv")
    found.export(folder / f"{training.name}.parquet", table="epochs")
    about = {
        "command": training.command,
        "trials": len(found.trials()),
        "seconds": round(float(found.epochs()["seconds"].sum()), 1),
        "environment": dict(found.record.environment),
        "datasets": [dict(dataset) for dataset in found.record.datasets],
    }
    (folder / f"{training.name}.json").write_text(json.dumps(about, indent=1) + "\n")


def further_tables(folder: Path, trainings: Iterable[Training]) -> dict[str, bytes]:
    """Return the tables of a page beside those of its trainings, by name, as they are written."""
    names = {training.name for training in trainings}
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.csv")) if path.stem not in names}


def compared(before: bytes | None, after: bytes) -> str:
    """Say whether a further table is the same as before."""
    if before is None:
        return "new"
    return SAME if before == after else "figures differ from those before"


Exported = tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]
"""Trials, epochs and circumstances of a sweep."""


def exported(results: Results, name: str) -> Exported:
    """Return what is kept of a sweep.

    Raises:
        FileNotFoundError: when it is not there.
    """
    return results.trials(name), results.epochs(name), results.about(name)


def has_same_figures(before: Exported, after: Exported) -> bool:
    """Check whether two exports have the same figures bit for bit."""
    return all(is_same(old, new) for old, new in zip(before[:2], after[:2], strict=True))


def difference(before: Exported, after: Exported) -> str:
    """Say whether two exports have the same figures bit for bit, and else which versions differ."""
    if has_same_figures(before, after):
        return SAME
    old, new = before[2]["environment"], after[2]["environment"]
    changed = [f"{name} {old.get(name)} → {new.get(name)}" for name in {**old, **new} if old.get(name) != new.get(name)]
    where = ", ".join(changed) or "although nothing in the recorded environment does"
    return f"figures differ from those before ({where})"


def is_same(old: pd.DataFrame, new: pd.DataFrame) -> bool:
    """Check whether two tables are equal but for the times."""
    kept = [name for name in old if name not in TIMED]
    if kept != [name for name in new if name not in TIMED]:
        return False
    return bool(old[kept].equals(new[kept]))
