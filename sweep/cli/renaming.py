"""The command that gives a sweep another name."""

from __future__ import annotations

from typing import Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import Db, app, say


@app.command()
def rename(
    old: Annotated[str, typer.Argument(help="The sweep.", metavar="OLD", autocompletion=completion.sweep_names)],
    new: Annotated[str, typer.Argument(help="The name that it gets.", metavar="NEW")],
    db: Db = None,
) -> None:
    """Give a sweep another name, with its weights and charts.

    Sweeps that are called after it, such as OLD.finalists, are renamed, too. A sweep that is being trained is not.
    """
    results = sweep.load(old, db=db)
    before = set(results.store.names())
    results.rename(new)
    others = sorted(set(results.store.names()) - before - {results.name})
    say(f"{old} is {results.name} now" + (f", with {', '.join(others)}" if others else ""))
