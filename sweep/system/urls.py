"""URLs of databases as they are shown."""

from __future__ import annotations

import re

USER_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@(?:[^/?@]*@)*")
"""The password behind the name of a user, which may hold signs that a URL should have as %2F."""
OPTION = re.compile(r"([?&](?:ssl)?password=)[^&\s]*", re.IGNORECASE)


def without_password(text: str) -> str:
    """Return a URL, or a sentence with one, with *** in place of the password, which belongs in no log.

    >>> without_password("postgresql://me:a/b@host:5432/sweeps")
    'postgresql://me:***@host:5432/sweeps'
    >>> without_password("sqlite:///study.db")
    'sqlite:///study.db'
    """
    return OPTION.sub(r"\1***", USER_PASSWORD.sub(r"\1***@", text)) if "://" in text else text
