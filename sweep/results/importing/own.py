"""What a study tells of the sweep that was exported to it; attributes that sweep did not write so tell nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from sweep.records import STATUSES, Divergence, DivergenceKind, Epoch
from sweep.results.export.optuna import EPOCHS
from sweep.results.studies import OWN
from sweep.store.imports import MOST, Ended

LARGEST_SEED = 2**63 - 1
"""That can be stored."""
TOLD = {"epoch": "diverged_epoch", "step": "diverged_step", "place": "diverged_place", "kind": "diverged_kind"}
"""Part of a divergence -> attribute of a trial."""


def sweep_of(study: Any) -> Mapping[str, Any]:
    """Return what a study tells of the sweep that it was made from, as far as it is known; empty for other studies."""
    own = study.user_attrs.get(OWN)
    if not isinstance(own, dict) or not isinstance(own.get("metric"), str):
        return {}
    names, tie = own.get("parameters", []), own.get("tie_break")
    is_known = (
        _is_whole(own.get("seed", 0), LARGEST_SEED)
        and isinstance(own.get("description", ""), str)
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and own.get("objective_epoch", "best") in ("best", "last")
        and (tie is None or isinstance(tie, str))
    )
    return own if is_known else {}


def is_exported(trial: Any) -> bool:
    """Tell whether a trial has the attributes of one that was exported, each as sweep writes it."""
    told, steps = trial.user_attrs, trial.intermediate_values
    curves = trial.system_attrs.get(EPOCHS) or {}
    return (
        told.get("status") in STATUSES
        and all(map(math.isfinite, steps.values()))
        and isinstance(curves, dict)
        and all(_is_curve(name, values, len(steps)) for name, values in curves.items())
        and _is_time(told.get("seconds", 0.0))
        and all(isinstance(told.get(name, ""), str) for name in ("error", "finding"))
        and _is_whole(told.get("repeat", 0))
        and _is_divergence([told.get(name) for name in TOLD.values()])
    )


def _is_whole(value: Any, most: int = MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_curve(name: Any, values: Any, count: int) -> bool:
    """Tell whether a metric, or the seconds, has a number for each epoch, of metrics also none."""
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(_is_time(value) if name == "seconds" else value is None or _is_number(value) for value in values)


def _is_divergence(parts: list[Any]) -> bool:
    """Tell whether there is no divergence, or one with all its parts."""
    epoch, step, place, kind = parts
    is_whole = _is_whole(epoch) and _is_whole(step) and isinstance(place, str) and kind in get_args(DivergenceKind)
    return is_whole or epoch is None


def exported_epochs(trial: Any, metric: str) -> list[Epoch]:
    """Return the epochs of a trial that was exported, with all their metrics."""
    curves = dict(trial.system_attrs.get(EPOCHS) or {})
    steps = sorted(trial.intermediate_values)
    seconds = curves.pop("seconds", [0.0] * len(steps))
    found = []
    for place, step in enumerate(steps):
        others = {name: values[place] for name, values in curves.items() if values[place] is not None}
        found.append(Epoch(step, seconds[place], {metric: trial.intermediate_values[step], **others}))
    return found


def as_told(ended: Ended, told: Mapping[str, Any]) -> Ended:
    """Return how a trial that was exported has ended, as its attributes tell."""
    divergence = None
    if told.get("diverged_epoch") is not None:
        divergence = Divergence(**{part: told[name] for part, name in TOLD.items()})
    chosen = next((epoch for epoch in ended.epochs if epoch.number == told.get("epoch")), None)
    kept: dict[str, Any] = {name: told.get(name) for name in ("seconds", "error", "finding")}
    return replace(ended, status=told["status"], divergence=divergence, chosen=chosen, **kept)
