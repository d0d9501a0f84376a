"""Tests of what the values of configurations tell of conditions between parameters."""

import math

from sweep.space.conditions import with_conditions
from sweep.space.coordinates import from_parameters, slots
from sweep.space.trees import parse_tree

TREE = parse_tree(
    {
        "depth": {"int": [1, 3]},
        "decay": {"uniform": [0.0, 1.0]},
        "kind": {"choice": ["a", "b"]},
        "schedule": {"choice": ["none", "step"]},
        "third": {"uniform": [0.0, 1.0]},
        "batch": {"choice": [16, 32, 64]},
        "large": {"int": [1, 9]},
    }
)


def row(**values):
    return {"depth": 1, "batch": 16, **values}


ROWS = [
    row(kind="a", schedule="none"),
    row(kind="a", schedule="step", decay=0.5, batch=64, large=3),
    row(kind="b", depth=3, third=0.5),
    row(kind="b", depth=2, batch=64, large=5),
    row(kind="b", depth=3, third=0.25),
]


def test_a_parameter_belongs_to_the_option_that_just_its_configurations_drew():
    found, absent = with_conditions(slots(TREE), ROWS)
    around = {
        slot.name: (found[slot.parent].name, found[slot.parent].distribution.labels[slot.option])
        for slot in found
        if slot.parent is not None
    }
    assert around == {"schedule": ("kind", "a"), "decay": ("schedule", "step"), "large": ("batch", 64)}
    assert absent == {"decay", "schedule", "third", "large"}  # no choice tells of the third
    for each in ROWS:
        places = dict(zip([slot.name for slot in found], from_parameters(found, each), strict=True))
        assert {name for name, place in places.items() if not math.isnan(place)} == each.keys()


def test_a_space_without_conditions_stays_as_it_is():
    places = slots(TREE)
    full = {"depth": 1, "decay": 0.5, "kind": "a", "schedule": "none", "third": 0.5, "batch": 16, "large": 1}
    assert with_conditions(places, [full]) == (places, set())
    assert with_conditions(places, []) == (places, set())
