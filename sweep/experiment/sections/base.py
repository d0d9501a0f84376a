"""What the models of an experiment file have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.errors import suggest

LARGEST = 2**31 - 1
"""Largest integer of every database's integer column, and more than any count in a network or a training."""

Positive = Annotated[int, Field(ge=1, le=LARGEST)]


class Section(BaseModel):
    """A table of an experiment file with known keys and strict types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    hints: ClassVar[Mapping[str, str]] = {}
    """Unknown key -> the end of the sentence that refuses it, where a close match would mislead."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, table: Any) -> Any:
        if isinstance(table, dict):
            for key in table:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "has no key {key}; {hint}",
                        {"key": repr(key), "hint": cls.hints.get(key) or suggest(key, cls.model_fields)},
                    )
        return table


class Kind(Section):
    """A table whose `kind` tells what it is; a bare string stands for a kind without values."""

    kind: str

    def values(self) -> dict[str, Any]:
        """Return the values beside the kind."""
        return self.model_dump(exclude={"kind"})


def kind_table(value: Any) -> Any:
    """Return the table that a bare string stands for; other values as they are."""
    return {"kind": value} if isinstance(value, str) else value


by_kind = (Field(discriminator="kind"), BeforeValidator(kind_table))
