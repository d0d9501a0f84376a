"""Training the sweeps of a page, or going on with them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sweep

ENDED = ("completed", "diverged", "pruned", "failed")


@dataclass(frozen=True, slots=True)
class Training:
    """A sweep that a page tells of."""

    name: str
    experiment: str
    """Name of the shipped experiment file."""
    overrides: tuple[str, ...] = ()
    """Values of the file that are replaced, as `--set` takes them."""

    @property
    def command(self) -> str:
        """The command that trains it."""
        named = [] if self.name == self.experiment else ["--name", self.name]
        sets = [word for value in self.overrides for word in ("--set", value)]
        return shlex.join(["sweep", "run", self.experiment, *named, *sets])


def trained(training: Training, database: Path, data: Path | None, workers: int | None) -> sweep.Sweep:
    """Return a sweep whose trials have all ended: as it is there, resumed, or begun."""
    if (found := ended(training, database)) is not None:
        return found
    if is_there(training, database):
        return sweep.resume(training.name, db=database, data=data, workers=workers)
    overrides: Sequence[str] = training.overrides
    return sweep.run(
        training.experiment, name=training.name, overrides=overrides, db=database, data=data, workers=workers
    )


def ended(training: Training, database: Path) -> sweep.Sweep | None:
    """Return a sweep if it is there and all its trials have ended."""
    if not is_there(training, database):
        return None
    found = sweep.load(training.name, db=database)
    return found if found.trials()["status"].isin(ENDED).all() else None


def is_there(training: Training, database: Path) -> bool:
    """Check whether a sweep has been begun."""
    return database.exists() and training.name in set(sweep.sweeps(db=database)["sweep"])
