"""What can be read back from a chart: where its ticks are, and the values of its marks by them."""

import re

import numpy as np

from tests.report.hostile_sweep import Page

BELOW = 16
"""How far the foot of a number at the left is below its tick."""


def paths(svg, look):
    """The paths of a chart whose class has all of some words, as attributes."""
    wanted = set(look.split())
    return [each for tag, each, _ in Page(str(svg)).elements if tag == "path" and wanted <= classes(each)]


def classes(attributes):
    """The words of a class."""
    return set((attributes.get("class") or "").split())


def ticks(svg, side):
    """The (position, number) of the ticks at one side: "middle" below, "end" to the left."""
    found = [
        (float(each["x"]) if side == "middle" else float(each["y"]) - BELOW, text)
        for tag, each, text in Page(str(svg)).elements
        if tag == "text" and {"tick", side} <= classes(each)
    ]
    return [(place, float(text)) for place, text in found if re.fullmatch(r"-?[\d.]+(e-?\d+)?", text)]


def values(positions, known, *, is_log=False):
    """The values at positions, by two ticks."""
    (first, low), (last, high) = known[0], known[-1]
    low, high = (np.log([low, high])) if is_log else (low, high)
    found = low + (np.array(positions, float) - first) * (high - low) / (last - first)
    return np.exp(found) if is_log else found


def middles(path):
    """The middles of the marks of a path by trial."""
    found = [(int(x), int(y)) for x, y in re.findall(r"M(-?\d+) (-?\d+)", path["d"])]
    return dict(zip(map(int, path["data-trials"].split()), found, strict=True))


def points(path):
    """The (x, y) of all points of a curve."""
    numbers = np.array(re.findall(r"-?\d+", path["d"]), int).reshape(-1, 2)
    return numbers.cumsum(axis=0)
