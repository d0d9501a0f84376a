"""The command that writes a report of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep.cli.options import Db, Name, app, say
from sweep.errors import UsageError


@app.command()
def report(
    name: Name = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where it is written, a .html or .md file.", metavar="FILE"),
    ] = None,
    db: Db = None,
) -> None:
    """Write a report of a sweep to one file that can be sent, printed, and read without a network.

    What was asked, the answer in three sentences, the verdicts of `sweep review`, the best, the worst, and those that
    diverged with the causes, what matters, and how to do it again: command, seeds, versions, hashes, a checklist. A
    page (.html) has charts; point at a curve to see the same trial in all of them. The sweep may still be running.
    """
    from sweep.cli.output.progress import counting
    from sweep.report.writing import check_file

    if output is None:
        raise UsageError("say where to write, such as -o report.html")
    check_file(output)
    results = sweep.load(name, db=db)
    with counting("writing the report") as progress:
        results.report(output, progress=progress)
    say(f"report: {output}, {output.stat().st_size / 1e3:,.0f} kB")
