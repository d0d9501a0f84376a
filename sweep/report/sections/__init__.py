"""The sections of a report, one a module, in the order in which they are read.

A further one is a module with a function `section` that returns None where there is nothing to say, and an entry in
`SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable

from sweep.report.content import Section
from sweep.report.sections import (
    curves,
    divergence,
    importance,
    parameters,
    question,
    reproduction,
    tables,
    tuning_curve,
    verdicts,
    winners,
)
from sweep.report.source import Source

SECTIONS: tuple[tuple[str, Callable[[Source], Section | None]], ...] = (
    ("the question", question.section),
    ("verdicts", verdicts.section),
    ("the best and the worst", tables.section),
    ("the winner", winners.section),
    ("curves", curves.section),
    ("parameters", parameters.section),
    ("what matters", importance.section),
    ("divergence", divergence.section),
    ("luck", tuning_curve.section),
    ("reproduction", reproduction.section),
)
"""What each is about, for the progress, and what makes it."""
