"""Where a twin forks from its parent: the trial and the epoch, as text in the database, and what trains it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sweep.errors import SweepError
from sweep.records import Seeds
from sweep.store.reader import Reader
from sweep.training.trainer import Fork, Setup, TrainingError


@dataclass(frozen=True, slots=True)
class Origin:
    """The trial and the epoch after which another one forks from it."""

    sweep: str
    """Name of its sweep."""
    number: int
    epoch: int
    """The last epoch that both have, at least 1."""

    def __str__(self) -> str:
        """Return it as the column `forked_from` has it, such as `mnist-widths/12@7`."""
        return f"{self.sweep}/{self.number}@{self.epoch}"

    @classmethod
    def read(cls, text: str) -> Origin:
        """Return the origin that a text of the database stands for.

        Raises:
            SweepError: when it stands for none.
        """
        trial, _, epoch = text.rpartition("@")
        name, _, number = trial.rpartition("/")
        if not (name and number.isdecimal() and epoch.isdecimal()):
            raise SweepError(f"a trial forks from {text!r}, which is not of the form NAME/TRIAL@EPOCH")
        return cls(name, int(number), int(epoch))


def fork_of(forked_from: str | None, seeds: Seeds, store: Reader, datasets: Mapping[str, str]) -> Fork | None:
    """Return where a trial forks from another one; None where it does not.

    Args:
        forked_from: as the database has it.
        seeds: those of the trial.
        store: where the parent is.
        datasets: cached folder of each data set by its key.

    Raises:
        SweepError: when the parent is not there.
    """
    if forked_from is None:
        return None
    origin = Origin.read(forked_from)
    try:
        record = store.sweep(origin.sweep)
        row = store.trial(record.id, origin.number)
    except SweepError as error:
        raise TrainingError(f"the trial that it forks from, {origin}, is not there: ", *error.args) from None
    fork = fork_of(row.forked_from, row.seeds, store, datasets)
    parent = Setup.stored(record, row, datasets, store.files, fork)
    return Fork(parent, origin.epoch, reseeded=row.seeds != seeds)
