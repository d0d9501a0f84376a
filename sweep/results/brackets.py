"""The ranks of a leaderboard that the test set cannot tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.analysis.brackets import MOST_ROWS, brackets

if TYPE_CHECKING:
    import pandas as pd

    from sweep.metrics import Objective
    from sweep.results.trials import SweepTrials

COLUMN = "ranks"
"""Name of the column with the range of each row."""
SENTENCE = "ranks"
"""Key of `DataFrame.attrs` under which a table has the sentence about its first bracket."""


def with_ranks(results: SweepTrials, table: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return a ranking with the range of ranks that each row cannot be told apart from, as `ranks` after `epoch`.

    The table is as it was where it is not known which examples its trials have right, where they are ranked by another
    metric than that of the sweep, where they are of several data sets or splits, and of means over repeats: these say
    themselves, by their standard error, what cannot be told apart. A row is empty where it is not known of its trial.
    """
    part = objective.judged_part
    are_several = len(results.record.datasets) > 1
    if part is None or objective != results.objective or results.repeats > 1 or are_several:
        return table
    numbers = [int(number) for number in table["trial"][:MOST_ROWS]]
    correct = results.store.correctness(results.record.id, numbers)
    ranks = [rank for rank, number in enumerate(numbers, 1) if number in correct]
    found = brackets([*correct.values()], part, ranks)
    if found is None:
        return table
    labels = dict(zip(ranks, found.labels, strict=True))
    ranked = table.copy()
    ranked.insert(table.columns.to_list().index("epoch") + 1, COLUMN, [labels.get(rank) for rank in table["rank"]])
    ranked.attrs[SENTENCE] = found.sentence if ranks[0] == 1 else ""
    return ranked
