"""The note of a study: what was searched, and what the page leaves out, as Markdown."""

from __future__ import annotations

import re

from sweep.dashboard.thinning import remark
from sweep.metrics import Objective
from sweep.records import SweepRecord

LONGEST_PART = 2_045
"""Characters of an attribute in which the dashboard keeps a part of a note."""


def note_of(record: SweepRecord) -> str:
    """Return the note of a sweep."""
    objective = record.objective
    lines = [
        f"Ranked by `{objective.metric}` of the {objective.epoch} epoch.{_ties(objective)} Diverged trials are shown "
        "as PRUNED, without a value, and so without a curve; their attribute `status` tells.",
        "The importance here is another measure than that of `sweep analyze`, so the two differ. This page is "
        "read-only: what would create, change or delete something is refused.",
    ]
    if thinned := remark(record.trials):
        lines.append(f"{thinned[0].upper()}{thinned[1:]}.")
    if record.overrides:
        lines.append(f"Changed on the command line:\n\n{_fenced(chr(10).join(record.overrides))}")
    lines.append(f"The experiment file:\n\n{_fenced(record.experiment, 'toml')}")
    return "\n\n".join(lines)


def _ties(objective: Objective) -> str:
    """Return the sentence that says which of equal trials is the best, which is not always the one shown here."""
    if objective.tie_break in (None, objective.metric):
        return ""
    return (
        f" Of equal trials `sweep leaderboard` puts the one with the better `{objective.tie_break}` first; the best "
        "trial of this page is another one then, perhaps."
    )


def _fenced(text: str, language: str = "") -> str:
    """Return text that Markdown shows as it is."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def note_attributes(note: str) -> dict[str, int | str]:
    """Return the attributes of a study in which the dashboard finds a note."""
    parts = [note[start : start + LONGEST_PART] for start in range(0, len(note), LONGEST_PART)]
    return {"dashboard:note_ver": 1, **{f"dashboard:note_str:{number}": part for number, part in enumerate(parts)}}
