"""Tests of one concrete configuration: what it accepts, what it builds, and its sentence for every mistake."""

import copy

import numpy as np
import pytest
from pydantic import ValidationError

from sweep.data import KINDS as DATASETS
from sweep.data.dataset import Dataset, Part
from sweep.data.normalization import KINDS as NORMALIZATIONS
from sweep.data.normalization import Normalization
from sweep.experiment.messages import describe_errors
from sweep.experiment.sections import Configuration
from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layer import Call
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.losses import LOSSES, OUTPUTS
from sweep.nn.optimizers import OPTIMIZERS
from sweep.nn.regression import REGRESSION_LOSSES
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.evaluation import Settings
from sweep.training.loop import train
from sweep.training.networks import build_network, build_optimizer

VALID = {
    "data": {"dataset": "digits", "normalization": "min_max"},
    "network": {"hidden": [4, 3], "activation": "relu", "weights": "he_normal", "biases": "zeros", "output": "softmax"},
    "training": {
        "epochs": 2,
        "batch_size": 10,
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        "loss": "cross_entropy",
        "dtype": "float32",
    },
}

JARGON = ("Input", "dictionary", "instance", "extract", "object", "literal", "pydantic", "validation error", "\n")
"""Words of the library behind, which say nothing to the author of an experiment file."""


def changed(**values):
    """The valid configuration with other values: `network__activation="tanh"`."""
    tree = copy.deepcopy(VALID)
    for path, value in values.items():
        *sections, key = path.split("__")
        here = tree
        for section in sections:
            here = here[section]
        here[key] = value
    return tree


def without(path):
    tree = copy.deepcopy(VALID)
    section, _, key = path.partition(".")
    if key:
        del tree[section][key]
    else:
        del tree[section]
    return tree


def sentences(tree):
    """What is said of a tree that must be refused."""
    with pytest.raises(ValidationError) as caught:
        Configuration.model_validate(tree)
    return describe_errors(caught.value, tree)


def sentence(tree):
    """What is said of a tree with one mistake: one sentence, in the user's words."""
    (line,) = sentences(tree)
    for word in JARGON:
        assert word not in line
    return line


def fixed(kind, **values):
    return {"kind": kind, **values} if values else kind


VALUES_BESIDE = {"npz": {"file": "x.npz"}, "csv": {"file": "x.csv", "label": "y"}}
"""What some kinds cannot do without."""

REGISTRIES = [
    ("data.dataset", DATASETS),
    ("data.normalization", NORMALIZATIONS),
    ("network.activation", ACTIVATIONS),
    ("network.weights", INITIALIZERS),
    ("network.biases", INITIALIZERS),
    ("network.output", OUTPUTS),
    ("training.optimizer", OPTIMIZERS),
    ("training.loss", LOSSES | REGRESSION_LOSSES),
]


