import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from sweep.errors import DataError
from tests.data.idx_writer import write_idx_files

DATA = Path(os.environ.get("SWEEP_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and an environment that names no data."""
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SWEEP_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def mnist_folder():
    """The folder of the real MNIST; skips without it, but not in CI, which must have it."""
    for folder in (DATA / "mnist", DATA):
        if (folder / "train-images-idx3-ubyte.gz").exists():
            return folder
    if os.environ.get("CI"):
        pytest.fail(f"CI must have MNIST, in {DATA} or where SWEEP_DATA says")
    pytest.skip("MNIST is not here")


@pytest.fixture
def small_mnist(tmp_path):
    """A folder with the four files of MNIST, of 12 and 5 random images."""
    folder = tmp_path / "downloads"
    write_idx_files(folder)
    return folder


@pytest.fixture
def refused():
    """A context manager: what it holds must raise a DataError of one sentence with all the given parts."""

    @contextmanager
    def check(*parts):
        with pytest.raises(DataError) as caught:
            yield
        message = str(caught.value)
        for part in parts:
            assert str(part) in message
        assert "\n" not in message
        assert message.endswith((".", "?")) or "choose from" in message
        assert not message.endswith("..")

    return check
