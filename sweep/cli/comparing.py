"""The command that compares sweeps by the best of their random trials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import Db, Format, app, check_files, print_table, say, write_figure
from sweep.errors import UsageError

BAND = (
    "best: the median best of so many trials; low, high: its band (95 % for the whole curve); seconds: of so many "
    "trials, one after the other; better: the probability to be better than {first}"
)


@app.command()
def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Names of the sweeps; each is compared with the first.",
            metavar="NAME NAME…",
            autocompletion=completion.sweep_names,
        ),
    ],
    n: Annotated[
        str | None,
        typer.Option(
            "-n", help="Numbers of trials with commas between them; by default 1, 2, 5, 10 and so on.", metavar="5,10"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also draw the curves: a .png or .svg file.", metavar="FILE")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """Compare sweeps of one database: how good the best of n random trials of each is, and in what time.

    Each best has a band, since other draws would have found other trials, and each probability to be better an
    interval. Only random trials that ran to their end count: those that a stopping rule has ended, or that a sampler
    has drawn by earlier results, do not tell how good the best of n is.
    """
    from sweep.results.comparison import compare

    check_files(output, None)
    found = compare([sweep.load(name, db=db) for name in names], _numbers(n))
    shown = found.readable() if format in ("table", "markdown") else found.table
    print_table(shown, format, "Best of random trials", "--format csv")
    if format == "table":
        for line in found.sentences:
            print(line)
        say(BAND.format(first=names[0]))
    for line in found.remarks:
        say(f"note: {line}")
    if output is not None:
        say(f"chart: {write_figure(found.plot, output)}")


def _numbers(given: str | None) -> list[float] | None:
    """Return the numbers of trials of an option.

    Raises:
        UsageError: when one is not a whole number above 0.
    """
    if given is None:
        return None
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"-n takes numbers of trials with commas between them, such as 5,10, not '{given}'")
    return [int(part) for part in parts]
