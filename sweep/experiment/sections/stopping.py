"""The section `stopping`: the rules that end trials early."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import PlainValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from sweep.experiment.parameters import read_table
from sweep.experiment.sections.base import Kind
from sweep.experiment.sections.registry import Registered
from sweep.records import SweepRecord
from sweep.stopping import KINDS, AnyRule, RepeatRule, RungRule
from sweep.stopping.limit import SecondsPerEpoch

_RULE = Annotated[Kind, Registered(KINDS)]
_ONE, _SEVERAL = TypeAdapter(_RULE), TypeAdapter(tuple[_RULE, ...])


def _listed(value: Any) -> tuple[Kind, ...]:
    """Return the rules of one table, one bare string or a list of them."""
    is_one = not isinstance(value, list | tuple)
    rules = (_ONE.validate_python(value),) if is_one else _SEVERAL.validate_python(value)
    kinds = [rule.kind for rule in rules]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise PydanticCustomError(
            "values", "has two rules of the kind {kind}; leave one of them", {"kind": repr(twice)}
        )
    pausing = [kind for kind in kinds if issubclass(KINDS[kind], RungRule | RepeatRule)]
    if len(pausing) > 1:
        two = " and ".join(map(repr, pausing[:2]))
        raise PydanticCustomError("values", "has {two}, each of which compares all trials; leave one", {"two": two})
    return rules


StoppingRules = Annotated[tuple[Kind, ...], PlainValidator(_listed)]
"""The type of the key `stopping`: one rule or a list of them, each of another kind."""


def made_rules(sections: Iterable[Kind]) -> dict[str, AnyRule]:
    """Return the rules of checked sections by kind, in their order."""
    return {rule.kind: KINDS[rule.kind](**rule.values()) for rule in sections}


def rules_of(record: SweepRecord) -> dict[str, AnyRule]:
    """Return the stopping rules of a stored sweep by kind.

    The limit of time comes first, and then the rules in the order of the file.
    """
    table = read_table(record.experiment, record.name, record.overrides)
    seconds = table.get("limits", {}).get("seconds_per_epoch")
    limits: dict[str, AnyRule] = {} if seconds is None else {"seconds_per_epoch": SecondsPerEpoch(seconds)}
    return limits | made_rules(_listed(table.get("stopping", [])))
