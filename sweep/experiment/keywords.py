"""An experiment of a file or of its tables, with some of its values given as arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from sweep.arguments import texts, whole
from sweep.errors import Argument, ExperimentError, UsageError
from sweep.experiment.experiment import Experiment
from sweep.experiment.file import load, parse
from sweep.experiment.function import ObjectiveLike, objective_table
from sweep.experiment.messages import describe_errors
from sweep.experiment.sections.header import Header
from sweep.experiment.toml import write_toml, written
from sweep.space.trees import unparse_tree

INTEGERS = ("trials", "seed", "repeats", "epochs")


def from_source(
    source: str | Path | Mapping[str, Any],
    overrides: str | Sequence[str] = (),
    *,
    objective: ObjectiveLike | None = None,
    header: Mapping[str, Any],
    own: Mapping[str, Any],
) -> Experiment:
    """Return the experiment in a file or in a mapping as of a file.

    Args:
        source, overrides: as of `sweep.run`.
        objective: what takes the place of the section `objective`.
        header: values that take the place of those of the file; None for the file's.
        own: arguments that go with a training function alone; None where not given.

    Raises:
        UsageError: when an argument is wrong; the message names it.
        ExperimentError: when anything in the experiment is wrong.
    """
    for name, value in own.items():
        if value is not None:
            raise UsageError(
                Argument(name), " goes with a training function; change a file with ", Argument("overrides")
            )
    given = {name: _checked(name, value) for name, value in header.items() if value is not None}
    if objective is not None:
        given["objective"] = objective_table(objective)
    changes = [*texts(overrides, "overrides"), *(f"{key}={_text(key, value)}" for key, value in given.items())]
    if not isinstance(source, Mapping):
        return load(source, changes)
    name = str(given.get("name") or source.get("name") or "the experiment")
    try:
        text = write_toml(unparse_tree(source))
    except ValueError as error:
        raise ExperimentError(f"{name}: {error}") from None
    return replace(parse(text, name, changes), path=Path.cwd() / f"{name}.toml")


def _checked(name: str, value: Any) -> Any:
    """Return a value for the top of a file.

    Raises:
        UsageError: when it is wrong; the message names the argument.
    """
    value = whole(value, name) if name in INTEGERS else value
    if name not in ("name", *INTEGERS) or name not in Header.model_fields:
        return value
    field = Header.model_fields[name]
    try:
        TypeAdapter[Any](Annotated[field.annotation, field]).validate_python(value, strict=True)  # type: ignore[arg-type]
    except ValidationError as error:
        sentence = describe_errors(error, value)[0]
        raise UsageError(Argument(name), sentence[sentence.index(" is ") :]) from None
    return value


def _text(key: str, value: Any) -> str:
    try:
        return written(unparse_tree(value), key)
    except ValueError as error:
        raise UsageError(Argument(key), f": {error}") from None
