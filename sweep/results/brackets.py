"""The ranks of a leaderboard that the test set cannot tell apart."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from sweep.analysis.brackets import MOST_ROWS, brackets
from sweep.store.correctness import read_packed, unpack

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from sweep.metrics import Objective
    from sweep.results.trials import SweepTrials

COLUMN = "ranks"
"""Name of the column with the range of each row."""
SENTENCE = "ranks"
"""Key of `DataFrame.attrs` under which a table has the sentence about its first bracket."""
DAMAGED = "damaged"
"""Key of `DataFrame.attrs` under which a table has the numbers of the trials whose right examples are damaged."""
ROUNDING = 1e-6
"""Accuracies that differ by less are the same."""


def with_ranks(results: SweepTrials, table: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return a ranking with the range of ranks that each row cannot be told apart from, as `ranks` after `epoch`.

    The table is as it was where it is not known which examples its trials have right, where they are ranked by another
    metric than that of the sweep, where they are of several data sets or splits, and of means over repeats: these say
    themselves, by their standard error, what cannot be told apart. A row is empty where it is not known of its trial,
    or what is stored of it is damaged.
    """
    part = objective.judged_part
    are_several = len(results.record.datasets) > 1
    if part is None or objective != results.objective or results.repeats > 1 or are_several:
        return table
    numbers = [int(number) for number in table["trial"][:MOST_ROWS]]
    correct, damaged = _correct(results, dict(zip(numbers, table[objective.metric], strict=False)))
    if damaged:
        table = table.copy()
        table.attrs[DAMAGED] = damaged
    ranks = [rank for rank, number in enumerate(numbers, 1) if number in correct]
    found = brackets([*correct.values()], part, ranks)
    if found is None:
        return table
    labels = dict(zip(ranks, found.labels, strict=True))
    ranked = table.copy()
    ranked.insert(table.columns.to_list().index("epoch") + 1, COLUMN, [labels.get(rank) for rank in table["rank"]])
    ranked.attrs[SENTENCE] = found.sentence if ranks[0] == 1 else ""
    return ranked


def _correct(results: SweepTrials, accuracies: Mapping[int, float]) -> tuple[dict[int, NDArray[np.bool_]], list[int]]:
    """Return which examples trials have right, as far as it is known, and the numbers of those of which it is damaged.

    What is stored must have the share of right examples that is the accuracy of the trial, and as many examples as
    that of the other trials with the same data.
    """
    found = {}
    with results.store.database.reading() as connection:
        stored = read_packed(connection, results.record.id, [*accuracies])
    for number, packed in stored.items():
        with suppress(ValueError):
            right = unpack(packed)
            if len(right) and abs(float(right.mean()) - accuracies[number]) < ROUNDING:
                found[number] = right
    if len({len(right) for right in found.values()}) > 1:
        found = _of_usual_length(results, found)
    return found, sorted(stored.keys() - found.keys())


def _of_usual_length(results: SweepTrials, found: Mapping[int, NDArray[np.bool_]]) -> dict[int, NDArray[np.bool_]]:
    """Return those that have as many examples as most of the trials with the same data."""
    data = {
        number: json.dumps(results.store.trial(results.record.id, number).configuration.get("data"), sort_keys=True)
        for number in found
    }
    counts = Counter((data[number], len(right)) for number, right in found.items())
    usual = {own: length for (own, length), _ in sorted(counts.items(), key=lambda item: (item[1], item[0][1]))}
    return {number: right for number, right in found.items() if len(right) == usual[data[number]]}
