"""Commands that begin an experiment: a new file, and the schema by which editors check it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from sweep.cli import completion
from sweep.cli.options import app, say


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as mine.toml.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Copy this experiment file, or one that comes with sweep.",
            metavar="FILE|NAME",
            autocompletion=completion.experiments,
        ),
    ] = None,
    trainer: Annotated[
        Path | None,
        typer.Option(help="Search a function `train` of your own in this module, made if it is missing.", metavar="PY"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
) -> None:
    """Write a commented experiment file that runs as it is, and beside it the schema by which editors check it.

    With --from, the files are copied that the experiment needs, too. Files beside it that are there stay as they are.
    """
    from sweep.experiment.template import new_files, write_new

    written, kept = write_new(new_files(file, source, trainer), overwrite=force)
    for path in kept:
        if path != trainer:
            say(
                f"warning: {path} is there already, differs from the one that the experiment comes with, and was kept; "
                "move it away and type the same with --force if it is not what you want"
            )
    say(f"wrote {', '.join(map(str, written))}; start it with: sweep run {shlex.quote(str(file))}")


@app.command()
def schema(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where it is written, such as sweep.schema.json.", metavar="FILE"),
    ] = None,
) -> None:
    """Print the JSON Schema of experiment files, by which editors complete and check them.

    A distribution may stand wherever a value can. Editors with TOML support find it by a first line of the file such as
    `#:schema ./sweep.schema.json`. It is looser than `sweep run`, which also checks values against each other.
    """
    from sweep.experiment.schema import schema_text
    from sweep.system.files import check_place, check_replaced, write_whole

    if output is None:
        print(schema_text(), end="")
        return
    check_place(output)
    check_replaced(output, b"{", "schema")
    write_whole(output, schema_text().encode())
    say(f"wrote {output}")
