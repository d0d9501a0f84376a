"""What to do about a database that cannot be used, by what it says itself."""

from __future__ import annotations

import re

FULL = "database or disk is full"
ADVICES = (
    (FULL, "free some space there and try again"),
    ("is locked|lock timeout", "end the program that holds it, or wait for it, and try again"),
    (
        "[Cc]onnection refused|could not connect|timeout expired|[Cc]onnection timed out|server closed the connection"
        "|[Nn]o route to host|the connection is (lost|closed)|consuming input failed|shutting down|starting up",
        "start the server, or check the host and the port in the URL",
    ),
    (
        "on socket .*No such file",
        "start the server, or name its host in the URL, such as postgresql+psycopg://me@localhost/sweeps",
    ),
    ("terminating connection", "its server has ended the connection: try again"),
    (
        "could not translate host name|failed to resolve host|[Nn]ame or service not known|[Nn]o address associated",
        "check the host in the URL",
    ),
    (
        "password authentication failed|no password supplied|[Rr]ole .* does not exist|no pg_hba.conf entry",
        "check the name and the password in the URL",
    ),
    (r"database \S+ does not exist", "create it with createdb, or check its name in the URL"),
    ("too many (clients|connections)|remaining connection slots", "end other programs that use the server"),
    ("not a database|file is encrypted", "it is damaged or of another program: restore it from a backup"),
    ("malformed|disk image", "it is damaged: copy the file, then look into it with: sweep doctor"),
    ("[Pp]ermission denied|must be owner of", "ask its owner for the right to use it"),
    ("readonly|read-only", "make it and its folder writable"),
    ("unable to open database file", "check that its folder exists and that you may use it"),
    ("disk I/O error", "check that the disk has space and works, and that its folder is writable"),
)
"""What is said, as a regular expression -> what to do."""


def advice(reason: str) -> str:
    """Return the end of a sentence about a database that cannot be used; the empty text where nothing is known.

    >>> advice("connection refused")
    '; start the server, or check the host and the port in the URL'
    """
    return next((f"; {words}" for known, words in ADVICES if re.search(known, reason)), "")
