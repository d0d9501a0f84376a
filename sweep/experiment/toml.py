"""TOML as nested tables: read from text, changed one value at a time, and written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sweep.errors import Argument, UsageError, suggest
from sweep.space.distributions import DISTRIBUTION_KEYS, Tree
from sweep.space.trees import children, join

SET = Argument("overrides")
"""What a change of a value is given by."""

DEEPEST = 50
"""Most levels of nesting that are read; a file with more is taken for a mistake."""
ABOUT_KEYS = ("Invalid statement", "Invalid initial character for a key", "Expected '='", "Expected ']'")
"""How messages of the parser begin that may be about a key without the quotes that it needs."""
ALTERNATIVES = (("epochs", "iterations"), ("batch_size", "batches_per_epoch"))
"""Keys of the table `training` of which it has one."""
KEY = r"[^.\[\]]+(\[\d+\])*(\.[^.\[\]]+(\[\d+\])*)*"
TEXT = r"(?![0-9+-])[^\s\"'\[\]{}=,#].*|[\w.-]*[A-Za-z_-][\w.-]*"
"""What an override may give without quotes, which rarely survive a shell, if it is not a TOML value."""
NUMBER = r"[+-]?(\d+\.|\.\d+)([eE][+-]?\d+)?"
"""Numbers that TOML writes with a digit on either side of the point."""


def read_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises:
        ValueError: when the text is not TOML, or nested too deeply.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_explained(str(error), text)) from None
    level: list[Tree] = [table]
    for _ in range(DEEPEST):
        level = [child for tree in level for _, child in children(tree)]
        if not level:
            return table
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _explained(message: str, text: str) -> str:
    """Return the parser's message, with what to do where it is about a key that needs quotes."""
    place = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if place is None or not message.startswith(ABOUT_KEYS):
        return message
    line, at = text.replace("\r\n", "\n").split("\n")[int(place[1]) - 1], int(place[2]) - 1
    if line[at : at + 1].isascii() or not line[at].isalnum():
        return message
    key = re.findall(r"[\w-]*$", line[:at])[0] + re.findall(r"^[\w-]*", line[at:])[0]
    hint = f'a key with other letters than A-Z a-z 0-9 _ - needs quotes: "{key}"'
    return f"{message[: place.start()]}; {hint}{place[0]}"


def override(
    table: dict[str, Any],
    sections: tuple[str, ...],
    change: str,
    top: tuple[str, ...],
    optional: Callable[[], Iterable[str]] = tuple,
) -> None:
    """Change one value of a table as KEY=VALUE says; VALUE is TOML or text without quotes.

    KEY is one of `top`, a dotted path or, for a value somewhere in `sections`, its last part where that is unique. A
    path may begin so, too. `optional` returns the paths of further values that the table may leave out.

    Raises:
        UsageError: when KEY or VALUE is malformed, or the table has no place for it.
    """
    key, equals, text = change.partition("=")
    key = key.strip()
    if not equals or not re.fullmatch(KEY, key):
        raise UsageError(SET, f" takes KEY=VALUE, such as training.epochs=5, not {change!r}")
    value = _value(key, text)
    *parents, last = _steps(_full_key(table, sections, key, top, optional))
    here: Any = table
    for step in parents:
        here = _descend(here, step, key)
    if isinstance(last, int):
        _descend(here, last, key)
    elif not isinstance(here, dict):
        raise UsageError(SET, f" {key}: there is no table to set {last!r} in")
    _check_alternatives(here, parents, last)
    here[last] = value


def _check_alternatives(here: dict[str | int, Any], parents: Sequence[str | int], last: str | int) -> None:
    """Check that no value is set beside one that the file gives in its place.

    Raises:
        UsageError: when one is.
    """
    for pair in ALTERNATIVES:
        [other] = set(pair) - {last} if last in pair else [""]
        if list(parents) == ["training"] and last not in here and other in here:
            given = here[other] if isinstance(here[other], int) else 100
            raise UsageError(
                SET,
                f" training.{last}: the file gives training.{other}, and only one of them can be; change that: ",
                Argument("overrides", f"training.{other}={given}"),
            )


def _value(key: str, text: str) -> Tree:
    bare = text.strip()
    try:
        table = read_toml(f"value = {text}")
        if len(table) > 1:
            raise ValueError("it is more than one value")
    except ValueError as error:
        if re.fullmatch(NUMBER, bare):
            return float(bare)
        if re.fullmatch(TEXT, bare) and bare.isprintable():  # not half a surrogate pair
            return bare
        shown = bare if len(text) < 80 else bare[:77] + "..."
        reason = re.sub(r" \(at .*\)$", "", str(error))  # the place is one in `value = ...`
        raise UsageError(SET, f" {key}: {shown!r} is not a TOML value: {reason}; write text in double quotes") from None
    return table["value"]


