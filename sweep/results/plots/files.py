"""Figures as files."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from sweep.errors import UsageError
from sweep.results.plots.settings import default_settings
from sweep.system.files import write_whole

SUFFIXES = (".png", ".svg")


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path` as its suffix says, .png (150 dots per inch) or .svg.

    The same figure gives the same bytes each time. The file appears whole or not at all, in place of an older
    one.

    Raises:
        UsageError: the suffix is another one.
        SweepError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"cannot write '{path}': its name must end in {' or '.join(SUFFIXES)}")
    picture = io.BytesIO()
    # By default an SVG holds the time of day.
    with default_settings():
        figure.savefig(picture, format=suffix[1:], dpi=150, metadata={"Date": None} if suffix == ".svg" else None)
    write_whole(path, picture.getvalue())
