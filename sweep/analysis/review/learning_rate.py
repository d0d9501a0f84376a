"""Whether trials break down just above the best learning rate."""

from __future__ import annotations

import re

import pandas as pd

from sweep.analysis.review.base import CERTAINTY, Verdict, unknown
from sweep.analysis.review.tables import SweepTables
from sweep.analysis.wording import number

NAME = "unstable just above the best learning rate"
FINE = "stable just above the best learning rate"
LEARNING_RATE = re.compile(r"(^|[._])(lr|learning_rate|eta|step_size)$", re.IGNORECASE)
"""Names of a learning rate."""
FACTOR = 3.0
"""Times the best learning rate up to which is just above: what another data set or a wider network may ask for."""
FEWEST = 3
"""Fewest trials there: of two, both may diverge by chance."""
USUAL = 0.1
"""Share of trials that may break down where all is well."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether more trials with a slightly larger learning rate break down than one in ten.

    A binomial test of the trials up to three times the best learning rate that diverged, or never learned.
    """
    from scipy.stats import binom

    found = [each for each in tables.parameters if LEARNING_RATE.search(each.name) and not each.categorical]
    if not found or found[0].name not in tables.ended:
        return unknown(NAME, "no learning rate is searched")
    parameter = found[0]
    rates = pd.to_numeric(tables.ended[parameter.name]).astype("float64")
    best = float(tables.ranked[parameter.name].iloc[0])
    above = tables.ended[(rates > best) & (rates <= FACTOR * best)]
    where = f"with {parameter.short_name} from {number(best)} to {number(FACTOR * best)}"
    if len(above) < FEWEST:
        return unknown(NAME, f"takes {FEWEST} trials {where}, there {'is' if len(above) == 1 else 'are'} {len(above)}")
    lost = int((above["diverged"] | ~above["learned"]).sum())
    share = lost / len(above)
    evidence = f"{lost} of {len(above)} trials {where} diverged or never learned"
    if binom.sf(lost - 1, len(above), USUAL) > CERTAINTY:
        return Verdict(NAME, True, share, evidence)
    advice = (
        f"take a learning rate below {number(best / 2)} for other data, or add warm-up or clipping; where it breaks "
        f"down: `sweep analyze {tables.name} --divergence`"
    )
    return Verdict(NAME, False, share, evidence, advice)
