"""URLs of databases: how they are shown, and mistakes in those of servers."""

from __future__ import annotations

import re

from sweep.errors import Argument, UsageError

USER_PASSWORD = re.compile(r"(://[^:/]*:)[^@]*@(?:[^?@\s]*@)*")
"""The password behind the name of a user, which may hold signs that a URL should have as %2F or %40."""
OPTION = re.compile(r"([?&](?:ssl)?password=)[^&\s]*", re.IGNORECASE)
SERVER = re.compile(r"\s*postgres\w*(?:\+\w+)?://", re.IGNORECASE)
USER = re.compile(r"[^:/]*(?::[^@]*)?@")
"""A user, and the password up to the first @, as SQLAlchemy reads them."""
PORT = re.compile(r"(?:\[[^\]]*\]|[^\[:/]*):([^/]*)")
LARGEST_PORT = 65535


def without_password(text: str) -> str:
    """Return a URL, or a sentence with one, with *** in place of the password, which belongs in no log.

    >>> without_password("postgresql://me:a/b@c@host:5432/sweeps")
    'postgresql://me:***@host:5432/sweeps'
    >>> without_password("sqlite:///study.db")
    'sqlite:///study.db'
    """
    return OPTION.sub(r"\1***", USER_PASSWORD.sub(r"\1***@", text)) if "://" in text else text


def check_url(url: str) -> None:
    """Check that the URL of a server has a port that can be one, and no @ that is taken for the end of a password.

    Raises:
        UsageError: when it does not.
    """
    scheme = SERVER.match(url)
    if scheme is None:
        return
    rest = url[scheme.end() :]
    user = USER.match(rest)
    place = rest[user.end() if user else 0 :].partition("?")[0]
    if "@" in place.partition("/")[0] or ("@" in place and "/" in place.rpartition("@")[2]):
        raise UsageError(
            Argument("db"),
            f": the name or the password in {without_password(url)} has signs that end it too early; write @ as %40, "
            "/ as %2F and : as %3A",
        )
    port = PORT.match(place)
    if port and port[1] and not (port[1].isdecimal() and int(port[1][:9]) <= LARGEST_PORT):
        shown = f" '{port[1]}'" if user else ""  # without a user, it may be a password whose @ is missing
        raise UsageError(
            Argument("db"),
            f": the port{shown} of {without_password(url) if user else 'the server'} is not a number up to "
            f"{LARGEST_PORT}; correct it, and in a password write @ as %40, / as %2F and : as %3A",
        )
