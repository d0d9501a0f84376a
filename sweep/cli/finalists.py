"""The command that trains the best configurations again, to see what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli.options import Db, Format, Name, RunFlags, app, print_table, say, with_run_flags
from sweep.errors import Call, UsageError

if TYPE_CHECKING:
    from sweep.analysis.finalists import Finalists
    from sweep.results.sweep import Sweep


@app.command()
@with_run_flags
def finalists(
    name: Name = None,
    n: Annotated[int, typer.Option("-n", help="How many of the best configurations.")] = 5,
    seeds: Annotated[
        int, typer.Option(help="How many fresh seeds each of them has in the end; 0 to train nothing.")
    ] = 5,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="With csv, json or markdown: print the table of pairs instead.")
    ] = False,
    format: Annotated[Format, typer.Option(help="How to print the tables.")] = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Train the best configurations again with fresh seeds, and tell how much of their rank was luck.

    All finalists have the same fresh seeds, each for the initial weights, the order of the samples and the split of the
    data at once. They are trials of the sweep NAME.finalists; given again, the command trains only what is missing.

    expected: the mean over fresh seeds, shrunk towards that of all finalists, with an interval of 90 %; shrinkage: by
    how much the value before, in the search, was better. P(A > B): the probability that a training of A ends better
    than one of B. Two are told apart if it is at least 0.75, its interval leaves out 0.5, and the difference of the
    means is not 0 by a test of all pairs together. A training that diverged is the worst in P(A > B), and in no mean.
    """
    from sweep.results.finalists import best_configurations, finalists_in

    if seeds < 0:
        raise UsageError(f"--seeds takes a number from 0 on, not {seeds}")
    results = sweep.load(name, db=db)
    numbers = best_configurations(results, n)
    if seeds:
        again = Call("finalists", results.name, arguments=(("n", n), ("seeds", seeds)))
        with flags.keywords(again) as keywords:
            sweep.finalists(n, seeds=seeds, name=results.name, db=db, **keywords)
    lines = _problems(results, numbers) if seeds else []
    _print(results, finalists_in(results, numbers), format, pairs)
    for line in lines:
        say(line)


def _problems(results: Sweep, numbers: Sequence[int]) -> list[str]:
    """Return lines on the trainings of some configurations that failed.

    Raises:
        SweepError: when all have failed.
    """
    from sweep.cli.output.outcome import twin_problems
    from sweep.results.finalists import trainings_of
    from sweep.runner.finalists import finalists_name

    trainings = trainings_of(results)
    twins = trainings.loc[trainings["trial"].isin(numbers), "twin"].tolist()
    return twin_problems(finalists_name(results.name), twins, results)


def _print(results: Sweep, found: Finalists, format: Format, pairs: bool) -> None:
    from sweep.analysis.finalists import finalists_table, pairs_table, sentences
    from sweep.analysis.superiority import PROBABLE
    from sweep.results.finalists import notes, variance_of

    table = finalists_table(found, results.objective.metric)
    if format != "table":  # of which a program reads one table
        print_table(pairs_table(found) if pairs else table, format)
        return
    more = "--format csv"
    print_table(table.drop(columns=["shrinkage_low", "shrinkage_high"]), format, f"Finalists of {results.name}", more)
    if found.pairs:
        print_table(pairs_table(found), format, "Pairs", "--pairs --format csv")
        say(
            f"two are told apart if all of this holds: probability at least {PROBABLE:g} (or at most "
            f"{1 - PROBABLE:g}), its interval leaves out 0.5, low to high leaves out 0 (or a training diverged)"
        )
    for line in sentences(found, variance_of(results, found)):
        print(line)
    for line in notes(results):
        say(line)
