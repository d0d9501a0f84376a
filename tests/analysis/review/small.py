"""Small sweeps made by hand, of which a verdict is worked out on paper."""

import numpy as np
import pandas as pd

from sweep.analysis.review import SweepTables
from sweep.metrics import Objective
from sweep.records import Parameter

ACCURACY = Objective("accuracy", "max", tie_break=None)
RATE = Parameter("training.learning_rate", "learning_rate", log=True, low=0.001, high=1.0)
SHARE = Parameter("network.share", "share", low=0.0, high=1.0)
KIND = Parameter("network.kind", "kind", categorical=True, options=("a", "b"))


def small(values, curves=None, loss=None, objective=ACCURACY, parameters=(), **columns):
    """Return a sweep of completed trials with these values; None stands for one that diverged.

    Args:
        values: of the trials, more being better unless the objective says otherwise.
        curves: the objective after each epoch, of each trial or one of all; by default ten epochs of the value.
        loss: the same of a loss.
        objective: what ranks the trials.
        parameters: searched ones; their values are among the columns, by short name.
        columns: others than the usual ones.
    """
    fields = {name: columns.pop(name) for name in ("trainings", "again", "examples", "correct") if name in columns}
    frame = pd.DataFrame({"trial": range(len(values)), "value": pd.Series(values, dtype="float64")})
    frame["rank"] = frame["value"].rank(ascending=not objective.is_max, method="first")
    frame["diverged"] = frame["value"].isna()
    frame["status"] = np.where(frame["diverged"], "diverged", "completed")
    frame = frame.assign(planned=10, learned=True, completed=1, deviation=np.nan)
    names = {each.short_name: each.name for each in parameters}
    frame = frame.assign(**{names.get(name, name): column for name, column in columns.items()})
    rows = [
        (trial, epoch, value)
        for trial, end in zip(frame["trial"], frame["value"], strict=True)
        for epoch, value in enumerate(_of(curves, trial, [end] * 10), 1)
    ]
    epochs = pd.DataFrame(rows, columns=["trial", "epoch", "value"])
    if loss is not None:
        epochs["loss"] = np.concatenate([_of(loss, trial, None) for trial in frame["trial"]])
    return SweepTables("toy", objective, parameters, frame, epochs, **fields)


def _of(curves, trial, otherwise):
    if curves is None:
        return otherwise
    return curves[trial] if np.ndim(curves[0]) else curves
