"""Sweeps whose trials were made from those of another one, the parent, in place of being drawn."""

from __future__ import annotations

from sweep.experiment.parameters import read_table
from sweep.records import SweepRecord


def parent_of(record: SweepRecord) -> str | None:
    """Return the name of the sweep that the trials of one were made from; None where they were drawn."""
    sampler = read_table(record.experiment, record.name, record.overrides).get("sampler")
    return str(sampler["of"]) if isinstance(sampler, dict) and sampler.get("kind") == "given" else None


def labels_of(record: SweepRecord) -> list[str]:
    """Return the names of what is kept with each trial of a sweep of twins as if it were searched; none of others."""
    sampler = read_table(record.experiment, record.name, record.overrides).get("sampler")
    if not isinstance(sampler, dict) or sampler.get("kind") != "given":
        return []
    return [str(label) for label in sampler["labels"]]
