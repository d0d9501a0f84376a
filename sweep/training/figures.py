"""Checking what a user's own trainer reports after an epoch."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from sweep.errors import shortened, suggest
from sweep.metrics import Objective
from sweep.records import Divergence, DivergenceKind
from sweep.training.divergence import Diverged
from sweep.training.trainer import TrainingError

RESERVED = frozenset(
    [
        *("rank", "trial", "repeat", "status", "attempt", "epochs", "seconds", "step", "place", "kind", "error"),
        "finding",
        *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"),
    ]
)
"""Columns of the tables, which no metric may be called."""
LONGEST_NAME = 100


class FigureChecker:
    """Turns what a trainer reports into metrics, or into the sentence that its trial ends with."""

    def __init__(self, source: str, objective: Objective) -> None:
        self._source = source
        """Who reports, as the subject of a sentence."""
        self._objective = objective
        self._names: Collection[str] | None = None

    def metrics(self, epoch: int, reported: Any) -> dict[str, float]:
        """Return the metrics of an epoch as finite floats; a key `epoch` is left out, since epochs are counted here.

        Raises:
            Diverged: when a value is NaN or infinite; the place is the metric's name.
            TrainingError: when what is reported is not a mapping of numbers, or has other names than before.
        """
        if not isinstance(reported, Mapping):
            raise self._error(epoch, f"{_shown(reported)}, not a mapping of metrics such as {{'loss': 0.5}}")
        values = {name: value for name, value in reported.items() if name != "epoch"}
        self._check_names(epoch, values)
        numbers = {name: self._number(epoch, name, value) for name, value in values.items()}
        for name, number in numbers.items():
            if not math.isfinite(number):
                kind: DivergenceKind = "invalid" if math.isnan(number) else "overflow"
                raise Diverged(Divergence(epoch, 0, name, kind))
        return numbers

    def _check_names(self, epoch: int, values: Mapping[Any, Any]) -> None:
        for name in values:
            if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                raise self._error(epoch, f"a metric called {_shown(name)}; call it by 1 to {LONGEST_NAME} letters")
            if name in RESERVED:
                raise self._error(epoch, f"a metric called '{name}', which is a column of the tables; rename it")
        if self._names is None:
            self._check_objective(epoch, values)
            self._names = frozenset(values)
        elif self._names != values.keys():
            before, now = (shortened(sorted(names)) or "nothing" for names in (self._names, values))
            raise self._error(epoch, f"{now}, but {before} in the epochs before; report the same metrics in each epoch")

    def _check_objective(self, epoch: int, values: Mapping[str, Any]) -> None:
        wanted = self._objective.metric
        if not values:
            raise self._error(epoch, f"no metrics; report at least '{wanted}', the metric of the objective")
        if wanted not in values:
            hint = suggest(wanted, values)
            raise self._error(epoch, f"{shortened(sorted(values))}, without the objective's metric '{wanted}': {hint}")

    def _number(self, epoch: int, name: str, value: Any) -> float:
        if isinstance(value, str | bytes | Mapping | list | tuple):
            raise self._error(epoch, f"{_shown(value)} for '{name}', which must be a number")
        if hasattr(value, "detach"):  # else PyTorch warns of a tensor with a gradient
            value = value.detach()
        try:
            return float(value) + 0.0  # no negative zero, which SQLite does not keep
        except OverflowError:
            return math.inf
        except (TypeError, ValueError, RuntimeError):
            raise self._error(epoch, f"{_shown(value)} for '{name}', which must be a number") from None

    def _error(self, epoch: int, what: str) -> TrainingError:
        return TrainingError(f"{self._source} reported in epoch {epoch} {what}")


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"an object of the type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
