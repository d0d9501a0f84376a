"""`python -m sweep`."""

import sys
from os import path

import sweep

if not sys.flags.safe_path and path.dirname(sweep.__path__[0]) != sys.path[0]:  # noqa: PTH120 (pathlib imports much)
    # The current folder is looked through first, where a user's `random.py` may lie.
    sys.path.append(sys.path.pop(0))

from sweep.cli import main

main()
