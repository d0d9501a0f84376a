"""What an experiment searches, read without the models that check a file.

A stored sweep was checked when it began, and importing pydantic takes as long as ranking the sweep.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sweep.errors import Call, ExperimentError, StoreError
from sweep.experiment.toml import override, read_toml
from sweep.records import Parameter, SweepRecord
from sweep.space.distributions import Tree
from sweep.space.names import RESERVED, parameters
from sweep.space.trees import parse_tree

COMMON_KEYS = (
    "name",
    "description",
    "trials",
    "seed",
    "sampler",
    "repeats",
    "start_from",
    "objective",
    "stopping",
    "limits",
)
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""What names of sweeps look like."""
NAME_WORDS = "up to 100 letters, digits, '.', '_' and '-', of which the first is a letter or a digit,"
"""The same in words."""
SECTIONS = ("data", "network", "training")
"""The tables of a file that trains our networks in which distributions can stand."""
KEYS = (*COMMON_KEYS, *SECTIONS)
"""Keys at the top of a file that trains our networks."""
OWN_SECTIONS = ("data", "parameters")
"""The tables of a file with a trainer of the user's own in which distributions can stand."""
OWN_KEYS = (*COMMON_KEYS, "trainer", "epochs", *OWN_SECTIONS)
"""Keys at the top of a file with a trainer of the user's own."""


def is_native(table: dict[str, Any]) -> bool:
    """Tell whether an experiment trains our networks, not by a trainer of the user's own."""
    return "trainer" not in table and ("parameters" not in table or bool({"network", "training"} & table.keys()))


def read_table(text: str, source: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the tables of an experiment file with the overrides applied.

    Raises:
        ExperimentError: when the text is not TOML.
        UsageError: when an override cannot be applied.
    """
    try:
        table = read_toml(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise ExperimentError(f"{source} is not valid TOML: {error}") from None
    for change in overrides:
        sections, keys = (SECTIONS, KEYS) if is_native(table) else (OWN_SECTIONS, OWN_KEYS)
        override(table, sections, change, keys, _optional_keys if is_native(table) else tuple)
    return table


def _optional_keys() -> list[str]:
    """Return the paths of all keys that the sections of our networks can have."""
    from sweep.experiment.sections import Configuration  # asked for rarely, and it takes long to import

    models = {name: field.annotation for name, field in Configuration.model_fields.items()}
    return [f"{section}.{key}" for section, model in models.items() for key in getattr(model, "model_fields", ())]


def parse_sections(table: dict[str, Any], source: str) -> Tree:
    """Return the sections in which distributions can stand, parsed.

    Raises:
        ExperimentError: when a distribution is wrong.
    """
    names = SECTIONS if is_native(table) else [name for name in OWN_SECTIONS if name in table]
    try:
        return {name: parse_tree(table[name], name) for name in names}
    except ValueError as error:
        raise ExperimentError(f"{source}: {error}") from None


def named_parameters(tree: Tree, reserved: Collection[str] = ()) -> list[Parameter]:
    """Return the parameters of parsed sections; no short name is a column or `reserved`."""
    return parameters(tree, RESERVED.union(reserved))


@contextmanager
def read_back(record: SweepRecord) -> Iterator[None]:
    """Name the sweep, and what helps, where its stored experiment is damaged; its mistakes are told as they are."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"the experiment file that is stored of {record.name} cannot be read back; see what is damaged with: ",
            Call("doctor"),
        ) from error


def parameters_of(record: SweepRecord, reserved: Collection[str] = ()) -> list[Parameter]:
    """Return what a stored sweep searches; no short name is one of `reserved`.

    Raises:
        StoreError: when what is stored of its experiment is damaged.
    """
    with read_back(record):
        table = read_table(record.experiment, record.name, record.overrides)
        metric = table.get("objective", {}).get("metric")
        labels = labels_of(table)
        tree = parse_sections(table, record.name)
    searched = named_parameters(tree, {*reserved, *labels, *([metric] if metric else [])})
    return [*(Parameter(label, label, categorical=True) for label in labels), *searched]


def labels_of(table: Mapping[str, Any]) -> list[str]:
    """Return the names of the texts that are kept with each trial of a sweep of given configurations."""
    sampler = table.get("sampler")
    return list(sampler.get("labels", ())) if isinstance(sampler, dict) and sampler.get("kind") == "given" else []


def trainer_of(record: SweepRecord) -> dict[str, Any] | None:
    """Return the trainer's table of a stored sweep, written out; None for our networks."""
    trainer = read_table(record.experiment, record.name, record.overrides).get("trainer")
    return {"kind": "function", "function": trainer} if isinstance(trainer, str) else trainer
