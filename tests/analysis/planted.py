"""Searches of planted functions, and forests whose trees are functions."""

from types import SimpleNamespace

import numpy as np

from sweep.analysis.forest import Forest, _columns, _predicted
from sweep.analysis.survivors import Survivors
from sweep.space.coordinates import from_parameters, slots
from sweep.space.samplers.random import random_pick
from sweep.space.trees import draw, parse_tree

SPACE = {
    "x": {"uniform": [0.0, 1.0]},
    "rate": {"log_uniform": [1e-4, 1.0]},
    "kind": {"choice": ["a", "b", "c"]},
    "sort": {"choice": ["plain", {"kind": "deep", "inner": {"uniform": [0.0, 1.0]}}]},
}
NAMES = ["x", "rate", "kind", "sort", "inner"]


def searched(value, rows=100, table=SPACE, names=NAMES, seed=0, **options):
    """The survivors of a random search; `value` takes coordinates, a column a slot, and noise."""
    tree = parse_tree(table)
    places = slots(tree)
    drawn = []
    for number in range(rows):
        found = {}
        draw(tree, random_pick(seed, number), found)
        drawn.append(found)
    coordinates = np.array([from_parameters(places, each) for each in drawn])
    noise = np.random.default_rng(seed).standard_normal(rows)
    return Survivors(places, list(names), coordinates, value(coordinates.T, noise), **options)


def functional(survivors, *functions):
    """A forest of one tree for each function of the columns that trees split."""

    def tree(function):
        return SimpleNamespace(tree_=SimpleNamespace(predict=lambda rows: function(rows.T.astype(float))[:, None]))

    trees = [tree(function) for function in functions]
    return Forest(survivors, trees, _predicted(trees, _columns(survivors, survivors.points)), 1.0)
