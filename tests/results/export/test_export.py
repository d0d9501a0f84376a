"""Tests of the exporters: chosen by suffix or by name, files complete or not there, every value as it was."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from sweep.errors import SweepError, UsageError
from sweep.results import export
from sweep.results.export.text import Csv, Json, write_frame
from sweep.results.format import render


def table():
    return pd.DataFrame({"trial": [1, 2], "test_accuracy": [0.1 + 0.2, np.nan], "error": [None, "a, b"]})


class FakeSweep:
    """Three tables that can be told apart."""

    def trials(self):
        return table()

    def epochs(self):
        return table()[:1]

    def batches(self):
        return table()[:0]


@pytest.mark.parametrize(("name", "format"), [("t.csv", "csv"), ("t.json", "json"), ("T.CSV", "csv")])
def test_a_file_is_written_in_the_format_of_its_suffix_over_an_older_one(tmp_path, name, format):
    path = tmp_path / name
    path.write_text("an older, longer file " * 100)
    write_frame(table(), path)
    assert path.read_bytes() == render(table(), format).encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["t.parquet", "t.md", "t", ".csv"])
def test_another_suffix_is_answered_with_the_valid_ones(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.csv or \.json"):
        write_frame(table(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    path = tmp_path / "missing" / "t.csv"
    with pytest.raises(SweepError) as caught:
        write_frame(table(), path)
    assert str(caught.value) == f"cannot write '{path}': there is no folder '{path.parent}'; make it first"


def test_a_path_below_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match=r"cannot write .*/file' is not a folder; choose another place"):
        write_frame(table(), tmp_path / "file" / "t.csv")


def test_a_file_that_cannot_take_its_place_leaves_no_trace(tmp_path):
    path = tmp_path / "t.csv"
    path.mkdir()
    with pytest.raises(SweepError, match="cannot write"):
        write_frame(table(), path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_older_file_outlives_a_failure_while_writing(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("older")

    def fill_the_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_the_disk)
    with pytest.raises(SweepError, match="No space left on device"):
        write_frame(table(), path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "rows"), [("trials", 2), ("epochs", 1), ("batches", 0)])
@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_each_table_of_a_sweep_is_written_and_its_rows_counted(tmp_path, name, rows, suffix):
    path = tmp_path / f"out{suffix}"
    assert export.exporter(str(path)).write(FakeSweep(), str(path), name) == rows
    text = path.read_text()
    assert (len(json.loads(text)) if suffix == ".json" else len(text.splitlines()) - 1) == rows


def test_a_format_that_is_named_goes_before_the_suffix():
    assert isinstance(export.exporter("out.csv"), Csv)
    assert isinstance(export.exporter("OUT.CSV"), Csv)
    assert isinstance(export.exporter("out.csv", "json"), Json)
    assert isinstance(export.exporter("out", "csv"), Csv)


def test_an_unknown_format_or_suffix_is_answered_with_the_valid_ones():
    with pytest.raises(UsageError, match="no export format 'jsn': did you mean 'json'"):
        export.exporter("out.csv", "jsn")
    with pytest.raises(UsageError, match=r"cannot write 'out.xls': its name must end in \.csv or \.json"):
        export.exporter("out.xls")


def test_one_line_adds_an_exporter(monkeypatch, tmp_path):
    class Lines:
        suffixes = (".lines",)

        def write(self, sweep, destination, table):
            frame = export.base.read(sweep, table)
            (tmp_path / destination).write_text("\n".join(map(str, frame["trial"])))
            return len(frame)

    monkeypatch.setitem(export.KINDS, "lines", Lines)
    assert export.exporter("out.lines").write(FakeSweep(), "out.lines", "trials") == 2
    assert (tmp_path / "out.lines").read_text() == "1\n2"
    assert isinstance(export.exporter("anything", "lines"), Lines)
