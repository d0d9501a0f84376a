"""Sweeps in Optuna's terms: a sweep is a study, and its trials have Optuna's states, distributions and values.

| trial | state in Optuna |
|---|---|
| completed | COMPLETE, with the value of the objective |
| pruned | PRUNED, with the value that it had |
| diverged | PRUNED without a value, which would drag the axes of charts to what it had before |
| failed, interrupted | FAIL |
| running, paused | RUNNING |
| queued | WAITING |

The steps of intermediate values are epochs, and their values are those of the objective's metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sweep.errors import SweepError
from sweep.experiment.parameters import parameters_of, parse_sections, read_table
from sweep.metrics import NATIVE_METRICS
from sweep.records import Parameter, Scalar, Status, SweepRecord
from sweep.space.distributions import Choice, Distribution, Integer
from sweep.space.trees import distributions
from sweep.store.histories import History

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

STATES: dict[Status, str] = {
    "completed": "COMPLETE",
    "pruned": "PRUNED",
    "diverged": "PRUNED",
    "failed": "FAIL",
    "interrupted": "FAIL",
    "running": "RUNNING",
    "paused": "RUNNING",
    "queued": "WAITING",
}
"""Status of a trial -> name of its state in Optuna."""
METRIC_NAMES = "study:metric_names"
"""Attribute of a study in which Optuna keeps the names of its objectives."""
OWN = "sweep"
"""Attribute of a study that tells from which sweep it was made."""


def require_optuna(extra: str = "optuna") -> None:
    """Check that Optuna is installed.

    Raises:
        SweepError: when it is not.
    """
    for module in ("optuna", "optuna_dashboard") if extra == "dashboard" else ("optuna",):
        if find_spec(module) is None:
            raise SweepError(f"this needs {module}, so install it with pip install 'sweep-lab[{extra}]'")


@dataclass(frozen=True, slots=True)
class Range:
    """The values of a parameter in a study."""

    parameter: Parameter
    is_whole: bool
    """Whether all values are integers."""
    step: int
    """Distance of integers."""
    is_mixed: bool
    """Whether it has numbers as well as labels, or labels that are equal but for their types, such as 1 and true."""

    @property
    def is_choice(self) -> bool:
        """Whether its values are options rather than numbers of a range."""
        return self.is_mixed or self.parameter.low is None or self.parameter.high is None


class Study:
    """How the trials of a sweep are told to Optuna."""

    def __init__(self, record: SweepRecord, own_metrics: Sequence[str] = ()) -> None:
        self.record = record
        metrics = own_metrics if record.objective.metric not in NATIVE_METRICS else ()
        self._parameters = parameters_of(record, metrics)
        self._values: dict[str, list[Scalar]] = {}
        """The different values seen of each parameter whose values are options, by full name."""
        self._ends: dict[str, tuple[float, float]] = {}
        """The least and the largest value seen of each other parameter."""
        self._known: dict[str, BaseDistribution] = {}
        """The distribution of each parameter by full name, as far as it was asked for."""

    @cached_property
    def ranges(self) -> dict[str, Range]:
        """What is searched, by full name."""
        table = read_table(self.record.experiment, self.record.name, self.record.overrides)
        found: dict[str, list[Distribution]] = {}
        for name, each in distributions(parse_sections(table, self.record.name)):
            found.setdefault(name, []).append(each)
        return {each.name: _range(each, found.get(each.name, [])) for each in self._parameters}

    def see(self, histories: Iterable[History]) -> bool:
        """Note the values of some trials; return whether the distribution of a parameter has changed by them."""
        before = (repr(self._values), dict(self._ends))
        for history in histories:
            for name, value in history.parameters.items():
                self._see(name, value)
        has_changed = before != (repr(self._values), self._ends)
        if has_changed:
            self._known.clear()
        return has_changed

    def _see(self, name: str, value: Scalar) -> None:
        each = self.ranges.get(name)
        if each is None:
            return
        low, high = each.parameter.low, each.parameter.high
        if not (each.is_choice or isinstance(value, str) or low is None or high is None):
            low, high = self._ends.get(name, (low, high))
            self._ends[name] = (min(low, value), max(high, value))
            return
        known = self._values.setdefault(name, list(each.parameter.options) if not each.is_mixed else [])
        if not any(type(value) is type(other) and value == other for other in known):
            known.append(value)

    def frozen(self, history: History, number: int, *, attributes: Mapping[str, Any] | None = None) -> FrozenTrial:
        """Return a trial in Optuna's terms.

        Args:
            history: the trial; its values must have been seen, see `see`.
            number: its number in the study.
            attributes: further attributes of it.
        """
        from optuna.trial import FrozenTrial, TrialState

        state = TrialState[STATES[history.status]]
        is_valued = history.status in ("completed", "pruned")
        values, known = {}, {}
        for name, each in self.ranges.items():
            if name in history.parameters:
                short = each.parameter.short_name
                values[short], known[short] = self._told(each, history.parameters[name])
        return FrozenTrial(
            number=number,
            state=state,
            value=history.best_value if is_valued else None,
            datetime_start=None if history.status == "queued" else local(history.started),
            datetime_complete=local(history.finished) if state.is_finished() else None,
            params=values,
            distributions=known,
            user_attrs={**self._attributes(history), **(attributes or {})},
            system_attrs={},
            intermediate_values=dict(history.curve),
            trial_id=history.id,
        )

    def _told(self, each: Range, value: Scalar) -> tuple[Any, BaseDistribution]:
        """Return a value and its distribution as Optuna has them."""
        name = each.parameter.name
        if (known := self._known.get(name)) is None:
            known = self._known[name] = self._distribution(each)
        if each.is_choice:
            return _spelled(value, self._values[name]), known
        return int(value) if each.is_whole else float(value), known

    def _distribution(self, each: Range) -> BaseDistribution:
        """Return the distribution of a parameter, which has all values that were seen."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        name = each.parameter.name
        if each.is_choice:
            options = self._values[name]
            return CategoricalDistribution([_spelled(option, options) for option in options])
        low, high = self._ends[name]
        if not each.is_whole:
            return FloatDistribution(float(low), float(high), log=each.parameter.log and low > 0)
        is_off = (low, high) != (each.parameter.low, each.parameter.high)  # trained for longer than was drawn
        step = 1 if is_off else each.step
        return IntDistribution(int(low), int(high), log=each.parameter.log and low >= 1, step=step)

    def _attributes(self, history: History) -> dict[str, Any]:
        """Return what a trial has besides values and times."""
        objective = self.record.objective
        found: dict[str, Any] = {"status": history.status}
        if history.best_epoch is not None:
            found |= {"epoch": history.best_epoch}
            found |= {objective.metric: history.best_value} if history.status not in ("completed", "pruned") else {}
            if objective.tie_break and history.tie_value is not None:
                found[objective.tie_break] = history.tie_value
        named = ("last_epoch", "seconds", "error", "finding")
        places = ("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind")
        found |= {name: value for name in (*named, *places) if (value := getattr(history, name)) is not None}
        if self.record.repeats > 1:
            found["repeat"] = history.repeat
        if found.get("last_epoch") is not None:
            found["epochs"] = found.pop("last_epoch")
        return found

    @property
    def system_attributes(self) -> dict[str, Any]:
        """What Optuna itself keeps of a study."""
        return {METRIC_NAMES: [self.record.objective.metric]}

    @property
    def attributes(self) -> dict[str, Any]:
        """What is kept of the sweep with the study, from which `sweep import` reads it back."""
        record, objective = self.record, self.record.objective
        return {
            OWN: {
                "name": record.name,
                "description": record.description,
                "seed": record.seed,
                "epochs": record.epochs,
                "repeats": record.repeats,
                "parameters": [each.parameter.short_name for each in self.ranges.values()],
                "metric": objective.metric,
                "objective_epoch": objective.epoch,
                "tie_break": objective.tie_break,
            }
        }


