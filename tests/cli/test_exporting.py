"""Tests of `sweep export` beyond files of tables: standard output, TensorBoard, networks, and what it refuses."""

import json

import pytest

import sweep
from sweep.results.format import render

NAME = "digits-quickstart"


@pytest.mark.parametrize(("options", "format"), [([], "csv"), (["--format", "json"], "json")])
@pytest.mark.parametrize("table", ["trials", "epochs"])
def test_a_table_goes_to_standard_output(cli, options, format, table):
    answer = cli("export", "-o", "-", *options, *(["--epochs"] if table == "epochs" else []))
    frame = getattr(sweep.load(), table)()
    assert (answer.code, answer.out, answer.err) == (0, render(frame, format), "")


def test_a_folder_for_tensorboard_is_named_with_the_command_that_shows_it(cli, workplace):
    answer = cli("export", "--tensorboard", "my runs")
    assert (answer.code, answer.out) == (0, "")
    look = f"look at them with `tensorboard --logdir 'my runs/{NAME}'`"
    assert answer.err == f"wrote 8 runs of {NAME} to my runs; {look}\n"
    assert len([*(workplace / "my runs" / NAME).iterdir()]) == 9


@pytest.mark.parametrize("options", [["--weights", "0"], ["--weights", f"{NAME}/0"], [NAME, "--weights", "0"]])
def test_a_trained_network_is_described(cli, workplace, options):
    answer = cli("export", *options, "-o", "net.onnx")
    assert (answer.code, answer.out) == (0, "")
    written, shapes, checked = answer.err.splitlines()
    assert written == f"wrote {NAME}/0 with the weights of epoch {sweep.load().trials()['epoch'][0]} to net.onnx"
    assert shapes == (
        "input: float32 (samples, 1, 8, 8), not normalized; output: the probability of each of 10 classes"
    )
    assert checked.startswith("onnxruntime gives what sweep gives for 450 examples of the test part, with a largest ")
    assert [path.name for path in workplace.iterdir()] == ["net.onnx"]


def test_weights_of_epoch_0_are_those_of_the_untrained_network(cli, workplace):
    diverging = ["--set", "learning_rate=1e9", "--set", "epochs=2", "--trials", "1", "-q", "--db", "d.db"]
    cli("run", NAME, *diverging)
    untrained = "weights of epoch 0 (the untrained network)"
    assert f"with the {untrained} to net.npz" in cli("export", "--weights", "0", "-o", "net.npz", "--db", "d.db").err
    assert f"{untrained} are kept: " in cli("show", "0", "--db", "d.db").out
    assert f"{NAME}/0: {untrained}" in cli("predict", "0", "--db", "d.db").err


def test_an_archive_needs_no_description(cli, workplace):
    answer = cli("export", "--weights", "0", "-o", "net.npz")
    assert len(answer.err.splitlines()) == 1
    assert (workplace / "net.npz").exists()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ([], "say where to write, such as -o trials.csv"),
        (["--weights", "0"], "say where to write, such as -o net.onnx"),
        (["-o", "a.csv", "--tensorboard", "runs"], "-o and --tensorboard exclude each other"),
        (["--mlflow", "a.db", "--tensorboard", "runs"], "--mlflow and --tensorboard exclude each other"),
        (["-o", "a.csv", "--epochs", "--batches"], "--epochs and --batches exclude each other"),
        (["--tensorboard", "runs", "--epochs"], "--epochs does not go with --tensorboard"),
        (["--mlflow", "a.db", "--format", "csv"], "--format does not go with --mlflow"),
        (["--weights", "0", "-o", "net.onnx", "--epochs"], "--epochs does not go with --weights"),
        (["--weights", "0", "--tensorboard", "runs"], "--tensorboard does not go with --weights"),
        (["--weights", "0", "-o", "net.pt"], "its name must end in .npz or .onnx"),
        (["tiny", "--weights", f"{NAME}/0", "-o", "net.npz"], "--weights takes a trial of tiny, such as 0, not"),
        (["--weights", "best", "-o", "net.npz"], "a trial is a number such as 12"),
        (["-o", "-", "--format", "parquet"], "parquet is not a format of text"),
        (["-o", "-", "--format", "tensorboard"], "tensorboard is not a format of text"),
        (["-o", "a.xlsx"], "its name must end in .csv or .json or .parquet"),
        (["-o", "a.csv", "--format", "jsn"], "did you mean 'json'"),
    ],
)
def test_options_that_do_not_go_together_are_named(cli, workplace, options, part):
    assert part in cli("export", *options).sentence(2)
    assert [*workplace.iterdir()] == []


def test_a_network_without_kept_weights_says_how_to_keep_them(cli, workplace):
    sentence = cli("export", "tiny", "--weights", "0", "-o", "net.npz").sentence(1)
    assert "no weights of tiny/0 are kept" in sentence
    assert "--set training.keep_weights=best" in sentence
    assert [*workplace.iterdir()] == []


def test_json_of_a_running_sweep_is_complete(cli, copy_of_shelf):
    import sqlite3

    with sqlite3.connect(copy_of_shelf) as connection:
        connection.execute("UPDATE trials SET status = 'queued', finished = NULL WHERE number = 7")
    connection.close()
    answer = cli("export", NAME, "-o", "-", "--format", "json", "--db", copy_of_shelf)
    assert [record["trial"] for record in json.loads(answer.out)] == [*range(8)]
