"""Changed values written into the text of a TOML file; all other lines stay as they are, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.experiment.toml import read_toml, write_toml, written, written_key

Path = tuple[str | int, ...]
"""Keys and indices that lead to a value."""

MARK = "# next: "
"""What begins a line that says why the next one is changed."""


@dataclass
class Places:
    """Where the values of a TOML text stand."""

    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """First character of each value, and the one after its end."""
    statements: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Of each KEY = VALUE: the beginning of its first line, and the end of its last one."""
    headers: dict[Path, int] = field(default_factory=dict)
    """The end of the line of each [section]; 0 of the top."""


class _Scanner:
    """Finds where values stand in a text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found = Places(headers={(): 0})
        self.arrays: dict[Path, int] = {}

    def scan(self) -> Places:
        """Return where everything stands."""
        section: Path = ()
        while self._skip(r"(?:[\s\ufeff]|#[^\n]*)*"):
            if self.text[self.at] == "[":
                section = self._header()
                continue
            start = self._line_start()
            path = section + self._keys("=")
            self._value(path)
            self.found.statements[path] = start, self._line_end()
        return self.found

    def _skip(self, pattern: str) -> bool:
        """Go on behind what a pattern matches here; return whether there is more."""
        match = re.compile(pattern).match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def _line_start(self) -> int:
        return self.text.rfind("\n", 0, self.at) + 1

    def _line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end + 1

    def _header(self) -> Path:
        is_array = self.text.startswith("[[", self.at)
        self.at += 1 + is_array
        path = self._keys("]")
        if is_array:
            self.arrays[path] = self.arrays.get(path, -1) + 1
        path = self._within_arrays(path)
        self.at = self._line_end()
        self.found.headers[path] = self.at
        return path

    def _within_arrays(self, path: Path) -> Path:
        """Insert the index of the last table into the path of each array of tables."""
        found: Path = ()
        for length in range(1, len(path) + 1):
            found += path[length - 1 : length]
            if path[:length] in self.arrays:
                found += (self.arrays[path[:length]],)
        return found

    def _keys(self, end: str) -> Path:
        """Read a dotted key and the character behind it."""
        keys: Path = ()
        while True:
            self._skip(r"[ \t]*")
            start = self.at
            if self.text[self.at] in "\"'":
                self._text()
                keys += tuple(read_toml(f"k = {self.text[start : self.at]}").values())
            else:
                self._skip(r"[\w-]*")
                keys += (self.text[start : self.at],)
            self._skip(r"[ \t]*")
            self.at += 1
            if self.text[self.at - 1] == end:
                return keys

    def _text(self) -> None:
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            escape = r"\\[\s\S]|" if quote == '"' else ""
            self._skip(rf"{quote * 3}(?:{escape}(?!{quote * 3}(?!{quote}))[\s\S])*{quote * 3}")
        else:
            self._skip(r'"(?:\\.|[^"\\])*"' if quote == '"' else r"'[^']*'")

    def _value(self, path: Path) -> None:
        self._skip(r"[ \t]*")
        start = self.at
        match self.text[self.at]:
            case '"' | "'":
                self._text()
            case "[":
                self._items(lambda index: (*path, index), "]")
            case "{":
                self._items(lambda index: (*path, *self._keys("=")), "}")
            case _:
                self._skip(r"[^,\]}#\r\n]*")
                self.at -= len(self.text[start : self.at]) - len(self.text[start : self.at].rstrip())
        self.found.values[path] = start, self.at

    def _items(self, name: Callable[[int], Path], end: str) -> None:
        self.at += 1
        index = 0
        while True:
            self._skip(r"(?:[\s,]|#[^\n]*)*")
            if self.text[self.at] == end:
                self.at += 1
                return
            self._value(name(index))
            index += 1


def places(text: str) -> Places:
    """Return where everything stands in a text that `read_toml` has read."""
    return _Scanner(text).scan()


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield (path, new value) of the smallest values that differ; a table that lacks a key of the old one is one."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() <= new.keys():
        for key, value in new.items():
            if key in old:
                yield from differences(old[key], value, (*path, key))
            else:
                yield (*path, key), value
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, (*path, index))
    elif type(old) is not type(new) or old != new:
        yield path, new


def rewritten(text: str, new: Mapping[str, Any], reasons: Sequence[tuple[Path, str]]) -> str:
    """Return the text of a file with other tables, each changed line below the reasons for it.

    Lines that an earlier call has written as reasons are left out. Where a value cannot be changed in its place, the
    whole file is written anew, below all reasons.

    Args:
        text: the file.
        new: its tables as they shall be.
        reasons: (path, sentence) each; the path is that of a value, or of one that holds it.
    """
    text = "".join(line for line in text.removeprefix("\ufeff").splitlines(keepends=True) if not _is_reason(line))
    if text and not text.endswith("\n"):
        text += "\n"
    edited = _edited(text, new, reasons)
    try:
        if edited is not None and read_toml(edited) == new:
            return edited
    except ValueError:
        pass
    return "".join(_reason(sentence) for _, sentence in reasons) + write_toml(new)


def _is_reason(line: str) -> bool:
    return line.lstrip().startswith(MARK)


def _reason(sentence: str) -> str:
    return MARK + sentence + "\n"


def _edited(text: str, new: Mapping[str, Any], reasons: Sequence[tuple[Path, str]]) -> str | None:
    """Return the text with its values changed in their places; None where one has no place."""
    known = places(text)
    left = list(reasons)
    edits: list[tuple[int, int, str]] = []
    for path, value in differences(read_toml(text), new):
        edit = _edit(known, text, path, value)
        if edit is None:
            return None
        start, end, replacement = edit
        if path[:-1] in known.headers and path not in known.values:  # a new line, just below its own reasons
            own = [each for each in left if each[0] == path]
            left = [each for each in left if each[0] != path]
            replacement = "".join(_reason(sentence) for _, sentence in own) + replacement
        edits.append((start, end, replacement))
    above: dict[int, str] = {}
    for path, sentence in left:
        place = _above(known, path)
        above[place] = above.get(place, "") + _reason(sentence)
    # Of what stands at one place, the reasons come first, and then new lines in their order.
    inserted = [(place, place, lines) for place, lines in above.items()]
    ordered = sorted([*inserted, *edits], key=lambda edit: edit[:2])
    for start, end, replacement in ordered[::-1]:
        text = text[:start] + replacement + text[end:]
    return text


def _above(known: Places, path: Path) -> int:
    """Return the beginning of the statement that holds a value; the top of the text where none does."""
    holders = (path[:length] for length in range(len(path), 0, -1))
    return next((known.statements[holder][0] for holder in holders if holder in known.statements), 0)


def _end(known: Places, section: Path) -> int:
    """Return the end of the last statement that stands in a section itself."""
    ends = [end for path, (_, end) in known.statements.items() if path[:-1] == section]
    return max([known.headers.get(section, 0), *ends])


def _edit(known: Places, text: str, path: Path, value: Any) -> tuple[int, int, str] | None:
    """Return (start, end, replacement) for one value."""
    if path in known.values:
        return *known.values[path], written(value, str(path[-1]))
    parent, key = path[:-1], path[-1]
    line = f"{written_key(key, str(key))} = {written(value, str(key))}"
    if parent in known.values:
        start, end = known.values[parent]
        inside = text[start + 1 : end - 1].rstrip()
        return start + 1 + len(inside), end - 1, (f", {line} " if inside.strip() else f" {line} ")
    if parent in known.headers:
        return (place := _end(known, parent)), place, line + "\n"
    return None
