"""What all commands share: the application, common arguments and options, and printing."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import sweep
from sweep.cli import completion
from sweep.cli.afterwards import Afterwards
from sweep.cli.ending import saying
from sweep.cli.hints import name_database, sentence
from sweep.cli.manual import Group
from sweep.errors import Call, SweepError, UsageError
from sweep.system.files import check_place
from sweep.system.signals import Signalled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.engines import RunKeywords
    from sweep.observer import Observer
    from sweep.results.sweep import Sweep

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Random search over the hyperparameters of neural networks, or of anything that is trained in epochs.\n\n"
    "Write a short experiment file, or take one that comes with sweep, and type:\n\n"
    "`sweep run digits-quickstart` — draw 40 configurations, train and rank them\n\n"
    "`sweep leaderboard` — the best trials; `--worst` and `--diverged` for the others, `--watch` during training\n\n"
    "`sweep review` — what may be wrong with a search, and what to do next\n\n"
    "`sweep analyze` — what matters: which hyperparameters are worth tuning, and which are dangerous\n\n"
    "NAME is the newest sweep where it is left out; a TRIAL is 12 (of the newest sweep) or mnist-widths/12. "
    "`sweep COMMAND -h` shows all options and an example.",
    epilog="Exit codes: 0 success; 1 failure, also of all trials of a sweep; 2 a wrong command or experiment file; "
    "130 Ctrl-C, 143 SIGTERM, 129 a closed terminal, with all state saved.",
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

Name = Annotated[
    str | None,
    typer.Argument(
        help="Name of the sweep; the newest by default.", metavar="NAME", autocompletion=completion.sweep_names
    ),
]
TrialName = Annotated[
    str,
    typer.Argument(
        help="12 (of the newest sweep) or mnist-widths/12.",
        metavar="[NAME/]TRIAL",
        autocompletion=completion.trial_names,
    ),
]
ExperimentName = Annotated[
    str,
    typer.Argument(
        help="An experiment file, or the name of one that comes with sweep.",
        metavar="FILE|NAME",
        autocompletion=completion.experiments,
    ),
]
Db = Annotated[
    str | None,
    typer.Option(
        help=f"File or URL of the database; by default SWEEP_DB, else {sweep.DEFAULT_DATABASE}.",
        metavar="URL",
        callback=name_database,
    ),
]
Data = Annotated[
    Path | None, typer.Option(help="Folder with the files of the data set; by default SWEEP_DATA.", metavar="DIR")
]
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
    str | None,
    typer.Option(help='A condition on the trials, such as "alpha < 0.1 and batch_size >= 50".', metavar="CONDITION"),
]
By = Annotated[
    str | None,
    typer.Option(
        help="The metric to rank by; by default that of the sweep.",
        metavar="METRIC",
        autocompletion=completion.metric_names,
    ),
]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Print the table again whenever it has changed, until the end.")
]
Pruned = Annotated[bool, typer.Option("--pruned", help="List the trials that were stopped early, with why.")]
Stop = Annotated[
    str | None,
    typer.Option(
        help="Stop hopeless trials early by a rule: halving, auto (halving that finds its first rung), asha, "
        "hyperband, median, patience, divergence; with repeats wilcoxon.",
        metavar="RULE",
    ),
]
Pareto = Annotated[
    str | None,
    typer.Option(
        help="List the trials that no other beats in all of several metrics, seconds, parameters (of the network), "
        "multiplications and numeric hyperparameters. Less is better of all but metrics, or as NAME:max says.",
        metavar="A,B",
    ),
]
Direction = Annotated[
    Literal["max", "min"] | None,
    typer.Option(help="Whether more or less of the metric is better, where that is not known."),
]
AtEnd = Annotated[
    Format,
    typer.Option("--format", help="How to print the results at the end: all tables, or only the ten best trials."),
]


def say(message: str) -> None:
    """Print a message to standard error; in a terminal its lines end between words."""
    from sweep.display.words import for_stream

    print(for_stream(message, sys.stderr), file=sys.stderr)


def split_trial(trial: str) -> tuple[str | None, int]:
    """Split [NAME/]TRIAL; the name is None where there is none.

    Raises:
        UsageError: when it is not of that form.
    """
    name, _, number = trial.rpartition("/")
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        raise UsageError(f"a trial is a number such as 12, or mnist-widths/12 of another sweep, not '{trial}'")
    return name or None, int(number)


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Units of time -> seconds."""


