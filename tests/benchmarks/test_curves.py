"""The benchmark of stopping rules: it runs on tiny curves, and compares at equal epochs."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import curves
from benchmarks.measurement import installed
from sweep.analysis.stopping import RULES


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Curves that never cross, of 400 trials on two data sets."""
    (tmp_path / "learning-curves").mkdir()
    values = np.linspace(0, 0.5, 400, dtype=np.float32)[:, None] + np.linspace(0, 0.5, 50, dtype=np.float32)
    np.savez(tmp_path / "learning-curves" / "lcbench.npz", task_1=values, task_2=values[::-1], configurations=values)
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path))
    return tmp_path


def test_all_rules_and_pruners_are_replayed(tiny):
    tables = list(curves.run(curves.Size(None, 1), tiny))
    assert list(tables[0].rows) == list(RULES) and curves.DEFAULT in RULES
    for row in tables[0].rows.values():
        assert row["epochs"].value <= 1 and row["loss"].value >= 0
    assert tables[0].rows[curves.DEFAULT]["best kept"].value == 1
    assert len(tables) == 1 + len(installed({"Optuna": 0}))
    for table in tables[1:]:
        assert len(table.rows) == 3
        assert all(row["not worse"].value == 1 for row in table.rows.values()), "nothing is lost by halving"


def test_the_divergence_rule_is_replayed_on_trainings_that_became_nan(tmp_path, monkeypatch):
    """The first is stopped after its last epoch, which saves nothing; of the others, the second."""
    rows = [(True, [3.0, 1.0, 2.5]), (False, [3.0, 2.0, 1.0, 1.0]), (False, [3.0, 1.0, 2.9, 1.5])]
    (tmp_path / "tuning-runs").mkdir()
    lines = []
    for number, (is_nan, losses) in enumerate(rows):
        accuracy = [0.0, 0.9, 0.9, 0.9] if number == 1 else [0.0, 0.1, 0.1, 0.1]
        points = [{"train_loss": loss, "top_1": value} for loss, value in zip(losses, accuracy, strict=False)]
        run = {"iteration": number, "nan_train_loss": is_nan, "epochs": 9, "learning_curve": points}
        lines.append(json.dumps(run))
    (tmp_path / "tuning-runs" / "alexnet_tuning.jsonl").write_text("\n".join(lines))
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path))
    (table,) = curves.run(curves.QUICK, tmp_path)
    row = {column: cell.value for column, cell in table.rows["divergence, share 0.5"].items()}
    assert row == {"saved": 0.0, "stopped": 0.5, "stopped of the good": 0.0}
    assert table.rows["divergence, share 0.8"]["stopped"].value == 0.5


def test_without_the_data_nothing_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path))
    assert list(curves.run(curves.QUICK, tmp_path)) == []


def test_at_equal_epochs_the_loss_lies_between_those_of_two_first_rungs():
    frame = pd.DataFrame(
        {"dataset": ["a", "a", "b", "b"], "share": [0.1, 0.3, 0.1, 0.3], "loss": [0.5, 0.1, 0.2, 0.0]}
    ).set_index("dataset")
    found = curves._interpolated(frame, pd.Series({"a": 0.2, "b": 0.9}))
    assert found.tolist() == [pytest.approx(0.3), 0.0]


def test_drawn_trials_are_the_same_each_time_and_differ_from_search_to_search():
    values = np.arange(800.0).reshape(400, 2)
    first, again = (list(curves._searches("task_1", values, 2)) for _ in range(2))
    assert first == again and first[0][1] != first[1][1]
    assert all(len({tuple(each) for each in drawn}) == 100 for _, drawn in first)
