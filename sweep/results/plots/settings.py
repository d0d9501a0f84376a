"""matplotlib as charts use it: loaded and set up in the same way whatever the user's own settings are."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

from sweep.errors import SweepError

_LOG = logging.getLogger("matplotlib")
_SESSION = ("backend", "interactive", "toolbar", "webagg", "tk.", "timezone", "date.epoch")
"""Beginnings of the names of settings that concern windows or the whole session, not how a chart looks."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep matplotlib's remarks on the user's files and on its own layout off the screen."""
    level = _LOG.level
    _LOG.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        _LOG.setLevel(level)


def load() -> None:
    """Import matplotlib and seaborn; a backend of the user's that is not there is left out, as files need none.

    Raises:
        SweepError: they cannot be imported.
    """
    backend = os.environ.pop("MPLBACKEND", None)
    is_first = "matplotlib" not in sys.modules
    try:
        with _quiet():
            matplotlib = import_module("matplotlib")
            if backend and is_first:
                with suppress(ValueError):
                    matplotlib.rcParams["backend"] = backend
            import_module("seaborn")
    except (ValueError, ImportError, OSError) as error:
        raise SweepError(f"matplotlib cannot be loaded, so there are no charts: {error}") from None
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


@contextmanager
def default_settings() -> Iterator[None]:
    """Draw with matplotlib's own defaults, so that a chart looks the same for every user."""
    import matplotlib as mpl

    with _quiet(), mpl.rc_context():
        defaults = {name: mpl.rcParamsDefault[name] for name in mpl.rcParamsDefault if not name.startswith(_SESSION)}
        mpl.rcParams.update(defaults)
        # Identifiers in an SVG would otherwise be drawn at random.
        mpl.rcParams["svg.hashsalt"] = "sweep"
        yield
