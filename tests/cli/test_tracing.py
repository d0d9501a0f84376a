"""Tests of the command that traces a training."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import sweep

NAME = "digits-quickstart"


@pytest.fixture
def diverged(workplace):
    return int(sweep.load(NAME).diverged(1)["trial"].item())


@pytest.fixture
def completed(workplace):
    return int(sweep.load(NAME).best(1)["trial"].item())


def rows(out):
    return list(csv.DictReader(io.StringIO(out)))


def test_a_diverged_trial(cli, diverged):
    at = sweep.load(NAME).trial(diverged).divergence
    answer = cli("trace", diverged)
    title, head, _, *table = [line.split() for line in answer.out.splitlines() if line.strip()]
    assert " ".join(title) == f"Largest absolute values of {NAME}/{diverged}"
    assert head[:8] == ["step", "epoch", "batch", "loss", "output/u", "output/W", "output/dW", "hidden[1]/dz"]
    assert all(f"{column.rpartition('/')[2]} of {column.rpartition('/')[0]}" in answer.err for column in head[8:])
    assert table[-1][1:3] == [str(at.epoch), str(at.step)]
    step = int(table[-1][0])
    preparing, where, first, growing = answer.err.splitlines()
    assert preparing == "preparing the data set digits"
    place = f"(epoch {at.epoch}, mini-batch {at.step}): {at.kind} in {at.place}"
    assert where == f"{NAME}/{diverged} diverges in step {step} {place}"
    assert first == f"the first not to be finite: u of {at.place.removesuffix('/forward')}"
    assert growing.startswith("growing without return before it: ")


def test_all_layers_are_in_the_formats_for_programs(cli, diverged):
    found = rows(cli("trace", diverged, "--format", "csv").out)
    layers = ("hidden[0]", "hidden[1]", "output")
    assert {*found[0]} == {
        *("step", "epoch", "batch", "loss"),
        *(f"{layer}/{array}" for layer in layers for array in ("u", "z", "W", "dW", "dz")),
    }
    values = json.loads(cli("trace", f"{NAME}/{diverged}", "--format", "json").out)
    assert [row["loss"] for row in values[:-1]] == [float(row["loss"]) for row in found[:-1]]
    assert cli("trace", diverged, "--format", "markdown").out.startswith("| step | epoch | batch |")


def test_the_layers_and_the_steps_that_are_asked_for(cli, completed):
    answer = cli("trace", completed, "--layer", "hidden[0]", "--from-step", 7, "--steps", 5, "--format", "csv")
    found = rows(answer.out)
    assert [row["step"] for row in found] == ["7", "8", "9", "10", "11"]
    assert [*found[0]][4:] == [f"hidden[0]/{array}" for array in ("W", "u", "z", "dW", "dz")]
    assert answer.err.splitlines()[1] == f"{NAME}/{completed} has not diverged up to step 11"


def test_a_long_table_shows_its_end(cli, completed):
    answer = cli("trace", completed, "--layer", "output")
    lines = [line.split() for line in answer.out.splitlines() if line.strip()]
    last = int(lines[-1][0])
    assert [int(line[0]) for line in lines[3:]] == [*range(last - 59, last + 1)] or last <= 60
    assert (last <= 60) == ("earlier" not in answer.err)


def test_the_chart_and_the_arrays(cli, diverged):
    answer = cli("trace", diverged, "-o", "t.png", "--dump", "t.npz")
    assert Path("t.png").read_bytes().startswith(b"\x89PNG")
    step = int(np.load("t.npz")["step"])
    assert answer.err.splitlines()[-2:] == ["chart: t.png", f"arrays of step {step}: t.npz"]


def test_an_experiment_file_needs_no_sweep(cli, diverged):
    stored = cli("trace", diverged, "--format", "csv")
    options = ["--trial", diverged, "--format", "csv", "--set", "epochs=2", "--db", "none.db"]
    answer = cli("trace", NAME, *options)
    assert answer.out == stored.out
    assert not Path("none.db").exists()


def test_dead_units_are_told(cli):
    options = ["--set", "activation='relu'", "--set", "epochs=1", "--set", "biases={kind='normal',mean=-50}"]
    lines = cli("trace", NAME, *options).err.splitlines()
    dead = [line for line in lines if "are dead" in line]
    assert len(dead) == 2
    assert dead[0].startswith("100% of the units of hidden[0]/relu are dead before step ")
    options[1] = "activation='tanh'"
    assert "100% of the units of hidden[0]/tanh are saturated before step" in cli("trace", NAME, *options).err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["0", "--set", "epochs=1"], 2, "--set and --trial go with an experiment file"),
        (["0", "--trial", 1], 2, "--set and --trial go with an experiment file"),
        (["0", "--from-step", 0], 2, "--from-step must be at least 1, not 0"),
        (["0", "--steps", 0], 2, "--steps must be at least 1, not 0"),
        (
            ["0", "--layer", "hidden[7]"],
            2,
            "no layer 'hidden[7]' with weights; choose from hidden[0], hidden[1], output",
        ),
        (["0", "--from-step", 99999], 2, "--from-step 99999 is too late: the training "),
        (["nothing"], 2, "there is no experiment 'nothing'"),
        (["99"], 1, "there is no trial 99"),
        ([NAME, "--trial", -1], 2, "the number of a trial is at least 0, not -1"),
        ([NAME, "--trial", 40], 2, f"{NAME} draws no trial 40"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli, arguments, code, words):
    assert words in cli("trace", *arguments).sentence(code)


def test_a_layer_may_be_named_twice(cli, completed):
    once, twice = (cli("trace", completed, *["--layer", "hidden[0]"] * times) for times in (1, 2))
    assert (once.code, once.out) == (twice.code, twice.out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.gif"], "must end in"),
        (["--dump", "no/d.npz"], "there is no folder"),
        (["--dump", "d.txt"], "must end"),
    ],
)
def test_files_are_checked_before_anything_is_trained(cli, completed, arguments, words):
    answer = cli("trace", completed, *arguments)
    assert words in answer.err and answer.code in (1, 2)
    assert answer.out == "" and "preparing" not in answer.err


def test_the_sharpness_takes_the_place_of_the_steps(cli, diverged):
    at = sweep.load(NAME).trial(diverged).divergence
    answer = cli("trace", diverged, "--sharpness", "--format", "csv")
    found = rows(answer.out)
    assert [*found[0]] == ["epoch", "sharpness", "instability"]
    assert [int(row["epoch"]) for row in found] == [*range(at.epoch)]
    rate = sweep.load(NAME).trial(diverged).configuration["training"]["optimizer"]["learning_rate"]
    assert float(found[0]["instability"]) == pytest.approx(rate * float(found[0]["sharpness"]) / 2)
    assert "diverges in step" in answer.err
