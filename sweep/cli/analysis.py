"""The command that tells what can be learned from trials."""

from __future__ import annotations

from typing import Annotated

import typer

import sweep
from sweep.cli.options import Db, Format, app, print_table, say
from sweep.errors import UsageError


@app.command()
def analyze(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names of the sweeps whose trials count; the newest by default.", metavar="[NAME]…"),
    ] = None,
    divergence: Annotated[
        bool, typer.Option("--divergence", help="The probability to diverge, as a function of the configuration.")
    ] = False,
    format: Annotated[
        Format, typer.Option(help="How to print it: as sentences, or the table of all effects.")
    ] = "table",
    db: Db = None,
) -> None:
    """Tell what can be learned from the trials of one or more sweeps.

    With --divergence: where trials diverge as a formula, by how much each parameter changes the odds, and how well
    left-out trials are predicted, beside the base rate. Pruned trials and those that have not ended are left out.
    """
    if not divergence:
        raise UsageError("say what to analyze, such as --divergence")
    from sweep.analysis.divergence_report import effects_table, sentences
    from sweep.results.divergence import law_of, remarks

    sweeps = [sweep.load(name, db=db) for name in names] if names else [sweep.load(db=db)]
    law = law_of(sweeps)
    if format == "table":
        print("\n".join(sentences(law)))
    else:
        print_table(effects_table(law), format)
    for line in remarks(sweeps):
        say(line)
