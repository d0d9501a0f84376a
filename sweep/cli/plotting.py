"""The command that draws charts of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

import sweep
from sweep.cli.options import Db, Direction, Name, app, save_figure, say
from sweep.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sweep.results.sweep import Sweep


class Options(NamedTuple):
    """The options that choose what is drawn, as they were given."""

    x: list[str] | None = None
    y: str | None = None
    direction: Literal["max", "min"] | None = None
    trial: list[int] | None = None


Progress = Callable[[int, int], None]


class Kind(NamedTuple):
    """A kind of chart."""

    shows: str
    """What, for an error."""
    takes: tuple[str, ...]
    """Names of the options that go with it."""
    draw: Callable[[Sweep, Options], Figure] | None = None
    most_x: int | None = None
    """How often --x may be given; None for any number."""
    trains: Callable[[Sweep, Options, Progress], Figure] | None = None
    """What draws a kind for which networks are trained, in place of `draw`."""


KINDS = {
    "scatter": Kind(
        "all trials against parameters",
        ("x", "y", "direction"),
        lambda results, given: results.plot(given.x, given.y, given.direction),
    ),
    "curves": Kind(
        "a metric against epochs",
        ("y", "direction", "trial"),
        lambda results, given: results.plot_curves(given.y, given.direction, given.trial),
    ),
    "cost": Kind(
        "losses of mini-batches",
        ("trial",),
        lambda results, given: results.plot_costs(given.trial),
    ),
    "pareto": Kind(
        "all trials by the metric and one other goal",
        ("x", "y", "direction"),
        lambda results, given: results.plot_pareto(given.x[0] if given.x else None, given.y, given.direction),
        most_x=1,
    ),
    "divergence": Kind(
        "all trials by two parameters",
        ("x",),
        lambda results, given: results.plot_divergence(given.x),
        most_x=2,
    ),
    "rescue": Kind("all casualties", (), lambda results, given: results.plot_rescue()),
    "finalists": Kind(
        "the finalists with fresh seeds",
        (),
        lambda results, given: results.plot_finalists(),
    ),
    "sharpness": Kind(
        "the sharpness against epochs",
        ("trial",),
        lambda results, given: results.plot_sharpness(given.trial),
    ),
    "trace": Kind(
        "the arrays of one trial, trained again",
        ("trial",),
        trains=lambda results, given, progress: results.plot_trace(_one(given.trial), progress=progress),
    ),
    "map": Kind(
        "the trainability of a tiny network by the two parameters that the sweep searches",
        (),
        trains=lambda results, given, progress: results.plot_map(progress=progress),
    ),
}


def _one(trials: list[int] | None) -> int:
    """Return the number of the only trial.

    Raises:
        UsageError: when there is none, or several.
    """
    if not trials or len(trials) > 1:
        raise UsageError("--kind trace draws one trial; name it with --trial")
    return trials[0]


@app.command()
def plot(
    name: Name = None,
    kind: Annotated[
        Literal[
            "scatter", "curves", "cost", "pareto", "divergence", "rescue", "finalists", "sharpness", "trace", "map"
        ],
        typer.Option(
            help="The metric against each parameter, or against the epochs; the loss of mini-batches; the trials that "
            "no other beats in the metric and --x, by default the size of the network; the probability to diverge; "
            "what `sweep rescue` has found, or `sweep finalists`; the sharpness of the loss beside the limit of stable "
            "steps; the arrays of a trial before it diverged (`sweep trace`); where a tiny network converges "
            "(`sweep map`)."
        ),
    ] = "scatter",
    x: Annotated[
        list[str] | None, typer.Option("--x", help="A parameter to plot against; by default all.", metavar="PARAM")
    ] = None,
    y: Annotated[
        str | None,
        typer.Option("--y", "--by", help="The metric to plot; by default that of the sweep.", metavar="METRIC"),
    ] = None,
    direction: Direction = None,
    trial: Annotated[
        list[int] | None,
        typer.Option("--trial", help="With --kind curves, cost, sharpness or trace: a trial to draw."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .png or .svg file; beside the database by default.")
    ] = None,
    db: Db = None,
) -> None:
    """Draw the metric against each searched parameter or the epochs, or the losses of mini-batches.

    Diverged trials are crosses at the bad end. With repeats a point is the mean of a configuration, with a bar of one
    standard error. Losses of mini-batches are there if training.record_batches was true.
    """
    given = Options(x, y, direction, trial)
    _check(kind, given)
    results = sweep.load(name, db=db)
    say(f"chart: {save_figure(results, lambda: _drawn(results, kind, given), output, _stem(results, kind, given))}")


def _drawn(results: Sweep, kind: str, given: Options) -> Figure:
    chart = KINDS[kind]
    if chart.trains is None:
        assert chart.draw is not None
        return chart.draw(results, given)
    from sweep.cli.output.progress import counting

    with counting("training") as progress:
        return chart.trains(results, given, progress)


def _check(kind: str, given: Options) -> None:
    """Refuse options that do not go with a kind of chart.

    Raises:
        UsageError: when one was given.
    """
    chart = KINDS[kind]
    for option, value in given._asdict().items():
        if not value or option in chart.takes:
            continue
        with_it = [name for name, other in KINDS.items() if option in other.takes]
        raise UsageError(
            f"--{option} does not go with --kind {kind}, which draws {chart.shows}; it goes with {_listed(with_it)}"
        )
    if chart.most_x is not None and given.x and len(given.x) > chart.most_x:
        times = {1: "once", 2: "twice"}[chart.most_x]
        raise UsageError(f"--x is given at most {times} with --kind {kind}, which draws {chart.shows}")


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _stem(results: Sweep, kind: str, given: Options) -> str:
    """Return the stem of a chart's file name."""
    if "y" not in KINDS[kind].takes:
        return kind
    metric = given.y or results.objective.metric
    return metric if kind == "scatter" else f"{metric}-{kind}"
