"""Those who show the progress of a sweep: a terminal, a notebook, or plain lines."""

from __future__ import annotations

import sys

from sweep.display.lines import Lines
from sweep.display.live import Live, can_show_live
from sweep.display.notebook import Notebook, is_in_notebook
from sweep.observer import Observer

__all__ = ["Lines", "Live", "Notebook", "default_observer"]


def default_observer() -> Observer:
    """Return who shows the progress here: a cell of a notebook, a terminal, or lines on standard error."""
    if is_in_notebook():
        return Notebook()
    return Live() if can_show_live(sys.stderr) else Lines()
