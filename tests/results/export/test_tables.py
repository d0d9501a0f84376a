"""Tests of exported tables: Parquet keeps values and types, CSV runs nothing in a spreadsheet, both are read again."""

import csv
import json

import duckdb
import pandas as pd
import pytest

import sweep
from sweep.errors import SweepError
from sweep.results.export import base
from sweep.results.export.text import Csv
from tests.results.export.conftest import METRIC, OTHER, SPACE, train


@pytest.mark.parametrize("table", ["trials", "epochs", "batches"])
def test_pandas_reads_the_same_frame_from_parquet(hostile, tmp_path, table):
    frame = getattr(hostile, table)()
    assert hostile.export(tmp_path / "t.parquet", table=table) == len(frame)
    if table == "trials":
        frame = frame.drop(columns="label").astype({"parameters.kind": "str"})  # as pandas reads all that is text
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet").drop(columns="label", errors="ignore"), frame)


def test_mixed_values_are_text_in_parquet_spelled_as_in_a_file(hostile, tmp_path):
    hostile.export(tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")["label"]
    assert found.dtype == "str"
    spelled = {True: "true", 0.5: "0.5"}
    assert [*found] == [spelled.get(label, label) for label in hostile.trials()["label"]]


def test_duckdb_reads_parquet(hostile, tmp_path):
    hostile.export(tmp_path / "t.parquet", table="epochs")
    query = f"""SELECT max("{OTHER}"), min("{METRIC}"), count(*) FROM '{tmp_path / "t.parquet"}'"""
    epochs = hostile.epochs()
    with duckdb.connect() as connection:
        found = connection.execute(query).fetchall()
    assert found == [(epochs[OTHER].max(), epochs[METRIC].min(), len(epochs))]


def test_no_cell_of_a_csv_file_is_a_formula(hostile, tmp_path):
    hostile.export(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert f"'{METRIC}" in head
    assert {"'=1+1", "''=y", "'@x\nz", "0.5", "true"} < {row[head.index("label")] for row in rows}
    cells = [cell for row in [head, *rows] for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "-", "\n"))]


def test_json_has_the_texts_as_they_are(hostile, tmp_path):
    hostile.export(tmp_path / "t.json")
    records = json.loads((tmp_path / "t.json").read_text())
    assert [record["label"] for record in records] == [*hostile.trials()["label"]]


def test_an_exported_csv_file_is_drawn_from_again(hostile, tmp_path, here):
    with_first = hostile.trials()
    hostile.export(tmp_path / "t.csv")
    sampler = {"kind": "table", "file": str(tmp_path / "t.csv")}
    objective = {"metric": METRIC, "direction": "min"}
    again = sweep.run(train, parameters=SPACE, sampler=sampler, epochs=1, objective=objective, name="again").trials()
    assert [*again["label"]] == [*with_first["label"]]
    pd.testing.assert_frame_equal(again[["rates[0]", "flag"]], with_first[["rates[0]", "flag"]])


def test_negative_numbers_are_numbers():
    frame = pd.DataFrame({"loss": [-1.5, 2.0], "mixed": pd.Series([-1, "-1"], dtype=object)})
    assert Csv().text(frame) == "loss,mixed\n-1.5,-1\n2.0,'-1\n"


def test_a_missing_package_is_named_with_what_installs_it(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "find_spec", lambda name: None)
    with pytest.raises(SweepError) as caught:
        hostile.export(tmp_path / "t.parquet")
    assert str(caught.value) == (
        "a Parquet file needs the package pyarrow; install it with: pip install 'sweep-lab[parquet]'"
    )
    assert not [*tmp_path.iterdir()]
