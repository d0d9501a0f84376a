"""The key `trainer`: what trains a configuration when it is not one of our networks."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from sweep.errors import suggest
from sweep.experiment.sections.base import Kind
from sweep.records import Scalar
from sweep.space.distributions import Tree
from sweep.space.names import matches
from sweep.space.trees import leaves


class TrainerKind(Kind):
    """What all trainers have."""

    deterministic: bool = False
    """Whether the same configuration and seed give the same metrics, bit for bit; such trials can be replayed."""


class FunctionTrainer(TrainerKind):
    """A generator function of a module beside the experiment file or on the path."""

    kind: Literal["function"]
    function: str
    """`module:name`, both dotted where needed."""

    @field_validator("function")
    @classmethod
    def _check_form(cls, function: str) -> str:
        module, colon, name = function.partition(":")
        if module.endswith(".py"):
            raise _refused(f"is {function!r}; write the module's name instead: '{module[:-3]}:{name or 'train'}'")
        if not colon or not all(map(_is_identifier, [*module.split("."), *name.split(".")])):
            raise _refused(f"is {function!r}, but must be module:name, such as 'mine:train'")
        return function


def _is_identifier(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


class CommandTrainer(TrainerKind):
    """A command that prints a line of JSON for each epoch."""

    kind: Literal["command"]
    run: str
    """Its words, split as a POSIX shell splits them; `{name}` is the value of a parameter, `{{` and `}}` are braces."""

    @field_validator("run")
    @classmethod
    def _check_words(cls, run: str) -> str:
        try:
            split_command(run)
        except ValueError as error:
            raise _refused(f"is {run!r}, but {error}") from None
        return run


class PickledTrainer(TrainerKind):
    """A function that no module has by name, pickled in a file beside the database."""

    kind: Literal["pickle"]
    file: str
    """Its path, relative to the folder of the database."""
    sha256: Annotated[str, Field(min_length=64, max_length=64)]


class ImportedTrainer(TrainerKind):
    """Another program, which has trained the trials of a sweep that was imported."""

    kind: Literal["imported"]
    source: str
    """From where it was imported, in words."""


def _refused(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence})


def trainer_table(value: Any) -> Any:
    """Return the table that a bare `module:name` stands for; other values as they are."""
    return {"kind": "function", "function": value} if isinstance(value, str) else value


TrainerSection = Annotated[
    FunctionTrainer | CommandTrainer | PickledTrainer | ImportedTrainer,
    Field(discriminator="kind"),
    BeforeValidator(trainer_table),
]

BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def split_command(run: str) -> list[str]:
    """Return the words of a command, with its placeholders unfilled.

    Raises:
        ValueError: when quotes are not closed, there is no word, or a brace stands alone; the message is the middle
            of a sentence.
    """
    try:
        words = shlex.split(run)
    except ValueError as error:
        raise ValueError(f"it cannot be split into words: {str(error).lower()}") from None
    if not words or not words[0]:
        raise ValueError("must begin with the name of a program")
    if "\0" in run:
        raise ValueError("must not contain a NUL character")
    for word in words:
        if any(match.group() in ("{", "}") for match in BRACES.finditer(word)):
            raise ValueError("has a brace that stands alone; write {name} for a parameter, {{ and }} for braces")
    return words


def fill_command(run: str, parameters: Tree) -> list[str]:
    """Return the words of a command, each `{name}` replaced by the value of a parameter.

    A value never makes more than one word. Truth values are written `true` and `false`, as in TOML and JSON.

    Args:
        run: the command, as in `CommandTrainer`.
        parameters: the drawn table `parameters`.

    Raises:
        ValueError: when a name is not that of exactly one value; the message is the middle of a sentence.
    """
    values = {name.removeprefix("parameters."): value for name, value in leaves(parameters, "parameters")}

    def fill(match: re.Match[str]) -> str:
        if match.group() in ("{{", "}}"):
            return match.group()[0]
        return _argument(values[_full_name(match.group(1), values)])

    return [BRACES.sub(fill, word) for word in split_command(run)]


def _full_name(name: str, values: Mapping[str, Scalar]) -> str:
    """Return the full name, without `parameters.`, that a placeholder stands for."""
    found = matches(name.removeprefix("parameters."), values)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{{{name}}} could be {' or '.join(found)}; give the full name")
    hint = suggest(name, values) if values else "there are no parameters"
    raise ValueError(f"{{{name}}} is not a parameter of every trial; {hint}")


def _argument(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
