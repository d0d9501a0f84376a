"""The command line: parse, call, print."""

from __future__ import annotations

import sys

from sweep.cli.ending import end_at_signals, ending_at_signals, line
from sweep.cli.streams import open_closed

__all__ = ["main"]


def main() -> None:
    """Run the command line as all that this process does, and end at signals."""
    open_closed()
    try:
        with ending_at_signals() as handler:
            from sweep.cli.entry import main as run

            run()
    except BaseException as error:  # an import that a signal stops may raise anything
        stopped = handler.exit_code
        if not stopped or (isinstance(error, SystemExit) and error.code == stopped):
            raise
        print(line(), file=sys.stderr)
        sys.exit(stopped)
    finally:
        end_at_signals()
