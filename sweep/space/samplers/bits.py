"""Random bits of NumPy's `SeedSequence`, whose many objects would take most of the time of a draw.

The algorithm is that of `numpy/random/bit_generator.pyx`, for a seed of at most four words of 32 bits and a spawn key
(trial, checksum) of one word each. A word of the key is mixed into each word of the pool by itself, and the 64 bits
come from the first two, so only these are followed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    import numpy as np

Words: TypeAlias = "np.ndarray[Any, np.dtype[np.uint64]]"

WORD = 0xFFFFFFFF
POOL = 4
INIT_A, MULT_A = 0x43B0D7E5, 0x931E8875
INIT_B, MULT_B = 0x8B51F9DD, 0x58F38DED
MIX_LEFT, MIX_RIGHT = 0xCA01F9DD, 0x4973F715
CONSTANTS = [INIT_A * pow(MULT_A, k, 2**32) & WORD for k in range(POOL * POOL + 2 * POOL + 1)]
"""The constants of the hashes, in order: one for each, which multiplies by the next one."""
OF_TRIAL = POOL * POOL
"""Number of hashes before that of the trial."""
OF_CHECKSUM = OF_TRIAL + POOL
FIRST, SECOND, THIRD = (INIT_B * pow(MULT_B, k, 2**32) & WORD for k in range(3))


def random_bits(seed: int, trial: int, checksum: int) -> int:
    """Return `SeedSequence(seed, spawn_key=(trial, checksum)).generate_state(1, numpy.uint64)[0]`."""
    low, high = _of_trial(seed, trial)
    low = _mixed(low, _hashed(checksum, OF_CHECKSUM))
    high = _mixed(high, _hashed(checksum, OF_CHECKSUM + 1))
    return _output(low, FIRST, SECOND) | _output(high, SECOND, THIRD) << 32


def many_random_bits(seed: int, trial: int, checksums: Words) -> Words:
    """Return the `random_bits` of each of an array of checksums."""
    # The same operations on arrays of 64 bits give the same words: what overflows is cut off in any case.
    return cast(Words, random_bits(seed, trial, cast(int, checksums)))


@lru_cache(maxsize=64)
def _of_trial(seed: int, trial: int) -> tuple[int, int]:
    """Return the first two words of the pool with a trial mixed in."""
    low, high = _of_seed(seed)
    return _mixed(low, _hashed(trial, OF_TRIAL)), _mixed(high, _hashed(trial, OF_TRIAL + 1))


@lru_cache(maxsize=64)
def _of_seed(seed: int) -> tuple[int, int]:
    """Return the first two words of the pool of a seed."""
    pool = [_hashed(seed >> 32 * place & WORD, place) for place in range(POOL)]
    number = POOL
    for source in range(POOL):
        for target in range(POOL):
            if source != target:
                pool[target] = _mixed(pool[target], _hashed(pool[source], number))
                number += 1
    return pool[0], pool[1]


def _hashed(word: int, number: int) -> int:
    """Return the hash of a word, the `number`-th one."""
    word = (word ^ CONSTANTS[number]) * CONSTANTS[number + 1] & WORD
    return word ^ word >> 16


def _mixed(left: int, right: int) -> int:
    word = left * MIX_LEFT - right * MIX_RIGHT & WORD
    return word ^ word >> 16


def _output(word: int, constant: int, factor: int) -> int:
    word = (word ^ constant) * factor & WORD
    return word ^ word >> 16
