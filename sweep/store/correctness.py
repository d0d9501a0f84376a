"""Which examples a classifier has right, as bytes of the database and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from sweep.store.schema import trials

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_NAMED = 1_000
"""Up to this many trials are asked for by their numbers; of more, all of the sweep are read."""


def pack(correct: NDArray[np.bool_]) -> bytes:
    """Return one bit for each example after a byte with the number of bits that are not used at the end.

    >>> import numpy as np
    >>> pack(np.array([True, False, True])).hex()
    '05a0'
    """
    import numpy as np

    return bytes([-len(correct) % 8]) + np.packbits(correct).tobytes()


def unpack(packed: bytes) -> NDArray[np.bool_]:
    """Return whether each example is right, from what `pack` has given.

    Raises:
        ValueError: when no correctness is packed so.
    """
    import numpy as np

    if not isinstance(packed, bytes):  # SQLite keeps values of other types, too
        raise ValueError("damaged bits")
    unused, *_ = packed or b"\xff"
    bits = np.unpackbits(np.frombuffer(packed[1:], np.uint8))
    if unused > min(7, len(bits)):
        raise ValueError("damaged bits")
    return bits[: len(bits) - unused].astype(bool)


def read_correctness(
    connection: Connection, sweep_id: int, numbers: Sequence[int] | None
) -> dict[int, NDArray[np.bool_]]:
    """Return whether each example of the objective's part is right at a trial's chosen epoch, by trial number.

    Trials of which that is not known are left out: those of users' own trainers, those of other objectives than an
    accuracy, and those that were trained before it was kept.

    Args:
        connection: to the database.
        sweep_id: the sweep.
        numbers: of the trials, in the order in which they are returned; None for all.

    Raises:
        ValueError: when that of one is damaged.
    """
    return {number: unpack(packed) for number, packed in read_packed(connection, sweep_id, numbers).items()}


def read_packed(connection: Connection, sweep_id: int, numbers: Sequence[int] | None) -> dict[int, bytes]:
    """Return the same as it is stored, which may be damaged."""
    which = (trials.c.sweep_id == sweep_id) & trials.c.correct.is_not(None)
    if numbers is not None and len(numbers) <= MOST_NAMED:
        which &= trials.c.number.in_(numbers)
    query = select(trials.c.number, trials.c.correct).where(which)
    found: dict[int, bytes] = {row.number: row.correct for row in connection.execute(query.order_by(trials.c.number))}
    return found if numbers is None else {number: found[number] for number in numbers if number in found}
