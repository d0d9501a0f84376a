"""What the models of an experiment file have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.errors import suggest

LARGEST = 2**31 - 1
"""What an integer of any database holds, and more than any network or training has of anything."""

Positive = Annotated[int, Field(ge=1, le=LARGEST)]


class Section(BaseModel):
    """A table of an experiment file: its keys are known, its types strict."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, table: Any) -> Any:
        if isinstance(table, dict):
            for key in table:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "has no key {key}; {hint}",
                        {"key": repr(key), "hint": suggest(key, cls.model_fields)},
                    )
        return table


class Kind(Section):
    """A table that says by its `kind` what it is; a bare string stands for a kind without values."""

    kind: str

    def values(self) -> dict[str, Any]:
        """Return what stands beside the kind."""
        return self.model_dump(exclude={"kind"})


def kind_table(value: Any) -> Any:
    """Write out the bare string that stands for a kind without values."""
    return {"kind": value} if isinstance(value, str) else value


by_kind = (Field(discriminator="kind"), BeforeValidator(kind_table))
