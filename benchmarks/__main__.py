"""`python -m benchmarks`: sweep beside its peers, side by side in one run."""

from __future__ import annotations

import os
import time
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks import (
    brackets,
    cluster,
    command_line,
    curves,
    divergence,
    epoch,
    finalists,
    importance,
    networks,
    next,
    packs,
    report,
    review,
    scale,
    search,
    stores,
    sweeps,
    tables,
    tuning_curve,
)
from benchmarks.measurement import PEERS, installed, printed, progress, set_environment

RESULTS = Path(__file__).parents[1] / "results"


class Topic(StrEnum):
    """What can be measured."""

    EPOCH = "epoch"
    NETWORKS = "networks"
    SWEEPS = "sweeps"
    STORES = "stores"
    SCALE = "scale"
    CLUSTER = "cluster"
    COMMAND_LINE = "command-line"
    CURVES = "curves"
    TABLES = "tables"
    SEARCH = "search"
    NEXT = "next"
    DIVERGENCE = "divergence"
    TUNING_CURVE = "tuning_curve"
    REVIEW = "review"
    BRACKETS = "brackets"
    PACKS = "packs"
    IMPORTANCE = "importance"
    FINALISTS = "finalists"


MODULES = {
    Topic.EPOCH: epoch,
    Topic.NETWORKS: networks,
    Topic.SWEEPS: sweeps,
    Topic.STORES: stores,
    Topic.SCALE: scale,
    Topic.CLUSTER: cluster,
    Topic.COMMAND_LINE: command_line,
    Topic.CURVES: curves,
    Topic.TABLES: tables,
    Topic.SEARCH: search,
    Topic.NEXT: next,
    Topic.DIVERGENCE: divergence,
    Topic.TUNING_CURVE: tuning_curve,
    Topic.REVIEW: review,
    Topic.BRACKETS: brackets,
    Topic.PACKS: packs,
    Topic.IMPORTANCE: importance,
    Topic.FINALISTS: finalists,
}


SPEEDS = frozenset({"epoch", "networks", "sweeps", "stores", "scale", "cluster", "command-line"})
"""What depends on the machine, and on how quiet it is; the other topics measure what methods find."""
REPORTS = RESULTS / "reference"


def main(
    topics: Annotated[list[Topic] | None, typer.Argument(help="What to measure; all speeds by default.")] = None,
    methods: Annotated[bool, typer.Option("--methods", help="All that methods find, rather than speeds.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds of less, to see that all works.")] = False,
) -> None:
    """Measure, and print tables; all speeds, and all methods, are written to results/reference/, too."""
    set_environment()
    start, load = time.monotonic(), report.load_average()
    if missing := PEERS.keys() - installed(PEERS):
        progress.log(f"left out, since not installed: {', '.join(sorted(missing))}")
    chosen = [topic for topic in Topic if (topic in SPEEDS) != methods]
    found = []
    with TemporaryDirectory(dir=RESULTS) as folder:
        os.environ["SWEEP_CACHE"] = str(Path(folder) / "cache")
        for topic in topics or chosen:
            module = MODULES[topic]
            size = module.QUICK if quick else module.FULL
            found += [printed(table) for table in module.run(size, Path(folder))]
    minutes = (time.monotonic() - start) / 60
    progress.log(f"{report.summary(found)} It took {minutes:.1f} minutes.")
    if quick:
        progress.log("targets are meant for the full form; of so little, no figure means much")
    elif not topics:
        path = REPORTS / ("methods.md" if methods else "benchmarks.md")
        target = "bench-methods" if methods else "bench"
        path.write_text(report.document(found, target, minutes, (load, report.load_average())), "utf-8")
        progress.log(f"written: {path}")


if __name__ == "__main__":
    typer.run(main)
