"""Reads the pages of the documentation: their blocks of code, and the commands in these."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if ".ja" not in path.suffixes]
"""The README and all pages in English; those in Japanese have the same blocks."""


BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code."""

    language: str
    title: str
    """The name of the file that it is written to; empty where it is not."""
    text: str


def blocks(path):
    """Return the blocks of a page in their order."""
    found = re.findall(
        r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [Block(*each) for each in found]


def commands(text):
    """Return the words of each command of a block for a shell; of a pipeline those of the first."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [each[: each.index("|")] if "|" in each else each for each in words if each]