def _steps(key: str) -> list[str | int]:
    """Split `network.hidden[0]` into its keys and indices."""
    return [int(i) if i else name for name, i in re.findall(r"([^.\[\]]+)(?!\])|\[(\d+)\]", key)]


def _descend(here: Tree, step: str | int, key: str) -> Tree:
    if isinstance(step, int):
        if isinstance(here, list) and step < len(here):
            return here[step]
        raise UsageError(SET, f" {key}: there is no item [{step}] in the experiment")
    if isinstance(here, dict):
        return here.setdefault(step, {})
    raise UsageError(SET, f" {key}: {step!r} is not a table in the experiment")


def _full_key(
    table: dict[str, Any],
    sections: tuple[str, ...],
    key: str,
    top: tuple[str, ...],
    optional: Callable[[], Iterable[str]],
) -> str:
    """Return the dotted path of a key whose first part may be the last one of a path."""
    first, dot, rest = key.partition(".")
    if first.partition("[")[0] in top:
        return key
    known = [path for section in sections for path in _paths(table.get(section), section)]
    ends = [path for path in known if path.endswith("." + key)]
    if len(ends) == 1:
        return ends[0]
    name, bracket, index = first.partition("[")
    paths = ends or [path for path in known if path.endswith("." + name)]
    if not paths:
        known = [*known, *optional()]
        paths = [path for path in known if path.endswith("." + name)]
    # A section's own key comes before one of an option in it, such as the epochs of a warm-up.
    own = min(paths, key=lambda path: path.count("."), default="")
    paths = [own] if paths and _is_within_section(own, paths) else paths
    if len(paths) > 1:
        raise UsageError(SET, f" {key} could mean {' or '.join(paths)}; give the full path")
    if not paths:
        raise UsageError(SET, f" {key}: there is no value {name!r} to change; {suggest(name, _short_keys(known, top))}")
    return paths[0] + bracket + index + dot + rest


def _is_within_section(path: str, others: Iterable[str]) -> bool:
    """Tell whether all of some paths lie in the table that a path is a key of."""
    section = path.rpartition(".")[0] + "."
    return all(other.startswith(section) for other in others)


def _short_keys(paths: Iterable[str], top: Iterable[str]) -> set[str]:
    """Return the keys that a user may give: no items of lists, and nothing inside a distribution."""
    ends = {path.rpartition(".")[2] for path in paths}
    return {end for end in ends if "[" not in end and end not in DISTRIBUTION_KEYS}.union(top)


def _paths(tree: Tree, path: str) -> list[str]:
    """Return the dotted paths of everything in a tree, its own first."""
    return [path, *(found for child_path, child in children(tree, path) for found in _paths(child, child_path))]


def write_toml(table: Mapping[str, Any]) -> str:
    """Return a table as TOML text: its plain values, then a section for each table in it.

    Raises:
        ValueError: when a value is not text, a number, a truth value, a list or a table; the message begins with its
            dotted path.
    """
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    sections = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    parts = [_lines(plain, "")] if plain else []
    parts += [f"[{written_key(key, '')}]\n" + _lines(value, str(key)) for key, value in sections.items()]
    return "\n".join(parts)


def _lines(table: Mapping[str, Any], path: str) -> str:
    return "".join(
        f"{written_key(key, path)} = {written(value, join(path, str(key)))}\n" for key, value in table.items()
    )


def written_key(key: Any, path: str) -> str:
    """Return a key as TOML; `path` names it in errors."""
    if not isinstance(key, str):
        raise ValueError(f"{join(path, str(key))}: keys must be text, not {key!r}")
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key, join(path, key))


def written(value: Any, path: str) -> str:
    """Return a value as TOML on one line; `path` names it in errors."""
    if isinstance(value, Mapping):
        items = (f"{written_key(key, path)} = {written(item, join(path, str(key)))}" for key, item in value.items())
        return f"{{ {', '.join(items)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(item, f'{path}[{index}]') for index, item in enumerate(value))}]"
    if isinstance(value, str):
        return _quoted(value, path)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)  # of NumPy's float64 too, which is a float but is not written as one
    return _written_scalar(value, path)


def _written_scalar(value: Any, path: str) -> str:
    """Write a NumPy scalar or array as the Python value that it holds."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        plain = value.tolist()
        if isinstance(plain, bool | int | float | str | list):
            return written(plain, path)
    raise ValueError(f"{path} must be text, a number, true or false, a list or a table, not {value!r}")


def _quoted(text: str, path: str) -> str:
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise ValueError(f"{path} contains half a surrogate pair, which is not text")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
