"""Commands on networks: train them for more epochs, show what they predict, check their gradients."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import (
    AtEnd,
    Data,
    Db,
    ExperimentName,
    Format,
    RunFlags,
    Set,
    TrialName,
    app,
    print_table,
    save_figure,
    say,
    split_trial,
    with_run_flags,
)
from sweep.display.words import weights_of
from sweep.errors import SweepError, UsageError, counted

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.prediction import PartPrediction, Prediction, TrialPrediction
    from sweep.results.sweep import Sweep

GALLERY = 25
"""Number of misclassified examples that are drawn."""
MOST_CLASSES = 20
"""Confusion matrices of more classes are drawn, but not printed."""


@app.command("continue")
@with_run_flags
def continue_(
    trials: Annotated[
        list[str] | None,
        typer.Argument(
            help="12 (of the newest sweep) or mnist-widths/12; with --best the name of the sweep.",
            metavar="[NAME/]TRIAL...",
            autocompletion=completion.trial_names,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="How many epochs they shall have in all; those planned, of trials that were stopped early."),
    ] = None,
    best: Annotated[int | None, typer.Option(help="So many of the best trials.")] = None,
    format: AtEnd = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Train completed trials, and those that were stopped early, on to more epochs.

    The result is bit for bit that of trials that were so long from the beginning.
    """
    from sweep.cli.output.outcome import problems

    name, numbers = _named(trials or [], best)
    if best is not None:
        numbers = sweep.load(name, db=db).best_trials(best)
    with flags.keywords() as keywords:
        results = sweep.extend(numbers, epochs=epochs, name=name, db=db, **keywords)
    if format != "table":
        print_table(results.best(10), format)
    elif not flags.quiet:
        print_table(results.best(5), "table", "Best", "sweep leaderboard --format csv")
    rows = results.trials()
    _print_unfinished(results.name, rows)
    for line in problems(results.name, rows[rows["trial"].isin(numbers)], has_earlier=False):
        say(line)


def _print_unfinished(name: str, trials: pd.DataFrame) -> None:
    """Tell which trials are still ranked by their shorter training, and how the longer one ended."""
    for trial in trials[trials["ranked_epochs"].notna()].itertuples():
        say(
            f"{name}/{trial.trial} is {trial.status} after epoch {trial.epochs}, and still ranks by its first "
            f"{trial.ranked_epochs} epochs"
        )


def _named(trials: list[str], best: int | None) -> tuple[str | None, list[int]]:
    """Return the one sweep that is meant, None for the newest, and the numbers of its trials."""
    if best is not None:
        if best < 1:
            raise UsageError(f"--best must be at least 1, not {best}")
        if len(trials) > 1:
            raise UsageError("--best takes the best trials of one sweep: give its name alone, or none for the newest")
        return (trials[0] if trials else None), []
    if not trials:
        raise UsageError("say which trials to go on with, such as 12 or mnist-widths/12, or --best 5")
    pairs = [split_trial(trial) for trial in trials]
    names = {name for name, _ in pairs}
    if len(names) == 2 and None in names:  # `mnist/2 4` are two trials of mnist
        names.remove(None)
    if len(names) > 1:
        raise UsageError("the trials are of several sweeps; go on with those of one sweep at a time")
    return names.pop(), [number for _, number in pairs]


@app.command()
def predict(
    trial: TrialName,
    index: Annotated[int | None, typer.Option(help="One example: its outputs and its picture.")] = None,
    part: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="The part that the examples are of.")
    ] = "test",
    file: Annotated[
        Path | None, typer.Option("--file", help="A CSV file with new rows to predict.", metavar="FILE")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A .png or .svg file for the picture; with --file a .csv or .json file.",
            metavar="FILE",
        ),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(help="How to print the table of the parts, of the example, or of the new rows (csv by default)."),
    ] = None,
    db: Db = None,
    data: Data = None,
) -> None:
    """Apply the kept weights of a trial to its data set, or to the rows of a new table.

    Prints what is classified correctly, and what is confused with what; of a regression the errors.
    """
    if file is not None and index is not None:
        raise UsageError("--index and --file exclude each other; give one of them")
    name, number = split_trial(trial)
    results = sweep.load(name, db=db)
    if file is not None:
        _predict_file(results, number, file, output, data, format or "csv")
        return
    prediction = results.predict(number, data)
    say(f"{results.name}/{number}: {weights_of(prediction.epoch)}")
    chosen = prediction.part(part)
    if index is None:
        _show_all(results, number, prediction, chosen, output, format or "table")
    else:
        _show_example(results, number, chosen, index, output, format or "table")


