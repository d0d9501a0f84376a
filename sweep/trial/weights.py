"""The files of a trial: which epoch's state is kept, checkpoints to continue from, and which trial they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sweep.errors import SweepError, WeightsError
from sweep.records import Seeds, Weights
from sweep.store import Claim
from sweep.system.files import within
from sweep.training import checkpoint
from sweep.training.checkpoint import Snapshot
from sweep.training.trainer import Trainer

LENGTH = ("epochs", "keep_weights", "checkpoint_every", "record_batches", "record_sharpness")
"""Keys of `training` that change no bit of any epoch."""


@dataclass(frozen=True)
class Keeping:
    """What is written while a trial is trained."""

    weights: Literal["best", "last", "none"] = "none"
    """Which epoch's state is kept when the trial has ended."""
    checkpoint_every: int | None = None
    """Epochs between checkpoints; None for none."""
    checkpoint_when_saved: bool = False
    """Whether to write a checkpoint, now and then, whenever the trainer has a state to save."""
    batches: bool = False
    """Whether the loss of each mini-batch is stored."""


def keeping(configuration: Mapping[str, Any]) -> Keeping:
    """Return what a configuration wants to be kept; of a user's own trainer, the last state that it saves."""
    if "trainer" in configuration:
        return Keeping("last", checkpoint_when_saved=True)
    training = configuration["training"]
    return Keeping(
        training.get("keep_weights", "none"),
        training.get("checkpoint_every"),
        batches=training.get("record_batches", False),
    )


def provenance(configuration: Mapping[str, Any], seeds: Seeds, sha256: str | None) -> dict[str, Any]:
    """Return all that decides the bits of each epoch, as JSON: trials that share it may continue from each other."""
    training = {key: value for key, value in configuration.get("training", {}).items() if key not in LENGTH}
    sections = {**configuration, "training": training} if "training" in configuration else dict(configuration)
    numbers = [seeds.weights, seeds.shuffling, seeds.dropout]
    return {**sections, "seeds": numbers, **({"dataset_sha256": sha256} if sha256 else {})}


def restore(folder: Path, file: Weights, trainer: Trainer, belongs_to: Mapping[str, Any]) -> bytes | None:
    """Set a trainer to the snapshot in a file of a folder; return which examples were right, see `TrialFiles.write`.

    Args:
        folder: to which the name of the file is relative.
        file: the file.
        trainer: which is changed.
        belongs_to: the `provenance` that the snapshot must have.

    Raises:
        WeightsError: when the file is missing, damaged, or of another network, trial or epoch; the trainer is unchanged
            then.
        SweepError: when the file lies elsewhere.
    """
    path = within(folder, file.file)
    kept = checkpoint.read(path, file.sha256)
    try:
        if kept.epoch != file.epoch:
            raise WeightsError(f"the weights are of epoch {kept.epoch}, not of epoch {file.epoch}")
        trainer.check(kept)
        for key, value in belongs_to.items():
            if _unplaced(kept.about.get(key)) != _unplaced(value):
                raise WeightsError(f"the weights are of another trial: its {key} is not that of this one")
        trainer.restore(kept)
        return bytes.fromhex(kept.about["correct"]) if "correct" in kept.about else None
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


def _unplaced(value: Any) -> Any:
    """Return the table of a pickled function without its place, which is another one once its sweep is renamed."""
    is_pickle = isinstance(value, Mapping) and value.get("kind") == "pickle"
    return {key: each for key, each in value.items() if key != "file"} if is_pickle else value


class TrialFiles:
    """Keeps the state of one epoch while a trial is trained, and checkpoints to continue from if its worker crashes."""

    def __init__(self, kept: Keeping, folder: Path, place: str, claim: Claim, belongs_to: Mapping[str, Any]) -> None:
        """Write files into the folder `place`, relative to `folder`, as the database names them."""
        self._keeping = kept
        self._folder = folder
        self._place = place
        self._claim = claim
        self._about = {"trial": claim.number, **belongs_to}
        self._kept: Snapshot | None = None
        self._named = {"weights": claim.weights, "checkpoint": claim.checkpoint}
        """The files that the trial's row names."""

    def see(self, trainer: Trainer, is_chosen: bool) -> None:
        """Keep the state at the end of the last epoch, if it is the one to keep so far."""
        wanted = self._keeping.weights
        if wanted == "last" or (wanted == "best" and is_chosen):
            self._kept = trainer.snapshot() or self._kept

    def is_checkpoint_due(self, epoch: int, planned: int, is_flush_due: bool) -> bool:
        """Tell whether a checkpoint is to be written after an epoch."""
        if self._keeping.checkpoint_when_saved:
            return is_flush_due and self._kept is not None and self._kept.epoch == epoch
        every = self._keeping.checkpoint_every
        return every is not None and 0 < epoch < planned and epoch % every == 0

    def write(self, checkpoint_of: Trainer | None = None, correct: bytes | None = None) -> dict[str, Weights]:
        """Write the kept state if there is a new one, and a checkpoint of a trainer if one is given.

        Which examples are right at the epoch that stands for the trial, packed, is written with them, since another
        epoch may have come to stand for it when the trial goes on from the file.

        Raises:
            WeightsError: when they cannot be written.
        """
        files = {}
        if checkpoint_of and (state := checkpoint_of.snapshot()):
            files["checkpoint"] = self._write("checkpoint", state, correct)
        if self._kept and not (checkpoint_of and self._keeping.checkpoint_when_saved):
            files["weights"] = self._write("weights", self._kept, correct)
        return files

    def _write(self, kind: str, content: Snapshot, correct: bytes | None) -> Weights:
        folder = {"weights": "weights", "checkpoint": "checkpoints"}[kind]
        file = f"{self._place}/{folder}/{self._claim.number}-{self._claim.attempt}-{content.epoch}.npz"
        about = self._about | ({"correct": correct.hex()} if correct else {})
        sha256 = checkpoint.write(replace(content, about=about), within(self._folder, file))
        return Weights(file, content.epoch, sha256)

    def settle(self, files: Mapping[str, Weights | None]) -> None:
        """Delete the files that the trial's row named before it came to name these."""
        for kind, new in files.items():
            old, self._named[kind] = self._named[kind], new
            if old and old != new:
                self._delete(old)
        if files.get("weights"):
            self._kept = None

    def discard(self, files: Mapping[str, Weights]) -> None:
        """Delete files that are not needed, since a later attempt has taken the trial."""
        for file in files.values():
            self._delete(file)

    def _delete(self, file: Weights) -> None:
        with suppress(OSError, SweepError):
            within(self._folder, file.file).unlink()
