"""The command that writes the experiment file of the next search."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.hints import named_database
from sweep.cli.options import Db, app, say
from sweep.errors import UsageError


@app.command("next")
def next_(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of the sweeps that it follows, the last one last; the newest sweep by default.",
            metavar="NAME…",
            autocompletion=completion.sweep_names,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new experiment file, such as next.toml.", metavar="FILE")
    ] = None,
    db: Db = None,
) -> None:
    """Write the experiment file of the next search: the last one's, changed where its results say so.

    Each changed line has its reason as a comment above it: a range is widened where the best trials lie at its end,
    and most draws come from where the best tenth lies; options that none of the best has are left out; what makes no
    difference is fixed. Where a model of the results predicts trials left out, 85 % of the draws are the best 1 % by
    it, and 15 % come from the whole ranges. All others stay as they are.
    """
    if output is None:
        raise UsageError("say where to write, such as -o next.toml")
    from sweep.results.following import write_following

    sweeps = [sweep.load(name, db=db) for name in names] if names else [sweep.load(db=db)]
    written = write_following(sweeps, output)
    for line in (*written.reasons, *written.notes):
        say(line)
    say(f"wrote {output}; go on with: sweep run {shlex.quote(str(output))}{named_database()}")
    earlier = " ".join(names or [])
    if earlier:
        say(f"after it: sweep next {earlier} {written.name} -o FILE.toml{named_database()}")
