"""Trials that no other beats in all of several goals: the Pareto front.

A trial beats another if it is at least as good in every goal, and better in one. So of trials that are equal in all
goals none beats the others, and the front has all of them or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from sweep.errors import UsageError, suggest
from sweep.metrics import Direction
from sweep.records import Parameter

SIZES = ("network_parameters", "multiplications")
"""Columns that tell how large a network is."""
OTHERS = (*SIZES, "seconds")
"""Columns, besides metrics and parameters, that can be goals; less of each is better."""
SHORT_NAMES = {"parameters": "network_parameters"}
"""Other names of goals, where nothing else has them."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What trials are compared by."""

    name: str
    """A column of the frame of trials."""
    direction: Direction
    """Whether more or less of it is better."""


def read_goals(
    texts: Iterable[str], metrics: Mapping[str, Direction | None], parameters: Sequence[Parameter]
) -> list[Goal]:
    """Return the goals that are named, such as `test_accuracy`, `parameters` or `alpha:max`.

    Args:
        texts: names, each with `:max` or `:min` where the direction is another than the usual one.
        metrics: the direction of each metric of the sweep, None where it is not known.
        parameters: what the sweep searches; less of a parameter is better.

    Raises:
        UsageError: when there are fewer than two different goals, or one is not known.
    """
    columns = SHORT_NAMES | {name: p.short_name for p in parameters for name in (p.name, p.short_name)}
    columns |= {name: name for name in (*OTHERS, *metrics)}
    directions: dict[str, Direction | None] = dict.fromkeys(columns.values(), "min")
    directions |= metrics
    goals = [_goal(text.strip(), columns, directions) for text in texts]
    if len({goal.name for goal in goals}) < max(2, len(goals)):
        raise UsageError("name two or more different goals, such as test_accuracy,parameters")
    return goals


def _goal(text: str, columns: Mapping[str, str], directions: Mapping[str, Direction | None]) -> Goal:
    name, _, end = text.rpartition(":")
    given: Direction | None = "max" if end == "max" else "min" if end == "min" else None
    if given is None or text in columns:
        name, given = text, None
    if name not in columns:
        raise UsageError(f"there is no goal '{name}': {suggest(name, columns)}")
    direction = given or directions[columns[name]]
    if direction is None:
        raise UsageError(f"whether more or less of {name} is better is not known; write {name}:max or {name}:min")
    return Goal(columns[name], direction)


def on_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which rows no other row beats.

    Two columns take the time of sorting, more of them that of comparing each row with the front.

    Args:
        costs: shape (rows, goals), without NaN; less is better in each column.
    """
    rows, places = np.unique(costs, axis=0, return_inverse=True)  # in lexicographic order
    is_kept = _front_of_two(rows) if rows.shape[1] == 2 else _front_of_any(rows)
    kept: NDArray[np.bool_] = is_kept[places.reshape(-1)]
    return kept


def _front_of_two(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which of different rows in order no other beats: those with less in the second column than all before."""
    least = np.minimum.accumulate(rows[:, 1])
    return np.concatenate([np.ones(min(1, len(rows)), np.bool_), rows[1:, 1] < least[:-1]])


def _front_of_any(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which of different rows in order no other beats; only an earlier one can."""
    front = np.empty_like(rows)
    is_kept = np.zeros(len(rows), np.bool_)
    count = 0
    for index, row in enumerate(rows):
        if not (front[:count] <= row).all(axis=1).any():
            front[count], is_kept[index] = row, True
            count += 1
    return is_kept


def comparable(trials: pd.DataFrame, goals: Sequence[Goal]) -> pd.DataFrame:
    """Return the completed trials that have a number for every goal.

    Raises:
        UsageError: when no trial has a value for a goal, or the values are not numbers.
    """
    for goal in goals:
        values = trials[goal.name] if goal.name in trials else pd.Series(dtype="float64")
        if goal.name in SIZES and not values.notna().any():
            raise UsageError(
                f"no trial has {goal.name}, which is known of networks of sweep, and of sweeps begun since it is kept"
            )
        if not is_numeric_dtype(values) or is_bool_dtype(values):
            raise UsageError(f"{goal.name} is not a number, so it cannot be a goal")
    known = trials.reindex(columns=[goal.name for goal in goals]).notna().all(axis=1)
    return trials[(trials["status"] == "completed") & known].reset_index(drop=True)


def front(trials: pd.DataFrame, goals: Sequence[Goal]) -> pd.DataFrame:
    """Return the rows that no other beats, the best one by the first goal first, then by the next ones.

    Args:
        trials: a frame as of `comparable`.
        goals: at least one; `trials` has a column for each.
    """
    costs = [trials[goal.name].to_numpy(np.float64) * (1 if goal.direction == "min" else -1) for goal in goals]
    kept = trials[on_front(np.stack(costs, axis=1))] if len(trials) else trials
    names, ascending = [goal.name for goal in goals], [goal.direction == "min" for goal in goals]
    return kept.sort_values([*names, "trial"], ascending=[*ascending, True], ignore_index=True)


def table(trials: pd.DataFrame, goals: Sequence[Goal], parameters: Sequence[Parameter]) -> pd.DataFrame:
    """Return the front as a table: `trial`, or `trials` with repeats, the goals, the parameters by short name."""
    head = "trials" if "trials" in trials else "trial"
    others = ["epoch"] if "epoch" in trials and head == "trial" else []
    names = [*(goal.name for goal in goals), *others, *(p.short_name for p in parameters), "seconds"]
    return front(comparable(trials, goals), goals).reindex(columns=[head, *dict.fromkeys(names)])


def caption(goals: Sequence[Goal]) -> str:
    """Return a line that says how trials were compared.

    >>> caption([Goal("test_accuracy", "max"), Goal("seconds", "min")])
    'trials that no other beats in all of: more test_accuracy, less seconds'
    """
    words = (f"{'more' if goal.direction == 'max' else 'less'} {goal.name}" for goal in goals)
    return f"trials that no other beats in all of: {', '.join(words)}"
