"""The command that reads what another program has searched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweep.cli.hints import named_database
from sweep.cli.options import Db, Direction, app, say
from sweep.errors import counted


@app.command("import")
def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="A database of Optuna's, or a .csv, .parquet or .json file of `sweep export`.", metavar="FILE|URL"
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Name of the sweep; by default that of the study or file.")] = None,
    study: Annotated[str | None, typer.Option(help="Name of the study, where there are several.")] = None,
    epochs: Annotated[
        Path | None, typer.Option(help="The epochs of the trials: a file of `sweep export --epochs`.", metavar="FILE")
    ] = None,
    direction: Direction = None,
    db: Db = None,
) -> None:
    """Read a study of Optuna's, or an exported table of trials, as a sweep.

    It can be ranked, plotted, analyzed and compared as any other, but nothing of it can be trained.
    """
    from sweep.results.importing import import_sweep

    results, notes = import_sweep(source, name=name, study=study, epochs=epochs, direction=direction, db=db)
    for note in notes:
        say(f"note: {note}")
    trials = counted(results.record.trials, "trial")
    say(f"imported {trials} as {results.name}; rank them with: sweep leaderboard {results.name}{named_database()}")
