"""The command that compares two trials."""

from __future__ import annotations

from typing import Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import Db, Format, TrialName, app, print_table, split_trial


@app.command()
def diff(
    first: TrialName,
    second: Annotated[
        str,
        typer.Argument(
            help="The other trial: 17 (of the same sweep) or other-sweep/17.",
            metavar="[NAME/]TRIAL",
            autocompletion=completion.trial_names,
        ),
    ],
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """Compare two trials: what they were given, how they ended, and the first epoch in which they part.

    What both have in common is left out.
    """
    from sweep.analysis.difference import sentences
    from sweep.results.difference import difference

    (name, one), (other_name, other) = split_trial(first), split_trial(second)
    results = sweep.load(name, db=db)
    others = results if other_name is None else sweep.load(other_name, db=db)
    table, parting = difference(results, one, others, other)
    print_table(table, format)
    if format == "table":
        print("\n".join(sentences(parting)))
