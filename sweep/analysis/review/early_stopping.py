"""What early stopping would have saved, and what it would have cost."""

from __future__ import annotations

import math

from sweep.analysis.review.base import Verdict, unknown
from sweep.analysis.review.tables import SweepTables
from sweep.analysis.stopping import replay
from sweep.analysis.wording import number
from sweep.records import ENDED
from sweep.stopping.halving import Halving

NAME = "early stopping would have saved"
FINE = "early stopping would have saved little"
FEWEST = 8
"""Fewest configurations, which are halved three times."""
SHORTEST = 5
"""Fewest epochs, of which the rule can save some."""
SAVED = 0.3
"""Share of the epochs that is worth a rule."""
LOST = 0.05
"""Share of the way from the median to the best that may be lost: less than another draw of the sweep changes it."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether halving would have saved many epochs and lost next to nothing, replayed on the stored epochs."""
    trials, ranked = tables.trials, tables.ranked
    if (pruned := int((trials["status"] == "pruned").sum())) > 0:
        return Verdict(NAME, True, None, f"{pruned} of {len(trials)} were stopped early already")
    if not trials["status"].isin(ENDED).all():
        return unknown(NAME, "not all trials have ended yet")
    if len(trials) < FEWEST or int(trials["planned"].max()) < SHORTEST:
        return unknown(NAME, f"takes {FEWEST} configurations and {SHORTEST} epochs")
    if int(tables.curves["epoch"].nunique()) < 2:
        return unknown(NAME, "only one epoch of each trial is stored")
    row = replay(tables.curves, trials, tables.objective, {"halving": Halving()}).iloc[0]
    saved, loss = float(row["saved"]), float(row["loss"])
    if math.isnan(loss):
        return unknown(NAME, "the epochs that are stored do not tell how the trials would have been stopped")
    spread = tables.sign * float(ranked["value"][0] - ranked["value"].median())
    evidence = (
        f"halving would have saved {number(100 * saved)} % of the epochs and lost {number(loss)} of "
        f"{tables.objective.metric}"
    )
    if saved < SAVED or loss > LOST * spread:
        return Verdict(NAME, True, saved, evidence)
    advice = f"stop hopeless trials of the next sweep by `--stop halving`; other rules: `sweep stopping {tables.name}`"
    return Verdict(NAME, False, saved, evidence, advice)
