"""The entry point of the command line."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NoReturn

from typer.main import get_command

from sweep.cli import (  # noqa: F401 (each adds its commands to the application)
    analysis,
    beginning,
    checks,
    commands,
    comparing,
    dashboard,
    datasets,
    differing,
    explaining,
    exporting,
    finalists,
    following,
    importing,
    listing,
    mapping,
    networks,
    noting,
    packing,
    plotting,
    querying,
    removing,
    renaming,
    reporting,
    rescuing,
    reviewing,
    tracing,
)
from sweep.cli.ending import line
from sweep.cli.hints import name_database, sentence
from sweep.cli.manual import arrange
from sweep.cli.options import app, say
from sweep.cli.streams import OutputLost, standard_streams
from sweep.errors import SweepError
from sweep.system.files import ADVICE
from sweep.system.signals import EXIT_CODE, Signalled

arrange(app)

GC_THRESHOLD = 100_000
"""New objects between garbage collections; imports create many and no garbage.

Measured on `list`, `leaderboard`, `show` and `plot`, medians of 15 runs in turn: 3 to 12 % less CPU time. Freezing all
objects at exit, where Python would search them once more, saves another 15 to 24 %.
"""


def main() -> None:
    """Run the command line; each SweepError becomes one sentence and an exit code."""
    warnings.filterwarnings("ignore", message=".*joblib will operate in serial mode")  # the sentence says more
    gc.set_threshold(GC_THRESHOLD)
    atexit.register(gc.freeze)
    with standard_streams():
        try:
            _run()
        except OutputLost as error:
            _give_up_output(error)


def _run() -> None:
    try:
        Path.cwd()
    except OSError:
        _fail("the current folder does not exist any more; change to another one")
    try:
        _commands()()
    except SweepError as error:
        if error.exit_code <= EXIT_CODE:
            _fail(sentence(error), error.exit_code)
        say(sentence(error))  # a user who stops a command has made no error
        sys.exit(error.exit_code)
    except Signalled as signalled:
        say(line())
        sys.exit(signalled.exit_code)
    except OSError as error:
        _fail(_system_error(error))
    finally:
        name_database(None)
        sys.stdout.flush()


@cache
def _commands() -> Callable[[], None]:
    """Return the commands; to make them from their functions takes longer than many a command."""
    return get_command(app)


def _fail(message: str, code: int = 1) -> NoReturn:
    say(f"Error: {message}")
    sys.exit(code)


def _system_error(error: OSError) -> str:
    """Return a sentence for an error of the system that nobody has expected."""
    place = f" ({error.filename})" if error.filename else ""
    more = "allow more open files with: ulimit -n 4096" if error.errno in (errno.EMFILE, errno.ENFILE) else ""
    advice = more or ADVICE.get(error.errno or 0, "")
    return f"the system has refused something: {error.strerror or error}{place}{f'; {advice}' if advice else ''}"


def _give_up_output(lost: OutputLost) -> None:
    """Write no more to standard output; a closed pipe, as behind `head`, is not an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(lost.__cause__, BrokenPipeError):
        _fail(f"the output cannot be written: {getattr(lost.__cause__, 'strerror', lost.__cause__)}")
