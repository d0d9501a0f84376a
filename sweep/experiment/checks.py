"""Checks of trees from an experiment file, and their sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from sweep.errors import ExperimentError
from sweep.experiment.messages import describe_errors
from sweep.experiment.parameters import is_native
from sweep.experiment.sections import Configuration
from sweep.experiment.sections.base import Section
from sweep.experiment.sections.data import Data
from sweep.experiment.sections.trainer import fill_command
from sweep.records import Parameter
from sweep.space.distributions import Tree
from sweep.space.trees import leaves


def check(models: Sequence[tuple[Any, Tree]], source: str) -> list[Any]:
    """Return what each model makes of its tree.

    Raises:
        ExperimentError: with one line for each error in any of the trees; `source` names the file.
    """
    made, lines = [], []
    for model, tree in models:
        try:
            made.append(model.model_validate(tree))
        except ValidationError as error:
            lines += [f"{source}: {line}" for line in describe_errors(error, tree)]
    if lines:
        raise ExperimentError("\n".join(lines))
    return made


def check_configuration(configuration: Any, source: str) -> None:
    """Check a drawn configuration, of our networks or of the user's own trainer.

    Raises:
        ExperimentError: when anything in it is wrong.
    """
    if is_native(configuration):
        check([(Configuration, configuration)], source)
        return
    if "data" in configuration:
        check([(_OwnSections, {"data": configuration["data"]})], source)
    try:
        check_values(configuration["parameters"])
        _check_command(configuration)
    except ValueError as error:
        raise ExperimentError(f"{source}: {error}") from None


class _OwnSections(Section):
    """The section of a file with a trainer of the user's own whose keys are known."""

    data: Data


def _check_command(configuration: Any) -> None:
    trainer = configuration["trainer"]
    if trainer["kind"] == "command":
        try:
            fill_command(trainer["run"], configuration["parameters"])
        except ValueError as error:
            raise ValueError(f"trainer.run is {trainer['run']!r}, but {error}") from None


def check_values(parameters: Tree) -> None:
    """Check that the values of a table `parameters` can be stored and handed over as JSON.

    Raises:
        ValueError: when one cannot; the message is a sentence.
    """
    for name, value in leaves(parameters, "parameters"):
        if problem := _problem(value):
            raise ValueError(f"{name} is {value!r}, but {problem}")


def _problem(value: Any) -> str | None:
    match value:
        case bool():
            return None
        case int():
            return None if abs(value) < 2**63 else "integers must be below 2**63; give it as text"
        case float():
            return None if math.isfinite(value) else "numbers must be finite; give it as text"
        case str():
            return "text must not contain a NUL character" if "\0" in value else None
        case dict() | list():
            return None  # empty
    return "must be text, a number, true or false; give it as text"


def check_names(parameters: Sequence[Parameter]) -> None:
    """Check that what is searched has names that can be written in conditions and commands.

    Raises:
        ValueError: when one has not; the message is a sentence.
    """
    for parameter in parameters:
        if not re.fullmatch(r"[\w.\[\]-]+", parameter.name):
            raise ValueError(
                f"{parameter.name} is searched, so its keys must be of letters, digits, dashes and underscores"
            )
