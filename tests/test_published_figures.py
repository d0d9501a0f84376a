"""The tables of the article, run again on MNIST with its own configurations."""

import csv
import os
from pathlib import Path

import pandas as pd
import pytest

import sweep

REFERENCE = Path(__file__).parent / "reference"
OURS = {"hidden_1": "hidden[0]", "hidden_2": "hidden[1]"}


@pytest.fixture
def mnist():
    """Return the folder of MNIST, which CI always has."""
    for folder in (os.environ.get("SWEEP_DATA"), Path(__file__).parents[2] / "shared" / "data"):
        if folder and (Path(folder) / "mnist").is_dir():
            return Path(folder)
    if os.environ.get("CI"):
        pytest.fail("MNIST is missing: set SWEEP_DATA")
    pytest.skip("MNIST is not here: set SWEEP_DATA")


def run_table(name, folder, mnist, **overrides):
    """Train every configuration of a published table; return its figures beside ours."""
    published = pd.read_csv(REFERENCE / f"mnist-widths-{name}.csv").rename(columns=OURS)
    listed = folder / f"{name}.csv"
    published.to_csv(listed, index=False, quoting=csv.QUOTE_NONNUMERIC)
    changes = [f"sampler={{kind='list', file='{listed}'}}", *(f"{k}={v}" for k, v in overrides.items())]
    return published, sweep.run("mnist-widths", overrides=changes, data=mnist).trials()


@pytest.mark.slow
def test_the_best_ten(tmp_path, mnist):
    published, trials = run_table("best", tmp_path, mnist)
    difference = trials["test_accuracy"] - published["best_test_accuracy"]
    assert (trials["status"] == "diverged").sum() <= 1
    assert abs(difference.mean()) <= 0.002
    assert difference.abs().max() <= 0.005


@pytest.mark.slow
def test_the_worst_ten(tmp_path, mnist):
    published, trials = run_table("worst", tmp_path, mnist)
    assert abs((trials["test_accuracy"] - published["best_test_accuracy"]).mean()) <= 0.004


@pytest.mark.slow
def test_the_thirteen_that_overflowed(tmp_path, mnist):
    _, trials = run_table("overflow", tmp_path, mnist)
    assert (trials["status"] == "diverged").sum() >= 10


def test_the_blow_up_needs_the_slope_of_leaky_relu(mnist):
    results = sweep.run("mnist-overflow", data=mnist)
    assert results.diverged()["epoch"].tolist() == [1]
    relu = sweep.run("mnist-overflow", overrides=["network.activation=relu", "name=relu", "epochs=1"], data=mnist)
    assert relu.trials()["status"].tolist() == ["completed"]
    assert relu.trials()["test_accuracy"][0] > 0.85


def test_a_published_configuration_comes_close_within_two_epochs(tmp_path, mnist):
    """The whole of it is slow; this is the first of its best ten, cut short."""
    published, trials = run_table("best", tmp_path, mnist, trials=1, epochs=2)
    assert trials["hidden[0]"].tolist() == published["hidden[0]"].tolist()[:1]
    assert 0.955 < trials["test_accuracy"][0] < published["best_test_accuracy"][0]
