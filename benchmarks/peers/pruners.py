"""Optuna's pruners, on recorded curves."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

FIRST = 3
"""Epoch at which a pruner may first stop a trial, as by default of our halving."""


class Search(NamedTuple):
    """What a pruner has made of a search."""

    epochs: int
    """That it used."""
    best: float
    """Best value of the trials that it has trained to the end."""


def pruners(epochs: int) -> dict[str, Any]:
    """Return the pruners by name."""
    from optuna.pruners import HyperbandPruner, MedianPruner, SuccessiveHalvingPruner

    return {
        f"SuccessiveHalvingPruner({FIRST}, 2)": SuccessiveHalvingPruner(min_resource=FIRST, reduction_factor=2),
        f"HyperbandPruner({FIRST}, {epochs}, 3)": HyperbandPruner(FIRST, epochs, 3),
        f"MedianPruner(5, {FIRST})": MedianPruner(n_startup_trials=5, n_warmup_steps=FIRST),
    }


def search(pruner: Any, curves: Sequence[Sequence[float]]) -> Search:
    """Train trials one after the other, of which the values after each epoch are known; larger ones are better."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", pruner=pruner, study_name="curves")
    used, best = 0, -float("inf")
    for curve in curves:
        trial = study.ask()
        epochs = _train(trial, curve)
        used += epochs
        if epochs < len(curve):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, max(curve))
            best = max(best, *curve)
    return Search(used, best)


def _train(trial: Any, curve: Sequence[float]) -> int:
    """Report a trial's values until it is pruned; return after how many epochs that was."""
    for epoch, value in enumerate(curve, start=1):
        trial.report(value, epoch)
        if epoch < len(curve) and trial.should_prune():
            return epoch
    return len(curve)
