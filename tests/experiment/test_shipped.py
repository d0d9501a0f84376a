"""The experiments that come with sweep, and draws of the first edition, which never change."""

import hashlib
import json
from pathlib import Path

import pytest

from sweep.experiment.file import find, load, parse
from sweep.space.distributions import Integer, Uniform

SHIPPED = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))


FIRST_EDITION = {
    "cifar10-cnn": (
        "9ec4f0856be5feb4a0ad0ee5fb933572dc0471fc9b221a587ec7dd9e1d6b6af1",
        1,
        "5fd722a43ecac7ab6b5aa56dccdbe9e9d26a470c88aab5ddf0e64ab70824363b",
    ),
    "digits-cnn": (
        "0f364b0575de52442761ec0a96e790ab1b42399325a1f963760c5c8166321990",
        5,
        "e1e63c0c4abb6b40d3cf0e8ac48de08ddc95a1b712fbfd39de73d98492acc045",
    ),
    "digits-quickstart": (
        "cba8605faa45fe4162adac30dc38e1db3825c9e083e1570da51fb37bf5dc1efa",
        40,
        "57c3b11fd7aec677721803dbaed22611ae976b26cb076a9fec8ac48c74e65d31",
    ),
    "mnist-alpha-fast": (
        "0c6cac61edc29682c4f85a88344b3bda9282a058e614b6717622cde42f923e78",
        100,
        "58db4474262398a8025c3d9ea6566d7cc5064d576e1501a07271457316a5205f",
    ),
    "mnist-alpha": (
        "df8ef4c018894fd19ae7555d0189af218ca593da741b84c0e7e25423b9582e3b",
        100,
        "e83e5a02042ce553a50d93415cad10873d53bc0abf0579f519966b9b1a1a9759",
    ),
    "mnist-cnn-batch-norm": (
        "50cba173ba5c33988fa7ee9bf445aaf55871bf688e4082334c9947cef1ab9d63",
        20,
        "987cbc7595c28ed8dd0c7d846904056b344918ad71c647913b18ef2c22761fd3",
    ),
    "mnist-cnn": (
        "017c01892ad405bb2fe408d6156c13ff3131b484af272336ae6d3e61162e6a1b",
        1,
        "e2ac4c98d6178206588ce0fa8bdbf3d7899cbecfb82f7765c31a0a86ac58bdd2",
    ),
    "mnist-learning-rate": (
        "544e6e0ce8094bcb86e61214bee0af422f8a46239b41ddbdebe774eb7dd30641",
        100,
        "812bb1def04f136c07efb80de44601dd98114e7b7a1bd1b8f4a4293aa7157614",
    ),
    "mnist-normalization": (
        "53f5da7d959862caf75cb5226acd1d7fce0c3618f02caadf5bae92d146b348d9",
        100,
        "c1223d6f73830bd671a2237e0a8a7eb5e8ecfd0f28146126a687861ad199614a",
    ),
    "mnist-overflow": (
        "46d5648f06ad36785438af09fac7d8aff1388b0b876e6ff135afde37223caa42",
        1,
        "7174f5e42591482651a6affd968823118d8e7ca313886e9f6ddc465b7e0cb520",
    ),
    "mnist-search-everything": (
        "7a60ae190fb321bc12369dcbfdf8e91c74e6c41473e66d3db793a7be49efd1fb",
        40,
        "f07f2cc4533620ac2b3ce9707f9508786bd2e08313f2ed54bc8feea8ed6161e1",
    ),
    "mnist-sigmoid-mlp": (
        "503d39a005be552e0d19d710cf74472710d5ea34577c1e84bbd0bc2130f3bc67",
        1,
        "ccb9e6c41bd1c1f9fa53f0625af916d2d75a93c1562b5253b161befbb4214eef",
    ),
    "mnist-two-layer": (
        "073da1a250db1884ce48a4b7c05c8ad2049355b1cef66696b8afeafd1e3ff099",
        1,
        "9dc06019cf3d04ad99ca108a3035945f94b4cfe5b8ee2e959b7f2d29e7ccc861",
    ),
    "mnist-widths": (
        "a8cd50006eafd5f4f34b1e1b1cdb5b5317e790cdd11f546a6275d96e79fd7545",
        100,
        "0177e4c69ae415d624f310850bc7ce29108a11266992be24f1c943f29ec62cd1",
    ),
}
"""Experiment -> (fingerprint, number of trials, SHA-256 of all that was drawn), computed by the first edition."""

CONDITIONS = """
name = "conditions"
trials = 200
seed = 9223372036854775807
[data]
dataset = { choice = ["digits", { kind = "npz", file = "a.npz" }, { kind = "csv", file = "a.csv", label = "y" }] }
normalization = { choice = ["z_score", { kind = "min_max", over = "feature" }] }
[network]
hidden = { choice = [
    [], [5], [{ int = [1, 64], log = true }, { int = [2, 4] }, { choice = [3, { int = [5, 9], step = 2 }] }],
] }
activation = { choice = ["relu", { kind = "leaky_relu", alpha = { choice = [0.1, { uniform = [0, 1] }] } }] }
weights = { kind = "uniform", min = { uniform = [-2.0, -1.0] }, max = 1.0 }
[training]
epochs = { int = [1, 3] }
batch_size = 5
optimizer = { kind = "sgd", learning_rate = { log_uniform = [1e-6, 10] } }
"""

CONDITIONS_DRAWN = (
    "b36ebf3e54a121ce5479efd809c34f170b8f50e83189b9403b215f8ac47a3af4",
    "6c741e26e1810392f1ee21faea74474a92d0f888fa042d83eae9eda41cbb7ac5",
)


