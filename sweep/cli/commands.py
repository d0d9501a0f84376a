"""The commands. Tables go to standard output, progress and messages to standard error, so that everything pipes."""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import sweep
from sweep.errors import SweepError, UsageError
from sweep.records import Metric

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results import Sweep
    from sweep.runner import Observer

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Random search over the hyperparameters of neural networks.\n\n"
    "Write a short experiment file, or take one that comes with sweep, and type:\n\n"
    "`sweep run digits-quickstart` — draw, train and rank 40 networks\n\n"
    "`sweep leaderboard` — the best of them; `--worst` and `--diverged` for the others\n\n"
    "`sweep show 12` — one trial, epoch by epoch\n\n"
    "`sweep plot` — accuracy against each hyperparameter",
    epilog="Exit codes: 0 done; 1 it could not be done; 2 a wrong command or file; 130 Ctrl-C, with all state saved.",
)

SIGNALLED = 128
"""Exit codes above this one stand for a signal: that the user has stopped us is no error."""

LONGEST_NUMBER = 9
"""Digits of a trial's number; the database's integers hold no more."""

Format = Literal["table", "csv", "json", "markdown"]

Name = Annotated[str | None, typer.Argument(help="Name of the sweep; the newest by default.", metavar="[NAME]")]
TrialName = Annotated[str, typer.Argument(help="12 (of the newest sweep) or mnist-widths/12.", metavar="[NAME/]TRIAL")]
Db = Annotated[
    str | None,
    typer.Option(
        help=f"File or URL of the database; by default SWEEP_DB, else {sweep.DEFAULT_DATABASE}.", metavar="URL"
    ),
]
Data = Annotated[
    Path | None, typer.Option(help="Folder with the files of the data set; by default SWEEP_DATA.", metavar="DIR")
]
Workers = Annotated[int | None, typer.Option(help="Worker processes; by default one for each core.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no tables.")]
Where = Annotated[
    str | None, typer.Option(help='Only trials for which this holds, such as "alpha < 0.1 and batch_size >= 50".')
]


@app.command()
def run(
    experiment: Annotated[
        str, typer.Argument(help="An experiment file, or the name of one that comes with sweep.", metavar="FILE|NAME")
    ],
    trials: Annotated[int | None, typer.Option(help="How many configurations to draw.")] = None,
    workers: Workers = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Change a value of the file, in TOML: --set training.epochs=5, "
            "--set 'batch_size={int=[16,64],step=16}'. May be given several times.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the sweep; by default the experiment's.")] = None,
    db: Db = None,
    data: Data = None,
    quiet: Quiet = False,
) -> None:
    """Draw configurations, train them side by side, and rank them."""
    given = {"trials": trials, "seed": seed, "name": name}
    overrides = [*(set_ or []), *(f"{k}={_toml(v)}" for k, v in given.items() if v is not None)]
    with _observer(quiet) as observer:
        result = sweep.run(experiment, overrides=overrides, data=data, workers=workers, db=db, observer=observer)
    if not quiet:
        _summarise(result)


@app.command()
def resume(name: Name = None, workers: Workers = None, db: Db = None, data: Data = None, quiet: Quiet = False) -> None:
    """Finish a sweep that was interrupted."""
    with _observer(quiet) as observer:
        result = sweep.resume(name, data=data, workers=workers, db=db, observer=observer)
    if not quiet:
        _summarise(result)


@app.command("list")
def list_(db: Db = None, format: Annotated[Format, typer.Option(help="How to print the table.")] = "table") -> None:
    """List all sweeps, the newest first."""
    from sweep.store import Store

    _print(Store(sweep.database_url(db)).sweeps(), format, "Sweeps")