class TestKinds:
    @pytest.mark.parametrize(("path", "registry"), REGISTRIES, ids=[path for path, _ in REGISTRIES])
    def test_the_kinds_on_offer_are_those_of_the_registry(self, path, registry):
        line = sentence(changed(**{path.replace(".", "__"): "qqq"}))
        assert line.startswith(path)
        assert line.endswith("choose from " + ", ".join(sorted(registry)))
        assert "'qqq'" in line

    @pytest.mark.parametrize(
        ("path", "kind"),
        [(path, kind) for path, registry in REGISTRIES[:5] + REGISTRIES[6:7] for kind in registry],
    )
    def test_every_kind_stands_as_a_string_or_as_a_table(self, path, kind):
        beside = VALUES_BESIDE.get(kind, {})
        section, key = path.split(".")
        forms = [{"kind": kind, **beside}] if beside else [kind, {"kind": kind}]
        for form in forms:
            configuration = Configuration.model_validate(changed(**{path.replace(".", "__"): form}))
            assert getattr(getattr(configuration, section), key).kind == kind

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_every_activation_builds_a_network_that_runs(self, activation, dtype):
        assert np.isfinite(loss_of(changed(network__activation=activation, training__dtype=dtype)))

    @pytest.mark.parametrize("initializer", INITIALIZERS)
    @pytest.mark.parametrize("part", ["weights", "biases"])
    def test_every_initializer_builds_a_network_that_runs(self, initializer, part):
        assert np.isfinite(loss_of(changed(**{f"network__{part}": initializer})))

    @pytest.mark.parametrize("loss", LOSSES)
    @pytest.mark.parametrize("output", OUTPUTS)
    def test_an_output_and_a_loss_go_together_as_the_registry_says(self, loss, output):
        tree = changed(network__output=output, training__loss=loss)
        if output in LOSSES[loss]:
            assert build_network(Configuration.model_validate(tree), 3).loss is LOSSES[loss][output]
            assert np.isfinite(loss_of(tree))
        else:
            line = sentence(tree)
            assert f"network.output = '{output}'" in line
            assert f"training.loss = '{loss}'" in line
            for valid in LOSSES[loss]:
                assert valid in line

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_every_optimizer_builds_and_updates(self, optimizer):
        tree = changed(training__optimizer={"kind": optimizer, "learning_rate": 0.5})
        optimizer = build_optimizer(Configuration.model_validate(tree))
        params = np.ones(3)
        optimizer.update(params, np.ones(3), optimizer.init(params))
        assert (params < 1).all()

    def test_the_values_beside_a_kind_reach_what_is_built(self):
        tree = changed(
            network__hidden=[2],
            network__activation={"kind": "leaky_relu", "alpha": 0.25},
            network__weights={"kind": "uniform", "min": -3.0, "max": -3.0},
            network__biases={"kind": "normal", "mean": 5.0, "std": 0.0},
            training__optimizer={"kind": "sgd", "learning_rate": 0.125},
        )
        configuration = Configuration.model_validate(tree)
        layers = build_network(configuration, 3).layers
        assert [*layers] == ["hidden[0]", "hidden[0]/leaky_relu", "output"]
        assert slope_below_zero(layers["hidden[0]/leaky_relu"]) == 0.25
        params, _ = layers["hidden[0]"].init(np.random.default_rng(0), (4,), np.dtype("float64"))
        assert (params[:, :-1] == -3.0).all()
        assert (params[:, -1] == 5.0).all()  # the last column is the biases
        optimizer = build_optimizer(configuration)
        params = np.zeros(1)
        optimizer.update(params, np.ones(1), None)
        assert params == [-0.125]


def loss_of(tree):
    """The test loss after one epoch of training on a few random samples."""
    configuration = Configuration.model_validate(tree)
    dtype = np.dtype(configuration.training.dtype)
    settings = Settings(
        network=build_network(configuration, 3),
        optimizer=build_optimizer(configuration),
        normalization=Normalization(None, np.array(1, dtype)),
        batching=Batching(configuration.training.batch_size),
        epochs=1,
        dtype=dtype,
        seeds=Seeds(1, 2, 3),
    )
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(12, 5)).astype(dtype), rng.integers(3, size=12)
    dataset = Dataset(
        "toy", dict.fromkeys(["train", "test"], Part(x, t)), "classification", ("a", "b", "c"), (5,), "0" * 64
    )
    return [*train(dataset, settings)][-1].metrics["test_loss"]


def slope_below_zero(layer):
    x = np.array([[-1.0], [1.0]])
    work = layer.work((1,), 1, np.dtype("float64"))
    y, _, _ = layer.forward(None, None, x, work, Call(train=False, rng=np.random.default_rng(0)))
    return -y[0, 0]


class TestDefaults:
    def test_only_the_data_set_and_the_three_of_training_are_required(self):
        tree = {"data": {"dataset": "digits"}, "network": {}, "training": changed()["training"]}
        configuration = Configuration.model_validate(tree)
        assert configuration.network.hidden == []
        assert configuration.network.activation.kind == "relu"
        assert configuration.data.normalization.kind == "none"
        assert [*build_network(configuration, 3).layers] == ["output"]

    @pytest.mark.parametrize(
        "path",
        ["data", "network", "training", "data.dataset", "training.optimizer"],
    )
    def test_what_is_missing_is_named(self, path):
        assert sentence(without(path)) == f"{path} is missing"

    def test_every_mistake_gets_a_sentence_of_its_own(self):
        tree = changed(network__hidden=[0, 5, "x"], training__epochs=-1)
        del tree["training"]["optimizer"]
        lines = sentences(tree)
        assert [line.split()[0] for line in lines] == [
            "network.hidden[0]",
            "network.hidden[2]",
            "training.epochs",
            "training.optimizer",
        ]