def digest(trials):
    """SHA-256 of all that was drawn."""
    seeds = [[t.seeds.weights, t.seeds.shuffling, t.seeds.dropout] for t in trials]
    rows = [[t.number, t.parameters, t.configuration, s] for t, s in zip(trials, seeds, strict=True)]
    lines = [json.dumps(row, sort_keys=True) for row in rows]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class TestFirstEdition:
    @pytest.mark.parametrize("name", FIRST_EDITION)
    def test_a_released_experiment_draws_what_it_always_drew(self, name):
        experiment = load(name)
        trials = experiment.trials()
        if "keep_weights" not in experiment.tree["training"]:  # none were kept then, and a file said nothing of it
            assert {trial.configuration["training"].pop("keep_weights") for trial in trials} == {"best"}
        assert (experiment.fingerprint, len(trials), digest(trials)) == FIRST_EDITION[name]

    def test_conditional_spaces_draw_what_they_always_drew(self):
        experiment = parse(CONDITIONS, "x", file_format=1)
        assert (experiment.fingerprint, digest(experiment.trials())) == CONDITIONS_DRAWN


GIVEN = {"mnist-batch-norm-mlp": 2 * 3, "mnist-widths-published": 33 * 5}
"""File whose configurations are a grid or a table -> number of its trials."""


class TestShipped:
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
    def test_it_loads_by_name_and_draws_valid_trials(self, path, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        experiment = load(path.stem)
        assert experiment.name == path.stem
        assert experiment.header.description
        trials = experiment.trials()
        known = FIRST_EDITION[path.stem][1] if path.stem in FIRST_EDITION else experiment.planned_trials
        assert len(trials) == GIVEN.get(path.stem, known)
        for trial in trials:
            assert {type(value) for value in trial.parameters.values()} <= {int, float, str, bool}
        assert find(path.stem) == find(path) == path

    def test_the_first_one_needs_nothing_to_be_downloaded(self):
        experiment = load("digits-quickstart")
        assert experiment.tree["data"]["dataset"] == "digits"
        assert experiment.header.trials == 40

    def test_mnist_widths_is_the_published_search(self):
        experiment = load("mnist-widths")
        assert experiment.header.trials == 100
        assert experiment.tree == {
            "data": {"dataset": "mnist", "normalization": "min_max"},
            "network": {
                "hidden": [Integer(10, 99), Integer(10, 99)],
                "activation": {"kind": "leaky_relu", "alpha": Uniform(0.0, 0.4)},
                "weights": "he_normal",
                "biases": "zeros",
                "output": "softmax",
            },
            "training": {
                "epochs": 50,
                "batch_size": Integer(10, 90, step=10),
                "optimizer": {"kind": "sgd", "learning_rate": Uniform(0.005, 0.5, log=True)},
                "loss": "cross_entropy",
            },
        }

    def test_mnist_normalization_searches_four_normalizations(self):
        tree = load("mnist-normalization").tree
        ways = [(option["kind"], option["over"]) for option in tree["data"]["normalization"].options]
        assert ways == [(kind, over) for kind in ("min_max", "z_score") for over in ("all", "feature")]
        assert tree["network"]["hidden"] == [100, 50]
        assert tree["network"]["activation"] == {"kind": "leaky_relu", "alpha": Uniform(0.0, 0.3)}
        assert tree["training"]["batch_size"] == Integer(20, 100, step=10)

    def test_mnist_normalization_draws_each_of_them(self):
        drawn = {str(trial.configuration["data"]["normalization"]) for trial in load("mnist-normalization").trials()}
        assert len(drawn) == 4

    def test_the_articles_normalizations_are_searched_by_the_same_draws(self):
        ours, articles = (load(name).trials() for name in ("mnist-normalization", "mnist-normalization-article"))
        for our, article in zip(ours, articles, strict=True):
            normalization = our.configuration["data"]["normalization"]
            if normalization["over"] == "feature":
                normalization["constant"] = "article"
            assert article.configuration == our.configuration
            assert article.seeds == our.seeds
            assert [*article.parameters] == [*our.parameters]

    @pytest.mark.parametrize(
        ("name", "original", "repeats"),
        [("mnist-deskew-sigmoid", "mnist-sigmoid-mlp", 3), ("mnist-deskew-widths", "mnist-widths", 5)],
    )
    def test_deskewed_digits_are_compared_with_those_as_they_are(self, name, original, repeats):
        trials, known = load(name).trials(), [trial.configuration for trial in load(original).trials()]
        drawn = [trial.configuration["data"].pop("transform") for trial in trials]
        assert drawn == ["none"] * repeats + ["deskew"] * repeats
        assert all(trial.configuration in known for trial in trials)

    @pytest.mark.parametrize(
        ("name", "trials", "activation", "learning_rate"),
        [
            ("mnist-learning-rate", 100, "relu", Uniform(0.1, 1.0)),
            ("mnist-alpha", 100, {"kind": "leaky_relu", "alpha": Uniform(0.0, 0.3)}, 0.1),
            ("mnist-alpha-fast", 100, {"kind": "leaky_relu", "alpha": Uniform(0.0, 0.3)}, 0.5),
            ("mnist-overflow", 1, {"kind": "leaky_relu", "alpha": 0.1}, 1.0),
        ],
    )
    def test_the_others_vary_one_thing_in_a_fixed_network(self, name, trials, activation, learning_rate):
        experiment = load(name)
        assert experiment.header.trials == trials
        assert experiment.tree == {
            "data": {"dataset": "mnist", "normalization": "min_max"},
            "network": {
                "hidden": [100, 50],
                "activation": activation,
                "weights": "he_normal",
                "biases": "zeros",
                "output": "softmax",
            },
            "training": {
                "epochs": 5,
                "batch_size": 100,
                "optimizer": {"kind": "sgd", "learning_rate": learning_rate},
                "loss": "cross_entropy",
            },
        }
