"""Kinds of a registry as sections: their keys are the parameters of their function.

So a new layer, optimizer or other kind needs its function and one line in its registry, and nothing here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from sweep.experiment.sections.base import Kind
from sweep.nn.schedules import SCHEDULES

Function = Callable[..., Any]


@dataclass(frozen=True)
class OneOf:
    """The type of a name in one of some registries, as in `Annotated[str, OneOf(LOSSES)]`."""

    registries: tuple[Mapping[str, Any], ...]

    def __init__(self, *registries: Mapping[str, Any]) -> None:
        object.__setattr__(self, "registries", registries)

    def names(self) -> list[str]:
        """Return the valid names, sorted."""
        return sorted({name for registry in self.registries for name in registry})

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema by which pydantic checks a name; pydantic calls this."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON schema; pydantic calls this."""
        return {"enum": self.names()}

    def _validate(self, value: Any) -> str:
        if isinstance(value, str) and any(value in registry for registry in self.registries):
            return value
        *others, last = map(repr, self.names())
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}" if others else last})


@dataclass(frozen=True)
class Registered:
    """The type of a kind of a registry, as in `Annotated[Kind, Registered(LAYERS)]`.

    It is given as a table with the key `kind`; a bare string stands for a kind without values.
    """

    registry: Mapping[str, Function] = field(hash=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema by which pydantic makes a kind; pydantic calls this."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON schema; pydantic calls this."""
        models = [kind_model(kind, function) for kind, function in sorted(self.registry.items())]
        return {"anyOf": [{"enum": sorted(self.registry)}, *(model.model_json_schema() for model in models)]}

    def _validate(self, value: Any) -> Kind:
        table = {"kind": value} if isinstance(value, str) else value
        if not isinstance(table, dict):
            if isinstance(table, Kind):
                return table
            raise PydanticKnownError("dict_type")
        if "kind" not in table:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": "'kind'"})
        kind = table["kind"]
        if not isinstance(kind, str) or kind not in self.registry:
            tags = ", ".join(map(repr, sorted(self.registry)))
            context = {"discriminator": "'kind'", "tag": str(kind), "expected_tags": tags}
            raise PydanticKnownError("union_tag_invalid", context)
        function = self.registry[kind]
        return plain_kind(kind, function) if len(table) == 1 else checked_kind(table, function)


@lru_cache(maxsize=512)
def plain_kind(kind: str, function: Function) -> Kind:
    """Return a kind with all values at their defaults; it is immutable, so one is enough."""
    return checked_kind({"kind": kind}, function)


def checked_kind(table: dict[str, Any], function: Function) -> Kind:
    """Make a kind of a table, and call its function to check values against each other."""
    section = kind_model(table["kind"], function).model_validate(table)
    if not supplied(function):
        try:
            function(**section.values())
        except ValueError as error:
            raise PydanticCustomError("values", "{reason}", {"reason": str(error)}) from None
    return section


@lru_cache(maxsize=512)
def kind_model(kind: str, function: Function) -> type[Kind]:
    """Make the model of a kind from its function: types, bounds and defaults."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "biases":  # its key in a table, see `sweep.nn.layers`
            fields["bias"] = (bool | None, None)
        elif name == "then":  # the schedule after a warm-up, which is not another one
            after = Registered({kind: made for kind, made in SCHEDULES.items() if made is not function})
            fields[name] = (Annotated[Kind, after] | None, None)
        elif name not in supplied(function):
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints.get(name, Any), default)
    model: type[Kind] = create_model(kind, __base__=Kind, __doc__=function.__doc__, **fields)
    return model


@lru_cache(maxsize=512)
def supplied(function: Function) -> frozenset[str]:
    """Return which parameters of a layer are the network's, not table values."""
    return frozenset({"weights", "biases", "products"} & inspect.signature(function).parameters.keys())
