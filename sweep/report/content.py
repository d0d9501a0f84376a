"""What a report holds, whatever it is written as."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from sweep.results.format import format_value

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    """Of each column whether it holds numbers, which are at its right side."""
    trials: tuple[str, ...] = ()
    """Of each row the number of its trial, where each is one, so that the charts can show it."""
    note: str = ""
    """A sentence below it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart."""

    caption: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a list: something found, or to be done."""

    mark: str
    """One letter, such as ✓."""
    title: str
    text: str = ""
    advice: str = ""
    is_marked: bool = False
    """Whether all that stands in backquotes in the text is code; else only what is plainly a command or a name."""


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the legend of charts."""

    mark: str
    """A letter that looks as the marks do, such as ×."""
    look: str
    """How it is colored, a class of the style of the page."""
    words: str


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands as it is, such as a file or a command."""

    caption: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under a heading of its own; what it lacks is empty."""

    key: str
    """The name of its place in the page."""
    title: str
    sentences: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[Item, ...] = ()
    texts: tuple[Text, ...] = ()
    more: tuple[Section, ...] = ()
    """Parts of it with headings one level below."""
    legend: tuple[Key, ...] = ()
    """What the marks of the charts are; shown only with them."""

    @property
    def has_words(self) -> bool:
        """Whether something of it is no chart."""
        return bool(self.sentences or self.tables or self.items or self.texts or self.more)


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of a sweep."""

    name: str
    description: str
    state: str
    """How many trials ended and how, as a sentence."""
    made: str
    """When and by which version it was written."""
    answer: tuple[str, ...]
    """What came out, in three sentences."""
    sections: tuple[Section, ...]
    named: tuple[str, ...]
    """What is told of each trial that a pointer finds in the charts, besides its status."""
    marks: dict[str, list[str]]
    """Of each trial with a mark in the charts, by number: its status, and what is told in the order of `named`."""

    def outline(self) -> Iterator[tuple[int, Section]]:
        """Yield all sections in order, each with the level of its heading, from 2 on."""
        waiting = [(2, section) for section in reversed(self.sections)]
        while waiting:
            level, section = waiting.pop()
            yield level, section
            waiting += [(level + 1, part) for part in reversed(section.more)]


def sentence(words: str) -> str:
    """Return words as a sentence of its own, from a capital letter to a full stop.

    >>> sentence("none of 12 trials diverged"), sentence("Is it so?")
    ('None of 12 trials diverged.', 'Is it so?')
    """
    words = words.strip()
    end = "" if words.endswith((".", "!", "?", "…")) else "."
    # The name of a parameter or of a metric keeps its letters.
    is_word = re.match(r"[a-z]+(?:[ ,-]|$)", words) is not None
    return (words[:1].upper() if is_word else words[:1]) + words[1:] + end


def sentences(several: Iterable[str]) -> tuple[str, ...]:
    """Return several as sentences."""
    return tuple(map(sentence, several))


def table_of(frame: pd.DataFrame, caption: str, note: str = "", n: int | None = None) -> Table:
    """Return the first `n` rows of a frame, or all, as a table of what people read."""
    rows = frame.head(len(frame) if n is None else n)
    names = [str(name) for name in rows.columns]
    cells = [
        [format_value(name, value) for value in rows.iloc[:, place].astype(object)] for place, name in enumerate(names)
    ]
    numeric = tuple(getattr(kind, "kind", "") in "iuf" for kind in rows.dtypes)
    trials = tuple(cells[names.index("trial")]) if "trial" in names else ()
    if n is not None and len(frame) > n:
        note = f"{note} " * bool(note) + f"The first {n} of {len(frame)}."
    return Table(caption, tuple(names), tuple(zip(*cells, strict=True)), numeric, trials, note)


def pairs(caption: str, rows: Sequence[tuple[str, str]], heads: tuple[str, str] = ("what", "value")) -> Table:
    """Return a table of two columns of text."""
    return Table(caption, heads, tuple(rows), (False, False))
