"""The command line: parse, call, print."""

from sweep.cli import checks, commands, networks  # noqa: F401 (each adds its commands to the application)
from sweep.cli.entry import main

__all__ = ["main"]
