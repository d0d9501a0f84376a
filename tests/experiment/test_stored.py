"""Tests of experiments that are stored and cannot be read back."""

from dataclasses import replace

import pytest

from sweep.errors import StoreError
from sweep.experiment.parameters import parameters_of
from sweep.store import Store
from tests.hand_made import draw


def test_a_damaged_one_names_the_sweep_and_what_helps(tmp_path):
    store = Store(str(tmp_path / "sweeps.db"), create=True)
    record = draw(store)
    store.close()
    with pytest.raises(StoreError, match=r"stored of by-hand cannot be read back; see .*doctor"):
        parameters_of(replace(record, experiment="name = 'x'"))
