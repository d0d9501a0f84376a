"""The command that writes a sweep for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli.options import Data, Db, Name, app, say, split_trial
from sweep.display.words import weights_of
from sweep.errors import UsageError, counted
from sweep.system.urls import without_password

if TYPE_CHECKING:
    from sweep.results.export.weights import ExportedWeights
    from sweep.results.sweep import Sweep

STANDARD_OUTPUT = "-"


Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="A .csv, .json or .parquet file, - for standard output; with --weights a .npz or .onnx file.",
        metavar="FILE",
    ),
]
FileFormat = Annotated[
    str | None,
    typer.Option(help="csv, json or parquet; by default what the name of the file ends in.", metavar="FORMAT"),
]
Mlflow = Annotated[
    str | None, typer.Option(help="Write all to a database of MLflow, such as sqlite:///mlflow.db.", metavar="URL")
]
Optuna = Annotated[
    str | None,
    typer.Option(help="Write the ended trials as a study of Optuna's, such as sqlite:///study.db.", metavar="URL"),
]
Tensorboard = Annotated[str | None, typer.Option(help="Write all to a folder for TensorBoard.", metavar="DIR")]
OfTrial = Annotated[
    str | None,
    typer.Option(
        "--weights",
        help="Write the trained network of a trial, with its normalization, to -o net.npz or net.onnx.",
        metavar="[NAME/]TRIAL",
    ),
]


@app.command()
def export(
    name: Name = None,
    output: Output = None,
    format: FileFormat = None,
    epochs: Annotated[bool, typer.Option("--epochs", help="Write the epochs of all trials instead.")] = False,
    batches: Annotated[bool, typer.Option("--batches", help="Write the losses of mini-batches instead.")] = False,
    optuna: Optuna = None,
    mlflow: Mlflow = None,
    tensorboard: Tensorboard = None,
    weights: OfTrial = None,
    data: Data = None,
    db: Db = None,
) -> None:
    """Write all trials, or all their epochs, to a file; or a sweep for Optuna, MLflow or TensorBoard; or a network."""
    others = {"optuna": optuna, "mlflow": mlflow, "tensorboard": tensorboard}
    elsewhere = {kind: place for kind, place in others.items() if place is not None}
    _check([*(["-o"] if output else []), *(f"--{kind}" for kind in elsewhere)], epochs, batches, format, weights)
    if weights is not None:
        assert output is not None
        named, number = split_trial(weights)
        if named and name and named != name:
            raise UsageError(f"--weights takes a trial of {name}, such as {number}, not {weights!r}; give one sweep")
        results = sweep.load(named or name, db=db)
        _tell(results.name, number, results.export_weights(number, output, data))
        return
    results = sweep.load(name, db=db)
    for kind, place in elsewhere.items():
        count = results.export(place, format=kind)
        noun = "trial" if kind == "optuna" else "run"
        shown, look = without_password(place), _how_to_look(results, kind, place)
        say(f"wrote {counted(count, noun)} of {results.name} to {shown}; {look}")
    if output is not None:
        _write_table(results, output, format, "epochs" if epochs else "batches" if batches else "trials")


def _check(places: list[str], epochs: bool, batches: bool, format: str | None, weights: str | None) -> None:
    """Refuse options that contradict each other."""
    if not places:
        example = "net.onnx" if weights is not None else "trials.csv"
        raise UsageError(f"say where to write, such as -o {example}")
    if epochs and batches:
        raise UsageError("--epochs and --batches exclude each other; give one of them")
    if len(places) > 1:
        raise UsageError(f"{' and '.join(places)} exclude each other; give one of them")
    asked = {"--epochs": epochs, "--batches": batches, "--format": format is not None}
    given = [option for option, is_given in asked.items() if is_given]
    if weights is not None and (given or places != ["-o"]):
        raise UsageError(f"{(given or places)[0]} does not go with --weights, which writes to -o net.npz or net.onnx")
    if given and places != ["-o"]:
        raise UsageError(f"{given[0]} does not go with {places[0]}, which takes all of a sweep")


def _write_table(results: Sweep, output: Path, format: str | None, table: str) -> None:
    """Write a table to a file, or print it."""
    from sweep.results.export import TABLES, base, exporter
    from sweep.results.export.text import TextExporter

    chosen = next(each for each in TABLES if each == table)
    if str(output) != STANDARD_OUTPUT:
        rows = results.export(output, format=format, table=chosen)
        say(f"wrote {counted(rows, 'row')} of {results.name} to {output}")
        return
    kind = exporter(STANDARD_OUTPUT, format or "csv")
    if not isinstance(kind, TextExporter):
        raise UsageError(f"{format} is not a format of text; give csv or json for standard output, or name a file")
    print(kind.text(base.read(results, chosen)), end="")


def _how_to_look(results: Sweep, kind: str, place: str) -> str:
    """Return the command that shows what was written, and the address where."""
    import shlex

    if kind == "optuna":
        return f"look at them with `optuna-dashboard {shlex.quote(without_password(place))}`"
    if kind == "mlflow":
        from sweep.results.export.mlflow import database_url, page_of

        command = f"mlflow ui --backend-store-uri {shlex.quote(without_password(database_url(place)))}"
        return f"look at them with `{command}`, at http://127.0.0.1:5000{page_of(results, place)}"
    from sweep.results.export.tensorboard import folder_of

    return f"look at them with `tensorboard --logdir {shlex.quote(str(folder_of(results, place)))}`"


def _tell(name: str, number: int, written: ExportedWeights) -> None:
    """Tell what was written of a trained network, and how exactly it computes."""
    from sweep.results.export.weights import CLOSE

    say(f"wrote {name}/{number} with the {weights_of(written.epoch)} to {written.file}")
    if written.transform != "none":
        say(
            f"note: it was trained with data.transform = {written.transform}, which is not in the file: apply "
            f"sweep.data.transforms.{written.transform} to new images first"
        )
    if written.difference is None:
        return
    say(f"input: {written.input}, not normalized; output: {written.output}")
    compared = f"{counted(written.examples, 'example')} of the test part"
    say(f"onnxruntime gives what sweep gives for {compared}, with a largest difference of {written.difference:.1g}")
    if written.difference > CLOSE:
        say(f"warning: that is more than {CLOSE:g}; where an activation has a step, a rounding may change an output")
