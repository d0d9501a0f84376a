"""The command that writes a sweep for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep.cli.options import Db, Name, app, say
from sweep.errors import UsageError, counted


@app.command()
def export(
    name: Name = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A .csv or .json file.", metavar="FILE")] = None,
    format: Annotated[
        str | None, typer.Option(help="csv or json; by default what the name of the file ends in.", metavar="FORMAT")
    ] = None,
    epochs: Annotated[bool, typer.Option("--epochs", help="Write the epochs of all trials instead.")] = False,
    batches: Annotated[bool, typer.Option("--batches", help="Write the losses of mini-batches instead.")] = False,
    db: Db = None,
) -> None:
    """Write all trials, or all their epochs, to a file."""
    if output is None:
        raise UsageError("say where to write, such as -o trials.csv")
    if epochs and batches:
        raise UsageError("--epochs and --batches exclude each other; give one of them")
    results = sweep.load(name, db=db)
    rows = results.export(output, format=format, table="epochs" if epochs else "batches" if batches else "trials")
    say(f"wrote {counted(rows, 'row')} of {results.name} to {output}")
