"""The JSON Schema of an experiment file, by which editors complete and check it.

It is made of the models that check a file, but says that a distribution may stand wherever a value can. It is looser
than they are: rules between keys are left to them, and so are the sentences for mistakes.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from functools import cache
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter

from sweep.experiment.parameters import OWN_SECTIONS, SECTIONS
from sweep.experiment.sections import Configuration
from sweep.experiment.sections.base import Kind
from sweep.experiment.sections.data import Data
from sweep.experiment.sections.header import Header, NativeHeader, OwnHeader
from sweep.experiment.sections.limits import Limits, NetworkLimits
from sweep.experiment.sections.network import NetworkSection
from sweep.experiment.sections.objective import ObjectiveSection
from sweep.experiment.sections.registry import Registered
from sweep.experiment.sections.trainer import CommandTrainer, FunctionTrainer, TrainerKind
from sweep.experiment.sections.training import Training
from sweep.stopping import KINDS

Schema = dict[str, Any]

FILE = "sweep.schema.json"
"""Name of the schema beside experiment files."""
LINE = f"#:schema ./{FILE}\n"
"""First line of an experiment file, by which an editor finds the schema."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_DOCUMENTED: tuple[type[BaseModel], ...] = (
    *(Header, NativeHeader, OwnHeader, ObjectiveSection, Limits, NetworkLimits),
    *(Data, NetworkSection, Training, TrainerKind, FunctionTrainer, CommandTrainer),
)


def file_schema() -> Schema:
    """Return the JSON Schema, draft 2020-12, of experiment files."""
    definitions = _Definitions()
    native, own = (_model_schema(model)["properties"] for model in (NativeHeader, OwnHeader))
    searched = _model_schema(Configuration)["properties"]
    trainer = {"anyOf": [{"type": "string", "description": "module:function"}, own["trainer"]]}
    keys = {**own, **native, "stopping": _stopping(), "trainer": trainer}
    sections = {name: definitions.anywhere(searched[name]) for name in SECTIONS}
    return {
        "$schema": DRAFT,
        "title": "Experiment of sweep",
        "description": "A random search over hyperparameters. A distribution may stand wherever a value can.",
        "type": "object",
        "properties": {
            **{name: _plain(schema) for name, schema in keys.items() if name not in (*SECTIONS, *OWN_SECTIONS)},
            **sections,
            "parameters": {"type": "object", "description": "What a trainer of one's own is handed, as it is drawn."},
        },
        "required": ["name"],
        "additionalProperties": False,
        "if": {"anyOf": [{"required": ["trainer"]}, {"required": ["parameters"]}]},
        "then": {
            "required": ["trainer", "epochs", "parameters", "objective"],
            "properties": {"network": False, "training": False, "limits": _plain(own["limits"])},
        },
        "else": {"required": list(SECTIONS), "properties": {"epochs": False}},
        "$defs": definitions.schemas,
    }


@cache
def schema_text() -> str:
    """Return the JSON Schema of experiment files as text."""
    return json.dumps(file_schema(), separators=(",", ":"), ensure_ascii=False) + "\n"


def _stopping() -> Schema:
    rule = _inlined(TypeAdapter(Annotated[Kind, Registered(KINDS)]).json_schema())
    words = "One rule that ends trials early, or a list of them, each of another kind."
    return {"anyOf": [rule, {"type": "array", "items": rule}], "description": words}


