"""What the first edition trained is trained again with the same bits."""

import hashlib
import json
import os
import struct
from pathlib import Path

import pytest

import sweep
from sweep.system.environment import environment

REFERENCE = json.loads((Path(__file__).parent / "reference" / "first-edition.json").read_text(encoding="utf-8"))
"""Digests of all epochs, made with the first edition; its BLAS kernel and versions; the figures after one epoch."""
FIGURES = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]


def check(results, name):
    """Compare every bit where the reference's BLAS and versions are; elsewhere the figures after one epoch."""
    now, epochs = environment(), results.epochs()
    is_same_machine = all(now[key] == REFERENCE[key] for key in ("blas", "numpy", "scipy"))
    expected = {int(number): each for number, each in REFERENCE["trials"][name].items()}
    for number, trial in expected.items():
        rows = epochs[epochs["trial"] == number]
        if is_same_machine:
            packed = [struct.pack("<q4d", *row) for row in rows[["epoch", *FIGURES]].itertuples(index=False)]
            assert len(packed) == trial["epochs"]
            assert hashlib.sha256(b"".join(packed)).hexdigest() == trial["sha256"], number
        if trial["first"]:
            found = rows.loc[rows["epoch"] == 1, FIGURES].to_numpy().tolist()[0]
            assert found == pytest.approx(trial["first"], rel=0.02, abs=0.02), number
    assert expected.keys() == set(results.trials()["trial"])


def test_digits_quickstart(here):
    check(sweep.run("digits-quickstart"), "digits-quickstart")


def test_two_trials_of_mnist_widths(here):
    folders = [os.environ.get("SWEEP_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    data = next((Path(folder) for folder in folders if folder and Path(folder, "mnist").is_dir()), None)
    if data is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("MNIST is not there: set SWEEP_DATA")
    check(sweep.run("mnist-widths", overrides=["trials=2", "epochs=5"], data=data), "mnist-widths")
