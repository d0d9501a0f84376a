"""Where the command line begins and ends."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from sweep.cli.hints import sentence
from sweep.cli.options import app, say
from sweep.errors import SweepError

GARBAGE = 100_000
"""New objects until Python looks for garbage: among what is imported it would find none, in a tenth of the time that
most commands take."""
SIGNALLED = 128
"""Exit codes above this one stand for a signal: that the user has stopped us is no error."""


def main() -> None:
    """Run the command line; every SweepError becomes one sentence and an exit code."""
    gc.set_threshold(GARBAGE)
    atexit.register(gc.freeze)  # nor is there any to be found at the end, in a fifth of the time
    try:
        app()
    except SweepError as error:
        say(sentence(error) if error.exit_code > SIGNALLED else f"Error: {sentence(error)}")
        sys.exit(error.exit_code)
    except OSError as error:
        _give_up_output(error)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            _give_up_output(error)


def _give_up_output(error: OSError) -> None:
    """Write no more to standard output; a reader that has left, such as `head`, is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        say(f"Error: the output cannot be written: {error.strerror}")
        sys.exit(1)
