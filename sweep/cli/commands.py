"""Commands that run sweeps and show results: tables on standard output, progress and messages on standard error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli.hints import sentence
from sweep.cli.options import (
    AtEnd,
    By,
    Db,
    Direction,
    ExperimentName,
    Format,
    Name,
    Pareto,
    RunFlags,
    Set,
    Stop,
    TrialName,
    Watch,
    Where,
    app,
    print_table,
    save_figure,
    say,
    split_trial,
    with_run_flags,
)
from sweep.errors import SweepError, UsageError
from sweep.system.signals import Signalled

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.sweep import Sweep

MORE = "sweep leaderboard --format csv"
"""What shows all columns of the tables at the end of a run."""


LEGEND = (
    "share: of the epochs without a rule; loss: by how much the best that a rule trains to its end is worse than the "
    "best of all; kept: whether the rule trains that one to its end; loss and kept are empty where trials were stopped "
    "before (unknown), of which only an audit tells"
)


@app.command()
@with_run_flags
def run(
    experiment: ExperimentName,
    trials: Annotated[int | None, typer.Option(help="How many configurations to draw.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws.")] = None,
    set_: Set = None,
    stop: Stop = None,
    name: Annotated[str | None, typer.Option(help="Name of the sweep; by default the experiment's.")] = None,
    format: AtEnd = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Draw configurations, train them side by side, and rank them."""
    stopping = {"kind": "halving", "first": "auto"} if stop == "auto" else stop
    given = {"trials": trials, "seed": seed, "stopping": stopping, "name": name}
    with flags.keywords() as keywords:
        result = sweep.run(experiment, overrides=set_ or [], db=db, **given, **keywords)  # type: ignore[arg-type]
    _conclude(result, flags, format)


@app.command()
@with_run_flags
def resume(
    name: Name = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train what has failed again, too.")] = False,
    format: AtEnd = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Finish a sweep that was interrupted."""
    with flags.keywords() as keywords:
        result = sweep.resume(name, retry_failed=retry_failed, db=db, **keywords)
    _conclude(result, flags, format)


@app.command()
@with_run_flags
def extend(
    name: Name = None,
    trials: Annotated[int | None, typer.Option(help="How many configurations it shall have in all.")] = None,
    format: AtEnd = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Draw further trials of a sweep and train them; those that it has stay as they are."""
    if trials is None:
        raise UsageError("say how many configurations the sweep shall have in all, such as --trials 200")
    with flags.keywords() as keywords:
        result = sweep.enlarge(trials, name=name, db=db, **keywords)
    _conclude(result, flags, format)


@app.command()
def stopping(
    name: Name = None,
    format: Annotated[Format, typer.Option(help="How to print the tables.")] = "table",
    db: Db = None,
) -> None:
    """Show what stopping rules have saved, or would have saved, and what they would have cost.

    The rules are replayed on the recorded epochs: the share of all epochs that each uses, by how much the best of the
    trials that it trains to their end is worse than the best of all, and of how many trials that is unknown, as they
    were stopped before. Then the rank correlation of some epochs with the end, and what the trials of an audit tell.
    """
    from sweep.results import stopping as analysis

    results = sweep.load(name, db=db)
    rules, agreement, audited = analysis.tables(results)
    print_table(rules.drop(columns="saved"), format, "Stopping rules", "--format csv")
    if format != "table":  # of which a program reads one table
        return
    if not agreement.empty:
        print_table(agreement, format, "Agreement of the ranks with those at the end")
    if not audited.empty:
        print_table(audited, format, "Audit of the trials to be stopped")
    say(LEGEND)


@app.command()
def leaderboard(
    name: Name = None,
    worst: Annotated[bool, typer.Option("--worst", help="Rank the worst of the completed trials.")] = False,
    diverged: Annotated[bool, typer.Option("--diverged", help="List the diverged trials, with where.")] = False,
    pruned: Annotated[
        bool, typer.Option("--pruned", help="List the trials that were stopped early, with why.")
    ] = False,
    pareto: Pareto = None,
    n: Annotated[int | None, typer.Option("-n", help="Number of rows; by default 10, or all that are listed.")] = None,
    by: By = None,
    direction: Direction = None,
    where: Where = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    watch: Watch = False,
    db: Db = None,
) -> None:
    """Rank the trials of a sweep.

    What is ranked by is written below the table. With repeats the configurations are ranked by their mean. ranks: the
    ranks that a trial cannot be told apart from by the examples that only one of two has right; luck of the seed is
    not covered, for which see `sweep finalists`.
    """
    _check_ranking(worst, diverged, pruned, pareto, by or direction)
    results = sweep.load(name, db=db)

    listed = results.diverged if diverged else results.pruned if pruned else None

    def rank() -> pd.DataFrame:
        if listed:
            return listed(n, where)
        if pareto is not None:
            return results.pareto(pareto, where, n)
        return (results.worst if worst else results.best)(10 if n is None else n, by, where, direction)

    caption = ""
    if format == "table" and pareto is not None:
        caption = _compared(results, pareto)
    elif format == "table" and listed is None:
        caption = results.caption(by, direction, best_first=not worst)
    if watch:
        _watch(rank, results, format, caption)
        return
    table = rank()
    _print_ranking(results, table, caption, format)
    _print_below(results, table, caption, (where, by, direction), format)


def _print_ranking(results: Sweep, table: pd.DataFrame, caption: str, format: Format) -> None:
    from sweep.cli.output.outcome import nothing_to_rank

    if format == "table" and table.empty and caption:
        print(nothing_to_rank(results.store.progress(results.record.id)))
    else:
        print_table(table, format, more="--format csv")


def _print_below(
    results: Sweep, table: pd.DataFrame, caption: str, asked: tuple[str | None, str | None, Direction], format: Format
) -> None:
    """Print what a table of trials is ranked by, why it may be empty, and how many trials there are.

    In other formats only what is damaged is told.
    """
    if format != "table":
        _print_ranks(table, with_ranks=False)
        return
    where, by, direction = asked
    if where is not None and table.empty:
        _print_unmatched(results, where, by, direction)
    if caption and not table.empty:
        say(caption)
        _print_ranks(table)
    _print_counts(results)


def _print_ranks(table: pd.DataFrame, *, with_ranks: bool = True) -> None:
    """Print which ranks of a table cannot be told apart, where that is known, and what is damaged of it."""
    from sweep.cli.output.outcome import rank_lines

    for line in rank_lines(table, with_ranks=with_ranks):
        say(line)


def _check_ranking(worst: bool, diverged: bool, pruned: bool, pareto: str | None, order: str | None) -> None:
    """Refuse options of a leaderboard that contradict each other; `order` is what it would be ranked by."""
    given = {"--worst": worst, "--diverged": diverged, "--pruned": pruned, "--pareto": pareto is not None}
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} exclude each other; give one of them")
    if (diverged or pruned) and order:
        raise UsageError(f"--by and --direction do not go with {names[0]}, which lists trials by number")
    if pareto is not None and order:
        raise UsageError("--by and --direction do not go with --pareto; write NAME:max or NAME:min in it")


