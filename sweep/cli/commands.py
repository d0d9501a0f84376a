"""The commands. Tables go to standard output, progress and messages to standard error, so that everything pipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import sweep
from sweep.cli.options import (
    Db,
    Format,
    Name,
    RunFlags,
    Set,
    TrialName,
    Where,
    app,
    counted,
    print_table,
    save_figure,
    say,
    split_trial,
    with_run_flags,
)
from sweep.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.sweep import Sweep


@app.command()
@with_run_flags
def run(
    experiment: Annotated[
        str, typer.Argument(help="An experiment file, or the name of one that comes with sweep.", metavar="FILE|NAME")
    ],
    trials: Annotated[int | None, typer.Option(help="How many configurations to draw.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws.")] = None,
    set_: Set = None,
    name: Annotated[str | None, typer.Option(help="Name of the sweep; by default the experiment's.")] = None,
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Draw configurations, train them side by side, and rank them."""
    given = {"trials": trials, "seed": seed, "name": name}
    overrides = [*(set_ or []), *(f"{k}={_toml(v)}" for k, v in given.items() if v is not None)]
    with flags.keywords() as keywords:
        result = sweep.run(experiment, overrides=overrides, db=db, **keywords)
    if not flags.quiet:
        _summarize(result)


@app.command()
@with_run_flags
def resume(
    name: Name = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train what has failed again, too.")] = False,
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Finish a sweep that was interrupted."""
    with flags.keywords() as keywords:
        result = sweep.resume(name, retry_failed=retry_failed, db=db, **keywords)
    if not flags.quiet:
        _summarize(result)


@app.command("list")
def list_(db: Db = None, format: Annotated[Format, typer.Option(help="How to print the table.")] = "table") -> None:
    """List all sweeps, the newest first."""
    from sweep.store import Store

    print_table(Store(sweep.database_url(db)).sweeps(), format, "Sweeps")


@app.command()
def leaderboard(
    name: Name = None,
    worst: Annotated[bool, typer.Option("--worst", help="The worst that reached their end.")] = False,
    diverged: Annotated[bool, typer.Option("--diverged", help="Those that diverged, and where.")] = False,
    n: Annotated[int | None, typer.Option("-n", help="How many; 10 by default, all of those that diverged.")] = None,
    by: Annotated[str, typer.Option(help="The metric to rank by.")] = "test_accuracy",
    where: Where = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Print it again and again while the sweep runs.")
    ] = False,
    db: Db = None,
) -> None:
    """Rank the trials of a sweep by their best epoch."""
    if worst and diverged:
        raise UsageError("--worst and --diverged exclude each other; give one of them")
    results = sweep.load(name, db=db)

    def rank() -> pd.DataFrame:
        if diverged:
            return results.diverged(n, where)
        return (results.worst if worst else results.best)(10 if n is None else n, by, where)

    if watch:
        from sweep.cli.output.watch import keep_printing

        keep_printing(rank, results, format)
        return
    print_table(rank(), format)
    if format == "table":
        _mention_the_others(results)


@app.command()
def show(trial: TrialName, db: Db = None) -> None:
    """Show one trial: its configuration, how it ended, its seeds and all its epochs."""
    name, number = split_trial(trial)
    results = sweep.load(name, db=db)
    from sweep.cli.output.tables import print_trial

    print_trial(results.name, results.trial(number), results.epochs(number))


@app.command()
def export(
    name: Name = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A .csv or .json file.", metavar="FILE")] = None,
    epochs: Annotated[bool, typer.Option("--epochs", help="All epochs of all trials instead of the trials.")] = False,
    batches: Annotated[bool, typer.Option("--batches", help="All recorded losses of mini-batches instead.")] = False,
    db: Db = None,
) -> None:
    """Write all trials, or all their epochs, to a file."""
    from sweep.results.format import write

    if output is None:
        raise UsageError("say where to write, such as -o trials.csv")
    if epochs and batches:
        raise UsageError("--epochs and --batches exclude each other; give one of them")
    results = sweep.load(name, db=db)
    frame = results.epochs() if epochs else results.batches() if batches else results.trials()
    write(frame, output)
    say(f"wrote {len(frame)} rows of {results.name} to {output}")


@app.command()
def plot(
    name: Name = None,
    kind: Annotated[
        Literal["scatter", "cost"],
        typer.Option(help="The metric against each parameter, or the loss from mini-batch to mini-batch."),
    ] = "scatter",
    x: Annotated[
        list[str] | None, typer.Option("--x", help="A parameter to plot against; by default all.", metavar="PARAM")
    ] = None,
    y: Annotated[str | None, typer.Option("--y", help="The metric to plot; by default test_accuracy.")] = None,
    trial: Annotated[
        list[int] | None, typer.Option("--trial", help="With --kind cost: a trial to draw; by default all.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .png or .svg file; beside the database by default.")
    ] = None,
    db: Db = None,
) -> None:
    """Draw accuracy against each searched parameter, or the course of the losses.

    Diverged trials are crosses at the foot. The losses of mini-batches are there if training.record_batches was true.
    """
    if kind == "cost" and (x or y):
        raise UsageError("--x and --y do not go with --kind cost, which draws losses against epochs")
    if kind == "scatter" and trial:
        raise UsageError("--trial goes with --kind cost alone; without it, every trial is a point")
    results = sweep.load(name, db=db)
    if kind == "cost":
        say(f"chart: {save_figure(results, results.plot_costs(trial), output, 'cost')}")
    else:
        metric = y or "test_accuracy"
        say(f"chart: {save_figure(results, results.plot(x, metric), output, metric)}")


def _toml(value: int | str) -> str:
    return json.dumps(value)


def _summarize(results: Sweep) -> None:
    """Print the best, the worst and the diverged trials, and draw the chart."""
    print_table(results.best(5), "table", "Best")
    print_table(results.worst(5), "table", "Worst")
    print_table(results.diverged(), "table", "Diverged")
    _mention_failures(results)
    say(f"chart: {save_figure(results, results.plot(), None, 'test_accuracy')}")
    say(f"more:  sweep leaderboard {results.name}    sweep show {results.name}/0    sweep export -o trials.csv")
    best = results.best(1)["trial"].tolist()
    if best and results.trial(best[0]).weights:
        say(f"       sweep predict {results.name}/{best[0]}")


def _mention_failures(results: Sweep) -> None:
    trials = results.trials()
    failed = trials[trials["status"] == "failed"]
    if len(failed):
        first = failed.iloc[0]
        say(f"{len(failed)} failed, the first of them trial {first['trial']}: {first['error']}")
    warned = trials[(trials["status"] != "failed") & trials["error"].notna()]
    if len(warned):
        first = warned.iloc[0]
        say(f"warning of {len(warned)} trials, the first of them trial {first['trial']}: {first['error']}")


def _mention_the_others(results: Sweep) -> None:
    """Say which trials are not in the table, so that none is hidden."""
    say(counted(results.name, results.store.progress(results.record.id).counts))