def _range(parameter: Parameter, alternatives: Sequence[Distribution]) -> Range:
    """Return the values of a parameter, given its distributions: several where options of a choice have one each."""
    numbers = [each for each in alternatives if not isinstance(each, Choice)]
    choices = [
        pair
        for each in alternatives
        if isinstance(each, Choice)
        for pair in zip(each.options, each.labels, strict=True)
    ]
    labels = [label for option, label in choices if not isinstance(option, Distribution)]
    has_text = any(isinstance(label, str | bool) for label in labels)
    whole = bool(numbers) and all(isinstance(each, Integer) for each in numbers)
    steps = {each.step for each in numbers if isinstance(each, Integer)}
    is_plain = len(alternatives) == 1
    return Range(
        parameter,
        is_whole=whole and all(type(label) is int for label in labels),
        step=steps.pop() if is_plain and len(steps) == 1 else 1,
        is_mixed=bool(numbers) and has_text,
    )


def _spelled(option: Scalar, options: Sequence[Scalar]) -> Scalar:
    """Return an option as Optuna is told it: as text where another one is equal to it, such as 1 and true."""
    equal = [other for other in options if other == option]
    return option if len(equal) == 1 else f"{str(option).lower() if isinstance(option, bool) else option!r}"


def local(moment: datetime | None) -> datetime | None:
    """Return a stored time as Optuna has it: as that of this machine's time zone, without a zone."""
    return None if moment is None else moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)


def utc(moment: datetime | None) -> datetime | None:
    """Return a time of Optuna's as it is stored."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
