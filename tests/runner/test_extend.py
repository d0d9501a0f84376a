"""Kept weights, and training that goes on from them: the same bits as without a stop, whatever happens in between."""

import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import sweep
from sweep.errors import SweepError, UsageError, WeightsError
from sweep.records import Seeds
from sweep.store import Store
from sweep.training import checkpoint
from sweep.trial import weights
from tests.engine_here import training_here
from tests.small_experiments import CNN

EVERYTHING = CNN.replace("trials = 2", "trials = 3")

FIGURES = ["trial", "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cnn.toml"
    path.write_text(EVERYTHING)
    return path


def run(file, *overrides):
    with training_here():
        return sweep.run(file, overrides=overrides)


def go_on(trials=(), **options):
    with training_here():
        return sweep.extend(trials, **options)


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    (folder / "cnn.toml").write_text(EVERYTHING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        with training_here():
            sweep.run(folder / "cnn.toml", db=str(folder / "sweeps.db")).store.close()
    return folder


@pytest.fixture
def results(trained_once, tmp_path):
    """A sweep of three trials that has ended, and the files of their weights."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    return sweep.load("cnn")


def kept(results, trial):
    """All that is in the file of a trial's weights, and the epoch that they are of."""
    row = results.trial(trial)
    found = checkpoint.read(results.store.folder / row.weights.file)
    assert found.epoch == row.weights.epoch
    return {name: array.tobytes() for name, array in found.arrays.items()}, found.state, found.epoch


def assert_the_same(one, other, trials):
    for trial in trials:
        pd.testing.assert_frame_equal(one.epochs(trial)[FIGURES], other.epochs(trial)[FIGURES], check_exact=True)
        pd.testing.assert_frame_equal(one.batches(trial), other.batches(trial), check_exact=True)
        assert kept(one, trial) == kept(other, trial)
        for name in ("status", "best_value", "best_epoch", "tie_value", "last_epoch"):
            assert getattr(one.trial(trial), name) == getattr(other.trial(trial), name)


@pytest.mark.parametrize(("keep", "optimizer"), [("last", "adam"), ("best", "{kind='sgd',learning_rate=0.05}")])
def test_continued_trials_equal_those_without_a_stop(file, keep, optimizer):
    same = (f"training.keep_weights={keep}", f"training.optimizer={optimizer}")
    whole = run(file, "name=whole", "training.epochs=6", *same)
    part = run(file, *same)
    before = part.epochs(1)

    result = go_on([0, 2], epochs=6, name="cnn")

    assert_the_same(result, whole, [0, 2])
    assert [result.trial(i).attempt for i in range(3)] == [2, 1, 2]
    assert result.trial(0).configuration["training"]["epochs"] == 6
    pd.testing.assert_frame_equal(result.epochs(1), before)
    files = sorted(path.name for path in (result.folder / "weights").iterdir())
    assert len(files) == 3, "the files that nobody needs are gone"


def test_the_epochs_up_to_the_kept_weights_are_not_trained_again(results):
    before = results.epochs(0)
    after = go_on([0], epochs=5).epochs(0)
    pd.testing.assert_frame_equal(after[:4], before)  # their seconds included
    assert after["epoch"].tolist() == [0, 1, 2, 3, 4, 5]


def test_the_best_trials_are_found(results):
    best = results.best(1)["trial"].item()
    go_on(best=1, epochs=4)
    trials = results.trials().set_index("trial")
    assert trials["epochs"].to_dict() == {i: 4 if i == best else 3 for i in range(3)}


def test_a_searched_number_of_epochs_shows_the_new_one(file):
    results = run(file, "training.epochs={int=[2,3]}")
    go_on([0], epochs=5)
    assert results.trials().set_index("trial")["training.epochs"].to_dict()[0] == 5
    assert results.store.sweep().epochs == 5


def exchange(path):
    """Put weights of another trial, whose arrays are of the same shapes, in place of a file."""
    kept = checkpoint.read(path)
    others = {name: np.zeros_like(array) for name, array in kept.arrays.items()}
    checkpoint.write(replace(kept, arrays=others, about={}), path)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"damaged"), exchange], ids=["damaged", "another's"])
def test_weights_that_are_lost_before_a_worker_reads_them_cost_time_but_no_bit(file, results, monkeypatch, spoil):
    whole = run(file, "name=whole", "training.epochs=5")
    real = Store.extend

    def extend_and_lose(self, sweep_id, numbers, epochs):
        real(self, sweep_id, numbers, epochs)
        spoil(results.store.folder / results.trial(1).weights.file)

    monkeypatch.setattr(Store, "extend", extend_and_lose)
    assert_the_same(go_on([1], epochs=5, name="cnn"), whole, [1])


