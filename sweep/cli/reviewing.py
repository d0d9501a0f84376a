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

WIDTH = 110
"""Columns of the words below a verdict."""


@app.command()
def review(
    name: Name = None,
    format: Annotated[Format, typer.Option(help="How to print the verdicts.")] = "table",
    db: Db = None,
) -> None:
    """Tell what may be wrong with a sweep: twelve verdicts, each with its evidence and what to do next.

    ✓ all is well, ! something is wrong, – it cannot be judged, for the reason given. The exit code is 0 all the same.
    """
    from sweep.results.review import verdicts

    results = sweep.load(name, db=db)
    found = verdicts(results)
    if format == "table":
        print("\n".join(lines(found)))
        failing = sum(each.passed is False for each in found)
        say(f"{results.name}: {failing} of {len(found)} verdicts call for something to be done")
    else:
        from sweep.analysis.review import frame

        print_table(frame(found), format)


def lines(found: Sequence[Verdict]) -> Iterator[str]:
    """Yield verdicts as lines, with what to do next below those that need it."""
    from sweep.analysis.review import MARKS

    for each in found:
        yield from textwrap.wrap(
            f"{MARKS[each.passed]} {each.name}: {each.evidence}", WIDTH, subsequent_indent="  ", break_long_words=False
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
