"""The trainer protocol: what trains one configuration, epoch by epoch, ours or a user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweep.errors import SweepError
from sweep.metrics import Objective
from sweep.nn.layers.matmul import Products
from sweep.records import Epoch, Seeds, SweepRecord, TrialRecord
from sweep.training.checkpoint import Snapshot
from sweep.training.products import products_of


class TrainingError(SweepError):
    """A user's own trainer cannot go on; the message is the sentence that its trial ends with."""


@dataclass(frozen=True)
class Setup:
    """What a trainer is made of."""

    number: int
    """Number of the trial."""
    configuration: Mapping[str, Any]
    """The searched sections, every value drawn."""
    seeds: Seeds
    planned_epochs: int
    objective: Objective
    datasets: Mapping[str, str]
    """Cached folder of each data set, by `sweep.data.options_key`."""
    experiment_folder: Path | None
    """Folder of the experiment file, where a user's function or program is looked for."""
    files: Path
    """Folder for the files of the database."""
    sweep: str
    """Name of the sweep, and of its folder in `files`."""
    fork: Fork | None = None
    """Where it forks from another trial, if it does."""
    products: Products = "wide"
    """How one of our own networks multiplies weights with samples; see `sweep.training.products`."""

    @classmethod
    def stored(
        cls,
        record: SweepRecord,
        trial: TrialRecord,
        datasets: Mapping[str, str],
        files: Path,
        fork: Fork | None = None,
    ) -> Setup:
        """Return what the trainer of a stored trial is made of; without its fork, what trains it after that."""
        return cls(
            number=trial.number,
            configuration=trial.configuration,
            seeds=trial.seeds,
            planned_epochs=trial.planned_epochs,
            objective=record.objective,
            datasets=datasets,
            experiment_folder=Path(record.experiment_folder) if record.experiment_folder else None,
            files=files,
            sweep=record.name,
            fork=fork,
            products=products_of(record.environment),
        )

    @property
    def files_folder(self) -> Path:
        """Folder for files of the trial's own; it need not exist."""
        return self.files / self.sweep / "files" / str(self.number)


@dataclass(frozen=True)
class Fork:
    """Where a training forks from that of another trial, the parent."""

    parent: Setup
    """What the parent's trainer is made of, where it has to be trained again."""
    epoch: int
    """The last epoch that both have."""
    reseeded: bool = False
    """Whether the seeds are others after the fork."""


class Trainer(Protocol):
    """Trains one configuration."""

    planned_epochs: int
    """Number of the last epoch."""

    @property
    def batch_losses(self) -> Sequence[float]:
        """Mean loss of each mini-batch of the last epoch before its step; empty if not known."""

    @property
    def log(self) -> str | None:
        """What a program has printed besides its metrics; None for others."""

    def epochs(self) -> Iterator[Epoch]:
        """Train to the end and yield each epoch; continue after the epoch of the restored snapshot.

        Raises:
            Diverged: when a value that is not finite has appeared; all epochs before it have been yielded.
            TrainingError: when a user's own trainer fails.
        """

    def correct(self, part: str) -> NDArray[np.bool_] | None:
        """Return whether each sample of a part was classified rightly after the last epoch; None where not known.

        The next epoch may write over it.
        """

    def snapshot(self) -> Snapshot | None:
        """Return the state at the end of the last epoch; None where the trainer has saved none."""

    def check(self, snapshot: Snapshot) -> None:
        """Check that a snapshot is of such a trainer.

        Raises:
            WeightsError: when it is not.
        """

    def restore(self, snapshot: Snapshot) -> None:
        """Set the trainer to the state of a snapshot.

        Raises:
            WeightsError: when it does not fit; the trainer is unchanged then.
        """