def seconds(time: str) -> float:
    """Return the seconds that a time such as 90, 90s, 30m, 2h or 1.5h stands for.

    Raises:
        UsageError: when it is not a time.
    """
    number = re.fullmatch(r"(\d+(?:\.\d*)?)([smhd]?)", time.strip())
    if number is None:
        raise UsageError(f"--for takes a time such as 90s, 30m or 2h, not {time!r}")
    return float(number[1]) * UNITS[number[2] or "s"]


@dataclass(frozen=True)
class RunFlags:
    """The options that all commands share that train; each field is one."""

    workers: Annotated[int | None, typer.Option(help="Worker processes; by default one for each core.")] = None
    data: Data = None
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds after which a trial is stopped and counts as failed.", metavar="SECONDS"),
    ] = None
    max_failures: Annotated[
        int | None, typer.Option(help="Stop when more trials than that have failed.", metavar="N")
    ] = None
    duration: Annotated[
        str | None,
        typer.Option("--for", help="Start no more trials after that time, such as 90s, 30m or 2h.", metavar="TIME"),
    ] = None
    until: Annotated[
        float | None,
        typer.Option(help="Start no more trials once one has reached this value of the objective.", metavar="VALUE"),
    ] = None
    epochs_total: Annotated[
        int | None, typer.Option(help="Start no more trials once all have so many epochs together.", metavar="N")
    ] = None
    backend: Annotated[
        Literal["local", "dask"], typer.Option(help="Processes of this machine, or the workers of a Dask scheduler.")
    ] = "local"
    scheduler: Annotated[
        str | None,
        typer.Option(help="With --backend dask: its address, such as tcp://192.168.0.5:8786.", metavar="URL"),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress and no tables; failures and warnings are told.")
    ] = False
    then: Annotated[
        str | None,
        typer.Option(
            help="Run a command of the shell when the sweep has ended, also after Ctrl-C or an error, but not where "
            "it stops before its trials are stored; the variables SWEEP_NAME, SWEEP_STATUS (completed, interrupted, "
            "failed), SWEEP_BEST_TRIAL, SWEEP_BEST_VALUE, SWEEP_DIVERGED and others tell it of the sweep.",
            metavar="COMMAND",
        ),
    ] = None
    bell: Annotated[bool, typer.Option("--bell", help="Ring the bell of the terminal when the sweep has ended.")] = (
        False
    )
    afterwards: Afterwards = field(init=False, repr=False, compare=False)
    """What is done then."""

    def __post_init__(self) -> None:
        """Prepare what is done at the end."""
        object.__setattr__(self, "afterwards", Afterwards(self.then, self.bell))

    @contextmanager
    def keywords(self, go_on: Call | None = None) -> Iterator[RunKeywords]:
        """Yield them as arguments of `sweep.run`, with an observer that shows the progress unless `quiet`.

        Args:
            go_on: the call that goes on after a signal; by default the newest sweep is resumed.

        Raises:
            SweepError: when a signal stops the command before it trains.
        """
        duration = None if self.duration is None else seconds(self.duration)
        with _stoppable(go_on or Call("resume")):
            observer = self.afterwards.beside(progress_observer(self.quiet))
            yield {
                "workers": self.workers,
                "data": self.data,
                "timeout": self.timeout,
                "max_failures": self.max_failures,
                "duration": duration,
                "until": self.until,
                "epochs_total": self.epochs_total,
                "backend": self.backend,
                "scheduler": self.scheduler,
                "observer": observer,
            }