class _Definitions:
    """Makes schemas in which a distribution may stand for each value; equal ones are written once."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._names: dict[str, str] = {}

    def anywhere(self, schema: Schema) -> Schema:
        """Return a reference to the values of a schema, and to the distributions of such values."""
        words = {key: schema[key] for key in ("description", "default") if schema.get(key) is not None}
        is_table = "properties" in schema
        bare = {key: value for key, value in schema.items() if is_table or key not in ("description", "default")}
        text = json.dumps(bare, sort_keys=True)
        if text not in self._names:
            name = self._names[text] = f"value{len(self._names) + 1}"
            self.schemas[name] = {}  # keeps the place
            choice = {"type": "array", "minItems": 1, "items": {"$ref": f"#/$defs/{name}"}}
            self.schemas[name] = {
                "anyOf": [
                    *self._values(bare),
                    *(self._range(number) for number in _numbers(bare)),
                    _table({"choice": {**choice, "description": "Options, each equally likely."}}),
                ]
            }
        return {"$ref": f"#/$defs/{self._names[text]}", **words}

    def _range(self, number: Schema) -> Schema:
        """Return a reference to the distributions of a number."""
        text = "range of " + json.dumps(number, sort_keys=True)
        if text not in self._names:
            name = self._names[text] = f"range{len(self._names) + 1}"
            self.schemas[name] = {"anyOf": _ranges(number)}
        return {"$ref": f"#/$defs/{self._names[text]}"}

    def _values(self, schema: Schema) -> list[Schema]:
        """Return the alternatives of a value itself, with distributions inside of it."""
        if "anyOf" in schema:
            return [value for each in schema["anyOf"] for value in self._values(each)]
        if schema == {"type": "null"}:  # TOML has no null
            return []
        schema = {key: value for key, value in schema.items() if key not in ("default", "title")}
        if "properties" in schema:
            return self._tables(schema)
        if "items" in schema:
            schema["items"] = self.anywhere(schema["items"])
        return [schema]

    def _tables(self, schema: Schema) -> list[Schema]:
        properties = {
            name: _plain(value) if name == "kind" else self.anywhere(value)
            for name, value in schema["properties"].items()
        }
        kinds = _kinds(schema)
        bare = [{"enum": kinds}] if kinds and schema.get("required", []) == ["kind"] else []
        # A choice of kinds, whose other keys all of them must take.
        drawn: list[Schema] = []
        if kinds:
            choice = _table({"choice": {"type": "array", "minItems": 1}})
            drawn = [{"type": "object", "properties": {"kind": choice}, "required": ["kind"]}]
        return [*bare, {**schema, "properties": properties}, *drawn]


def _kinds(schema: Schema) -> list[str]:
    """Return the kinds that a table may be of; none if it is not a kind."""
    kind = schema["properties"].get("kind", {})
    return [kind["const"]] if "const" in kind else list(kind.get("enum", []))


def _numbers(schema: Schema) -> list[Schema]:
    """Return the schemas of the numbers among the alternatives of a value."""
    if "anyOf" in schema:
        return [number for each in schema["anyOf"] for number in _numbers(each)]
    kept = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    is_number = schema.get("type") in ("integer", "number")
    return [{key: schema[key] for key in kept if key in schema}] if is_number else []


def _ranges(number: Schema) -> list[Schema]:
    """Return the schemas of the distributions of a number."""
    ends = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    likely = {"anyOf": [number, ends], "description": "Where you expect good values: a value or a range."}
    whole = {**ends, "items": {**number, "type": "integer"}, "description": "[low, high], both included"}
    step = {"type": "integer", "minimum": 1, "description": "The distance of neighboring values."}
    log = {"type": "boolean", "description": "Whether values are drawn in proportion to 1/value."}
    found = [_table({"int": whole}, step=step, log=log, likely=likely)]
    if number["type"] == "number":
        above = {**number, "exclusiveMinimum": max(0, number.get("exclusiveMinimum", 0))}
        found += [
            _table({"uniform": {**ends, "description": "[low, high]"}}, likely=likely),
            _table({"log_uniform": {**ends, "items": above, "description": "[low, high], above 0"}}, likely=likely),
        ]
    return found


def _table(required: Schema, **optional: Schema) -> Schema:
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _model_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of a model without references, its fields described as in the source."""
    schema = model.model_json_schema()
    described = {each.__name__: _descriptions(each) for each in _DOCUMENTED}
    for name, each in [(model.__name__, schema), *schema.get("$defs", {}).items()]:
        for key, words in described.get(name, {}).items():
            if key in each.get("properties", {}):
                each["properties"][key]["description"] = words
    return _inlined(schema)


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field of a model and of those that it is made of."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__.startswith("sweep."):
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body  # type: ignore[attr-defined]
            for field, words in pairwise(body):
                match field, words:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        found[name] = " ".join(text.split())
    return found


def _inlined(schema: Schema) -> Schema:
    """Return a schema with what it refers to in place of the references."""
    definitions = schema.get("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = definitions[node["$ref"].rpartition("/")[2]]
            return inline({**target, **{key: value for key, value in node.items() if key != "$ref"}})
        node = {key: inline(value) for key, value in node.items() if key not in ("$defs", "discriminator", "title")}
        if "oneOf" in node:
            node["anyOf"] = node.pop("oneOf")
        if isinstance(words := node.get("description"), str):
            node["description"] = re.split(r"\n\s*\n", words)[0].replace("\n", " ")
        return node

    inlined: Schema = inline(schema)
    return inlined


def _plain(schema: Schema) -> Schema:
    """Return a schema without null, which TOML does not have, and with bare names for kinds without values."""
    if "anyOf" not in schema and "properties" in schema:
        kinds = _kinds(schema) if schema.get("required", []) == ["kind"] else []
        return {"anyOf": [{"enum": kinds}, schema]} if kinds else schema
    others = [_plain(each) for each in schema.get("anyOf", []) if each != {"type": "null"}]
    schema = {key: value for key, value in schema.items() if key != "default" or value not in (None, [])}
    return {**schema, "anyOf": others} if others else schema
