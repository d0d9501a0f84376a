import pytest

from sweep.data import open_dataset, prepare


@pytest.fixture
def load_csv(tmp_path):
    """Write a CSV file, prepare it, open the data set."""

    def load(text, label="species", name="iris.csv", **options):
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(content)
        return open_dataset(prepare("csv", file=tmp_path / name, label=label, **options))

    return load
