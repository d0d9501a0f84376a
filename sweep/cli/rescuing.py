"""The command that finds out what would have saved trials that diverged."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import Db, Format, RunFlags, app, print_table, say, split_trial, with_run_flags
from sweep.errors import Call, UsageError, counted

if TYPE_CHECKING:
    import pandas as pd

    from sweep.metrics import Objective
    from sweep.results.sweep import Sweep


@app.command()
@with_run_flags
def rescue(
    trial: Annotated[
        str | None,
        typer.Argument(
            help="12 (of the newest sweep) or mnist-widths/12; with --all the name of the sweep.",
            metavar="[NAME/]TRIAL",
            autocompletion=completion.trial_names,
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Rescue all trials of the sweep that diverged.")] = False,
    times: Annotated[
        float, typer.Option(help="How many times the time of one trial each of them may take, at least 2.", metavar="N")
    ] = 3.0,
    twins: Annotated[
        str | None, typer.Option(help="Name of the sweep of the twins; by default NAME.rescue.", metavar="NAME")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Find out what would have saved a trial that diverged, by training twins of it with one change each.

    Twins go on from the epoch before the divergence, or begin at the start, until two epochs past it; the smallest
    change that suffices is trained to the end. They are trials of the sweep NAME.rescue, which is shown, plotted and
    resumed as any other. Given again, the command adds only what is missing.
    """
    from sweep.results.rescue import casualties, outcomes, sentences
    from sweep.runner.rescue import again

    name, numbers = _named(trial, all_)
    parents = sweep.load(name, db=db)
    if not flags.quiet:
        _note_running(parents, all_)
    chosen = numbers or casualties(parents)
    go_on = again(parents.record, chosen, twins or f"{parents.name}.rescue", parents.store, times)
    with flags.keywords(go_on) as keywords:
        results = sweep.rescue(numbers, name=parents.name, twins=twins, times=times, db=db, **keywords)
    found = outcomes(results, numbers or None)
    if not flags.quiet:
        _print(found, results.objective, format, all_)
        for line in sentences(parents.name, found, results.objective) if format == "table" else ():
            print(line)
    _tell_problems(results, go_on)


def _named(trial: str | None, all_: bool) -> tuple[str | None, list[int]]:
    """Return the sweep that is meant, None for the newest, and the numbers of its trials, none for all."""
    if all_:
        if trial is not None and trial.rpartition("/")[1]:
            raise UsageError(f"--all rescues all trials of a sweep that diverged; give its name alone, not {trial!r}")
        return trial, []
    if trial is None:
        raise UsageError("say which trial to rescue, such as 12 or mnist-widths/12, or --all of those that diverged")
    if "/" not in trial and not trial.isdecimal():
        raise UsageError(
            f"'{trial}' is no trial, such as 12 or mnist-widths/12; for all of a sweep that diverged add --all: "
            f"sweep rescue {shlex.quote(trial)} --all"
        )
    name, number = split_trial(trial)
    return name, [number]


def _note_running(parents: Sweep, all_: bool) -> None:
    """Tell that a sweep is still running, of which more trials may diverge."""
    counts = parents.store.progress(parents.record.id).counts
    left = sum(counts.get(status, 0) for status in ("queued", "running", "paused", "interrupted"))
    if all_ and left:
        say(
            f"{counted(left, 'trial')} of {parents.name} {'has' if left == 1 else 'have'} not ended yet; give the same "
            "command again for those that diverge later"
        )


def _tell_problems(results: Sweep, go_on: Call) -> None:
    """Tell which twins failed, which have warnings, and how to go on where a budget has ended the training."""
    from sweep.cli.output.outcome import ended_by_budget, problems

    counts = results.store.progress(results.record.id).counts
    for line in [*problems(results.name, results.trials()), *ended_by_budget(results, counts, go_on)]:
        say(line)


def _print(found: pd.DataFrame, objective: Objective, format: Format, all_: bool) -> None:
    """Print the twins of one trial; of all trials what suffices for each, and what each change saves."""
    from sweep.results.rescue import answers, totals

    if not all_:
        _print_twins(found, format, "Twins")
    elif format != "table":  # of which a program reads one table
        print_table(totals(found), format)
    else:
        _print_twins(answers(found, objective), format, "Smallest change that suffices")
        print_table(totals(found), format, "Changes, the smallest first", "--format csv")


def _print_twins(frame: pd.DataFrame, format: Format, title: str) -> None:
    """Print rows of twins, in words where a person reads them."""
    from sweep.results.rescue import begin_words

    if format == "table":
        begin = frame["fork"].astype(object).map(begin_words).where(frame["twin"].notna())
        frame = frame.assign(fork=begin).drop(columns="change").rename(columns={"fork": "from", "detail": "change"})
    print_table(frame, format, title, "--format csv")
