"""What all commands share: the application, common arguments and options, and printing."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import sweep
from sweep.errors import SweepError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.observer import Observer
    from sweep.records import Status
    from sweep.results.sweep import Sweep

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Random search over the hyperparameters of neural networks, or of anything that is trained in epochs.\n\n"
    "Write a short experiment file, or take one that comes with sweep, and type:\n\n"
    "`sweep run digits-quickstart` — draw 40 configurations, train and rank them\n\n"
    "`sweep leaderboard` — the best trials; `--worst` and `--diverged` for the others, `--watch` during training\n\n"
    "`sweep show 12` — one trial, epoch by epoch\n\n"
    "`sweep plot` — the metric against each hyperparameter\n\n"
    "`sweep export -o trials.csv` — all trials for other programs\n\n"
    "`sweep predict 12` — what a trained network classifies correctly, and what it confuses\n\n"
    "`sweep continue --best 5 --epochs 100` — train the best trials for more epochs\n\n"
    "`sweep replay 12 --check` — train a trial again and compare every bit\n\n"
    "`sweep doctor` — check that the database is intact\n\n"
    "`sweep gradcheck my-experiment.toml` — check the gradients of a network numerically",
    epilog="Exit codes: 0 success; 1 failure; 2 a wrong command or experiment file; 130 Ctrl-C, with all state saved.",
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from sweep.system.distribution import own_version

        print(f"sweep {own_version()}")
        raise typer.Exit


@app.callback()
def _options_of_all(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


LONGEST_NUMBER = 9
"""Digits of a trial number; the integers of the database hold no more."""

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
Timeout = Annotated[
    float | None,
    typer.Option(help="Seconds after which a trial is stopped and counts as failed.", metavar="SECONDS"),
]
MaxFailures = Annotated[int | None, typer.Option(help="Stop when more trials than that have failed.", metavar="N")]
Backend = Annotated[
    Literal["local", "dask"], typer.Option(help="Processes of this machine, or the workers of a Dask scheduler.")
]
Scheduler = Annotated[
    str | None, typer.Option(help="With --backend dask: its address, such as tcp://192.168.0.5:8786.", metavar="URL")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no tables.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a value of the file, in TOML: --set training.epochs=5, "
        "--set 'batch_size={int=[16,64],step=16}'. May be given several times.",
        metavar="KEY=VALUE",
    ),
]
Where = Annotated[
    str | None, typer.Option(help='A condition on the trials, such as "alpha < 0.1 and batch_size >= 50".')
]
Direction = Annotated[
    Literal["max", "min"] | None,
    typer.Option(help="Whether more or less of the metric is better, where that is not known."),
]


def say(message: str) -> None:
    """Print a message to standard error."""
    print(message, file=sys.stderr)


def split_trial(trial: str) -> tuple[str | None, int]:
    """Split [NAME/]TRIAL; the name is None where there is none.

    Raises:
        UsageError: when it is not of that form.
    """
    name, _, number = trial.rpartition("/")
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        raise UsageError(f"a trial is a number such as 12, or mnist-widths/12 of another sweep, not '{trial}'")
    return name or None, int(number)


def scheduler_of(backend: str, scheduler: str | None) -> str | None:
    """Return the address of the scheduler that is to be used, if any.

    Raises:
        UsageError: when the two options do not go together.
    """
    if backend == "dask" and scheduler is None:
        raise UsageError("--backend dask needs the address of a scheduler, such as --scheduler tcp://192.168.0.5:8786")
    if backend != "dask" and scheduler is not None:
        raise UsageError("--scheduler goes with --backend dask")
    return scheduler


def observing(quiet: bool) -> AbstractContextManager[Observer]:
    """Yield who shows the progress of a sweep."""
    from sweep.cli.output import progress

    return progress.observing(quiet)


def counts_line(name: str, counts: Mapping[Status, int]) -> str:
    """Return a line with the number of a sweep's trials by status."""
    return f"{name}: " + ", ".join(f"{count} {status}" for status, count in counts.items())


def print_table(frame: pd.DataFrame, format: Format, title: str | None = None) -> None:
    """Print a frame to standard output."""
    if format == "table":
        from sweep.cli.output.tables import print_frame

        print_frame(frame, title)
    else:
        from sweep.results.format import render

        print(render(frame, format), end="")


def save_figure(results: Sweep, figure: Figure, output: Path | None, stem: str) -> Path:
    """Write a figure to the given file, by default a .png in the sweep's folder; return its path."""
    from sweep.results.plots import save

    path = output or results.folder / f"{re.sub(r'[^\w.-]+', '_', stem)}.png"
    if output is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SweepError(f"cannot make the folder {path.parent}: {error.strerror}; name a file with -o") from None
    save(figure, path)
    return path
