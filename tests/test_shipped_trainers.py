"""The experiments with trainers of one's own that come with sweep, and the one on a table, run as they are shipped."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

import sweep
from sweep.data import open_dataset, prepare

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("scikit-learn-mlp", {"test_accuracy", "test_loss"}),
        ("boosted-trees", {"rmse", "r2"}),
        ("command", {"accuracy", "train_accuracy"}),
    ],
)
def test_a_trainer_is_searched_and_replayed(here, name, metrics):
    results = sweep.run(name, overrides=["trials=2", "epochs=3"])
    assert results.trials()["status"].tolist() == ["completed"] * 2
    assert set(results.metrics()) >= metrics
    assert len(results.epochs()) == 6
    assert results.replay(1).different == []


def test_a_network_of_pytorch_is_searched_and_continued(here):
    if find_spec("torch") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PyTorch is not installed")
    import torch

    torch.set_num_threads(1)  # threads of several processes that run tests would wait for each other
    overrides = ["trials=2", "epochs=1", "parameters.hidden=16", "parameters.batch_size=512"]
    overrides.append("parameters.optimizer={kind='adam', lr=0.01}")
    results = sweep.run("torch-mlp", overrides=overrides, data=mnist())
    assert results.trials()["status"].tolist() == ["completed"] * 2
    assert list(results.best().columns[2:5]) == ["validation_accuracy", "epoch", "test_accuracy"]
    assert results.best()["test_accuracy"].min() > 0.8
    sweep.extend([0], epochs=2, data=mnist())
    long = sweep.run("torch-mlp", overrides=[*overrides, "trials=1", "epochs=2", "name=long"], data=mnist())
    assert results.epochs(0).drop(columns="seconds").equals(long.epochs(0).drop(columns="seconds"))


def mnist():
    """The folder of MNIST's files, or a sentence that they are missing."""
    for folder in (os.environ.get("SWEEP_DATA"), EXPERIMENTS.parents[1] / "shared" / "data"):
        if folder and Path(folder, "mnist").is_dir():
            return Path(folder)
    return (pytest.fail if os.environ.get("CI") else pytest.skip)("MNIST is not there: set SWEEP_DATA")


def test_a_table_with_text_and_gaps_is_predicted_as_well_as_by_scikit_learn(here):
    overrides = ["trials=1", "network.hidden=[30]", "training.batch_size=20", "training.l2=0.001"]
    overrides.append("training.optimizer={kind='adam', learning_rate=0.005}")
    results = sweep.run("rents-perceptron", overrides=overrides)
    ours = results.epochs(0)["test_r2"].iloc[-1]

    file = {"kind": "csv", "file": "rents.csv", "label": "rent"}
    dataset = open_dataset(prepare(**file, task="regression", base=EXPERIMENTS))
    center, scale = dataset.train.x.mean(0), dataset.train.x.std(0)
    x, x_test = ((part.x - center) / scale for part in (dataset.train, dataset.test))
    t, t_test = ((part.t - dataset.target.mean) / dataset.target.scale for part in (dataset.train, dataset.test))
    theirs = []
    for seed in range(3):
        model = MLPRegressor(
            hidden_layer_sizes=(30,), learning_rate_init=0.005, batch_size=20, alpha=0.001, random_state=seed
        )
        for _ in range(60):
            model.partial_fit(x, t)
        theirs.append(model.score(x_test, t_test))
    assert ours > 0.9
    assert abs(ours - np.mean(theirs)) < 0.04
