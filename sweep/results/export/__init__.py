"""Exporters: a sweep's trials, epochs or losses of mini-batches, written for other programs.

An exporter is a class with `suffixes` and `write`, see `sweep.results.export.base`. One line in `KINDS` adds it to
`Sweep.export` and to the command line.
"""

from __future__ import annotations

from pathlib import PurePath

from sweep.errors import UsageError, suggest
from sweep.results.export.base import TABLES, Exporter, Table
from sweep.results.export.mlflow import MlFlow
from sweep.results.export.optuna import OptunaExporter
from sweep.results.export.parquet import Parquet
from sweep.results.export.tensorboard import TensorBoard
from sweep.results.export.text import Csv, Json

__all__ = ["KINDS", "TABLES", "Exporter", "Table", "exporter"]

KINDS: dict[str, type[Exporter]] = {
    "csv": Csv,
    "json": Json,
    "optuna": OptunaExporter,
    "mlflow": MlFlow,
    "parquet": Parquet,
    "tensorboard": TensorBoard,
}
"""Name of a format -> its exporter."""


def exporter(destination: str, format: str | None = None) -> Exporter:
    """Return the exporter of a format, by default that of the destination's suffix.

    Raises:
        UsageError: when there is no such format, or no exporter for the suffix.
    """
    if format is not None:
        if format not in KINDS:
            raise UsageError(f"there is no export format '{format}': {suggest(format, KINDS)}")
        return KINDS[format]()
    by_suffix = {suffix: kind for kind in KINDS.values() for suffix in kind().suffixes}
    suffix = PurePath(destination).suffix.lower()
    if suffix not in by_suffix:
        raise UsageError(f"cannot write '{destination}': its name must end in {' or '.join(by_suffix)}")
    return by_suffix[suffix]()
