"""Texts that a spreadsheet would run as formulas, in files of comma-separated values.

A spreadsheet runs a cell that begins with one of a few characters, wherever its text comes from (OWASP, "CSV
Injection"). An apostrophe before it makes it text; whoever reads the file takes it away again, so that no text is lost.
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_PROTECTED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def protected(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet would run it.

    >>> protected("=1+1"), protected("'=1+1"), protected("relu")
    ("'=1+1", "''=1+1", 'relu')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unprotected(text: str) -> str:
    """Return the text that `protected` was given.

    >>> unprotected("'=1+1"), unprotected("''=1+1"), unprotected("'relu'")
    ('=1+1', "'=1+1", "'relu'")
    """
    return text[1:] if _PROTECTED.match(text) else text
