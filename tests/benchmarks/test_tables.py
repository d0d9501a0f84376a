"""Searches on tables and curves: halving by hand, every row of the tables, and the search of what is known."""

import numpy as np
import pytest

from benchmarks import searching, tables
from sweep.space.distributions import Choice, Uniform


def problem(with_curve):
    def value(row):
        return -((row["x"] - 0.5) ** 2) - (row["kind"] == "a")

    def curve(row):
        return value(row) - 1 / np.arange(1, 51)

    tree = {"x": Uniform(0, 1), "kind": Choice(("a", "b"))}
    return searching.Problem("HPOBench", "toy", tree, value, 0.0, curve if with_curve else None)


def test_halving_by_hand():
    levels = [0.5, 0.9, 0.1, 0.7, 0.3]
    rises = [np.linspace(0, level, 10) for level in levels]
    found = tables.halve(rises)
    assert [epochs for _, epochs in found] == [6, 10, 3, 10, 3]
    assert [value for value, _ in found] == [
        each[:epochs].max() for each, (_, epochs) in zip(rises, found, strict=True)
    ]


@pytest.mark.parametrize("with_curve", [False, True])
def test_every_table_has_its_rows(monkeypatch, tmp_path, with_curve):
    monkeypatch.setattr(tables, "TRIALS", 20)
    monkeypatch.setattr(tables, "installed", lambda peers: {})
    monkeypatch.setattr(tables, "problems", lambda datasets: iter([problem(with_curve)]))
    found = list(tables.run(tables.Size(2, None), tmp_path))
    assert [list(table.rows) for table in found] == [["HPOBench"], ["screened, halved"]][: 1 + with_curve]
    assert 0 <= found[0].rows["HPOBench"]["4 rounds / random"].value < 1
    if with_curve:
        assert 0 < found[1].rows["screened, halved"]["epochs"].value < 0.3


def test_without_data_there_is_no_model_of_curves(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path))
    assert list(searching.curves()) == []
