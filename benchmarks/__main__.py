"""`python -m benchmarks [--quick] [TOPIC…]`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks import epoch, networks, stores, sweeps
from benchmarks.measurement import printed, set_environment

TOPICS = {"epoch": epoch, "networks": networks, "sweeps": sweeps, "stores": stores}


def main(
    topics: Annotated[list[str] | None, typer.Argument()] = None,
    quick: bool = False,
) -> None:
    """Measure."""
    set_environment()
    for name in topics or TOPICS:
        topic = TOPICS[name]
        with TemporaryDirectory(dir="results") as folder:
            for table in topic.run(topic.QUICK if quick else topic.FULL, Path(folder)):
                printed(table)


if __name__ == "__main__":
    typer.run(main)
