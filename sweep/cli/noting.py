"""Commands that add notes and tags to sweeps and trials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import LONGEST_NUMBER, Db, Format, app, print_table, say
from sweep.errors import SweepError, UsageError, suggest

if TYPE_CHECKING:
    from sweep.results.sweep import Sweep

TARGET = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/\d+)?"
"""What a sweep or a trial looks like."""


@app.command()
def note(
    target: Annotated[
        str | None,
        typer.Argument(
            help="A sweep or a trial; the newest sweep by default.",
            metavar="NAME[/TRIAL]",
            autocompletion=completion.trial_names,
        ),
    ] = None,
    text: Annotated[str | None, typer.Argument(help="What to remember; without it notes are shown.")] = None,
    format: Annotated[Format, typer.Option(help="How to print the notes.")] = "table",
    db: Db = None,
) -> None:
    """Add a note to a sweep or a trial, or show the notes on a sweep and its trials.

    One word alone is the name of a sweep or a trial; anything else alone is a note on the newest sweep.
    """
    if text is None and target is not None and not re.fullmatch(TARGET, target):
        target, text = None, target
    results, number = _found(target, db)
    if text is not None:
        results.note(text, number)
        say(f"noted on {_shown(results, number)}")
        return
    table = results.notes()
    print_table(table[table["trial"] == number] if number is not None else table, format, f"Notes on {results.name}")


@app.command()
def tag(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="A sweep or a trial, the newest sweep by default, and its tags.",
            metavar="[NAME[/TRIAL]] TAG",
            autocompletion=completion.trial_names,
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove these tags.")] = False,
    format: Annotated[Format, typer.Option(help="How to print the tags.")] = "table",
    db: Db = None,
) -> None:
    """Add tags, each one word, to a sweep or a trial; without a tag, show those of a sweep and its trials."""
    target, tags = _split(words or [], db)
    results, number = _found(target, db)
    if not tags and remove:
        raise UsageError("say which tags to remove, such as: sweep tag --remove digits-quickstart good")
    if not tags:
        _print_tags(results, format)
    elif remove:
        there = results.store.tags(results.record.id).get(number, ())
        if missing := [each for each in tags if each not in there]:
            raise SweepError(f"{_shown(results, number)} is not tagged {', '.join(missing)}; look with: sweep tag")
        results.untag(*tags, trial=number)
        say(f"{_shown(results, number)} is not tagged {', '.join(tags)} any more")
    else:
        results.tag(*tags, trial=number)
        say(f"tagged {_shown(results, number)} {', '.join(tags)}")


def _split(words: list[str], db: str | None) -> tuple[str | None, list[str]]:
    """Split words into the sweep or trial, if the first one is one, and tags.

    Raises:
        UsageError: when the first word is nearly the name of a sweep.
    """
    from sweep.store import Store

    if not words:
        return None, []
    names, first = Store(sweep.database_url(db)).names(), words[0]
    if first in names or first.isdecimal() or (re.fullmatch(TARGET, first) and "/" in first):
        return first, words[1:]
    if (hint := suggest(first, names)).startswith("did you mean") and len(words) > 1:
        raise UsageError(f"there is no sweep '{first}', and it is not taken for a tag: {hint}")
    return None, words


def _found(target: str | None, db: str | None) -> tuple[Sweep, int | None]:
    """Return the sweep that is meant, and the number of the trial or None."""
    if target is None:
        return sweep.load(db=db), None
    name, slash, number = target.rpartition("/")
    is_trial = number.isdecimal() and len(number) <= LONGEST_NUMBER
    if slash and is_trial:
        return sweep.load(name, db=db), int(number)
    if is_trial and target not in (newest := sweep.load(db=db)).store.names():
        return newest, int(number)
    return sweep.load(target, db=db), None


def _shown(results: Sweep, number: int | None) -> str:
    return results.name if number is None else f"{results.name}/{number}"


def _print_tags(results: Sweep, format: Format) -> None:
    import pandas as pd

    found = results.store.tags(results.record.id)
    rows = [(_shown(results, number), ", ".join(tags)) for number, tags in found.items()]
    print_table(pd.DataFrame(rows, columns=["name", "tags"]), format, f"Tags of {results.name}")
