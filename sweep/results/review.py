"""What a sweep's verdicts look at, read from the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sweep.errors import SweepError
from sweep.metrics import metric
from sweep.results.trials import SweepTrials

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from sweep.analysis.review import SweepTables, Verdict

TRAINING = r": `sweep (?:finalists|rescue|continue|extend|resume|explain|next|analyze \S+ --seeds)\b"
"""Where a command begins that trains."""
ELSEWHERE = "it was imported, so nothing of it can be trained here; search these ranges with your own training function"
"""Advice where each other one would be refused."""
AGAIN = ("finalists", "seeds")
"""Ends of the names of sweeps in which trials are trained with other seeds."""


def verdicts(results: SweepTrials) -> list[Verdict]:
    """Return all verdicts on a sweep, in order.

    Raises:
        SweepError: when its trials were made from those of another one: they are no search.
    """
    from sweep.analysis.review import review
    from sweep.experiment.imported import source_of
    from sweep.experiment.parents import parent_of

    if (parent := parent_of(results.record)) is not None:
        raise SweepError(f"the trials of {results.name} were made from those of {parent}; review {parent} instead")
    found = review(tables_of(results))
    return (
        found if source_of(results.record) is None else [replace(each, advice=_offered(each.advice)) for each in found]
    )


def _offered(advice: str) -> str:
    """Return an advice without commands that train, which imported sweeps refuse, and clauses that are about them.

    >>> _offered("train the best again: `sweep finalists x`; see what saves it: `sweep rescue x --all`")
    'train the best again'
    """
    clauses = [re.split(TRAINING, clause, maxsplit=1) for clause in advice.split("; ")]
    kept = [parts[0] for parts in clauses if len(parts) == 1 or not parts[0].startswith(("see ", "what "))]
    offered = re.sub(r", or see [^;]*$", "", "; ".join(kept))
    return offered or (ELSEWHERE if advice else "")


def tables_of(results: SweepTrials) -> SweepTables:
    """Return what the verdicts look at, as `sweep.analysis.review` takes it."""
    from sweep.analysis.review import SweepTables

    trials, epochs = _trials(results), _epochs(results)
    return SweepTables(
        results.name,
        results.objective,
        results.parameters,
        trials,
        _curves(results, trials, epochs),
        results.repeats,
        _again(results, trials),
        _examples(results, epochs),
        _correct(results, trials),
    )


def _trials(results: SweepTrials) -> pd.DataFrame:
    """Return the configurations of a sweep with their ranks."""
    from sweep.results.leaderboard import ranked_as_completed, ranking
    from sweep.results.repeats import configurations
    from sweep.training.findings import COLLAPSED, NEVER

    record, objective, repeats = results.record, results.objective, results.repeats
    rows = ranked_as_completed(results.store.trials(record.id))
    planned = {each.number: each.planned_epochs for each in results.store.competitors(record.id)}
    rows["planned"] = rows["trial"].map(planned)
    found = rows["finding"].astype(str) if "finding" in rows else rows["trial"].astype(str)
    rows["learned"] = ~found.str.startswith((NEVER, COLLAPSED))
    tie = objective.tie_break
    ties = [tie] if tie and tie in rows else []
    table = configurations(rows, objective, repeats, ties)
    table["diverged"] = table["diverged"] > 0
    table["deviation"] = table["standard_error"] * table["completed"] ** 0.5
    table["value"] = table[objective.metric].astype("float64")
    is_ranked = (table["status"] == "completed") & table["value"].notna()
    order = ranking(table[is_ranked], objective)
    table["rank"] = float("nan")
    table.loc[order, "rank"] = [float(rank) for rank in range(1, len(order) + 1)]
    if ties:
        table["tie"] = table[tie]
    columns = [
        *(["tie"] if ties else []),
        "trial",
        "status",
        "rank",
        "value",
        "planned",
        "diverged",
        "learned",
        "completed",
        "deviation",
    ]
    return table[[*columns, *(each.name for each in results.parameters if each.name in table)]]


def _epochs(results: SweepTrials) -> pd.DataFrame:
    """Return all epochs after the first training step, as far as they have the objective's metric."""
    epochs = results.store.epochs(results.record.id)
    if results.objective.metric not in epochs:
        return epochs.assign(**{results.objective.metric: float("nan")}).iloc[:0]
    return epochs[(epochs["epoch"] >= 1) & epochs[results.objective.metric].notna()]


def _curves(results: SweepTrials, trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Return the objective and the loss of its part after each epoch of each configuration.

    With repeats it is the mean over the trainings that are ranked; those that have ended early leave it.
    """
    objective, repeats = results.objective, results.repeats
    part = metric(objective.metric).part
    columns = {objective.metric: "value"}
    if part and f"{part}_loss" in epochs and objective.metric != f"{part}_loss":
        columns[f"{part}_loss"] = "loss"
    values = epochs[["trial", "epoch"]].assign(**{new: epochs[name] for name, new in columns.items()})
    if repeats == 1:
        return values
    values["trial"] -= values["trial"] % repeats
    grouped = values.groupby(["trial", "epoch"])
    means, counts = grouped.mean().reset_index(), grouped.size().to_numpy()
    wanted = means["trial"].map(trials.set_index("trial")["completed"]).clip(lower=1)
    return means[counts >= wanted]


def _again(results: SweepTrials, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the completed trainings of configurations with other seeds, in the sweeps that are made for that."""
    import pandas as pd

    best = set(trials.loc[trials["rank"] <= 10, "trial"])
    rows = [row for end in AGAIN for row in _trainings(results, f"{results.name}.{end}") if row[0] in best]
    return pd.DataFrame(rows, columns=["trial", "value"]).astype({"trial": "int64", "value": "float64"})


def _trainings(results: SweepTrials, name: str) -> Iterator[tuple[int, float]]:
    """Yield the parent and the value of each completed twin, of a sweep that may not be there."""
    from sweep.experiment.parents import parent_of
    from sweep.runner.reseed import PARENT

    if name not in results.store.names() or parent_of(record := results.store.sweep(name)) != results.name:
        return
    parents = results.store.parameters(record.id)
    frame = results.store.trials(record.id, results.objective)
    for row in frame[frame["status"] == "completed"].to_dict("records"):
        parent = str(parents[row["trial"]].get(PARENT, "")).rpartition("/")[2]
        if parent.isdigit():
            yield int(parent), float(row[results.objective.metric])


def _correct(results: SweepTrials, trials: pd.DataFrame) -> dict[int, NDArray[np.bool_]]:
    """Return which examples the first two trials have right, as far as it is known; of repeats it is not used."""
    if results.repeats > 1:
        return {}
    return results.store.correctness(results.record.id, trials.loc[trials["rank"] <= 2, "trial"].tolist())


def _examples(results: SweepTrials, epochs: pd.DataFrame) -> int | None:
    """Return the number of examples that the objective is measured on, where it is an accuracy of our networks."""
    from sweep.analysis.review import examples_of
    from sweep.experiment.parameters import trainer_of

    described = metric(results.objective.metric)
    if described.name != f"{described.part}_accuracy" or trainer_of(results.record) is not None:
        return None
    return examples_of(epochs[described.name].to_numpy(dtype=float))
