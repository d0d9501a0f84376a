"""The command line: parse, call, print."""

from sweep.cli.commands import main

__all__ = ["main"]
