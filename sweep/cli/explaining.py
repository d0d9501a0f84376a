"""The command that tells which parameters make a trial better than a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

import sweep
from sweep.cli.options import (
    Db,
    Format,
    RunFlags,
    TrialName,
    app,
    print_table,
    say,
    split_trial,
    with_run_flags,
)
from sweep.errors import UsageError

if TYPE_CHECKING:
    from sweep.results.sweep import Sweep
    from sweep.runner.explain import Task


@app.command()
@with_run_flags
def explain(
    trial: TrialName,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Number of the trial at which the way begins; by default the middle of each range of the file.",
            metavar="TRIAL",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each configuration, with the same seeds for all.")] = 3,
    order: Annotated[
        Literal["greedy", "file"],
        typer.Option(
            help="Which parameter changes next: the one that improves most, for which all that are left are trained, "
            "or the next one in the file, which takes fewer trainings."
        ),
    ] = "greedy",
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
    *,
    flags: RunFlags,
) -> None:
    """Train the way from a baseline to a trial, one parameter a step, and tell what each step brings.

    With k parameters that differ, greedy takes 1 + k (k + 1) / 2 configurations, and file 1 + k; each is trained with
    all seeds. They are trials of the sweep NAME.explain; given again, the command trains only what is missing. A choice
    changes together with what is drawn inside its options. The effect of a step is that of its parameter where those
    before have changed already; as the best of several steps is in part the luckiest, early ones look somewhat larger.
    """
    from sweep.cli.output.outcome import twin_problems
    from sweep.runner.explain import Task, explain_name, path_of, trained_for

    name, number = split_trial(trial)
    task = Task(number, None if baseline is None else _number(baseline, name), seeds, order)
    results = sweep.load(name, db=db)
    given = {"baseline": task.baseline, "seeds": seeds, "order": order}
    with flags.keywords(task.again(results.name)) as keywords:
        sweep.explain(number, name=results.name, db=db, **given, **keywords)  # type: ignore[arg-type]
    path = path_of(results.record, number, task.baseline, results.store)
    trained = trained_for(path, results.record, seeds, results.store)
    lines = twin_problems(explain_name(results.name), trained, results)
    _print(results, task, format)
    for line in lines:
        say(line)


def _print(results: Sweep, task: Task, format: Format) -> None:
    from sweep.results.explain import explanation, sentences

    table = explanation(results, task)
    if format != "table":
        print_table(table, format)
        return
    begin = "the middle of the file" if task.baseline is None else f"trial {task.baseline}"
    print_table(
        table.drop(columns=["low", "high", "total_error"]),
        format,
        f"From {begin} to trial {task.trial}",
        "--format csv",
    )
    for line in sentences(table, results.objective.metric):
        print(line)
    say(f"these are trials of {results.name}.explain")


def _number(baseline: str, name: str | None) -> int:
    """Return the number of the baseline, a trial of the same sweep.

    Raises:
        UsageError: when it is of another one.
    """
    own, number = split_trial(baseline)
    if own is not None and own != name:
        raise UsageError(f"--from takes a trial of the same sweep, such as 3, not {baseline!r}")
    return number
