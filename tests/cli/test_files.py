"""Tests of the commands that write files: export and plot."""

import csv
import json
import shutil

import pytest

import sweep
from sweep.experiment import file as experiment

NAME = "digits-quickstart"


class TestExport:
    @pytest.mark.parametrize("epochs", [False, True])
    def test_a_csv_file_holds_every_bit(self, cli, workplace, plain, epochs):
        answer = cli("export", "-o", "out.csv", *(["--epochs"] if epochs else []))
        results = sweep.load()
        frame = results.epochs() if epochs else results.trials()
        assert (answer.code, answer.out) == (0, "")
        assert answer.err == f"wrote {len(frame)} rows of {NAME} to out.csv\n"
        with (workplace / "out.csv").open(newline="", encoding="utf-8") as file:
            head, *rows = csv.reader(file)
        assert head == [*frame.columns]
        assert len(rows) == len(frame)
        for row, values in zip(rows, plain(frame), strict=True):
            for cell, value in zip(row, values, strict=True):
                assert cell == "" if value is None else type(value)(cell) == value

    @pytest.mark.parametrize("epochs", [False, True])
    def test_a_json_file_holds_every_bit(self, cli, workplace, plain, epochs):
        cli("export", NAME, "--output", "out.json", *(["--epochs"] if epochs else []))
        results = sweep.load()
        frame = results.epochs() if epochs else results.trials()
        records = json.loads((workplace / "out.json").read_text(encoding="utf-8"))
        assert [[*record] for record in records] == [[*frame.columns]] * len(frame)
        assert [[*record.values()] for record in records] == plain(frame)

    def test_all_trials_are_written_whatever_their_status(self, cli, workplace):
        cli("export", "-o", "out.json")
        records = json.loads((workplace / "out.json").read_text(encoding="utf-8"))
        assert [record["trial"] for record in records] == [*range(8)]
        assert {record["status"] for record in records} == {"completed", "diverged"}

    def test_exported_trials_can_be_drawn_again(self, cli, workplace):
        cli("export", "-o", "trials.csv")
        text = sweep.load().experiment.text.replace("seed = 0", 'sampler = { kind = "list", file = "trials.csv" }')
        (workplace / "again.toml").write_text(text, encoding="utf-8")
        again = experiment.load("again.toml").trials()
        drawn = experiment.load(NAME, ["trials=8"]).trials()
        assert [trial.parameters for trial in again] == [trial.parameters for trial in drawn]

    def test_another_sweep_is_written_by_its_name(self, cli, workplace):
        assert "wrote 1 row of tiny" in cli("export", "tiny", "-o", "out.csv").err

    def test_an_older_file_is_replaced(self, cli, workplace):
        (workplace / "out.csv").write_text("old")
        cli("export", "-o", "out.csv")
        assert (workplace / "out.csv").read_text().startswith("trial,")
        assert [path.name for path in workplace.iterdir()] == ["out.csv"]

    @pytest.mark.parametrize(
        ("output", "code", "part"),
        [
            ("out.txt", 2, ".csv"),
            ("out", 2, ".json"),
            (".csv", 2, ".csv"),
            ("nowhere/out.csv", 1, "nowhere"),
            ("file/out.csv", 1, "file"),
            ("folder.csv", 1, "folder.csv"),
            ("x" * 300 + ".csv", 1, "xxx"),
        ],
    )
    def test_a_place_that_will_not_do_is_named(self, cli, workplace, output, code, part):
        (workplace / "file").touch()
        (workplace / "folder.csv").mkdir()
        assert part in cli("export", "-o", output).sentence(code)
        assert sorted(path.name for path in workplace.iterdir()) == ["file", "folder.csv"]

    def test_a_place_must_be_named(self, cli):
        assert "-o" in cli("export").sentence(2)


class TestPlot:
    def test_the_chart_lies_beside_the_database(self, cli, shelf):
        answer = cli("plot", "--y", "train_loss")
        path = shelf.database.parent / "sweeps.db-files" / NAME / "train_loss.png"
        assert (answer.code, answer.out, answer.err) == (0, "", f"chart: {path}\n")
        assert path.read_bytes().startswith(b"\x89PNG")

    def test_it_can_be_written_as_svg_and_for_some_parameters(self, cli, workplace):
        answer = cli("plot", "tiny", "--x", "alpha", "--x", "network.hidden[0]", "-o", "chart.svg")
        assert (answer.code, answer.err) == (0, "chart: chart.svg\n")
        text = (workplace / "chart.svg").read_text(encoding="utf-8")
        assert "<svg" in text
        assert text.rstrip().endswith("</svg>")

    def test_an_unknown_parameter_is_answered_with_the_closest(self, cli, workplace):
        assert "did you mean 'learning_rate'?" in cli("plot", "--x", "lerning_rate", "-o", "x.png").sentence(2)
        assert [*workplace.iterdir()] == []

    @pytest.mark.parametrize(
        ("output", "code", "part"),
        [
            ("chart.gif", 2, ".png"),
            ("chart", 2, ".svg"),
            ("nowhere/chart.png", 1, "nowhere"),
            ("x" * 300 + ".png", 1, ""),
        ],
    )
    def test_a_place_that_will_not_do_is_named(self, cli, workplace, output, code, part):
        assert part in cli("plot", "tiny", "--x", "alpha", "-o", output).sentence(code)
        assert [*workplace.iterdir()] == []

    def test_a_folder_that_cannot_be_made_is_named_with_a_way_on(self, cli, copy_of_shelf):
        folder = copy_of_shelf.with_name("copy.db-files")
        folder.touch()  # where the charts would go
        line = cli("plot", "--x", "alpha", "--db", copy_of_shelf).sentence(1)
        assert str(folder) in line
        assert "-o" in line

    def test_an_unknown_metric_is_a_wrong_command(self, cli):
        answer = cli("plot", "--y", "accuracy")
        assert answer.code == 2
        assert "test_accuracy" in answer.err


@pytest.mark.parametrize(
    "command",
    [
        ["pack", "-o", "FILE"],
        ["archive", "FILE"],
        ["schema", "-o", "FILE"],
        ["report", "-o", "FILE.html"],
        ["export", "-o", "FILE.csv"],
        ["export", "--epochs", "-o", "FILE.parquet"],
        ["plot", "-o", "FILE.png"],
        ["next", "-o", "FILE.toml"],
        ["init", "FILE.toml", "--force"],
        ["backup", "FILE"],
        ["data", "show", "digits", "-o", "FILE.png"],
    ],
    ids=" ".join,
)
def test_no_command_writes_over_the_database(cli, workplace, shelf, command):
    words = [word.replace("FILE", "results") for word in command]
    name = next(word for word in words if word.startswith("results"))
    shutil.copy(shelf.database, workplace / name)
    before = (workplace / name).read_bytes()
    answer = cli(*words, *(["--db", name] if command[0] not in ("schema", "init", "data") else []))
    assert answer.code in (1, 2)
    assert any(words in answer.err for words in ("is a database", "already", "exists; name another"))
    assert (workplace / name).read_bytes() == before


@pytest.mark.parametrize("command", [["pack", "-o"], ["archive"], ["schema", "-o"]], ids=lambda command: command[0])
def test_no_file_of_another_kind_is_replaced(cli, workplace, command):
    (workplace / "mine.toml").write_text("name = 'mine'")
    assert "'mine.toml' is there already and is no " in cli(*command, "mine.toml").sentence(2)
    assert (workplace / "mine.toml").read_text() == "name = 'mine'"
