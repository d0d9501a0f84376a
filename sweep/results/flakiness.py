"""How often the configurations of a sweep diverged when they were trained again with other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.errors import Argument, Call, SweepError, UsageError
from sweep.experiment.imported import refuse_imported
from sweep.results.divergence import law_of
from sweep.results.trials import SweepTrials
from sweep.runner.reseed import PARENT
from sweep.runner.twins import find_twins

if TYPE_CHECKING:
    import pandas as pd

    from sweep.analysis.divergence import Law

NEAREST = 6
"""Trials that are trained again where none are named."""


def near_boundary(results: SweepTrials, n: int = NEAREST) -> list[int]:
    """Return the trials of different configurations about which it is least certain whether they diverge.

    Where too few diverged, or completed, for a law, these are the trials with the rarer of the two outcomes.

    Raises:
        SweepError: when all have ended alike, or none has ended, or the sweep was imported.
    """
    from sweep.analysis.flakiness import nearest

    refuse_imported(results.record)
    law, numbers = law_of([results]), _counting(results)
    if law.rarer == 0:
        alike = "all trials" if law.diverged else "no trial"
        raise SweepError(
            f"{alike} of {results.name} diverged, so there is no boundary to look at; name trials with ",
            Argument("trials"),
        )
    configurations = [number // results.repeats for number in numbers]
    if law.has_model:
        return nearest(numbers, configurations, law.predicted.tolist(), n)
    rarer = float(law.diverged <= law.trials - law.diverged)
    return nearest(numbers, configurations, [abs(each - rarer) + 0.5 for each in law.outcomes], min(n, law.rarer))


def _counting(results: SweepTrials) -> list[int]:
    """Return the numbers of the trials that count for the law, in its order."""
    from sweep.analysis.divergence import USED

    trials = results.store.trials(results.record.id)
    return [int(each) for each in trials.loc[trials["status"].isin(USED), "trial"]]


def seeds_sweep(results: SweepTrials) -> SweepTrials:
    """Return the sweep of the trainings with other seeds.

    Raises:
        SweepError: when there is none.
    """
    name = f"{results.name}.seeds"
    record = find_twins(results.record, name, results.store)
    if record is None:
        raise SweepError(
            f"no configuration of {results.name} was trained with other seeds yet; do so with: ",
            Call("reseed", results.name),
        )
    return SweepTrials(results.store, record)


def flakiness_of(results: SweepTrials, numbers: Sequence[int] = ()) -> tuple[pd.DataFrame, Law | None]:
    """Return the table of `sweep.analysis.flakiness`, and the law of all trainings, if any has ended.

    Args:
        results: the sweep of the trials.
        numbers: of trials; by default all that were trained with other seeds.

    Raises:
        SweepError: when none was.
        UsageError: when one of those named was not.
    """
    import pandas as pd

    from sweep.analysis.flakiness import flakiness

    again = seeds_sweep(results)
    parents = again.store.parameters(again.record.id)
    statuses = {each.number: each.status for each in results.store.competitors(results.record.id)}
    rows = [
        (number, statuses[number], each.status)
        for each in again.store.competitors(again.record.id)
        if (number := int(str(parents[each.number][PARENT]).rpartition("/")[2])) in (numbers or statuses)
    ]
    trainings = pd.DataFrame(rows, columns=["trial", "first", "status"])
    if missing := sorted(set(numbers) - set(trainings["trial"])):
        raise UsageError(f"{results.name}/{missing[0]} was not trained with other seeds")
    return flakiness(trainings, _expected(results)), _common_law(results, again)


def _expected(results: SweepTrials) -> dict[int, float]:
    """Return the probability of each trial to diverge by the law of the others."""
    try:
        law = law_of([results])
    except SweepError:
        return {}
    return dict(zip(_counting(results), law.predicted.tolist(), strict=True)) if law.has_model else {}


def _common_law(results: SweepTrials, again: SweepTrials) -> Law | None:
    try:
        return law_of([results, again])
    except SweepError:
        return None
