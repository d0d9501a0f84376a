"""The command that draws charts of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import Db, Direction, Name, app, save_figure, say
from sweep.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sweep.results.sweep import Sweep


KindName = Literal[
    "scatter",
    "curves",
    "history",
    "parallel",
    "heatmap",
    "distribution",
    "efficiency",
    "tuning_curve",
    "importance",
    "effect",
    "interaction",
    "finalists",
    "pareto",
    "cost",
    "divergence",
    "rescue",
    "sharpness",
    "trace",
    "map",
]
"""The names in `KINDS`."""


class Options(NamedTuple):
    """The options that choose what is drawn, as they were given."""

    x: list[str] | None = None
    y: str | None = None
    direction: Literal["max", "min"] | None = None
    trial: list[int] | None = None
    with_: list[str] | None = None


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


KINDS: dict[str, Kind] = {
    "scatter": Kind(
        "a metric against each parameter",
        ("x", "y", "direction"),
        lambda results, given: results.plot(given.x, given.y, given.direction),
    ),
    "curves": Kind(
        "a metric against the epochs, the best ten trials in colors",
        ("y", "direction", "trial"),
        lambda results, given: results.plot_curves(given.y, given.direction, given.trial),
    ),
    "history": Kind(
        "a metric by trial number, with the best so far",
        ("y", "direction"),
        lambda results, given: results.plot_history(given.y, given.direction),
    ),
    "parallel": Kind(
        "each trial as a line across all parameters",
        ("x", "y", "direction"),
        lambda results, given: results.plot_parallel(given.x, given.y, given.direction),
    ),
    "heatmap": Kind(
        "the mean of a metric by two parameters",
        ("x", "y", "direction"),
        lambda results, given: results.plot_heatmap(given.x, given.y, given.direction),
        most_x=2,
    ),
    "distribution": Kind(
        "the share of trials with at most each value of a metric",
        ("y", "direction", "with"),
        lambda results, given: results.plot_distribution(given.with_ or (), given.y, given.direction),
    ),
    "efficiency": Kind(
        "the best of groups of 1, 2, 4, … trials",
        ("y", "direction"),
        lambda results, given: results.plot_efficiency(given.y, given.direction),
    ),
    "tuning_curve": Kind("the best of n random trials", (), lambda results, given: results.plot_tuning_curve()),
    "importance": Kind(
        "how much each parameter matters",
        ("y", "direction"),
        lambda results, given: results.plot_importance(given.y, given.direction),
    ),
    "effect": Kind(
        "what is expected along each parameter",
        ("x", "y", "direction"),
        lambda results, given: results.plot_effect(given.x, given.y, given.direction),
    ),
    "interaction": Kind(
        "how two parameters act together",
        ("x", "y", "direction"),
        lambda results, given: results.plot_interaction(given.x, given.y, given.direction),
        most_x=2,
    ),
    "finalists": Kind("the finalists with fresh seeds", (), lambda results, given: results.plot_finalists()),
    "pareto": Kind(
        "what no other trial beats in a metric and one other goal",
        ("x", "y", "direction"),
        lambda results, given: results.plot_pareto(given.x[0] if given.x else None, given.y, given.direction),
        most_x=1,
    ),
    "cost": Kind(
        "the loss of each mini-batch",
        ("trial",),
        lambda results, given: results.plot_costs(given.trial),
    ),
    "divergence": Kind(
        "the probability to diverge, by two parameters",
        ("x",),
        lambda results, given: results.plot_divergence(given.x),
        most_x=2,
    ),
    "rescue": Kind("what would have saved the trials that diverged", (), lambda results, given: results.plot_rescue()),
    "sharpness": Kind(
        "the sharpness of the loss beside the limit of stable steps",
        ("trial",),
        lambda results, given: results.plot_sharpness(given.trial),
    ),
    "trace": Kind(
        "the arrays of one trial, which is trained again",
        ("trial",),
        trains=lambda results, given, progress: results.plot_trace(_one(given.trial), progress=progress),
    ),
    "map": Kind(
        "where a tiny network converges, by the two parameters searched",
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


HELP = """
Draw one of {number} charts of a sweep.

With `--kind` it shows:

{kinds}

Diverged trials are red crosses, pruned ones squares, and the best is a star. With repeats a point is the mean of a
configuration.
""".format(number=len(KINDS), kinds="\n".join(f"- `{name}`: {chart.shows}" for name, chart in KINDS.items()))


KindOption = Annotated[
    KindName,
    typer.Option(metavar="KIND", help="What to draw, one of those above.", autocompletion=lambda: list(KINDS)),
]
X = Annotated[
    list[str] | None,
    typer.Option(
        "--x",
        help="A parameter to plot against; by default all.",
        metavar="PARAM",
        autocompletion=completion.parameter_names,
    ),
]
Y = Annotated[
    str | None,
    typer.Option(
        "--y",
        "--by",
        help="The metric to plot; by default that of the sweep.",
        metavar="METRIC",
        autocompletion=completion.metric_names,
    ),
]
Trials = Annotated[
    list[int] | None,
    typer.Option("--trial", help="With --kind curves, cost, sharpness or trace: a trial to draw."),
]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        help="With --kind distribution: another sweep to draw beside it.",
        metavar="NAME",
        autocompletion=completion.sweep_names,
    ),
]


@app.command(help=HELP)
def plot(
    name: Name = None,
    kind: KindOption = "scatter",
    x: X = None,
    y: Y = None,
    direction: Direction = None,
    trial: Trials = None,
    with_: With = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .png or .svg file; beside the database by default.", metavar="FILE"),
    ] = None,
    db: Db = None,
) -> None:
    """Draw a chart of a sweep."""
    given = Options(x, y, direction, trial, with_)
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
    for name, value in given._asdict().items():
        option = name.rstrip("_")
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
