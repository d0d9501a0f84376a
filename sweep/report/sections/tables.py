"""The best, the worst, and the trials that did not complete, with their causes."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.errors import counted
from sweep.report.content import Section, Table, sentence, table_of
from sweep.report.source import Source
from sweep.results.format import format_value

WORST, LISTED, REASON = 5, 20, 300
"""Rows of the worst, and of the others at most; letters of an error."""


def section(source: Source) -> Section:
    """Return the tables."""
    found = [*_ranked(source), *_diverged(source), *_pruned(source), *_failed(source)]
    words = () if found else ("No trial has ended yet.",)
    return Section("trials", "The best and the worst trials", words, tables=tuple(found))


def _ranked(source: Source) -> Iterator[Table]:
    if source.best.empty:
        return
    note = sentence(source.results.caption().replace("\n", "; "))
    if ranks := source.best.attrs.get("ranks"):
        note += f" {sentence(ranks)}"
    yield table_of(source.best, "The best", note)
    worst = source.results.worst(WORST)
    if len(worst) and source.count("completed") > len(source.best):
        yield table_of(worst, "The worst that completed")


def _diverged(source: Source) -> Iterator[Table]:
    table = source.results.diverged()
    if table.empty:
        return
    rows = []
    for (place, kind), own in table.groupby(["place", "kind"], dropna=False):
        epochs = own["epoch"].dropna().astype(int)
        span = "" if epochs.empty else str(epochs.min())
        span += f"–{epochs.max()}" if len(epochs) and epochs.max() > epochs.min() else ""
        named = ", ".join(map(str, own["trial"].head(5))) + (", …" if len(own) > 5 else "")
        rows.append((len(own), (format_value("", place), format_value("", kind), str(len(own)), span, named)))
    rows.sort(key=lambda row: -row[0])
    columns = ("place", "kind", "trials", "in epoch", "numbers")
    note = "Place is the computation that gave the first value that is not finite."
    numeric = (False, False, True, False, False)
    yield Table("Why trials diverged", columns, tuple(row for _, row in rows), numeric, note=note)
    yield table_of(table, "Trials that diverged", n=LISTED)


def _pruned(source: Source) -> Iterator[Table]:
    table = source.results.pruned()
    if len(table):
        yield table_of(table, "Trials that were stopped early", n=LISTED)


def _failed(source: Source) -> Iterator[Table]:
    failed = source.trials[source.trials["status"] == "failed"]
    if failed.empty:
        return
    errors = failed["error"].fillna("").astype(str).str.slice(0, REASON)
    shown = failed[["trial"]].assign(error=errors)
    yield table_of(shown, "Trials that failed", sentence(counted(len(failed), "failure")), n=LISTED)