# (key, a value that is wrong there, what the sentence must say besides the key)
WRONG = [
    ("training.epochs", 0, ["0", "1"]),
    ("training.epochs", -3, ["-3", "1"]),
    ("training.epochs", "5", ["'5'", "integer"]),
    ("training.epochs", 5.0, ["5.0", "integer"]),
    ("training.epochs", True, ["rue", "integer"]),
    ("training.epochs", [5], ["[5]", "integer"]),
    ("training.epochs", {}, ["{}", "integer"]),
    ("training.epochs", {"kind": "x"}, ["integer"]),
    ("training.epochs", float("inf"), ["inf", "integer"]),
    ("training.epochs", float("nan"), ["nan", "integer"]),
    ("training.epochs", 2**63, ["9223372036854775808"]),
    ("training.batch_size", 0, ["0", "1"]),
    ("training.batch_size", 1.5, ["1.5", "integer"]),
    ("training.batch_size", 10**30, ["1000000"]),
    ("training.optimizer", 5, ["5", "table"]),
    ("training.optimizer", ["sgd"], ["table"]),
    ("training.optimizer", "sdg", ["'sdg'", "did you mean 'sgd'?"]),
    ("training.optimizer", {"kind": 3}, ["3", "sgd"]),
    ("training.optimizer", {}, ["needs a kind"]),
    ("training.optimizer", {"learning_rate": 0.1}, ["needs a kind"]),
    ("training.optimizer", {"kind": "sgd", "learning_rat": 0.1}, ["'learning_rat'", "did you mean 'learning_rate'?"]),
    ("training.optimizer.learning_rate", 0.0, ["0.0", "greater than 0"]),
    ("training.optimizer.learning_rate", -0.1, ["-0.1", "greater than 0"]),
    ("training.optimizer.learning_rate", "fast", ["'fast'", "number"]),
    ("training.optimizer.learning_rate", True, ["rue", "number"]),
    ("training.optimizer.learning_rate", float("inf"), ["inf", "finite"]),
    ("training.optimizer.learning_rate", float("nan"), ["nan"]),
    ("training.optimizer.learning_rate", 10**400, ["number"]),
    ("training.loss", "cross", ["'cross'", "choose from", "cross_entropy", "mean_squared_error"]),
    ("training.loss", "cross_entropie", ["'cross_entropie'", "did you mean 'cross_entropy'?"]),
    ("training.loss", 5, ["5", "cross_entropy"]),
    ("training.dtype", "float16", ["'float16'", "float"]),
    ("training.dtype", 32, ["32", "float32"]),
    ("network.hidden", 5, ["5", "list"]),
    ("network.hidden", "x", ["'x'", "list"]),
    ("network.hidden", {}, ["list"]),
    ("network.hidden[0]", 0, ["0", "1"]),
    ("network.hidden[1]", "a", ["'a'", "integer"]),
    ("network.hidden[1]", [5], ["[5]", "integer"]),
    ("network.hidden[0]", 2**63, ["9223372036854775808"]),
    ("network.activation", 5, ["5", "table"]),
    ("network.activation", ["relu"], ["table"]),
    ("network.activation", {}, ["kind"]),
    ("network.activation", "Relu", ["'Relu'", "did you mean 'relu'?"]),
    ("network.activation", {"kind": "leaky"}, ["'leaky'", "did you mean 'leaky_relu'?"]),
    ("network.activation", {"kind": "relu", "alpha": 0.1}, ["'alpha'"]),
    ("network.activation", {"kind": "leaky_relu", "alhpa": 0.1}, ["'alhpa'", "did you mean 'alpha'?"]),
    ("network.activation.alpha", 1.5, ["1.5", "1"]),
    ("network.activation.alpha", -0.1, ["-0.1", "0"]),
    ("network.activation.alpha", "x", ["'x'", "number"]),
    ("network.weights", "he", ["'he'", "he_normal", "zeros"]),
    ("network.weights", {"kind": "he_normal", "std": 1.0}, ["'std'"]),
    ("network.weights", {"kind": "normal", "std": -1.0}, ["-1.0", "0"]),
    ("network.weights", {"kind": "normal", "mean": float("nan")}, ["nan", "finite"]),
    ("network.weights", {"kind": "uniform", "min": 1.0, "max": 0.0}, ["min", "max"]),
    ("network.biases", "zero", ["'zero'", "did you mean 'zeros'?"]),
    ("network.biases", 0, ["0", "table"]),
    ("network.output", "softmx", ["'softmx'", "did you mean 'softmax'?"]),
    ("network.output", 5, ["5", "softmax"]),
    ("network.output", {"kind": "softmax"}, ["softmax"]),
    ("data.dataset", "digit", ["'digit'", "did you mean 'digits'?"]),
    ("data.dataset", 5, ["5", "table"]),
    ("data.dataset", {"kind": "digits", "file": "x"}, ["'file'"]),
    ("data.dataset", "npz", ["file", "missing"]),
    ("data.dataset", {"kind": "npz", "file": 3}, ["3", "text"]),
    ("data.dataset", {"kind": "csv", "file": "a", "label": "b", "test_fraction": 1.0}, ["test_fraction", "1"]),
    ("data.dataset", {"kind": "csv", "file": "a", "label": "b", "test_fraction": 0}, ["test_fraction", "0"]),
    ("data.dataset", {"kind": "csv", "file": "a", "label": "b", "split_seed": -1}, ["split_seed", "-1"]),
    ("data.dataset", {"kind": "csv", "file": "a", "label": "b", "split_seed": 2**63}, ["split_seed"]),
    ("data.normalization", "minmax", ["'minmax'", "did you mean 'min_max'?"]),
    ("data.normalization", {"kind": "z_score", "over": "features"}, ["'features'", "did you mean 'feature'?"]),
    ("data.normalization", {"kind": "none", "over": "feature"}, ["over", "feature"]),
    ("data.normalization", 0, ["0", "table"]),
]


