"""Commands that put a sweep into one file, and check such a file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep.cli.options import Data, Db, Format, Name, app, print_table, say
from sweep.errors import SweepError, UsageError, counted


@app.command()
def pack(
    name: Name = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where it is written, such as digits.zip.", metavar="FILE")
    ] = None,
    batches: Annotated[bool, typer.Option("--batches", help="Pack the losses of mini-batches, too.")] = False,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """Put a sweep into one file that anybody can check: experiment, seeds, versions, hashes, tables and a checklist.

    The file is a zip of CSV, JSON and Markdown. The same sweep always gives the same bytes, so a paper can quote its
    SHA-256. Weights and data sets are not in it; names of hosts and folders, and the code of an own trainer, are.
    """
    import pandas as pd

    if output is None:
        raise UsageError("say where to write, such as -o digits.zip")
    results = sweep.load(name, db=db)
    packed = results.pack(output, batches=batches)
    row = {"sweep": results.name, "trials": packed.trials, "bytes": packed.bytes, "sha256": packed.sha256}
    print_table(pd.DataFrame([row]), format, f"Pack {packed.file}")
    if packed.without_batches:
        say(
            f"the losses of mini-batches of {counted(packed.without_batches, 'trial')} are not in it; pack them, too, "
            "with --batches"
        )
    say(f"check it with: sweep verify {shlex.quote(str(packed.file))}")


@app.command()
def archive(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it is written, such as digits.zip.")],
    name: Name = None,
    batches: Annotated[bool, typer.Option("--batches", help="Pack the losses of mini-batches, too.")] = False,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """Put a sweep into one file: the same as `sweep pack NAME -o FILE`, which says more."""
    pack(name, file, batches, format, db)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `sweep pack` has written.")],
    sha256: Annotated[str | None, typer.Option(help="The SHA-256 that it must have.", metavar="DIGEST")] = None,
    share: Annotated[
        float, typer.Option(help="Share of the trials to train again, at least two of them; 0 for none.")
    ] = 0.05,
    trials: Annotated[
        str | None, typer.Option(help="Train these again in place of a random share.", metavar="3,17")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the random choice; by default another one each time.")
    ] = None,
    data: Data = None,
    code: Annotated[
        Path | None,
        typer.Option(help="Folder with the code of the sweep's own trainer; it runs only if given.", metavar="DIR"),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
) -> None:
    """Check a file of `sweep pack`: whether it is whole, agrees with itself, and is trained to the same figures.

    Digests, draws and summaries are computed again, and some trials are trained again and compared bit for bit. No code
    in the file is run. The exit code is 1 if anything is altered or differs, or is missing that is needed to check it.
    """
    from sweep.cli.output.progress import counting

    with counting("training trials again") as progress:
        found = sweep.verify(
            file,
            sha256=sha256,
            share=share,
            trials=_numbers(trials),
            seed=seed,
            data=data,
            code=code,
            progress=progress,
        )
    print_table(found.frame, format, f"Verification of {found.sweep or file}", "--format csv")
    if not found.is_verified:
        wrong = [check.what for check in found.checks if check.verdict not in ("verified", "not verified")]
        raise SweepError(f"{file} is not verified: see {', '.join(dict.fromkeys(wrong))}")
    if format == "table":
        say(f"{file} is verified but for what the table says is not")


def _numbers(trials: str | None) -> list[int]:
    """Return the numbers in a list such as 3,17."""
    parts = [] if trials is None else [part.strip() for part in trials.split(",")]
    if not all(part.isdecimal() and len(part) <= 9 for part in parts):
        raise UsageError(f"--trials takes numbers such as 3,17, not {trials!r}")
    return [int(part) for part in parts]