def _compared(results: Sweep, pareto: str) -> str:
    """Return the line below a table of the trials that no other beats."""
    from sweep.results.pareto import caption

    return caption(results.goals(pareto))


def _print_unmatched(results: Sweep, where: str, by: str | None, direction: Direction) -> None:
    from sweep.results.unmatched import unmatched

    say(unmatched(results, where, by, direction))


def _watch(rank: Callable[[], pd.DataFrame], results: Sweep, format: Format, caption: str) -> None:
    from sweep.cli.output.watch import print_until_ended

    try:
        print_until_ended(rank, results, format, caption)
    except Signalled as signalled:  # the way to end it, so there is nothing to be said
        raise typer.Exit(signalled.exit_code) from None


@app.command()
def show(
    trial: TrialName,
    log: Annotated[bool, typer.Option("--log", help="Print the log of a trial that a command has trained.")] = False,
    format: Annotated[
        Format, typer.Option(help="How to print it: json writes one object, csv and markdown only the epochs.")
    ] = "table",
    db: Db = None,
) -> None:
    """Show one trial: its configuration, how it ended, its seeds and all its epochs."""
    name, number = split_trial(trial)
    results = sweep.load(name, db=db)
    from sweep.cli.output.trial import print_json, print_log, print_trial

    if log:
        print_log(results, number)
    elif format == "table":
        print_trial(results, number)
    elif format == "json":
        print_json(results, number)
    else:
        print_table(results.epochs(number), format)


def _conclude(results: Sweep, flags: RunFlags, format: Format) -> None:
    """Tell what failed, and unless `quiet` print the best, the worst and the diverged trials, and draw the chart.

    In other formats than tables only the best trials are printed, for a program.

    Raises:
        SweepError: when all trials have failed.
    """
    from sweep.cli.output.outcome import (
        ended_by_budget,
        kept_weights,
        never_learned,
        next_steps,
        problems,
        rank_lines,
        stopped_early,
        trained_elsewhere,
    )
    from sweep.cli.reviewing import failing
    from sweep.results.tuning_curve import summary

    trials = results.trials()
    lines = problems(results.name, trials)
    if format != "table":
        print_table(results.best(10), format)
    elif not flags.quiet:
        best = results.best(5)
        print_table(best, "table", "Best", MORE)
        print_table(results.worst(5), "table", "Worst", MORE)
        print_table(results.diverged(), "table", "Diverged", f"{MORE} --diverged")
        _print_rules(results)
        notes = [*stopped_early(results.name, trials), *never_learned(trials)]
        lines = [results.caption(), *rank_lines(best), *summary(results), *notes, *lines, *kept_weights(results)]
    counts = results.store.progress(results.record.id).counts
    lines += [*ended_by_budget(results, counts), *trained_elsewhere(results.name, counts)]
    for line in lines:
        say(line)
    if not flags.quiet and format == "table":
        _chart_all(results)
        for line in [*failing(results), *next_steps(results)]:
            say(line)


def _print_rules(results: Sweep) -> None:
    """Print what stopping rules would have used of the epochs, and lost, if the sweep has enough of them."""
    from sweep.results.stopping import short_table

    table = short_table(results)
    if table is not None:
        print_table(table, "table", "Early stopping, replayed", f"sweep stopping {results.name}")
        say(LEGEND)


def _chart_all(results: Sweep) -> None:
    try:
        say(f"chart: {save_figure(results, results.plot, None, results.objective.metric)}")
    except SweepError as error:
        # The sweep is done all the same.
        say(f"no chart: {sentence(error)}")


def _print_counts(results: Sweep) -> None:
    """Print the number of trials by status, which tells of those that are not in the table."""
    from sweep.cli.output.outcome import counts_lines

    for line in counts_lines(results, results.store.progress(results.record.id)):
        say(line)
