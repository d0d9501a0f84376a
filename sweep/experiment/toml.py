"""A TOML document as nested tables: read from text, and changed one value at a time."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from sweep.errors import UsageError, suggest
from sweep.space.distributions import Tree, join

DEEPEST = 50
"""Levels of nesting; beyond them a document is no experiment but an accident."""
KEY = re.compile(r"[^.\[\]]+(\[\d+\])*(\.[^.\[\]]+(\[\d+\])*)*")


def read_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML document.

    Raises:
        ValueError: when the text is not TOML, or nested too deeply.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from None
    level: list[Tree] = [table]
    for _ in range(DEEPEST):
        level = [child for tree in level for child in _children(tree)]
        if not level:
            return table
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _children(tree: Tree) -> list[Tree]:
    if isinstance(tree, dict):
        return list(tree.values())
    return tree if isinstance(tree, list) else []


def override(table: dict[str, Any], sections: tuple[str, ...], change: str, top: tuple[str, ...]) -> None:
    """Change one value of a document as KEY=VALUE asks for, the value being TOML or a bare word.

    The key is one of `top`, a dotted path or, for what stands somewhere in `sections`, its last part where that is
    unique.

    Raises:
        UsageError: when the key or the value is none, or there is no place for it.
    """
    key, equals, text = change.partition("=")
    key = key.strip()
    if not equals or not KEY.fullmatch(key):
        raise UsageError(f"--set takes KEY=VALUE, such as training.epochs=5, not {change!r}")
    value = _value(key, text)
    *parents, last = _steps(_full_key(table, sections, key, top))
    here: Any = table
    for step in parents:
        here = _descend(here, step, key)
    if isinstance(last, int):
        _descend(here, last, key)
    elif not isinstance(here, dict):
        raise UsageError(f"--set {key}: there is no table to set {last!r} in")
    here[last] = value


def _value(key: str, text: str) -> Tree:
    if re.fullmatch(r"\s*(?!true\b|false\b|inf\b|nan\b)[A-Za-z][\w.-]*\s*", text):
        return text.strip()  # a bare word: quotes rarely survive a shell
    try:
        table = read_toml(f"value = {text}")
        if len(table) > 1:
            raise ValueError("it is more than one value")
    except ValueError as error:
        shown = text.strip() if len(text) < 80 else text.strip()[:77] + "..."
        raise UsageError(f"--set {key}: {shown!r} is not a TOML value: {error}") from None
    return table["value"]


def _steps(key: str) -> list[str | int]:
    """Split `network.hidden[0]` into its keys and indices."""
    return [int(i) if i else name for name, i in re.findall(r"([^.\[\]]+)(?!\])|\[(\d+)\]", key)]


def _descend(here: Tree, step: str | int, key: str) -> Tree:
    if isinstance(step, int):
        if isinstance(here, list) and step < len(here):
            return here[step]
        raise UsageError(f"--set {key}: there is no item [{step}] in the experiment")
    if isinstance(here, dict):
        return here.setdefault(step, {})
    raise UsageError(f"--set {key}: {step!r} is not a table in the experiment")


def _full_key(table: dict[str, Any], sections: tuple[str, ...], key: str, top: tuple[str, ...]) -> str:
    """Return the dotted path of a key that may be given by its last part alone."""
    if "." in key or key.partition("[")[0] in top:
        return key
    known = [path for section in sections for path in _paths(table.get(section), section)]
    paths = [path for path in known if path.endswith("." + key)]
    if len(paths) > 1:
        raise UsageError(f"--set {key} could mean {' or '.join(paths)}; give the full path")
    if not paths:
        short_keys = {path.rpartition(".")[2] for path in known}
        raise UsageError(f"--set {key!r}: the experiment has no such key; {suggest(key, short_keys)}")
    return paths[0]


def _paths(tree: Tree, path: str) -> list[str]:
    """List the dotted paths of everything in a tree, its own first."""
    if isinstance(tree, dict):
        return [path, *(p for key, value in tree.items() for p in _paths(value, join(path, key)))]
    if isinstance(tree, list):
        return [path, *(p for index, value in enumerate(tree) for p in _paths(value, f"{path}[{index}]"))]
    return [path]