@app.command()
def leaderboard(
    name: Name = None,
    worst: Annotated[bool, typer.Option("--worst", help="The worst that reached their end.")] = False,
    diverged: Annotated[bool, typer.Option("--diverged", help="Those that diverged, and where.")] = False,
    n: Annotated[int | None, typer.Option("-n", help="How many; 10 by default, all of those that diverged.")] = None,
    by: Annotated[Metric, typer.Option(help="The metric to rank by.")] = "test_accuracy",
    where: Where = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """Rank the trials of a sweep by their best epoch."""
    if worst and diverged:
        raise UsageError("--worst and --diverged exclude each other; give one of them")
    results = sweep.load(name, db=db)
    if diverged:
        frame = results.diverged(n, where)
    else:
        rank = results.worst if worst else results.best
        frame = rank(10 if n is None else n, by, where)
    _print(frame, format)
    if format == "table":
        _mention_the_others(results)


@app.command()
def show(trial: TrialName, db: Db = None) -> None:
    """Show one trial: its configuration, how it ended, its seeds and all its epochs."""
    name, number = _split(trial)
    results = sweep.load(name, db=db)
    from sweep.cli.tables import print_trial

    print_trial(results.name, results.trial(number), results.epochs(number))


@app.command()
def export(
    name: Name = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A .csv or .json file.", metavar="FILE")] = None,
    epochs: Annotated[bool, typer.Option("--epochs", help="All epochs of all trials instead of the trials.")] = False,
    db: Db = None,
) -> None:
    """Write all trials, or all their epochs, to a file."""
    from sweep.export import write

    if output is None:
        raise UsageError("say where to write, such as -o trials.csv")
    results = sweep.load(name, db=db)
    frame = results.epochs() if epochs else results.trials()
    write(frame, output)
    _say(f"wrote {len(frame)} rows of {results.name} to {output}")


@app.command()
def plot(
    name: Name = None,
    x: Annotated[
        list[str] | None, typer.Option("--x", help="A parameter to plot against; by default all.", metavar="PARAM")
    ] = None,
    y: Annotated[Metric, typer.Option("--y", help="The metric to plot.")] = "test_accuracy",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .png or .svg file; beside the database by default.")
    ] = None,
    db: Db = None,
) -> None:
    """Draw accuracy against each searched parameter, diverged trials as × at the foot."""
    results = sweep.load(name, db=db)
    _say(f"chart: {_draw(results, output, x, y)}")


def main() -> None:
    """Run the command line; every SweepError becomes one sentence and an exit code."""
    try:
        app()
    except SweepError as error:
        _say(str(error) if error.exit_code > SIGNALLED else f"Error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        _give_up_output(error)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            _give_up_output(error)


def _give_up_output(error: OSError) -> None:
    """Write no more to standard output; a reader that has left, such as `head`, is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        _say(f"Error: the output cannot be written: {error.strerror}")
        sys.exit(1)


def _say(message: str) -> None:
    print(message, file=sys.stderr)


def _toml(value: int | str) -> str:
    return json.dumps(value)


def _split(trial: str) -> tuple[str | None, int]:
    """Split [NAME/]TRIAL."""
    name, _, number = trial.rpartition("/")
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        raise UsageError(f"a trial is a number such as 12, or mnist-widths/12 of another sweep, not '{trial}'")
    return name or None, int(number)


def _observer(quiet: bool) -> AbstractContextManager[Observer]:
    from sweep.cli.progress import observing

    return observing(quiet)


def _print(frame: pd.DataFrame, format: Format, title: str | None = None) -> None:
    if format == "table":
        from sweep.cli.tables import print_frame

        print_frame(frame, title)
    else:
        from sweep.export import render

        print(render(frame, format), end="")


def _draw(results: Sweep, output: Path | None, x: list[str] | None = None, y: Metric = "test_accuracy") -> Path:
    """Draw the chart of a sweep and return where it lies."""
    from sweep.plots import save

    path = output or results.folder / f"{y}.png"
    figure = results.plot(x, y)
    if output is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SweepError(f"cannot make the folder {path.parent}: {error.strerror}; name a file with -o") from None
    save(figure, path)
    return path


def _summarise(results: Sweep) -> None:
    """Print the best, the worst and the diverged trials, and draw the chart."""
    _print(results.best(5), "table", "Best")
    _print(results.worst(5), "table", "Worst")
    _print(results.diverged(), "table", "Diverged")
    _mention_failures(results)
    _say(f"chart: {_draw(results, None)}")
    _say(f"more:  sweep leaderboard {results.name}    sweep show {results.name}/0    sweep export -o trials.csv")


def _mention_failures(results: Sweep) -> None:
    trials = results.trials()
    failed = trials[trials["status"] == "failed"]
    if len(failed):
        first = failed.iloc[0]
        _say(f"{len(failed)} failed, the first of them trial {first['trial']}: {first['error']}")


def _mention_the_others(results: Sweep) -> None:
    """Say which trials are not in the table, so that none is hidden."""
    counts = results.store.progress(results.record.id).counts
    _say(f"{results.name}: " + ", ".join(f"{count} {status}" for status, count in counts.items()))
