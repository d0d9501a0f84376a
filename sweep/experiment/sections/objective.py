"""The section `objective`: how the trials of a sweep are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sweep.errors import suggest
from sweep.experiment.sections.base import Section
from sweep.metrics import Direction, Objective, metric
from sweep.space.names import COLUMNS

LONGEST = 100
"""Most characters of a metric's name."""


class ObjectiveSection(Section):
    """The section `objective`."""

    metric: str | None = None
    """None for the default of our networks: the accuracy, or R², of the validation part, else of the test part."""
    direction: Direction | None = None
    """None for the direction that is known of the metric."""
    epoch: Literal["best", "last"] = "best"


def own_objective(section: ObjectiveSection) -> Objective:
    """Return the objective of a file with a trainer of the user's own.

    Raises:
        ValueError: when the metric or its direction is missing or wrong; the message is a sentence.
    """
    name = section.metric
    if name is None:
        raise ValueError("objective.metric is missing; name one of the metrics that the trainer yields")
    if problem := check_metric_name(name):
        raise ValueError(f"objective.metric is {name!r}, but {problem}")
    return Objective(name, _direction(section, name), section.epoch, tie_break=None)


def check_metric_name(name: str) -> str | None:
    """Return what is wrong with a metric's name, None if nothing is."""
    if name in COLUMNS:
        return "that is a column of the tables of results; name the metric differently"
    if not name or not name.isprintable() or name != name.strip() or len(name) > LONGEST:
        return f"must be 1 to {LONGEST} printable characters without blanks at its ends"
    return None


def _direction(section: ObjectiveSection, name: str) -> Direction:
    known = metric(name).direction
    if known is None and section.direction is None:
        raise ValueError(f"objective.direction is missing; say whether more of {name} is better, 'max', or less, 'min'")
    if known and section.direction not in (None, known):
        better = "more" if known == "max" else "less"
        raise ValueError(
            f"objective.direction is {section.direction!r}, but {better} of {name} is better; leave it out, or "
            f"give {known!r}"
        )
    return section.direction or known or "max"


def native_objective(section: ObjectiveSection, configurations: Sequence[Any]) -> Objective:
    """Return the objective of a file that trains our networks.

    Args:
        configurations: checked configurations that cover what the file searches.

    Raises:
        ValueError: when trials would differ in the metrics that rank them, or do not record the metric, or its
            direction is wrong; the message is a sentence.
    """
    measures, parts = _recorded(configurations)
    name = section.metric or f"{parts[-1]}_{measures[0]}"
    recorded = [f"{part}_{measure}" for part in parts for measure in measures]
    if name not in recorded:
        raise ValueError(
            f"objective.metric is {name!r}, which this experiment does not record; {_hint(name, recorded)}"
        )
    return Objective(name, _direction(section, name), section.epoch, f"{metric(name).part}_loss")


def _recorded(configurations: Sequence[Any]) -> tuple[list[str], list[str]]:
    """Return the measures and parts of every trial; the first measure and last part rank."""
    data = [configuration["data"] for configuration in configurations]
    is_regression = _same_for_all([table.get("task", "classification") == "regression" for table in data], TASKS)
    has_validation = _same_for_all([table.get("validation", 0) > 0 for table in data], VALIDATIONS)
    measures = ["r2", "rmse", "loss"] if is_regression else ["accuracy", "loss", *_listed_measures(configurations)]
    return measures, ["train", "test", "validation"] if has_validation else ["train", "test"]


TASKS = "data.task is not the same in all trials, so they cannot be ranked; write an experiment for each task"
VALIDATIONS = (
    "data.validation is 0 in some trials and above 0 in others, so they cannot be ranked by one metric; make it 0 in "
    "all of them, or above 0"
)


def _same_for_all(values: list[bool], sentence: str) -> bool:
    if len(set(values)) > 1:
        raise ValueError(sentence)
    return values[0]


def _listed_measures(configurations: Sequence[Any]) -> list[str]:
    """Return the further measures of `training.metrics` that every trial records."""
    first, *others = [configuration["training"].get("metrics", []) for configuration in configurations]
    return [measure for measure in first if all(measure in other for other in others)]


def _hint(name: str, recorded: list[str]) -> str:
    """Return how an epoch could have a metric of ours, else the closest one that it has."""
    known = metric(name)
    if known.part == "validation" and not any(other.startswith("validation") for other in recorded):
        return "set aside a validation part with data.validation, such as 0.1"
    measure = name.partition("_")[2]
    if known.part and measure in ("f1", "balanced_accuracy") and "test_accuracy" in recorded:
        return f"list '{measure}' in training.metrics"
    return suggest(name, recorded)
