"""The command that lists all sweeps, which needs no pandas: importing that takes longer than reading the list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.cli.options import Db, Format, app

if TYPE_CHECKING:
    from sweep.store.queries import Listed

TEXTS = ("sweep", "created", "age", "status", "metric", "tags")
"""Columns that hold no numbers."""
MARKS = ("tags", "notes")
"""Columns that a table for people has only where there are some."""
AGES = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60))
"""Units of time -> seconds, the longest first."""


@app.command("list")
def list_(
    n: Annotated[int | None, typer.Option("-n", help="Only the newest, this many; by default all.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only the sweeps with this tag.", metavar="TAG")] = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
) -> None:
    """List all sweeps, the newest first, with how far each is, its best value, its tags and the number of its notes.

    status: running; completed: all of its trials have ended; ended: a budget did; unfinished: what is left can be
    trained with `sweep resume`; failed: all of its trials have. Files have the time of its beginning in place of the
    age.
    """
    from sweep.arguments import count
    from sweep.store import Store

    most = None if n is None else count(n, "n")
    listed = [each for each in Store(sweep.database_url(db)).listed() if tag is None or tag in each.tags]
    columns = _columns(listed[:most], with_age=format == "table")
    numeric = [name not in TEXTS for name in columns]
    if format == "table":
        from sweep.cli.output.tables import print_columns

        print_columns([*columns], [*columns.values()], numeric, "Sweeps", "--format csv")
    else:
        from sweep.results.format import render_columns

        print(render_columns([*columns], [*columns.values()], numeric, format), end="")


def _columns(listed: Sequence[Listed], *, with_age: bool) -> dict[str, list[object]]:
    """Return the columns of the table by name; files have all of them."""
    times: dict[str, list[object]] = {"created": [each.created.replace(microsecond=0) for each in listed]}
    if with_age:
        now = datetime.now(UTC).replace(tzinfo=None)
        times = {"age": [_age((now - each.created).total_seconds()) for each in listed]}
    statuses = sorted({status for each in listed for status in each.counts})
    columns: dict[str, list[object]] = {
        "sweep": [each.name for each in listed],
        **times,
        "trials": [each.trials for each in listed],
        **{name: [each.counts.get(name, 0) for each in listed] for name in statuses},
        "metric": [each.metric for each in listed],
        "best": [each.best for each in listed],
        "status": [each.status for each in listed],
        "tags": [", ".join(each.tags) for each in listed],
        "notes": [each.notes for each in listed],
    }
    return {
        name: values for name, values in columns.items() if not with_age or name not in ("tags", "notes") or any(values)
    }


def _age(seconds: float) -> str:
    """Return how long ago something was, in words.

    >>> _age(59), _age(7200), _age(100 * 86400)
    ('now', '2 hours', '3 months')
    """
    unit, length = next(((unit, length) for unit, length in AGES if seconds >= length), ("", 1))
    number = int(seconds // length)
    return f"{number} {unit}{'s' if number > 1 else ''}" if unit else "now"
