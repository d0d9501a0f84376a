"""The random bits of draws are those of NumPy's SeedSequence."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sweep.space.samplers.bits import random_bits


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_the_bits_are_those_of_a_seed_sequence(seed, trial, checksum):
    sequence = np.random.SeedSequence(seed, spawn_key=(trial, checksum))
    assert random_bits(seed, trial, checksum) == int(sequence.generate_state(1, np.uint64)[0])
