"""Sweeps of a trainer that takes no time, with known values, for tests of what random draws tell."""

import math

import sweep
from tests.engine_here import training_here

TRAINER = """
import math

def train(config, trial):
    for epoch in range((trial.state or {"done": 0})["done"], trial.epochs):
        trial.save({"done": epoch + 1})
        value = 10 * abs(config["rate"] - 0.3) + 1 / (epoch + 1)
        yield {"rmse": math.nan if config["rate"] > 0.9 else value}
"""
FILE = """
name = "mine"
trainer = { kind = "function", function = "mine:train", deterministic = true }
trials = 30
epochs = 3
[parameters]
rate = { uniform = [0.0, 1.0] }
[objective]
metric = "rmse"
direction = "min"
"""


def run(folder, name="mine", file=FILE, **given):
    """Run the sweep of a file with changes, as `sweep.run` takes them."""
    (folder / "mine.py").write_text(TRAINER)
    (folder / f"{name}.toml").write_text(file)
    with training_here():
        return sweep.run(folder / f"{name}.toml", name=name, db=str(folder / "mine.db"), **given)


def value(rate, epochs=3):
    """Return the value of the objective of a trial, NaN of one that diverges."""
    return math.nan if rate > 0.9 else 10 * abs(rate - 0.3) + 1 / epochs
