"""A sweep for all exporters: own trainer, hostile names, a conditional space, trials that diverge and fail, repeats."""

import sqlite3

import pytest

import sweep
from tests.engine_here import training_here

METRIC, OTHER = "=loss<b>/損失", "acc [0]"
"""Names of metrics, the first the objective, of which less is better."""
LABELS = ["=1+1", '-3 "x", y', "@x\nz", "'=y", "日本" + "z" * 200, 0.5, True]


def train(config, trial):
    """Yield three epochs; rates above 0.8 diverge in the second, labels of Japanese fail."""
    if str(config["label"]).startswith("日本"):
        raise ValueError("no such label")
    for epoch in (1, 2, 3):
        rate = float("nan") if epoch == 2 and config["rates"][0] > 0.8 else config["rates"][0]
        yield {METRIC: rate / epoch, OTHER: epoch / 3}


SPACE = {
    "rates": [{"uniform": [0.0, 1.0]}, 3],
    "label": {"choice": LABELS},
    "flag": {"choice": [True, False]},
    "units": {"int": [1, 9]},
    "kind": {"choice": [{"a": {"uniform": [0.0, 1.0]}}, {"b": {"int": [1, 3]}}]},
}


@pytest.fixture(scope="session")
def hostile_database(tmp_path_factory):
    """The file of a database with the sweep `hostile`, of which the last trial is made queued again."""
    folder = tmp_path_factory.mktemp("hostile")
    objective = {"metric": METRIC, "direction": "min"}
    with training_here(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_DB", str(folder / "sweeps.db"))
        results = sweep.run(
            train, parameters=SPACE, trials=12, epochs=3, repeats=2, objective=objective, name="hostile", seed=0
        )
        results.store.close()
    cleared = ("error", "started", "finished", "best_value", "best_epoch", "last_epoch", "seconds", "digest")
    with sqlite3.connect(folder / "sweeps.db") as connection:
        connection.execute("DELETE FROM epochs WHERE trial_id = (SELECT max(id) FROM trials)")
        columns = ", ".join(f"{name} = NULL" for name in cleared)
        connection.execute(f"UPDATE trials SET status = 'queued', {columns} WHERE id = (SELECT max(id) FROM trials)")
    connection.close()
    return folder / "sweeps.db"


@pytest.fixture
def hostile(hostile_database):
    """The sweep `hostile`."""
    return sweep.load("hostile", db=hostile_database)
