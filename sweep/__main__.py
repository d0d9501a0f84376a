"""`python -m sweep`."""

import sys

if not sys.flags.safe_path:  # the current folder is looked through first, where a user's `random.py` may lie
    sys.path.append(sys.path.pop(0))

from sweep.cli import main

main()
