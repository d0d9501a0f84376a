"""Commands that check what is stored: train a trial again, check the whole database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli.options import Data, Db, Format, TrialName, app, print_table, say, split_trial
from sweep.errors import SweepError, counted

if TYPE_CHECKING:
    from sweep.checks.doctor import Report
    from sweep.checks.replay import Replay
    from sweep.results.sweep import Sweep

Tell = Callable[[str], None]
"""Prints a sentence, for people on standard output."""


@app.command()
def replay(
    trial: TrialName,
    check: Annotated[
        bool, typer.Option("--check", help="Compare every figure with the stored one, bit for bit.")
    ] = False,
    format: Annotated[
        Format, typer.Option(help="How to print the epochs; with --check the first epoch that differs, if one does.")
    ] = "table",
    db: Db = None,
    data: Data = None,
) -> None:
    """Train a trial again and show its epochs; nothing is written.

    With `--check` they are compared, bit for bit, with the stored ones, and so are the losses of mini-batches and the
    divergence. The exit code is 1 if one differs. None may differ with the versions, the BLAS kernel and the CPU that
    the trial was trained with; differences to those with which its sweep began are printed. Where a version of sweep
    has moved the last bits of such a network, figures that agree within 1e-4 are enough.
    """
    from sweep.cli.output.progress import Lines, counting

    name, number = split_trial(trial)
    results = sweep.load(name, db=db)
    with counting(f"training {results.name}/{number} again") as progress:
        played = results.replay(number, data, observer=Lines(), progress=progress)
    tell = print if format == "table" else say  # a program reads only tables
    if check:
        _compare(played, format, tell)
        _compare_decisions(results, tell)
    else:
        _show(played, format, tell)


def _compare_decisions(results: Sweep, tell: Tell) -> None:
    """Print whether the decisions of a rule that compares trials are those that the stored epochs lead to.

    Raises:
        SweepError: when one is not.
    """
    from sweep.checks.decisions import check_decisions

    checked = check_decisions(results.record, results.store)
    if checked is None:
        return
    if checked.different:
        raise SweepError(
            f"{counted(len(checked.different), 'decision')} of the rule '{checked.rule}' cannot be explained by the "
            f"stored epochs: {checked.different[0]}"
        )
    tell(f"the rule '{checked.rule}' decides again as stored about all {checked.configurations} configurations")


def _show(played: Replay, format: Format, tell: Tell) -> None:
    from sweep.checks.replay import described

    print_table(played.now.frame, format, f"Epochs of {played.name}")
    if divergence := played.now.divergence:
        tell(f"diverged in epoch {divergence.epoch}: {described(divergence)}")


def _compare(played: Replay, format: Format, tell: Tell) -> None:
    """Print that everything is the same, or the first epoch that is not.

    Raises:
        SweepError: when an epoch is not the same, unless only last bits differ, as our arithmetic has changed.
    """
    if not (different := played.different):
        if format != "table":
            print_table(played.now.frame.head(0), format)
        tell(_agreement(played))
        return
    first = different[0]
    print_table(played.beside(first), format, f"Epoch {first} of {played.name}")
    total = len({*played.stored.figures, *played.now.figures})
    finding = f"{len(different)} of {counted(total, 'epoch')} of {played.name} {_are(len(different))} not the same"
    finding += f", the first of them epoch {first}" if len(different) > 1 else f": epoch {first}"
    if played.changes.empty:
        raise SweepError(
            f"{finding} ({_how_different(played.largest_difference)}), though the environment is the one that the "
            "sweep was begun in: the database or this machine may be damaged, unless the sweep was resumed elsewhere"
            f"{_or_older(played)}; look into it with: sweep doctor"
        )
    if format == "table":
        print_table(played.changes, format, "Environment")
    if played.moved:
        _explain(played, finding, tell)
        return
    raise SweepError(
        f"{finding}; that is no surprise in another environment than the one that the sweep was begun in: compare "
        "again with those versions and that BLAS kernel"
    )


def _explain(played: Replay, finding: str, tell: Tell) -> None:
    """Print that the figures agree but for their last bits, which a change of our arithmetic has moved.

    Raises:
        SweepError: when they differ by more.
    """
    from sweep.checks.replay import CLOSE
    from sweep.system.arithmetic import ARITHMETIC

    difference = played.largest_difference
    reason = (
        f"the sweep was begun with version {played.arithmetic} of sweep's arithmetic, this is version {ARITHMETIC}, "
        f"which moves last bits of this network: {', '.join(played.moved)}"
    )
    if difference <= CLOSE:
        tell(
            f"{finding}: {reason}; all figures agree within {CLOSE:g} relative, the largest difference is "
            f"{difference:.1g}"
        )
        return
    how = _how_different(difference)
    first = played.different[0]
    if first != played.different[-1]:
        how += f"; in epoch {first} by up to {played.difference_in(first):.1g}"
    raise SweepError(
        f"{finding}: {reason}; training may enlarge that, and figures differ by more than {CLOSE:g} ({how}): to be "
        f"sure, compare again with a sweep of version {played.arithmetic} of the arithmetic"
    )


def _how_different(difference: float) -> str:
    return "one is missing" if difference == float("inf") else f"by up to {difference:.1g} relative"


def _or_older(played: Replay) -> str:
    """Return another possible reason where the sweep was begun with an older arithmetic."""
    from sweep.system.arithmetic import ARITHMETIC

    if played.arithmetic == ARITHMETIC:
        return ""
    return ", or was begun by a sweep from before the first edition, whose last bits may be others"


def _agreement(played: Replay) -> str:
    from sweep.checks.replay import described

    epochs, losses = len(played.now.epochs), len(played.now.losses)
    words = f"{counted(epochs, 'epoch')} of {played.name} {_are(epochs)} the same, bit for bit"
    if losses:
        words += f", and so {_are(losses)} {counted(losses, 'loss', 'losses')} of mini-batches"
    if divergence := played.now.divergence:
        words += f", and so is the divergence in epoch {divergence.epoch}: {described(divergence)}"
    return words if played.is_finished else f"{words}; the trial is {played.status}, so it has no more"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired, after making a copy.")] = False,
    format: Annotated[Format, typer.Option(help="How to print what was found.")] = "table",
    db: Db = None,
) -> None:
    """Check that the database is intact.

    Every digest is computed again. A trial that was changed can be trained again, which gives the same bits. Without
    `--repair` nothing is changed; the exit code is 1 if something is wrong.
    """
    from sweep.checks import doctor
    from sweep.cli.output.progress import counting

    url = sweep.database_url(db)
    with counting("checking the trials") as progress:
        report = doctor.examine(url, progress)
    if not (repair and report.curable) or format == "table":  # a program reads only what is left
        _print_findings(report, format)
    if repair and report.curable:
        with counting("checking the trials again") as progress:
            left, copy = doctor.repair(url, report, progress)
        repaired = {finding.words for finding in report.curable} - {finding.words for finding in left.findings}
        words = f"repaired {len(repaired)} of {counted(len(report.findings), 'finding')}"
        say(f"{words}; the file as it was: {copy}" if copy else words)
        report = left
        _print_findings(report, format)
    if report.damages:
        hint = (
            "what is left cannot be repaired" if repair else "repair what can be repaired with: sweep doctor --repair"
        )
        raise SweepError(f"{counted(len(report.damages), 'finding')} in {report.shown}; {hint}")
    counts = report.counts
    checked = f"{counted(counts.sweeps, 'sweep')}, {counted(counts.trials, 'trial')}, {counted(counts.epochs, 'epoch')}"
    (print if format == "table" else say)(f"{report.shown} is sound: {checked} checked")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy is written; it must not exist yet.")],
    db: Db = None,
) -> None:
    """Copy the database, also while a sweep is running.

    A plain copy of the file may lack the newest rows. Kept weights lie in the folder DATABASE-files beside the
    database; copy that folder, too.
    """
    from sweep.cli.output.progress import counting
    from sweep.store import Store
    from sweep.store.backup import backup as copy_to

    store = Store(sweep.database_url(db))
    with counting("copying the database") as progress:
        copy_to(store.database, file, progress)
    kept = f"; kept weights are not in it, but in {store.files}" if store.files.is_dir() else ""
    say(f"copied {store.database.shown} to {file}{kept}")
    store.close()


def _print_findings(report: Report, format: Format) -> None:
    """Print what was found: a line each, or a table with the columns finding (damage or note), words and cure."""
    if format != "table":
        import pandas as pd

        found = [("damage", each) for each in report.damages] + [("note", each) for each in report.notes]
        rows = [(kind, each.words, each.cure) for kind, each in found]
        print_table(pd.DataFrame(rows, columns=["finding", "words", "cure"]), format)
        return
    for finding in report.damages:
        print(f"damage: {finding.words}")
    for finding in report.notes:
        print(f"note:   {finding.words}")