def test_a_killed_continuation_is_resumed(file, results):
    whole = run(file, "name=whole", "training.epochs=100")
    command = [sys.executable, "-m", "sweep", "continue", "cnn/0", "cnn/1", "--epochs", "100", "--workers", "1", "-q"]
    with subprocess.Popen(command, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while results.trial(0).status != "running":
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert results.trial(1).status == "queued"

    sweep.resume("cnn", workers=1)

    assert_the_same(results, whole, [0, 1])


REFUSED = {
    "queued": (
        "UPDATE trials SET status = 'queued'",
        "cnn/0 is queued, not completed; finish it first with: sweep.resume\\('cnn'\\)",
    ),
    "diverged": (
        "UPDATE trials SET status = 'diverged'",
        "cnn/0 is diverged, not completed; there is nothing to go on with",
    ),
    "no weights": (
        "UPDATE trials SET weights = NULL",
        'no weights of cnn/0 are kept; .*overrides=\\["training.keep_weights=best"',
    ),
    "iterations": (
        "UPDATE trials SET configuration = json_set(json_remove(configuration, '$.training.epochs'), "
        "'$.training.iterations', 30)",
        "ends after training.iterations",
    ),
    "cosine": (
        "UPDATE trials SET configuration = json_set(configuration, '$.training.schedule', 'cosine')",
        "cosine schedule.*train it anew with overrides=..epochs=9",
    ),
    "cosine after a warm-up": (
        "UPDATE trials SET configuration = json_set(configuration, '$.training.schedule', "
        """json('{"kind": "warmup", "then": "cosine"}'))""",
        "cosine schedule.*train it anew with overrides=..epochs=9",
    ),
    "another learning rate": (
        "UPDATE trials SET configuration = json_set(configuration, '$.training.optimizer.learning_rate', 0.5)",
        "0-1-3.npz: the weights are of another trial: its training is not that of this one",
    ),
    "another seed": ("UPDATE trials SET seed_dropout = 7", "the weights are of another trial: its seeds"),
    "another width": (
        "UPDATE trials SET configuration = json_set(configuration, '$.network.layers[5].units', 33)",
        r"0-1-3.npz: the weights are of another network: .* needs float32 of shape \(33, 33\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_go_on_is_refused_and_left_as_it_was(results, case):
    statement, words = REFUSED[case]
    database = sqlite3.connect(results.store.database.path)
    database.execute(statement)
    database.commit()
    database.close()
    before = [results.trial(i) for i in range(3)]
    with pytest.raises(SweepError, match=words):
        go_on([0], epochs=9)
    assert [results.trial(i) for i in range(3)] == before


def test_files_of_others_and_damaged_ones_are_refused_before_anything_is_changed(results):
    folder = results.folder / "weights"
    before = results.trial(0)
    shutil.copy(folder / "0-1-3.npz", folder / "saved")
    for content, words in [
        ((folder / "1-1-3.npz").read_bytes(), "it is not the file that was written for this trial"),
        ((folder / "saved").read_bytes()[:500], "cannot be read"),
        (None, "are gone; bring the file back from a backup, or run"),
    ]:
        (folder / "0-1-3.npz").unlink(missing_ok=True)
        if content is not None:
            (folder / "0-1-3.npz").write_bytes(content)
        with pytest.raises(WeightsError, match=words):
            go_on([0], epochs=9)
        with pytest.raises(WeightsError, match=words):
            results.predict(0)
    assert results.trial(0) == before


@pytest.mark.usefixtures("results")
def test_a_command_that_makes_no_sense_is_answered():
    with pytest.raises(UsageError, match="cnn/0 has 3 epochs already; ask for more"):
        go_on([0, 1], epochs=3)
    with pytest.raises(UsageError, match="epochs must be at most 2147483647, not 2147483648"):
        go_on([0], epochs=2**31)
    assert sweep.load().trial(0).status == "completed"
    with pytest.raises(SweepError, match="there is no trial 7"):
        go_on([7], epochs=9)
    with pytest.raises(UsageError, match="there is no trial of cnn to go on with"):
        go_on(epochs=9)


def test_a_diverged_trial_keeps_the_weights_from_before(file):
    results = run(file, "training.optimizer={kind='sgd',learning_rate=1e38}", "trials=1", "network.layers=['relu']")
    row = results.trial(0)
    assert (row.status, row.weights.epoch, row.last_epoch) == ("diverged", 0, 0)
    assert results.predict(0).test.accuracy == results.epochs(0)["test_accuracy"].item()
    losses = results.batches(0)
    assert losses["epoch"].unique().tolist() == [1]
    assert len(losses) == row.divergence.step - 1
    assert np.isfinite(losses["loss"]).all()


def test_weights_that_cannot_be_written_cost_no_figure(file, tmp_path):
    (tmp_path / "sweeps.db-files" / "cnn").mkdir(parents=True)
    (tmp_path / "sweeps.db-files" / "cnn" / "weights").write_text("in the way")
    results = run(file, "trials=1")
    row = results.trial(0)
    assert row.status == "completed"
    assert row.error.startswith("the weights are not kept: cannot make the folder ")
    assert row.weights is None
    assert len(results.epochs(0)) == 4


def test_no_weights_and_no_batches_are_kept_unasked(file):
    results = run(file, "training.keep_weights=none", "training.record_batches=false")
    assert not results.folder.exists()
    assert results.batches().empty
    with pytest.raises(SweepError, match="no weights of cnn/0 are kept"):
        results.predict(0)


def test_the_weights_of_the_best_epoch_are_those_of_the_table(file):
    results = run(file, "training.keep_weights=best", "training.epochs=6", "training.optimizer.learning_rate=0.05")
    for trial in range(3):
        row = results.trial(trial)
        assert row.weights.epoch == row.best_epoch
        assert results.predict(trial).test.accuracy == row.best_value


def test_batch_losses_are_those_of_the_epochs(results):
    losses = results.batches()
    assert losses.groupby("trial")["epoch"].unique().map(list).tolist() == [[1, 2, 3]] * 3
    assert losses["step"].max() == losses.groupby(["trial", "epoch"]).size().max() == 22  # 1347 / 64
    pd.testing.assert_frame_equal(results.batches(1), losses[losses["trial"] == 1].reset_index(drop=True))


def test_only_the_length_of_a_trial_may_differ():
    assert weights.provenance({"training": {"epochs": 3, "l1": 0.0}}, Seeds(1, 2, 3), "0") == {
        "training": {"l1": 0.0},
        "seeds": [1, 2, 3],
        "dataset_sha256": "0",
    }