@contextmanager
def _stoppable(go_on: Call) -> Iterator[None]:
    """Say how to go on with a command that trains when a signal stops it."""
    hint = SweepError("stopped at once; what is stored is whole. Go on with: ", go_on)
    with saying(sentence(hint)):
        try:
            yield
        except Signalled as signalled:
            error = SweepError("stopped before the training; give the same command again")
            error.exit_code = signalled.exit_code
            raise error from None


def with_run_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the options of RunFlags in place of its parameter `flags`, which takes them all."""
    shared = inspect.signature(RunFlags, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True).parameters

    @functools.wraps(command)
    def typed(**given: Any) -> None:
        flags = RunFlags(**{name: given.pop(name) for name in shared})
        with flags.afterwards.acting(given.get("db")):
            command(**given, flags=flags)

    parameters = [parameter for name, parameter in own.items() if name != "flags"]
    typed.__signature__ = inspect.Signature([*parameters, *shared.values()])  # type: ignore[attr-defined]
    return typed


def progress_observer(quiet: bool) -> Observer:
    """Return who shows the progress of a sweep."""
    from sweep.cli.output import progress

    return progress.progress_observer(quiet)


def print_table(frame: pd.DataFrame, format: Format, title: str | None = None, more: str = "") -> None:
    """Print a frame to standard output; `more` also shows what does not fit into a terminal, such as an option."""
    if format == "table":
        from sweep.cli.output.tables import print_frame

        print_frame(frame, title, more)
    else:
        from sweep.results.format import render

        print(render(frame, format), end="")


def check_files(chart: Path | None, arrays: Path | None) -> None:
    """Check that what is made can be written, before it is made.

    Raises:
        UsageError: when a name ends in something else.
        SweepError: when there is no such folder.
    """
    from sweep.results.plots import SUFFIXES

    for path, suffixes in ((chart, SUFFIXES), (arrays, (".npz",))):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise UsageError(f"cannot write '{path}': its name must end in {' or '.join(suffixes)}")
        check_place(path)


def save_figure(results: Sweep, draw: Callable[[], Figure], output: Path | None, stem: str) -> Path:
    """Write a figure to the given file, by default a .png in the sweep's folder; return its path.

    Raises:
        SweepError: when it cannot be drawn or written.
    """
    file = re.sub(r"[^\w.-]+", "_", stem)  # a user's metric may have any name
    path = output or _shown_folder(results) / f"{file}.png"
    if output is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SweepError(f"cannot make the folder {path.parent}: {error.strerror}; name a file with -o") from None
    return write_figure(draw, path)


def write_figure(draw: Callable[[], Figure], path: Path) -> Path:
    """Write a figure to a file; return its path.

    Raises:
        SweepError: when it cannot be drawn or written.
    """
    try:
        from sweep.results.plots import save

        figure = draw()
        save(figure, path)
    except SweepError:
        raise
    except Exception as error:  # whatever the drawing library raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SweepError(f"the chart cannot be drawn: {reason}; all results are kept, see the tables") from error
    _tell_unknown_letters(getattr(figure, "unknown_letters", ""))
    return path


def _shown_folder(results: Sweep) -> Path:
    """Return the sweep's folder, relative to the current one if the database was named so."""
    folder, here = results.folder, Path.cwd()
    is_relative = not Path(results.store.database.shown or "").is_absolute() and folder.is_relative_to(here)
    return folder.relative_to(here) if is_relative else folder


@functools.cache
def _tell_unknown_letters(letters: str) -> None:
    """Say once which letters of a chart cannot be read."""
    if letters:
        shown = letters if len(letters) <= 20 else f"{letters[:20]}…"
        say(f"no font of this machine has {shown}, drawn as boxes; install one that has, such as Noto Sans CJK")
