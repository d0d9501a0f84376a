"""The files of a trial: the weights of which epoch are kept, checkpoints to go on from, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sweep.errors import SweepError, WeightsError
from sweep.experiment.sections.training import Training
from sweep.records import Weights
from sweep.store import Claim
from sweep.system.files import within
from sweep.training import checkpoint, snapshots
from sweep.training.checkpoint import Snapshot
from sweep.training.loop import NetworkTrainer

LENGTH = ("epochs", "keep_weights", "checkpoint_every", "record_batches")
"""Keys of `training` that change no bit of any epoch."""


def identity(configuration: Mapping[str, Any], seeds: tuple[int, int, int], sha256: str) -> dict[str, Any]:
    """Return all that decides the bits of each epoch, as JSON: two runs that share it may go on from each other."""
    training = {key: value for key, value in configuration["training"].items() if key not in LENGTH}
    return {**configuration, "training": training, "seeds": list(seeds), "dataset_sha256": sha256}


def restore(path: Path, epoch: int, trainer: NetworkTrainer, whose: Mapping[str, Any]) -> None:
    """Set a trainer to the moment of the weights in a file; `whose` is the `identity` that they must have.

    Raises:
        WeightsError: when the file is missing, damaged, or of another network, trial or epoch; the trainer is unchanged
            then.
    """
    kept = checkpoint.read(path)
    try:
        if kept.epoch != epoch:
            raise WeightsError(f"the weights are of epoch {kept.epoch}, not of epoch {epoch}")
        snapshots.check(kept, trainer)
        for key, value in whose.items():
            if kept.about.get(key) != value:
                raise WeightsError(f"the weights are of another trial: its {key} is not that of this one")
        snapshots.put(kept, trainer)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


class Keeper:
    """Keeps the weights of one epoch while a trial is trained, and checkpoints to go on from if its worker dies."""

    def __init__(self, training: Training, folder: Path, sweep: str, claim: Claim, whose: Mapping[str, Any]) -> None:
        self._keep = training.keep_weights
        self._every = training.checkpoint_every
        self._folder = folder
        self._sweep = sweep
        self._claim = claim
        self._about = {"sweep": sweep, "trial": claim.number, **whose}
        self._kept: Snapshot | None = None
        self._named = {"weights": claim.weights, "checkpoint": claim.checkpoint}
        """The files that the trial's row names."""

    def see(self, trainer: NetworkTrainer, is_best: bool) -> None:
        """Keep the weights of the epoch that has just ended, if they are the ones to keep so far."""
        if self._keep == "last" or (self._keep == "best" and is_best):
            self._kept = snapshots.take(trainer, self._about)

    def is_due(self, epoch: int) -> bool:
        """Tell whether a checkpoint is to be written after an epoch."""
        return self._every is not None and epoch > 0 and epoch % self._every == 0

    def write(self, trainer: NetworkTrainer | None = None) -> dict[str, Weights]:
        """Write the kept weights if there are new ones, and a checkpoint of `trainer` if it is given.

        Raises:
            WeightsError: when they cannot be written.
        """
        files = {}
        if self._kept:
            files["weights"] = self._write("weights", self._kept)
        if trainer:
            files["checkpoint"] = self._write("checkpoint", snapshots.take(trainer, self._about))
        return files

    def _write(self, kind: str, content: Snapshot) -> Weights:
        folder = {"weights": "weights", "checkpoint": "checkpoints"}[kind]
        file = f"{self._sweep}/{folder}/{self._claim.number}-{self._claim.attempt}-{content.epoch}.npz"
        checkpoint.write(content, within(self._folder, file))
        return Weights(file, content.epoch)

    def settle(self, files: Mapping[str, Weights | None]) -> None:
        """Delete the files that the trial's row named before it has come to name these."""
        for kind, new in files.items():
            old, self._named[kind] = self._named[kind], new
            if old and old != new:
                self._delete(old)
        if files.get("weights"):
            self._kept = None

    def discard(self, files: Mapping[str, Weights]) -> None:
        """Delete files that were written for nothing, since a later attempt has taken the trial."""
        for file in files.values():
            self._delete(file)

    def _delete(self, file: Weights) -> None:
        with suppress(OSError, SweepError):
            within(self._folder, file.file).unlink()
