"""The gradient check of experiments: which network, on which inputs, and how the findings are told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweep.checks import gradients
from sweep.checks.gradients import gradient_check, has_problem
from sweep.data import KINDS, open_dataset, prepare
from sweep.errors import DataError, ExperimentError, UsageError
from sweep.experiment.file import load, parse
from sweep.nn.layer import OuterProduct
from sweep.nn.network import Network
from sweep.nn.penalties import Penalty

SHIPPED = [
    path
    for path in sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))
    if "[network]" in path.read_text(encoding="utf-8")
]

TEXT = """
name = "small"
trials = 3
[data]
dataset = {dataset}
[network]
hidden = [{{ int = [3, 9] }}]
[training]
epochs = 1
batch_size = 10
optimizer = "adam"
{more}
"""


def experiment(dataset='"digits"', more="", path=None):
    text = TEXT.format(dataset=dataset, more=more)
    if path is None:
        return parse(text, "small.toml")
    path.write_text(text)
    return load(path)


@pytest.fixture
def fault(monkeypatch):
    """A function that multiplies the gradients of a layer's parameters in every network that is built."""
    build = gradients.build_network

    def plant(name, factor):
        def built(configuration, classes, example=()):
            network = build(configuration, classes, example)
            layer = network.layers[name]

            def backward(*operands):
                dx, gradient = layer.backward(*operands)
                return dx, OuterProduct(gradient.left * factor, gradient.right)

            return Network({**network.layers, name: layer._replace(backward=backward)}, network.loss)

        monkeypatch.setattr(gradients, "build_network", built)

    return plant


def of_parameters(checked):
    """The rows of parameters, without those of inputs."""
    return checked[checked["parameter"] != "input"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_gradients_of_every_shipped_experiment_are_right(path):
    checked = gradient_check(load(path), samples=3)
    assert set(checked["verdict"]) == {"OK"}
    assert not has_problem(checked)


def test_one_row_tells_of_one_parameter():
    checked = gradient_check(experiment(), samples=5)
    assert [*checked.columns] == ["layer", "parameter", "shape", "entries", "checked", "kinks", "error", "verdict"]
    units = experiment().trials()[0].configuration["network"]["hidden"][0]
    assert checked.query("parameter == 'input'")["layer"].tolist() == ["hidden[0]/relu", "loss"]
    checked = of_parameters(checked)
    assert [tuple(row)[:4] for row in checked.itertuples(index=False)] == [
        ("hidden[0]", "weights", f"{units}×64", units * 64),
        ("hidden[0]", "biases", f"{units}", units),
        ("output", "weights", f"10×{units}", 10 * units),
        ("output", "biases", "10", 10),
    ]
    assert ((checked["checked"] + checked["kinks"]).to_numpy() == np.minimum(5, checked["entries"])).all()
    assert checked["error"].between(0, 1e-9).all()


def test_the_same_experiment_has_the_same_findings():
    pd.testing.assert_frame_equal(gradient_check(experiment()), gradient_check(experiment()))


def test_a_planted_fault_is_a_problem(fault):
    fault("hidden[0]", 1.001)
    checked = gradient_check(load("digits-quickstart"), samples=10)
    assert checked.loc[checked["layer"] == "hidden[0]", "verdict"].tolist() == ["PROBLEM"] * 2
    assert checked.loc[checked["layer"] != "hidden[0]", "verdict"].eq("OK").all()
    assert has_problem(checked)


def test_the_regularization_is_checked_too(monkeypatch):
    monkeypatch.setattr(Penalty, "add_gradient", lambda self, weights, gradient: None)
    assert not has_problem(gradient_check(experiment(), samples=5))
    checked = gradient_check(experiment(more="l2 = 0.1"), samples=5)
    assert checked.groupby("parameter")["verdict"].unique().map(list).to_dict() == {
        "weights": ["PROBLEM"],
        "biases": ["OK"],
        "input": ["OK"],
    }
    assert checked["layer"].iloc[-1] == "penalty"


@pytest.mark.parametrize("verdicts", [["OK"], ["OK", "warning", "not checked"]])
def test_only_a_problem_is_one(verdicts):
    assert not has_problem(pd.DataFrame({"verdict": verdicts}))
    assert has_problem(pd.DataFrame({"verdict": [*verdicts, "PROBLEM"]}))


def test_progress_is_told():
    seen = []
    checked = gradient_check(experiment(), samples=5, progress=lambda *counts: seen.append(counts))
    total = int(of_parameters(checked)[["checked", "kinks"]].to_numpy().sum())
    assert seen == [(done, total) for done in range(1, total + 1)]


# The data set


def test_shapes_are_known_for_every_data_set_without_a_file_of_its_own():
    for kind in set(KINDS) - {"csv", "npz"}:
        assert KINDS[kind].shape
        assert KINDS[kind].classes == 10
    digits = open_dataset(prepare("digits"))
    assert (KINDS["digits"].shape, KINDS["digits"].classes) == (digits.shape, digits.outputs)


def test_the_files_of_known_data_sets_are_not_needed(tmp_path):
    assert not has_problem(gradient_check(experiment('"fashion_mnist"'), data=tmp_path, samples=2))


@pytest.mark.parametrize("given", ["folder of the experiment", "--data"])
def test_the_shape_of_a_table_is_that_of_its_file(given, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = [f"{i % 7},{i % 5},{i % 3},{'abcd'[i % 4]}" for i in range(40)]
    folder = data if given == "--data" else tmp_path
    (folder / "table.csv").write_text("\n".join(["x,y,z,kind", *rows]))
    table = experiment('{ kind = "csv", file = "table.csv", label = "kind" }', path=tmp_path / "small.toml")
    checked = gradient_check(table, data=data if given == "--data" else None)
    units = table.trials()[0].configuration["network"]["hidden"][0]
    assert of_parameters(checked)["shape"].tolist() == [f"{units}×3", f"{units}", f"4×{units}", "4"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"file nothing\.npz is not in"):
        gradient_check(experiment('{ kind = "npz", file = "nothing.npz" }'), data=tmp_path)


# Mistakes


def test_layers_that_do_not_fit():
    text = TEXT.format(dataset='"digits"', more="").replace("hidden = [{ int = [3, 9] }]", 'layers = ["flatten", {}]')
    text = text.replace("{}", '{ kind = "convolution", filters = 2, kernel = 3 }')
    with pytest.raises(ExperimentError, match=r"trial 0: network\.layers\[1\]/convolution takes an image"):
        gradient_check(parse(text, "small.toml"))


@pytest.mark.parametrize("samples", [0, -1])
def test_no_samples_at_all(samples):
    with pytest.raises(UsageError, match=f"must be at least 1, not {samples}"):
        gradient_check(experiment(), samples=samples)


def test_all_entries_can_be_checked():
    checked = of_parameters(gradient_check(experiment(), samples=None))
    assert (checked["checked"] + checked["kinks"] == checked["entries"]).all()


def test_the_network_is_the_one_that_trial_0_begins_with(monkeypatch):
    seen = {}

    def look(network, x, labels, seeds, **options):
        seen.update(options, seeds=seeds)
        return check(network, x, labels, seeds, **options)

    check = gradients.check
    monkeypatch.setattr(gradients, "check", look)
    gradient_check(experiment(more="l1 = 0.5"), samples=2)
    assert seen["seeds"] == experiment().trials()[0].seeds
    assert seen["penalty"] == Penalty(0.5, 0.0)
