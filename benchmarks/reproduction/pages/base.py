"""What a page is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sweep
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.trainings import Training


class Page:
    """A page on one or several sweeps; its template is filled from the exports alone."""

    trainings: tuple[Training, ...]
    template: str

    def go_on(self, sweeps: Mapping[str, sweep.Sweep], db: Path, data: Path | None, workers: int | None) -> None:
        """Train what can only be known once the sweeps have ended."""

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write further tables and pictures for which the sweeps themselves are needed."""

    def is_there(self, results: Results) -> bool:
        """Check whether enough has been exported to write the page."""
        return any((results.folder / f"{training.name}.json").exists() for training in self.trainings)

    def content(self, results: Results) -> dict[str, Any]:
        """Return what the template shows."""
        raise NotImplementedError

    def draw(self, results: Results) -> None:
        """Draw the charts of the page."""
        raise NotImplementedError
