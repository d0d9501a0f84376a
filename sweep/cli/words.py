"""Words of messages: how many of what."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in the singular or the plural.

    >>> counted(1, "trial"), counted(12, "trial"), counted(0, "match", "matches")
    ('1 trial', '12 trials', '0 matches')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
