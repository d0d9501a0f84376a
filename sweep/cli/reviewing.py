"""The command that tells what may be wrong with a sweep."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli.hints import named_database
from sweep.cli.options import Db, Format, Name, app, print_table, say

if TYPE_CHECKING:
    from sweep.analysis.review import Verdict
    from sweep.results.sweep import Sweep

WIDTH = 110
"""Columns of the words of a verdict."""
TOLD = 4
"""Most verdicts that are told after a sweep."""
FEWEST, MOST = 10, 2_000
"""Completed trials from which on, and trials up to which, they are told there: with fewer there is little to say, and
with more it takes longer than a second."""


@app.command()
def review(
    name: Name = None,
    format: Annotated[Format, typer.Option(help="How to print the verdicts.")] = "table",
    db: Db = None,
) -> None:
    """Tell what may be wrong with a sweep: twelve verdicts, each with its evidence and what to do next.

    ✓ all is well, ! something is wrong, – it cannot be judged, for the reason given. The exit code is 0 all the
    same. Jitter is how much a metric changes from epoch to epoch, beyond its trend. In csv and json `passed` says
    that all is well, and `fault` names what was looked for, whatever came of it.
    """
    from sweep.cli.output.outcome import counts_lines
    from sweep.results.review import verdicts

    results = sweep.load(name, db=db)
    found = verdicts(results)
    if format == "table":
        print("\n".join(lines(found)))
        failing = sum(each.passed is False for each in found)
        if all(each.passed is None for each in found):
            words = counts_lines(results, results.store.progress(results.record.id))
            say("\n".join(["no verdict can be reached so far:", *words]))
        else:
            say(f"{results.name}: {failing} of {len(found)} verdicts call for something to be done")
    else:
        from sweep.analysis.review import frame

        print_table(frame(found), format)


def lines(found: Sequence[Verdict]) -> Iterator[str]:
    """Yield verdicts as lines, with what to do next below those that need it."""
    from sweep.analysis.review import MARKS, worded

    for each in found:
        yield from textwrap.wrap(
            f"{MARKS[each.passed]} {worded(each)}: {each.evidence}",
            WIDTH,
            subsequent_indent="  ",
            break_long_words=False,
        )
        if each.advice:
            yield from textwrap.wrap(
                f"→ {with_database(each.advice)}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )


def with_database(advice: str) -> str:
    """Return an advice whose commands name the database that this command was given."""
    return re.sub(r"`(sweep [^`]+)`", lambda found: f"`{found[1]}{named_database()}`", advice)


def failing(results: Sweep) -> list[str]:
    """Return lines on the first verdicts that a sweep has not passed, and on how to see all; none while it runs."""
    from sweep.experiment.parents import parent_of
    from sweep.results.review import verdicts

    counts = results.store.progress(results.record.id).counts
    is_ended = not set(counts).intersection(("queued", "running", "paused", "interrupted"))
    is_search = parent_of(results.record) is None
    if not (is_ended and is_search) or counts.get("completed", 0) < FEWEST or sum(counts.values()) > MOST:
        return []
    found = [each for each in verdicts(results) if each.passed is False]
    shown = [f"! {each.name}: {each.evidence}" for each in found[:TOLD]]
    more = f"and {len(found) - TOLD} more; " if len(found) > TOLD else ""
    return [*shown, f"{more}what to do next: sweep review {results.name}{named_database()}"] if shown else []