def placed(key, value):
    """The valid configuration with `value` at a dotted key."""
    if key == "network.activation.alpha":
        return changed(network__activation={"kind": "leaky_relu", "alpha": value})
    if key.startswith("network.hidden["):
        tree = changed()
        tree["network"]["hidden"][int(key[-2])] = value
        return tree
    return changed(**{key.replace(".", "__"): value})


class TestMistakes:
    @pytest.mark.parametrize(("key", "value", "parts"), WRONG)
    def test_the_sentence_says_where_what_and_what_would_be_right(self, key, value, parts):
        line = sentence(placed(key, value))
        assert line.startswith(key)
        for part in parts:
            assert part in line

    @pytest.mark.parametrize(
        ("section", "key", "meant"),
        [("data", "datset", "dataset"), ("network", "bias", "biases"), ("training", "epoch", "epochs")],
    )
    def test_an_unknown_key_is_named_with_the_closest_one(self, section, key, meant):
        line = sentence(changed(**{f"{section}__{key}": 5}))
        assert line == f"{section} has no key '{key}'; did you mean '{meant}'?"

    @pytest.mark.parametrize("section", ["data", "network", "training"])
    def test_a_key_unlike_all_others_is_answered_with_all_of_them(self, section):
        line = sentence(changed(**{f"{section}__qqq": 5}))
        assert line.startswith(f"{section} has no key 'qqq'; choose from ")
        assert set(VALID[section]) <= set(line.partition("choose from ")[2].split(", "))

    @pytest.mark.parametrize("section", ["data", "network", "training"])
    @pytest.mark.parametrize("value", [5, "x", [], None])
    def test_a_section_that_is_no_table_is_refused(self, section, value):
        line = sentence({**changed(), section: value})
        assert line.startswith(section)
        assert "table" in line

    def test_a_whole_number_may_stand_for_a_real_one(self):
        tree = changed(training__optimizer={"kind": "sgd", "learning_rate": 1})
        assert Configuration.model_validate(tree).training.optimizer.values() == {"learning_rate": 1.0}
