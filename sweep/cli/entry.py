"""The entry point of the command line."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from sweep.cli.hints import sentence
from sweep.cli.options import app, say
from sweep.errors import SweepError

GC_THRESHOLD = 100_000
"""New objects between garbage collections; imports create many and no garbage.

Measured on `list`, `leaderboard`, `show` and `plot`, medians of 15 runs in turn: 3 to 12 % less CPU time. Freezing all
objects at exit, where Python would search them once more, saves another 15 to 24 %.
"""
SIGNAL_EXIT_CODE = 128
"""Exit codes above this one stand for a signal; a user who stops a command has made no error."""


def main() -> None:
    """Run the command line; each SweepError becomes one sentence and an exit code."""
    gc.set_threshold(GC_THRESHOLD)
    atexit.register(gc.freeze)
    try:
        app()
    except SweepError as error:
        say(sentence(error) if error.exit_code > SIGNAL_EXIT_CODE else f"Error: {sentence(error)}")
        sys.exit(error.exit_code)
    except OSError as error:
        _give_up_output(error)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            _give_up_output(error)


def _give_up_output(error: OSError) -> None:
    """Write no more to standard output; a closed pipe, as behind `head`, is not an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        say(f"Error: the output cannot be written: {error.strerror}")
        sys.exit(1)
