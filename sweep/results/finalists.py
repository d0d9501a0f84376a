"""The finalists of a sweep: its best configurations, and what has come of them with fresh seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sweep.errors import Argument, Call, SweepError, UsageError, counted
from sweep.metrics import metric
from sweep.results.trials import SweepTrials
from sweep.runner.finalists import check_is_drawn, finalists_name
from sweep.runner.fresh import SEED, redraws
from sweep.runner.reseed import PARENT
from sweep.runner.rungs import UNENDED
from sweep.runner.twins import find_twins

if TYPE_CHECKING:
    import pandas as pd

    from sweep.analysis.finalists import Finalists
    from sweep.analysis.seed_variance import SeedVariance

MOST = 20
"""Finalists at most: of more, each pair would be compared with less and less power."""


def best_configurations(results: SweepTrials, n: int) -> list[int]:
    """Return the number of a trial of each of the best `n` configurations, the best one first.

    Raises:
        UsageError: when n is not from 1 to MOST.
        SweepError: when no trial is completed, or the sweep is one of twins.
    """
    check_is_drawn(results.record)
    if not 1 <= n <= MOST:
        raise UsageError(Argument("n"), f" takes a number from 1 to {MOST}, not {n}")
    found = list(_before(results))[:n]
    if not found:
        raise SweepError(f"no trial of {results.name} is completed yet, so there are no finalists")
    return found


def _before(results: SweepTrials) -> dict[int, float]:
    """Return the value of each completed configuration in the search, the best one first, by the number of a trial.

    With repeats these are the number of the first training, and the mean.
    """
    table = results.best(None).dropna(subset=[results.objective.metric])
    if results.repeats == 1:
        numbers = [int(each) for each in table["trial"]]
    else:
        numbers = [int(text.partition("–")[0]) for text in table["trials"]]
    return dict(zip(numbers, table[results.objective.metric].astype(float).tolist(), strict=True))


def trainings_of(results: SweepTrials) -> pd.DataFrame:
    """Return one row for each training with a fresh seed: `trial` (whose configuration it has), `seed`, `twin` (its own
    number), `status` and `value`.

    Raises:
        SweepError: when there is none.
    """
    import pandas as pd

    check_is_drawn(results.record)
    twins = find_twins(results.record, finalists_name(results.name), results.store)
    if twins is None:
        raise SweepError(
            f"no configuration of {results.name} was trained with fresh seeds yet; do so with: ",
            Call("finalists", results.name),
        )
    kept = results.store.parameters(twins.id)
    rows = [
        (
            int(str(kept[each.number][PARENT]).rpartition("/")[2]),
            int(str(kept[each.number][SEED])),
            each.number,
            each.status,
            each.best_value,
        )
        for each in results.store.competitors(twins.id)
    ]
    frame = pd.DataFrame(rows, columns=["trial", "seed", "twin", "status", "value"])
    return frame.astype({"value": "float64"}).sort_values(["trial", "seed"], ignore_index=True)


def finalists_in(results: SweepTrials, numbers: Sequence[int] = ()) -> Finalists:
    """Return what trainings with fresh seeds tell of the best configurations of a sweep.

    Args:
        results: the sweep.
        numbers: of trials that have these configurations; by default all that were trained with fresh seeds.

    Raises:
        SweepError: when none was.
    """
    from sweep.analysis.finalists import finalists_of

    trainings, before = trainings_of(results), _before(results)
    wanted = [number for number in numbers or dict.fromkeys(trainings["trial"]) if number in before]
    own = trainings[trainings["trial"].isin(wanted)]
    return finalists_of(own, {number: before[number] for number in wanted}, is_max=results.objective.is_max)


def variance_of(results: SweepTrials, found: Finalists) -> SeedVariance | None:
    """Return the mean variance of the accuracy of the finalists over seeds, split; None where it cannot be.

    It is known of classifiers of ours that are ranked by accuracy, and only where all seeds have the same examples: of
    a split that is drawn anew, each seed has others.
    """
    from sweep.analysis.seed_variance import pooled, seed_variance

    trainings = trainings_of(results)
    completed = trainings[trainings["status"] == "completed"]
    if redraws(results.store.trial(results.record.id, found.trials[0]).configuration, results.objective):
        return None
    twins = results.store.sweep(finalists_name(results.name))
    correct = results.store.correctness(twins.id)
    split = []
    for trial in found.trials:
        own = [correct[twin] for twin in completed.loc[completed["trial"] == trial, "twin"] if twin in correct]
        if len(own) > 1 and len({len(each) for each in own}) == 1:
            split.append(seed_variance(np.stack(own)))
    return pooled(split)


def notes(results: SweepTrials) -> Iterator[str]:
    """Yield what the figures of the finalists of a sweep do not tell."""
    left = [each for each in results.store.competitors(results.record.id) if each.status in UNENDED]
    if left:
        have = "has" if len(left) == 1 else "have"
        yield f"{counted(len(left), 'trial')} of {results.name} {have} not ended yet; there may be other finalists then"
    row = results.store.trial(results.record.id, 0)
    if redraws(row.configuration, results.objective):
        yield "each fresh seed stands for other initial weights, another order and another split of the data"
    elif metric(results.objective.metric).part == "test":
        yield (
            "each fresh seed stands for other initial weights and another order; the test part is the same for all, "
            "and as it has chosen the finalists, expect somewhat worse on new data"
        )
    twins = find_twins(results.record, finalists_name(results.name), results.store)
    again = results.store.competitors(twins.id) if twins else []
    if unended := sum(each.status in UNENDED for each in again):
        yield (
            f"warning: {counted(unended, 'training')} with fresh seeds {'has' if unended == 1 else 'have'} not ended, "
            "so these figures are not final; give the same command again"
        )
    failed = [each for each in again if each.status == "failed"]
    if failed:
        yield (
            f"{counted(len(failed), 'training')} with fresh seeds failed and {'does' if len(failed) == 1 else 'do'} "
            f"not count; try again with: sweep resume {finalists_name(results.name)} --retry-failed"
        )
