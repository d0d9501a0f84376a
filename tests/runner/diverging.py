"""A sweep of small networks some of which diverge, in their first epoch or later, trained once for several tests."""

import shutil

import pytest

import sweep
from sweep.observer import Silent
from sweep.runner.casualties import revisit
from sweep.runner.prepare import prepare_again
from tests.engine_here import training_here

TOY = """
name = "toy"
trials = 9
seed = 0
[data]
dataset = "digits"
normalization = "min_max"
[network]
hidden = [24, 16]
activation = { kind = "leaky_relu", alpha = { uniform = [0.1, 0.2] } }
[training]
epochs = 8
batch_size = 15
optimizer = { kind = "momentum", learning_rate = { log_uniform = [0.3, 0.9] }, momentum = 0.5 }
record_batches = true
"""


class Listening(Silent):
    """Keeps all notes."""

    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory):
    """The folder of the database of the sweep `toy`."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.toml").write_text(TOY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        with training_here():
            sweep.run(folder / "toy.toml", db=str(folder / "sweeps.db")).store.close()
    return folder


@pytest.fixture
def toy(toy_folder, tmp_path):
    """The results of `toy`, in the database of the test."""
    shutil.copytree(toy_folder, tmp_path, dirs_exist_ok=True)
    results = sweep.load("toy", db=tmp_path / "sweeps.db")
    yield results
    results.store.close()


@pytest.fixture(scope="session")
def rescued_once(toy_folder, tmp_path_factory):
    """The folder of the sweep `toy` whose casualties are rescued."""
    folder = tmp_path_factory.mktemp("rescued")
    shutil.copytree(toy_folder, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.rescue(name="toy", db=folder / "sweeps.db").store.close()
    return folder


@pytest.fixture
def rescued(rescued_once, tmp_path):
    """The results of the twins of `toy`, in the database of the test."""
    shutil.copytree(rescued_once, tmp_path, dirs_exist_ok=True)
    results = sweep.load("toy.rescue", db=tmp_path / "sweeps.db")
    yield results
    results.store.close()


def late(results):
    """The numbers of the trials that diverged after their first epoch."""
    diverged = results.diverged()
    found = diverged["trial"][diverged["epoch"] > 2].tolist()
    assert found, "no trial diverged late; search another seed"
    return found


def cached(results):
    """The cached folders of the data sets of a sweep."""
    return prepare_again(results.record, None, Silent())


def casualty(results, number, observer=None):
    """A casualty, trained again."""
    row = results.trial(number)
    return revisit(results.record, row, results.store, cached(results), observer or Silent())
