"""The base classes of the models of an experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.errors import suggest


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
        return {name: value for name, value in self if name != "kind"}


def kind_table(value: Any) -> Any:
    """Return the table that a bare string stands for; other values as they are."""
    return {"kind": value} if isinstance(value, str) else value


by_kind = (Field(discriminator="kind"), BeforeValidator(kind_table))
