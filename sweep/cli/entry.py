"""The entry point of the command line, and how it exits."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from sweep.cli.hints import sentence
from sweep.cli.options import app, say
from sweep.errors import SweepError

GARBAGE = 100_000
"""Allocations between two garbage collections; with Python's default they take a tenth of the time of a command."""
SIGNALLED = 128
"""Exit codes above this one stand for a signal, and a user's Ctrl-C is not an error."""


def main() -> None:
    """Run the command line; every SweepError becomes one sentence and an exit code."""
    gc.set_threshold(GARBAGE)
    atexit.register(gc.freeze)  # the last collection takes a fifth of the time of a command
    try:
        app()
    except SweepError as error:
        say(sentence(error) if error.exit_code > SIGNALLED else f"Error: {sentence(error)}")
        sys.exit(error.exit_code)
    except OSError as error:
        _discard_output(error)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            _discard_output(error)


def _discard_output(error: OSError) -> None:
    """Stop writing to standard output; a reader that has ended, such as `head`, is not an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        say(f"Error: the output cannot be written: {error.strerror}")
        sys.exit(1)
