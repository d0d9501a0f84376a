"""The command that removes a sweep."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import Db, app, say
from sweep.errors import UsageError


@app.command()
def remove(
    names: Annotated[
        list[str], typer.Argument(help="The sweeps.", metavar="NAME...", autocompletion=completion.sweep_names)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove it without asking.")] = False,
    twins: Annotated[
        bool, typer.Option("--twins", help="Remove the sweeps made from its trials, such as NAME.finalists, too.")
    ] = False,
    db: Db = None,
) -> None:
    """Remove sweeps with their weights, checkpoints and charts, for ever.

    It asks before. A sweep that is being trained is not removed. The space is given back to the disk unless others are
    writing the database.
    """
    from sweep.runner.removing import planned_removals, shown_bytes
    from sweep.runner.removing import remove as remove_planned

    found = [sweep.load(name, db=db) for name in dict.fromkeys(names)]
    store = found[0].store
    planned = planned_removals([each.record for each in found], store, twins=twins)
    if not yes and not _is_confirmed(f"Remove {planned} from {store.database.shown}, for ever?"):
        say("nothing is removed")
        return
    smaller = remove_planned(planned, store)
    say(f"removed {planned}" + (f"; the database is {shown_bytes(smaller)} smaller" if smaller else ""))


def _is_confirmed(question: str) -> bool:
    """Ask the user at the terminal.

    Raises:
        UsageError: when there is no terminal to ask at.
    """
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; to remove it without being asked, give --yes")
    return typer.confirm(question, err=True)
