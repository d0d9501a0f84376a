"""Which parameters belong to an option of a choice, told from the values of configurations alone.

Where a space is known only as a list of parameters, as of a sweep that was imported, nothing says that a parameter
belongs to an option. The configurations that have it do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sweep.records import Scalar
from sweep.space.coordinates import Array, Slot, from_parameters
from sweep.space.distributions import Choice

Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Found = tuple[int, int]
"""Index of the slot of a choice, and that of its option."""


def with_conditions(places: Sequence[Slot], rows: Sequence[Mapping[str, Scalar]]) -> tuple[list[Slot], set[str]]:
    """Return the slots, each with the option it belongs to as far as that can be told, and names that may be absent.

    A slot belongs to an option where the configurations that have it are just those that drew the option; choices
    stand before what belongs to them. Names that may be absent are those that some configuration lacks.

    Args:
        places: slots of a space, of which only those outside of choices are looked at.
        rows: the values of configurations by full name.
    """
    coordinates = np.array([from_parameters(places, row) for row in rows], dtype=np.float64)
    coordinates = coordinates.reshape(len(rows), len(places))
    there = np.array([[slot.name in row for slot in places] for row in rows], dtype=np.bool_)
    there = there.reshape(coordinates.shape)
    counts = there.sum(axis=0).tolist()
    absent = [slot.parent is None and count < len(rows) for slot, count in zip(places, counts, strict=True)]
    around = [_around(places, coordinates, there, index) if absent[index] else None for index in range(len(places))]
    order = sorted(range(len(places)), key=lambda index: -counts[index])
    order = order if any(around) else list(range(len(places)))
    at = {index: place for place, index in enumerate(order)}
    found = []
    for index in order:
        slot, parent = places[index], around[index]
        if parent is not None:
            slot = replace(slot, parent=at[parent[0]], option=parent[1])
        elif slot.parent is not None:
            slot = replace(slot, parent=at[slot.parent])
        found.append(slot)
    return found, {slot.name for slot, may in zip(places, absent, strict=True) if may}


def _around(places: Sequence[Slot], coordinates: Array, there: Flags, index: int) -> Found | None:
    """Return the option that just those configurations drew which have a slot; None where there is none."""
    own = there[:, index]
    if not own.any():
        return None
    for choice, slot in enumerate(places):
        is_wider = there[:, choice].sum() > own.sum()  # so that none belongs to what belongs to it
        if not isinstance(slot.distribution, Choice) or not is_wider:
            continue
        first = coordinates[own, choice][0]
        if not np.isnan(first) and ((coordinates[:, choice] == first) == own).all():
            count = len(slot.distribution.options)
            return choice, int(first * count) if slot.is_numeric else round(first)
    return None
