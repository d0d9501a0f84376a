"""The commands on data sets: what they print, draw and refuse."""

import csv
import io
import json

import pytest

from sweep.data.formats import KINDS
from tests.data.idx_writer import write_idx_files


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("SWEEP_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("a,b\n" + "\n".join(f"{i}.5,{'pq'[i % 2]}" for i in range(40)))
    return tmp_path


def test_all_data_sets_are_listed_with_where_they_are(answer, tmp_path):
    write_idx_files(tmp_path / "data" / "mnist")
    code, out, _ = answer("data", "list", "--data", tmp_path / "data", "--format", "json")
    rows = {row["data set"]: row for row in json.loads(out)}
    assert code == 0 and rows.keys() == KINDS.keys() and all(row["what"] for row in rows.values())
    assert rows["mnist"]["found"] == str(tmp_path / "data" / "mnist") and rows["mnist"]["classes"] == 10
    assert rows["cifar10"]["found"] == "sweep data fetch cifar10" and rows["csv"]["classes"] is None


def test_a_data_set_is_shown_and_drawn(answer, tmp_path):
    code, out, err = answer("data", "show", "digits", "-o", tmp_path / "d.png", "--format", "csv")
    rows = {row["fact"]: row for row in csv.DictReader(io.StringIO(out))}
    assert code == 0 and rows["samples"] == {"fact": "samples", "train": "1347", "test": "450"}
    assert rows["class 0"]["train"] == "141" and err.endswith(f"picture: {tmp_path / 'd.png'}\n")
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")
    code, _, err = answer("data", "show", "digits", "--class", "3", "-o", tmp_path / "three.svg")
    assert code == 0 and "25 of 138 samples of 3" in " ".join((tmp_path / "three.svg").read_text().split())


def test_a_table_of_ones_own_is_shown_and_drawn(answer, tmp_path):
    code, out, _ = answer("data", "show", "mine.csv", "--label", "b", "--format", "json", "-o", tmp_path / "t.png")
    facts = {row["fact"]: row for row in json.loads(out)}
    assert code == 0 and (tmp_path / "t.png").exists()
    assert facts["class p"]["train"] + facts["class p"]["test"] == 20
    code, out, _ = answer("data", "show", "mine.csv", "--label", "b", "--features", "--format", "json")
    assert [row["feature"] for row in json.loads(out)] == ["a"]


def test_files_are_verified(answer, tmp_path):
    code, out, err = answer("data", "verify", "digits", "--format", "json")
    assert code == 0 and [row["verdict"] for row in json.loads(out)] == ["as published"]
    assert "1347 samples in train, 450 samples in test" in err
    write_idx_files(tmp_path / "mnist")
    code, out, err = answer("data", "verify", "mnist", "--data", tmp_path, "--format", "json")
    assert code == 1 and {row["verdict"] for row in json.loads(out)} == {"different"}
    assert "is not the published file" in err
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"x")
    assert answer("data", "verify", "mnist", "--data", tmp_path)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["show", "mnits"], 2, "did you mean 'mnist'?"),
        (["show", "mine.csv"], 2, "say which column of mine.csv is predicted, such as --label species"),
        (["show", "mine.csv", "--label", "a"], 2, "--task regression"),
        (["show", "csv"], 2, "name the file itself, such as mine.csv"),
        (["show", "no.npz"], 1, "no.npz"),
        (["show", "mnist"], 1, "sweep data fetch mnist"),
        (["show", "digits", "--class", "ten"], 2, "has no class 'ten'"),
        (["show", "digits", "-o", "x.gif"], 2, "must end in .png or .svg"),
        (["verify", "mnist"], 1, "sweep data fetch mnist"),
        (["fetch", "digits"], 2, "comes with scikit-learn"),
        (["fetch", "mnits"], 2, "did you mean 'mnist'?"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(answer, arguments, code, words):
    given, out, err = answer("data", *arguments)
    (sentence,) = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert (given, out) == (code, "") and words in sentence
