"""Sweeps that were trained by another program and imported: they are read, but nothing of them can be trained."""

from __future__ import annotations

from sweep.errors import SweepError
from sweep.experiment.parameters import read_table
from sweep.records import SweepRecord

IMPORTED = "imported"
"""Kind of the trainer and of the sampler of such a sweep."""


def source_of(record: SweepRecord) -> str | None:
    """Return from where a sweep was imported; None where it was run here."""
    trainer = read_table(record.experiment, record.name, record.overrides).get("trainer")
    return str(trainer["source"]) if isinstance(trainer, dict) and trainer.get("kind") == IMPORTED else None


def refuse_imported(record: SweepRecord) -> None:
    """Check that a sweep was run here, so that its trials can be trained.

    Raises:
        SweepError: when it was imported.
    """
    source = source_of(record)
    if source is not None:
        raise SweepError(
            f"{record.name} was imported from {source}, so there is nothing here to train its trials with; "
            "run a search of your own training function, and give it the same ranges"
        )
