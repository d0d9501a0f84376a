"""Checkpoints in the middle of a trial: it goes on from the last one, with the same bits, whatever has become of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sweep.engines import RunOptions
from sweep.errors import WeightsError
from sweep.experiment.file import parse
from sweep.runner.draws import draw
from sweep.store import Store
from sweep.training import checkpoint
from sweep.training.loop import NetworkTrainer
from sweep.trial import worker
from sweep.trial.worker import Assignment, Interrupted, run_trial

EPOCHS, EVERY = 7, 2
EXPERIMENT = f"""
name = "cnn"
trials = 2
seed = 5
[data]
dataset = "digits"
normalization = "z_score"
[network]
layers = [
    {{ kind = "convolution", filters = 2, kernel = 3 }},
    {{ kind = "batch_norm" }},
    "relu",
    {{ kind = "max_pool", size = 2 }},
    "flatten",
    {{ kind = "dropout", rate = 0.25 }},
]
[training]
epochs = {EPOCHS}
batch_size = 100
optimizer = {{ kind = "adam", learning_rate = {{ log_uniform = [0.01, 0.05] }} }}
keep_weights = "best"
record_batches = true
checkpoint_every = {EVERY}
"""
FIGURES = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]


class Place:
    """A database with the sweep in it, and what one may ask of its trial 0."""

    def __init__(self, folder):
        self.store = Store(str(folder / "sweeps.db"), create=True)
        experiment = parse(EXPERIMENT, "cnn.toml", [])
        drawn = draw(experiment, RunOptions())
        self.sweep_id = self.store.add_sweep(drawn.record, drawn.trials)
        self.assignment = Assignment(str(self.store.database.url), self.sweep_id, "cnn", 0, drawn.datasets.folders)

    def train(self):
        worker.open_store.cache_clear()
        return run_trial(self.assignment)

    def again(self):
        assert self.store.requeue(self.sweep_id, lambda owner, silent: True) == 1

    @property
    def row(self):
        return self.store.trial(self.sweep_id, 0)

    @property
    def epochs(self):
        return self.store.epochs(self.sweep_id, 0)

    def files(self):
        return sorted(str(path.relative_to(self.store.files / "cnn")) for path in self.store.folder.rglob("*.npz"))


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Epochs, losses of mini-batches and kept weights of the trial when nothing disturbs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        made = Place(tmp_path_factory.mktemp("undisturbed"))
        assert made.train() == "completed"
        return outcome(made)


def outcome(place):
    kept = checkpoint.read(place.store.folder / place.row.weights.file)
    return place.epochs[["epoch", *FIGURES]], place.store.batches(place.sweep_id, 0), kept, correct(place)


def correct(place):
    """Which test examples the trial has right, as stored, which must agree with the accuracy that is stored."""
    (found,) = place.store.correctness(place.sweep_id, [0]).values()
    assert found.mean() == place.row.best_value
    return found


def assert_same(one, other):
    for left, right in zip(one[:2], other[:2], strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert one[2].epoch == other[2].epoch
    np.testing.assert_array_equal(one[3], other[3])
    for name, array in one[2].arrays.items():
        np.testing.assert_array_equal(array, other[2].arrays[name], err_msg=name)


def stop_after(monkeypatch, last, error=Interrupted):
    """Let training be stopped after so many epochs; return the list of those that are trained."""
    trained, real = [], NetworkTrainer.run_epoch

    def run_epoch(trainer, number, order):
        if number > last:
            raise error
        trained.append(number)
        return real(trainer, number, order)

    monkeypatch.setattr(NetworkTrainer, "run_epoch", run_epoch)
    return trained


class Killed(BaseException):
    """Stands for a process that is gone: nothing more is written."""


def kill_after(monkeypatch, place, last):
    """Let the worker die after so many epochs, before it can write how its trial has ended."""
    stop_after(monkeypatch, last, Killed)
    monkeypatch.setattr(Store, "finish", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        place.train()


@pytest.mark.parametrize(("stopped_after", "begins_with"), [(1, 1), (2, 3), (5, 5), (6, 7)])
def test_a_killed_trial_goes_on_from_its_last_checkpoint(place, undisturbed, monkeypatch, stopped_after, begins_with):
    with monkeypatch.context() as patch:
        kill_after(patch, place, stopped_after)
    place.again()
    trained = stop_after(monkeypatch, EPOCHS)

    assert place.train() == "completed"

    assert trained == list(range(begins_with, EPOCHS + 1))
    assert_same(outcome(place), undisturbed)
    assert place.row.attempt == 2
    assert place.files() == [place.row.weights.file.removeprefix("sweeps.db-files/cnn/")]  # no checkpoint is left
    assert place.row.checkpoint is None


def test_an_interrupted_trial_keeps_its_checkpoint(place, undisturbed, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        assert place.train() == "interrupted"
    assert (place.row.checkpoint.file, place.row.checkpoint.epoch) == ("sweeps.db-files/cnn/checkpoints/0-1-2.npz", 2)
    place.again()
    assert place.train() == "completed"
    assert_same(outcome(place), undisturbed)


def test_a_longer_training_that_goes_on_after_its_best_epoch_knows_what_was_right_then(place, monkeypatch):
    place.train()
    place.store.extend(place.sweep_id, [0], 2 * EPOCHS)
    with monkeypatch.context() as patch:
        stop_after(patch, 12)
        assert place.train() == "interrupted"
    before = correct(place)
    assert place.row.best_epoch <= EPOCHS
    place.again()
    trained = stop_after(monkeypatch, 2 * EPOCHS)
    assert place.train() == "completed"
    assert (trained, place.row.best_epoch) == ([13, 14], 11)
    assert correct(place).sum() > before.sum()


def test_one_file_of_each_kind_is_kept(place, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        place.train()
    assert [name for name in place.files() if "checkpoints" in name] == ["checkpoints/0-1-4.npz"]
    assert len([name for name in place.files() if "weights" in name]) == 1


def spoil_checkpoint(place):
    (place.store.folder / place.row.checkpoint.file).write_bytes(b"half of a file")


def lose_checkpoint(place):
    (place.store.folder / place.row.checkpoint.file).unlink()


def swap_checkpoint(place):
    """Put the checkpoint of another epoch in its place."""
    path = place.store.folder / place.row.checkpoint.file
    checkpoint.write(replace(checkpoint.read(path), epoch=2), path)


def lose_epoch(place):
    with place.store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM epochs WHERE epoch = 3")


@pytest.mark.parametrize("accident", [spoil_checkpoint, lose_checkpoint, swap_checkpoint, lose_epoch])
def test_without_a_sound_checkpoint_the_trial_starts_over(place, undisturbed, monkeypatch, accident):
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        place.train()
    accident(place)
    place.again()
    trained = stop_after(monkeypatch, EPOCHS)
    assert place.train() == "completed"
    assert trained == list(range(1, EPOCHS + 1))
    assert_same(outcome(place), undisturbed)


def test_a_checkpoint_that_cannot_be_written_costs_no_figure(place, undisturbed, monkeypatch):
    def refuse(*_):
        raise WeightsError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", refuse)
        assert place.train() == "completed"
    assert place.row.error == "the weights are not kept: no room"
    pd.testing.assert_frame_equal(place.epochs[["epoch", *FIGURES]], undisturbed[0], check_exact=True)


def test_an_overtaken_worker_leaves_no_file_behind(place, monkeypatch):
    real = NetworkTrainer.run_epoch

    def run_epoch(trainer, number, order):
        if number == EVERY:  # the trial is taken away behind this worker's back
            place.again()
            place.store.claim(place.sweep_id, 0, "quicker:1")
        return real(trainer, number, order)

    monkeypatch.setattr(NetworkTrainer, "run_epoch", run_epoch)
    assert place.train() is None
    assert place.files() == []


def test_a_file_that_the_database_names_elsewhere_is_left_alone(place, undisturbed, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        place.train()
    outside = tmp_path.parent / "outside.npz"
    outside.write_bytes(b"not ours")
    with place.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE trials SET checkpoint = '../outside.npz', weights = '../outside.npz'")
    place.again()
    assert place.train() == "completed"
    assert outside.read_bytes() == b"not ours"
    assert_same(outcome(place), undisturbed)
