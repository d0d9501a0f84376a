"""A sweep in progress, of which nothing is trained."""

import pytest

from sweep.store import Store
from tests.hand_made import draw, end_all_ways


@pytest.fixture
def store(tmp_path):
    opened = Store(str(tmp_path / "sweeps.db"), create=True)
    yield opened
    opened.close()


@pytest.fixture
def record(store):
    """A sweep whose trials have ended in all ways."""
    found = draw(store)
    end_all_ways(store, found)
    return found
