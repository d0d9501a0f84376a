"""The key `sampler`: models made from the registry of samplers."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, cast, get_type_hints

from pydantic import create_model

from sweep.experiment.sections.base import Kind, Section, by_kind
from sweep.space.samplers import KINDS, Sampler


def sampler_holder() -> type[Section]:
    """Return the model of a table with the key `sampler`, as samplers are registered now."""
    return _holder(tuple(KINDS.items()))


@lru_cache(maxsize=4)
def _holder(kinds: tuple[tuple[str, type[Sampler]], ...]) -> type[Section]:
    models = tuple(_model(kind, sampler) for kind, sampler in kinds)
    union = Annotated[Union[models], *by_kind]  # type: ignore[valid-type]  # noqa: UP007
    return cast(type[Section], create_model("SamplerHolder", __base__=Section, sampler=(union, ...)))


def _model(kind: str, sampler: type[Sampler]) -> type[Kind]:
    """Return the model of a sampler's table: its kind, and an option for each field."""
    hints = get_type_hints(sampler, include_extras=True)
    options: dict[str, Any] = {field.name: (hints[field.name], _default(field)) for field in fields(cast(Any, sampler))}
    tag: Any = (Literal[kind], ...)
    return cast(type[Kind], create_model(sampler.__name__, __base__=Kind, kind=tag, **options))


def _default(field: Field[Any]) -> Any:
    return ... if field.default is MISSING else field.default


def build_sampler(section: Kind) -> Sampler:
    """Return the sampler that a checked table describes."""
    return KINDS[section.kind](**section.values())
