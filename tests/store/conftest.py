"""A database of each kind, SQLite and PostgreSQL."""

import pytest

from sweep.store import Store
from tests.store.migration_setup import OLD, copy_of


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database of each kind that is not there yet, or empty."""
    if request.param == "sqlite":
        return str(tmp_path / "sweeps.db")
    return request.getfixturevalue("postgres").create_database()


@pytest.fixture
def store(url):
    opened = Store(url, create=True)
    yield opened
    opened.close()


@pytest.fixture(params=OLD)
def old(request, tmp_path):
    """A file of an older schema, alone in a folder."""
    return copy_of(request.param, tmp_path / "old")
