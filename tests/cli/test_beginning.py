"""The commands init and schema: what they write, and what they refuse."""

import json

import pytest

import sweep
from sweep.experiment.schema import file_schema


def test_a_new_file_runs_as_it_is(answer, here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = answer("init", "mine.toml")
    assert (code, out) == (0, "")
    assert err == "wrote mine.toml, sweep.schema.json; start it with: sweep run mine.toml\n"
    result = sweep.run("mine.toml", trials=1, overrides=["training.epochs=1"], workers=1)
    assert result.name == "mine" and [*result.trials()["status"]] == ["completed"]


def test_a_name_with_a_blank_is_quoted_in_the_command(answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert answer("init", "日本 x.toml")[2].endswith("start it with: sweep run '日本 x.toml'\n")


def test_a_function_of_ones_own_runs_as_it_is(answer, here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert answer("init", "own.toml", "--trainer", "own_function.py")[0] == 0
    result = sweep.run("own.toml", trials=2, workers=1)
    assert len(result.trials()) == 2


def test_a_file_beside_it_that_differs_is_kept_with_a_warning(answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torch_mlp.py").write_text("x = 1\n")
    code, _, err = answer("init", "t.toml", "--from", "torch-mlp")
    assert code == 0 and "warning: torch_mlp.py is there already, differs" in err
    assert (tmp_path / "torch_mlp.py").read_text() == "x = 1\n"
    (tmp_path / "torch_mlp.py").unlink()
    assert "warning" not in answer("init", "t.toml", "--from", "torch-mlp", "--force")[2]
    assert "warning" not in answer("init", "t2.toml", "--from", "torch-mlp")[2]
    (tmp_path / "own.py").write_text("# mine\n")
    assert "warning" not in answer("init", "t3.toml", "--trainer", "own.py")[2]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["mine"], 2, "ends in .toml"),
        (["."], 2, "'.' is a folder; name a file in it, such as mine.toml"),
        (["no/mine.toml"], 1, "there is no folder"),
        (["x" * 300 + ".toml"], 1, "File name too long; choose a shorter name"),
        (["mine.toml", "--from", "digits-quickstar"], 2, "did you mean 'digits-quickstart'?"),
        (["mine.toml", "--trainer", "mine"], 2, "a trainer is a module such as mine.py"),
        (["mine.toml", "--trainer", "os.py"], 2, "Python has a module or a word os of its own"),
        (["mine.toml", "--trainer", "class.py"], 2, "Python has a module or a word class of its own"),
        (["mine.toml", "--trainer", "other/mine.py"], 2, "must be in the folder of mine.toml"),
        (["mine.toml", "--trainer", "mine.py", "--from", "command"], 2, "not both"),
    ],
)
def test_what_cannot_be_written_is_refused(answer, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    given, out, err = answer("init", *arguments)
    assert (given, out) == (code, "") and err.startswith("Error: ") and words in err
    assert [*tmp_path.iterdir()] == []


def test_the_schema_is_printed_or_written(answer, tmp_path):
    code, out, err = answer("schema")
    assert (code, err) == (0, "") and json.loads(out) == json.loads(json.dumps(file_schema()))
    assert answer("schema", "-o", tmp_path / "x.json") == (0, "", f"wrote {tmp_path / 'x.json'}\n")
    assert (tmp_path / "x.json").read_text() == out
    code, _, err = answer("schema", "-o", tmp_path / "no" / "x.json")
    assert code == 1 and "there is no folder" in err
    code, _, err = answer("schema", "-o", tmp_path)
    assert code == 1 and "Is a directory; name a file in it" in err
