"""The kept weights of a trial: which epoch's are kept, where they lie, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from sweep.errors import WeightsError
from sweep.records import Weights
from sweep.store import Claim
from sweep.training import checkpoint
from sweep.training.checkpoint import Checkpoint
from sweep.training.loop import Trainer

Keep = Literal["best", "last", "none"]

LENGTH = ("epochs", "keep_weights", "record_batches")
"""Keys of `training` that change no bit of any epoch."""


def identity(configuration: Mapping[str, Any], seeds: tuple[int, int, int], sha256: str) -> dict[str, Any]:
    """Return all that decides the bits of each epoch, as JSON: two runs that share it may go on from each other."""
    training = {key: value for key, value in configuration["training"].items() if key not in LENGTH}
    return {**configuration, "training": training, "seeds": list(seeds), "dataset_sha256": sha256}


def restore(path: Path, trainer: Trainer, whose: Mapping[str, Any]) -> None:
    """Set a trainer to the moment of the weights in a file; `whose` is the `identity` that they must have.

    Raises:
        WeightsError: when the file is missing, damaged, or of another network or trial; the trainer is unchanged then.
    """
    kept = checkpoint.read(path)
    try:
        checkpoint.check(kept, trainer)
        for key, value in whose.items():
            if kept.about.get(key) != value:
                raise WeightsError(f"the weights are of another trial: its {key} is not that of this one")
        checkpoint.put(kept, trainer)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


class Keeper:
    """Keeps the weights of one epoch while a trial is trained, and writes them at its end."""

    def __init__(self, keep: Keep, folder: Path, sweep: str, claim: Claim, whose: Mapping[str, Any]) -> None:
        self._keep = keep
        self._folder = folder
        self._claim = claim
        self._file = f"{sweep}/weights/{claim.number}-{claim.attempt}.npz"
        self._about = {"sweep": sweep, "trial": claim.number, **whose}
        self._kept: Checkpoint | None = None

    def see(self, trainer: Trainer, is_best: bool) -> None:
        """Keep the weights of the epoch that has just ended, if they are the ones to keep so far."""
        if self._keep == "last" or (self._keep == "best" and is_best):
            self._kept = checkpoint.take(trainer, self._about)

    def write(self) -> Weights | None:
        """Write the kept weights; None where there are none, or none but those that the trial went on from.

        Raises:
            WeightsError: when they cannot be written.
        """
        if self._kept is None:
            return None
        checkpoint.write(self._kept, self._folder / self._file)
        return Weights(self._file, self._kept.epoch)

    def tidy(self, is_ours: bool) -> None:
        """Delete the file that nobody needs: the one before ours, or ours if a later attempt has taken the trial."""
        before = self._claim.weights
        if self._kept is not None and (not is_ours or before):
            with suppress(OSError):
                (self._folder / (before.file if is_ours and before else self._file)).unlink()