def _predict_file(
    results: Sweep, number: int, file: Path, output: Path | None, data: Path | None, format: Format
) -> None:
    """Predict the rows of a table; write them to a file, or print them."""
    from sweep.results.export.text import write_frame

    table = results.predict_rows(number, file, data)
    if output is None:
        print_table(table, format)
        return
    write_frame(table, output)
    say(f"wrote {counted(len(table), 'prediction')} of {results.name}/{number} to {output}")


def _show_all(
    results: Sweep,
    number: int,
    prediction: TrialPrediction,
    chosen: PartPrediction,
    output: Path | None,
    format: Format,
) -> None:
    import pandas as pd

    from sweep.results.prediction import RegressionPrediction

    print_table(pd.DataFrame([part.row for part in prediction.parts.values()]), format)
    if isinstance(chosen, RegressionPrediction):
        _refuse_picture(output)
    else:
        _show_confusion(results, number, chosen, output, is_printed=format == "table")


def _show_confusion(results: Sweep, number: int, chosen: Prediction, output: Path | None, *, is_printed: bool) -> None:
    """Print and draw which classes are taken for which, and draw misclassified examples.

    A program reads one table, so that the confusion is printed only for people.
    """
    from sweep.results.plots import confusion, gallery

    table, title = chosen.confusion(), f"{results.name}/{number}, {chosen.part} part"
    if is_printed and len(table) <= MOST_CLASSES:
        print_table(
            table.reset_index(names="true \\ predicted"), "table", f"Confusion, {chosen.part} part", "the picture"
        )
    wrong, names = chosen.misclassified[:GALLERY], chosen.dataset.class_names
    draw = partial(
        gallery,
        chosen.images(wrong),
        [names[label] for label in chosen.labels[wrong]],
        [names[label] for label in chosen.predicted[wrong]],
        title=f"{title}: {len(chosen.misclassified)} misclassified",
        limits=chosen.limits,
    )
    say(f"misclassified: {save_figure(results, draw, output, f'{number}-{chosen.part}-misclassified')}")
    draw = partial(confusion, table.to_numpy(), names, title=title)
    say(f"confusion:     {save_figure(results, draw, None, f'{number}-{chosen.part}-confusion')}")


def _show_example(
    results: Sweep, number: int, chosen: PartPrediction, index: int, output: Path | None, format: Format
) -> None:
    import numpy as np

    from sweep.results.plots import example
    from sweep.results.prediction import RegressionPrediction

    print_table(chosen.example(index), format, f"Example {index} of the {chosen.part} part")
    if isinstance(chosen, RegressionPrediction):
        _refuse_picture(output)
        return
    names = chosen.dataset.class_names
    draw = partial(
        example,
        chosen.images(np.array([index]))[0],
        names,
        chosen.outputs[index],
        names[chosen.labels[index]],
        title=f"{results.name}/{number}, {chosen.part} example {index}",
        meaning=chosen.meaning,
        limits=chosen.limits,
    )
    say(f"picture: {save_figure(results, draw, output, f'{number}-{chosen.part}-{index}')}")


def _refuse_picture(output: Path | None) -> None:
    if output is not None:
        raise UsageError("there is no picture of a regression; leave -o out, or predict new rows with --file")


@app.command()
def gradcheck(
    experiment: ExperimentName,
    samples: Annotated[
        int, typer.Option(help="How many entries of each parameter are compared, chosen at random; 0 for all.")
    ] = 100,
    set_: Set = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    data: Data = None,
) -> None:
    """Compare the gradients of an experiment's network with differences of its loss.

    Each activation and other layer without weights, the loss and the penalty are also checked by themselves, over a
    wide range of inputs and at kinks. The distributions are drawn once. The data's files need not be there, but for
    those of `npz` and `csv`: its shape is enough. The error is ‖numeric − analytic‖ / (‖numeric‖ + ‖analytic‖): up to
    1e-7 is OK, up to 1e-4 a warning, more a PROBLEM, with exit code 1.
    """
    from sweep.checks import gradients
    from sweep.cli.output.progress import counting
    from sweep.experiment.file import load

    loaded = load(experiment, set_ or [])
    with counting("checking gradients") as progress:
        frame = gradients.gradient_check(loaded, data=data, samples=samples or None, progress=progress)
    print_table(frame, format, more="--format csv")
    if gradients.has_problem(frame):
        wrong = ", ".join(gradients.wrong_layers(frame))
        raise SweepError(f"the gradient of {wrong} is wrong: look at its backward function")
