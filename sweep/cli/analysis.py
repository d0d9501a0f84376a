"""The command that tells what can be learned from trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.importance import print_importance
from sweep.cli.options import By, Db, Direction, Format, RunFlags, app, print_table, say, with_run_flags
from sweep.errors import UsageError

if TYPE_CHECKING:
    from sweep.results.sweep import Sweep


Seeds = Annotated[
    int | None,
    typer.Option(help="Train configurations again, each with so many other seeds, and tell how often it diverges."),
]
Trials = Annotated[
    str | None,
    typer.Option(
        help="With --seeds: numbers of trials with commas between them; by default the 6 about which it is least "
        "certain whether they diverge.",
        metavar="3,17",
    ),
]


@app.command()
@with_run_flags
def analyze(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of the sweeps whose trials count; the newest by default.",
            metavar="NAME…",
            autocompletion=completion.sweep_names,
        ),
    ] = None,
    divergence: Annotated[
        bool, typer.Option("--divergence", help="The probability to diverge, as a function of the configuration.")
    ] = False,
    seeds: Seeds = None,
    trials: Trials = None,
    by: By = None,
    direction: Direction = None,
    format: Annotated[Format, typer.Option(help="How to print it: with sentences, or the table alone.")] = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Tell what can be learned from the trials of one or more sweeps.

    What makes trials diverge, and what matters among those that completed: of each parameter the share of the variance
    of the metric, its part in reaching the best quarter, what tuning it is worth, and how much a bad value costs, each
    with a 90 % interval. Pairs of parameters that act together, how sensitive to the learning rate each option is, and
    ranges at whose end the best lie are named where the trials are evidence enough.

    With --divergence: where trials diverge as a formula, by how much each parameter changes the odds, and how well
    left-out trials are predicted, beside the base rate. Pruned trials and those that have not ended are left out.

    With --seeds 5: configurations near that boundary are trained with other seeds, in a sweep NAME.seeds of their own;
    then how often each diverged, and how sharp the boundary is. The options below are those of that training.
    """
    if divergence and seeds is not None:
        raise UsageError("give either --divergence or --seeds 5")
    if (by or direction) and (divergence or seeds is not None):
        raise UsageError("--by and --direction do not go with --divergence and --seeds, which are about no metric")
    if trials is not None and seeds is None:
        raise UsageError("--trials goes with --seeds")
    sweeps = [sweep.load(name, db=db) for name in names] if names else [sweep.load(db=db)]
    if divergence:
        _print_law(sweeps, format)
        return
    if seeds is None:
        print_importance(sweeps, by, direction, format)
        return
    if len(sweeps) > 1:
        raise UsageError("--seeds takes the name of one sweep")
    _train_again(sweeps[0], seeds, _numbers(trials), format, db, flags)


def _print_law(sweeps: list[Sweep], format: Format) -> None:
    from sweep.analysis.divergence_report import effects_table, sentences
    from sweep.results.divergence import law_of, remarks

    law = law_of(sweeps)
    if format == "table":
        print("\n".join(sentences(law)))
    else:
        print_table(effects_table(law), format)
    for line in remarks(sweeps):
        say(line)


def _numbers(trials: str | None) -> list[int]:
    """Return the numbers of an option, none where it is not given.

    Raises:
        UsageError: when one is not a number.
    """
    parts = [] if trials is None else [part.strip() for part in trials.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"--trials takes numbers of trials with commas between them, such as 3,17, not '{trials}'")
    return [int(part) for part in parts]


def _train_again(
    results: Sweep, seeds: int, numbers: list[int], format: Format, db: str | None, flags: RunFlags
) -> None:
    """Train configurations with other seeds, and print how often each diverged."""
    from sweep.analysis.flakiness import sentences
    from sweep.results.flakiness import flakiness_of, near_boundary

    chosen = numbers or near_boundary(results)
    with flags.keywords() as keywords:
        sweep.reseed(chosen, seeds=seeds, name=results.name, db=db, **keywords)
    table, law = flakiness_of(results, chosen)
    print_table(table, format, f"Trainings of {results.name} with other seeds")
    if format == "table":
        print("\n".join(sentences(table, law)))
