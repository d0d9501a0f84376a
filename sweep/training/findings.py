"""The words in which a trial that never learned is stored, and what is read from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from sweep.errors import counted

UNKNOWN = "cause unknown"
NEVER, COLLAPSED = "never learned", "collapsed"
"""Verdicts on trials: that nothing was learned, and that what was learned is lost."""


def clause(verdict: str, when: str, cause: str, seen: Iterable[str]) -> str:
    """Return a finding in words, with what was `seen`.

    >>> clause(NEVER, "in 5 epochs", "dead units", ["predicts class 3 for all samples"])
    'never learned in 5 epochs (dead units): predicts class 3 for all samples'
    """
    return f"{verdict} {when} ({cause}): {'; '.join(seen)}"


def short(finding: str) -> str:
    """Return the verdict and the cause of a finding alone, by which trials can be compared.

    >>> short("collapsed after epoch 4 (dead units): predicts class 3 for all samples")
    'collapsed: dead units'
    """
    match = re.match(rf"({NEVER}|{COLLAPSED}) [^(]*\((.*?)\)", finding)
    return f"{match[1]}: {match[2]}" if match else finding


def totals(findings: Iterable[str]) -> list[str]:
    """Return a line for each verdict, with the number of trials and of each cause, the commonest first.

    Args:
        findings: of trials, in short.

    >>> totals(["never learned: dead units", "never learned: cause unknown", "never learned: dead units"])
    ['3 trials never learned: 2 dead units, 1 cause unknown']
    >>> totals(["never learned: cause unknown", "never learned: cause unknown"])
    ['2 trials never learned: cause unknown']
    """
    causes: dict[str, Counter[str]] = {}
    for verdict, _, cause in (finding.partition(": ") for finding in findings):
        causes.setdefault(verdict, Counter())[cause] += 1
    return [
        f"{counted(found.total(), 'trial')} {verdict}: {_listed(found)}"
        for verdict, found in sorted(causes.items(), reverse=True)
    ]


def _listed(causes: Counter[str]) -> str:
    """Return causes with the number of each, without a number where there is one cause alone."""
    shown = causes.most_common()
    return shown[0][0] if len(shown) == 1 else ", ".join(f"{number} {cause}" for cause, number in shown)
