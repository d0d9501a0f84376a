"""Small sweeps whose finalists are trained and explained."""

import pytest

import sweep
from tests.engine_here import training_here

DIGITS = """
name = "digits-small"
trials = 6
seed = 3

[data]
dataset = "digits"
validation = 0.2

[network]
hidden = [{ int = [4, 12] }]
activation = { choice = ["relu", { kind = "leaky_relu", alpha = { uniform = [0.1, 0.4] } }] }

[training]
epochs = 2
batch_size = 200
checkpoint_every = 1
optimizer = { kind = "sgd", learning_rate = { log_uniform = [0.1, 1.0] } }
"""
TRAINER = """
import math

def train(config, trial):
    noise = (trial.seed % 97) / 970
    for epoch in range(2):
        bad = config["rate"] > 0.9 and trial.seed % 2
        yield {"rmse": math.inf if bad else abs(config["rate"] - 0.7) + 0.2 * config["size"] + noise}
"""
OWN = """
name = "own"
trainer = "fin_own:train"
trials = 8
epochs = 2
repeats = {repeats}

[parameters]
rate = {{ uniform = [0.0, 1.0] }}
size = {{ choice = [0, 1, 2] }}
idle = {{ uniform = [0.0, 1.0] }}

[objective]
metric = "rmse"
direction = "min"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a database with a sweep of each kind, none of whose finalists are trained."""
    made = tmp_path_factory.mktemp("finalists")
    (made / "fin_own.py").write_text(TRAINER)
    (made / "digits-small.toml").write_text(DIGITS)
    with training_here(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.run(made / "digits-small.toml", db=made / "sweeps.db").store.close()
        for name, repeats in (("own", 1), ("thrice", 3)):
            (made / "own.toml").write_text(OWN.format(repeats=repeats))
            sweep.run(made / "own.toml", name=name, db=made / "sweeps.db").store.close()
    return made
