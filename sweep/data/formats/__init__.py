"""The formats of data sets, one a file, and their registry."""

from __future__ import annotations

from sweep.data.formats import cifar10, csv, digits, mnist, npz
from sweep.data.formats.base import Format, Loaded, Request, Source

__all__ = ["KINDS", "Format", "Loaded", "Request", "Source"]

KINDS: dict[str, Format] = {
    "cifar10": cifar10.FORMAT,
    "csv": csv.FORMAT,
    "digits": digits.FORMAT,
    **mnist.FORMATS,
    "npz": npz.FORMAT,
}
"""Kind of a data set, as the experiment file names it -> its format."""
