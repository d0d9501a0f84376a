"""Tests of the experiment file: reading it, overriding it, drawing from it, and the answer to every mistake in it."""

import copy
import csv
import datetime
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweep.errors import ExperimentError, SweepError, UsageError
from sweep.experiment import parameters as searched
from sweep.experiment.experiment import Experiment, Header, find, load, parse
from sweep.space.distributions import Choice, Integer, Uniform

SHIPPED = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))

TOY = {
    "name": "toy",
    "trials": 3,
    "seed": 7,
    "data": {"dataset": "digits", "normalization": "min_max"},
    "network": {
        "hidden": [{"int": [4, 9]}, 8],
        "activation": {"kind": "leaky_relu", "alpha": {"uniform": [0.0, 0.4]}},
        "output": "softmax",
    },
    "training": {
        "epochs": 2,
        "batch_size": {"int": [10, 90], "step": 10},
        "optimizer": {"kind": "sgd", "learning_rate": {"log_uniform": [0.01, 2.0]}},
        "loss": "cross_entropy",
    },
}

CONDITIONAL = {
    "name": "conditional",
    "trials": 3,
    "data": {"dataset": {"choice": ["digits", {"kind": "npz", "file": "a.npz"}]}},
    "network": {
        "hidden": {"choice": [[], [5], [{"int": [1, 64], "log": True}, {"int": [2, 4]}]]},
        "activation": {"choice": ["relu", {"kind": "leaky_relu", "alpha": {"choice": [0.1, {"uniform": [0, 1]}]}}]},
        "weights": {"kind": "uniform", "min": {"uniform": [-2.0, -1.0]}, "max": 1.0},
    },
    "training": {"epochs": {"int": [1, 3]}, "batch_size": 5, "optimizer": "sgd"},
}


def toml(value):
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime.date) else repr(value)


def text_of(tree):
    """A tree as the text of an experiment file, its sections as inline tables."""
    return "".join(f"{toml(key)} = {toml(value)}\n" for key, value in tree.items())


REMOVED = object()


def toy(**changes):
    """The text of a small experiment with other values: `training__epochs=5`, `network__hidden__0=REMOVED`."""
    tree = copy.deepcopy(TOY)
    for path, value in changes.items():
        *parents, key = (int(part) if part.isdecimal() else part for part in path.split("__"))
        here = tree
        for part in parents:
            here = here[part]
        if value is REMOVED:
            del here[key]
        else:
            here[key] = value
    return text_of(tree)


def refusal(text, *overrides, kind=UsageError):
    """The message that answers a text, or the overrides, with a mistake."""
    with pytest.raises(kind) as caught:
        parse(text, "toy.toml", overrides).trials()
    assert caught.value.exit_code == 2
    message = str(caught.value)
    for line in message.split("\n"):
        assert line.isprintable()
    return message


def drawn(text, *overrides):
    """The parameters of all trials."""
    return [trial.parameters for trial in parse(text, "toy.toml", overrides).trials()]


class TestReading:
    def test_a_file_is_read_whole(self, tmp_path):
        path = tmp_path / "toy.toml"
        path.write_text(toy(), encoding="utf-8")
        experiment = load(path)
        assert isinstance(experiment, Experiment)
        assert experiment.name == "toy"
        assert experiment.text == toy()
        assert experiment.overrides == ()
        assert experiment.folder == tmp_path
        assert [parameter.name for parameter in experiment.parameters] == [
            "network.hidden[0]",
            "network.activation.alpha",
            "training.batch_size",
            "training.optimizer.learning_rate",
        ]

    def test_the_path_may_be_text(self, tmp_path, monkeypatch):
        (tmp_path / "toy.toml").write_text(toy(), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        assert load("toy.toml").name == "toy"
        assert load(str(tmp_path / "toy.toml")).name == "toy"

    def test_a_missing_file_is_answered_with_what_there_is(self, tmp_path):
        with pytest.raises(ExperimentError) as caught:
            load(tmp_path / "nope.toml")
        assert str(tmp_path / "nope.toml") in str(caught.value)
        assert "digits-quickstart" in str(caught.value)
        assert caught.value.exit_code == 2

    def test_an_unknown_name_is_answered_with_the_closest(self):
        with pytest.raises(ExperimentError, match=r"'digits-quickstar'.*did you mean 'digits-quickstart'\?"):
            load("digits-quickstar")

    def test_a_name_unlike_all_others_is_answered_with_all_of_them(self):
        with pytest.raises(ExperimentError) as caught:
            load("qqq")
        for path in SHIPPED:
            assert path.stem in str(caught.value)

    @pytest.mark.parametrize("name", ["", "x" * 300, "x" * 5000, "a\0b"])
    def test_a_name_that_no_file_can_have_is_merely_unknown(self, name):
        with pytest.raises(ExperimentError):
            load(name)

    def test_a_folder_is_said_to_be_one(self, tmp_path):
        with pytest.raises(ExperimentError) as caught:
            load(tmp_path)
        assert str(tmp_path) in str(caught.value)
        assert "does not exist" not in str(caught.value)

    def test_a_folder_does_not_hide_an_experiment_of_its_name(self, tmp_path, monkeypatch):
        (tmp_path / "digits-quickstart").mkdir()
        monkeypatch.chdir(tmp_path)
        assert load("digits-quickstart").name == "digits-quickstart"

    def test_a_file_that_is_not_utf8_is_refused(self, tmp_path):
        path = tmp_path / "toy.toml"
        path.write_bytes(toy(description="Größe").encode("latin-1"))
        with pytest.raises(ExperimentError, match="UTF-8") as caught:
            load(path)
        assert str(path) in str(caught.value)

    def test_line_ends_of_windows_are_read(self, tmp_path):
        path = tmp_path / "toy.toml"
        path.write_bytes(toy().replace("\n", "\r\n").encode())
        assert load(path).fingerprint == parse(toy(), "toy.toml").fingerprint

    def test_the_keys_at_its_top_are_those_that_can_be_set(self):
        assert tuple(Header.model_fields) == searched.KEYS


class TestToml:
    @pytest.mark.parametrize(
        "text",
        [
            "name = ",
            "name",
            "[data",
            'name = "a\nb"',
            "x = 1\nx = 2",
            toy() + "[training]\n",
            toy() + "[data.dataset.kind]\n",
            "\0",
            "x = " + "[" * 5000 + "]" * 5000,
            "x = " + "{a=" * 5000 + "1" + "}" * 5000,
            "x = " + "9" * 5000,
            "a." * 5000 + "b = 1",
        ],
        ids=lambda text: text[:12],
    )
    def test_what_is_not_toml_is_said_to_be_so(self, text):
        assert refusal(text, kind=ExperimentError).startswith("toy.toml")

    @pytest.mark.parametrize("depth", [60, 200, 300, 350, 400, 450])
    @pytest.mark.parametrize(("left", "right"), [("[", "]"), ("{a=", "}"), ("{choice=[", "]}")], ids=["[]", "{}", "?"])
    @pytest.mark.parametrize("key", ["network__hidden", "sampler"])
    def test_nesting_of_any_depth_is_either_read_or_refused(self, depth, left, right, key):
        text = toy(**{key: "here"}).replace('"here"', left * depth + "1" + right * depth)
        try:
            parse(text, "toy.toml").trials()
        except ExperimentError as error:
            assert str(error).startswith("toy.toml")

    def test_the_line_of_the_mistake_is_named(self):
        assert "line 3" in refusal("a = 1\nb = 2\nc = = 3\n")

    def test_an_empty_file_lacks_all_that_is_needed(self):
        assert refusal("").split("\n") == [
            f"toy.toml: {key} is missing" for key in ("name", "data", "network", "training")
        ]


# (key, a value that is wrong there, what the sentence must say besides the file and the key)
WRONG = [
    ("name", "", ["''"]),
    ("name", "a b", ["'a b'"]),
    ("name", "-x", ["'-x'"]),
    ("name", "../x", ["'../x'"]),
    ("name", "a/b", ["'a/b'"]),
    ("name", "ü", ["'ü'"]),
    ("name", "x\n", [r"'x\n'"]),
    ("name", "x" * 101, ["100"]),
    ("name", 5, ["5", "string"]),
    ("name", {"choice": ["a", "b"]}, ["string"]),
    ("description", 5, ["5", "string"]),
    ("description", {"choice": ["a"]}, ["string"]),
    ("trials", 0, ["0", "1"]),
    ("trials", -4, ["-4", "1"]),
    ("trials", "3", ["'3'", "integer"]),
    ("trials", 3.0, ["3.0", "integer"]),
    ("trials", True, ["rue", "integer"]),
    ("trials", float("inf"), ["inf", "integer"]),
    ("trials", 10**7 + 1, ["10000001", "10000000"]),
    ("trials", 2**64, ["10000000"]),
    ("trials", {"int": [1, 3]}, ["integer"]),
    ("seed", -1, ["-1", "0"]),
    ("seed", "3", ["'3'", "integer"]),
    ("seed", 3.5, ["3.5", "integer"]),
    ("seed", True, ["rue", "integer"]),
    ("seed", float("nan"), ["nan", "integer"]),
    ("seed", 2**63, ["9223372036854775808"]),
    ("seed", 10**30, ["9223372036854775808"]),
    ("seed", {"int": [1, 3]}, ["integer"]),
    ("sampler", "randon", ["'randon'", "did you mean 'random'?"]),
    ("sampler", "qqq", ["'qqq'", "list", "random"]),
    ("sampler", 5, ["5", "table"]),
    ("sampler", {"kind": "random", "file": "x"}, ["'file'"]),
    ("sampler", {"kind": "list", "fil": "x"}, ["'fil'", "did you mean 'file'?"]),
    ("sampler", {"choice": ["random"]}, ["kind"]),
    ("data", 5, ["5", "table"]),
    ("data", [{"dataset": "digits"}], ["table"]),
    ("network", "x", ["'x'", "table"]),
    ("training", True, ["table"]),
    ("training.epochs", 0, ["0", "1"]),
    ("training.epochs", datetime.date(1979, 5, 27), ["1979", "integer"]),
    ("training.epochs", 2**63, ["9223372036854775808"]),
    ("training.epochs", {"integer": [1, 4]}, ["integer"]),
    ("network.output", "sigmoid", ["'sigmoid'", "training.loss", "'cross_entropy'", "softmax"]),
    ("network.activation.alpha", 1.5, ["1.5", "1"]),
    ("network.activation", "rellu", ["'rellu'", "did you mean 'relu'?"]),
]

# the same for distributions, which name both ends of what is wrong
WRONG_DISTRIBUTIONS = [
    ("training.epochs", {"int": [5, 1]}, ["[5, 1]", "backwards", "[1, 5]"]),
    ("training.epochs", {"int": [5]}, ["[5]", "[low, high]"]),
    ("training.epochs", {"int": [1, 2, 3]}, ["[1, 2, 3]", "[low, high]"]),
    ("training.epochs", {"int": 5}, ["5", "list"]),
    ("training.epochs", {"int": {"choice": [1, 2]}}, ["list"]),
    ("training.epochs", {"int": [{"int": [1, 2]}, 5]}, ["int"]),
    ("training.epochs", {"int": [0, 3]}, ["0", "1"]),
    ("training.epochs", {"int": [1.0, 3.0]}, ["1.0", "integers"]),
    ("training.epochs", {"int": [True, 3]}, ["True", "integers"]),
    ("training.epochs", {"int": ["1", "3"]}, ["'1'", "integers"]),
    ("training.epochs", {"int": [1, 2**53 + 1]}, ["2**53"]),
    ("training.epochs", {"int": [1, 10**30]}, ["2**53"]),
    ("training.epochs", {"int": [1, 9], "step": 3}, ["9", "3", "7"]),
    ("training.epochs", {"int": [1, 9], "step": 0}, ["step", "0", "1"]),
    ("training.epochs", {"int": [1, 9], "step": -1}, ["step", "-1"]),
    ("training.epochs", {"int": [1, 9], "step": 2.0}, ["2.0"]),
    ("training.epochs", {"int": [1, 9], "step": "x"}, ["'x'"]),
    ("training.epochs", {"int": [1, 9], "log": 1}, ["log", "true", "false"]),
    ("training.epochs", {"int": [0, 9], "log": True}, ["log", "1"]),
    ("training.epochs", {"int": [1, 9], "log": True, "step": 2}, ["log", "step"]),
    ("training.epochs", {"int": [1, 9], "base": 2}, ["'base'"]),
    ("training.epochs", {"int": [1, 9], "uniform": [1, 9]}, ["int", "uniform"]),
    ("training.epochs", {"int": [1, 9], "kind": "x"}, ["'kind'"]),
    ("training.epochs", {"uniform": [1.0, 3.0]}, ["1.0", "integer"]),
    ("training.epochs", {"choice": []}, ["choice", "option"]),
    ("training.epochs", {"choice": 3}, ["choice", "list", "3"]),
    ("training.epochs", {"choice": [1, 2, 0]}, ["0", "1"]),
    ("training.epochs", {"choice": [1, "many"]}, ["'many'", "integer"]),
    ("training.epochs", {"choice": [1, {"int": [3, 0]}]}, ["[3, 0]", "backwards"]),
    ("training.epochs", {"choice": [1, {"int": [0, 3]}]}, ["0", "1"]),
    ("training.epochs", {"choice": [1, 2**63]}, ["9223372036854775808"]),
    ("training.epochs", {"choice": [1, 2], "step": 1}, ["'step'"]),
    ("network.hidden[0]", {"int": [0, 9]}, ["0", "1"]),
    ("network.hidden[0]", {"int": [9, 4]}, ["[9, 4]", "[4, 9]"]),
    ("network.hidden[0]", {"uniform": [1, 9]}, ["integer"]),
    ("network.activation.alpha", {"uniform": [0.0, 1.5]}, ["1.5", "1"]),
    ("network.activation.alpha", {"uniform": [-0.5, 0.5]}, ["-0.5", "0"]),
    ("network.activation.alpha", {"uniform": [0.4, 0.0]}, ["[0.4, 0.0]", "backwards", "[0.0, 0.4]"]),
    ("network.activation.alpha", {"uniform": [0.0, float("inf")]}, ["inf", "finite"]),
    ("network.activation.alpha", {"uniform": [float("nan"), 1.0]}, ["nan", "finite"]),
    ("network.activation.alpha", {"uniform": [0.0, 10**400]}, ["finite"]),
    ("network.activation.alpha", {"uniform": ["0", "1"]}, ["'0'", "numbers"]),
    ("network.activation.alpha", {"uniform": [True, 1.0]}, ["True", "numbers"]),
    ("network.activation.alpha", {"uniform": [0.0, 1.0], "log": True}, ["'log'"]),
    ("network.activation.alpha", {"choice": [0.1, 2.0]}, ["2.0", "1"]),
    ("network.activation.alpha", {"choice": [0.1, {"uniform": [0.0, 2.0]}]}, ["2.0", "1"]),
    ("training.optimizer.learning_rate", {"log_uniform": [0, 1]}, ["log_uniform", "above 0", "0"]),
    ("training.optimizer.learning_rate", {"log_uniform": [-1.0, 1.0]}, ["above 0", "-1.0"]),
    ("training.optimizer.learning_rate", {"log_uniform": [1.0, 0.1]}, ["[1.0, 0.1]", "backwards"]),
    ("training.optimizer.learning_rate", {"log_uniform": [0.1, 10**400]}, ["finite"]),
    ("training.optimizer.learning_rate", {"uniform": [0, 1]}, ["0", "greater than 0"]),
    ("training.optimizer", {"choice": ["sgd", "sdg"]}, ["'sdg'", "sgd"]),
    ("network.activation", {"choice": ["relu", "tanhh"]}, ["'tanhh'", "did you mean 'tanh'?"]),
    ("network.activation", {"choice": ["relu", {"kind": "relu", "alpha": 0.1}]}, ["'alpha'"]),
    ("network.output", {"choice": ["softmax", "sigmoid"]}, ["'sigmoid'", "'cross_entropy'", "softmax"]),
    ("training.loss", {"choice": ["cross_entropy", "binary_cross_entropy"]}, ["'binary_cross_entropy'", "sigmoid"]),
    ("data.normalization", {"choice": ["none", {"kind": "z_score", "over": "pixel"}]}, ["'pixel'", "feature"]),
    ("data", {"choice": [{"dataset": "digits"}, {"datset": "digits"}]}, ["'datset'", "did you mean 'dataset'?"]),
    ("data", {"uniform": [0, 1]}, ["table"]),
]


def steps(key):
    return re.sub(r"\[(\d)\]", r"__\1", key).replace(".", "__")


class TestMistakes:
    @pytest.mark.parametrize(("key", "value", "parts"), WRONG + WRONG_DISTRIBUTIONS)
    def test_the_sentence_names_file_key_what_was_given_and_what_is_right(self, key, value, parts):
        message = refusal(toy(**{steps(key): value}), kind=ExperimentError)
        assert message.startswith("toy.toml: ")
        assert "\n" not in message
        assert key in message
        for part in parts:
            assert part in message

    @pytest.mark.parametrize(("key", "value", "parts"), WRONG)
    def test_it_is_in_the_user_s_words(self, key, value, parts):
        message = refusal(toy(**{steps(key): value}))
        for word in ("Input", "pattern", "^", "extract", "dictionary", "datetime", "Errno", "NoneType"):
            assert word not in message

    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("name", "name"),
            ("trials", "trials"),
            ("data", "data"),
            ("network", "network"),
            ("training", "training"),
            ("data.dataset", "data.dataset"),
            ("training.epochs", "training needs either epochs or iterations"),
            ("training.batch_size", "training needs either batch_size or batches_per_epoch"),
            ("training.optimizer", "training.optimizer"),
            ("network.activation.kind", "network.activation"),
            ("training.optimizer.kind", "training.optimizer"),
        ],
    )
    def test_what_is_missing_is_named(self, key, said):
        message = refusal(toy(**{steps(key): REMOVED}), kind=ExperimentError)
        assert message.startswith(f"toy.toml: {said}")
        assert re.search("missing|needs|no key", message)

    @pytest.mark.parametrize(
        ("path", "where", "meant"),
        [
            ("sed", "the file", "seed"),
            ("trainings", "the file", "training"),
            ("data__datset", "data", "dataset"),
            ("network__activations", "network", "activation"),
            ("network__activation__alpa", "network.activation", "alpha"),
            ("training__epoch", "training", "epochs"),
            ("training__optimizer__lerning_rate", "training.optimizer", "learning_rate"),
        ],
    )
    @pytest.mark.parametrize("value", [1, {"uniform": [0, 1]}, {"kind": "x"}, []])
    def test_an_unknown_key_is_named_with_the_closest_one(self, path, where, meant, value):
        message = refusal(toy(**{path: value}), kind=ExperimentError)
        assert message == f"toy.toml: {where} has no key '{path.split('__')[-1]}'; did you mean '{meant}'?"

    def test_a_key_unlike_all_others_is_answered_with_all_of_them(self):
        message = refusal(toy(qqq=1))
        for key in ("name", "description", "trials", "seed", "sampler", "data", "network", "training"):
            assert key in message

    def test_a_key_of_a_section_may_not_stand_above_them(self):
        assert "has no key 'epochs'" in refusal("epochs = 5\n" + toy())

    def test_every_mistake_is_told_at_once(self):
        lines = refusal(toy(training__epochs=0, network__hidden=[8, 0], data__dataset="digit")).split("\n")
        assert [line.split()[1] for line in lines] == ["data.dataset", "network.hidden[1]", "training.epochs"]
        assert all(line.startswith("toy.toml: ") for line in lines)

    @pytest.mark.parametrize("odd", ["a\nb", "a\x1b[31m"])
    @pytest.mark.parametrize(
        "path", ["name", "sampler", "network__activation", "network__output", "training__loss", "data__dataset"]
    )
    def test_odd_text_is_shown_on_one_printable_line(self, path, odd):
        assert "\n" not in refusal(toy(**{path: odd}))

    @pytest.mark.parametrize("odd", ["a\nb", "a\x1b[31m"])
    @pytest.mark.parametrize("value", [1, {"uniform": [2, 1]}])
    def test_an_odd_key_is_shown_on_one_printable_line(self, odd, value):
        tree = copy.deepcopy(TOY)
        tree["network"][odd] = value
        assert "\n" not in refusal(text_of(tree))
        assert "\n" not in refusal(text_of({**TOY, odd: value}))

    def test_what_only_a_combination_of_draws_shows_is_answered_with_the_trial(self):
        text = toy(
            trials=20,
            network__output={"choice": ["softmax", "sigmoid"]},
            training__loss={"choice": ["cross_entropy", "binary_cross_entropy"]},
        )
        message = refusal(text, kind=ExperimentError)
        assert re.match(r"toy, trial \d+: network.output = '\w+' does not go with training.loss", message)


class TestOverrides:
    @pytest.mark.parametrize(
        ("override", "path", "value"),
        [
            ("training.epochs=5", ("training", "epochs"), 5),
            ("epochs=5", ("training", "epochs"), 5),
            (" epochs = 5 ", ("training", "epochs"), 5),
            ("training.dtype=float64", ("training", "dtype"), "float64"),
            ('training.dtype="float64"', ("training", "dtype"), "float64"),
            ("network.hidden[1]=5", ("network", "hidden", 1), 5),
            ("hidden[1]=5", ("network", "hidden", 1), 5),
            ("hidden=[5, 6]", ("network", "hidden"), [5, 6]),
            ("activation=tanh", ("network", "activation"), "tanh"),
            ("alpha=0.2", ("network", "activation", "alpha"), 0.2),
            ("activation={kind='leaky_relu', alpha=0.2}", ("network", "activation", "alpha"), 0.2),
            ("learning_rate=1", ("training", "optimizer", "learning_rate"), 1),
            ("training.optimizer.learning_rate=0.5", ("training", "optimizer", "learning_rate"), 0.5),
        ],
    )
    def test_a_value_is_replaced_for_all_trials(self, override, path, value):
        for trial in parse(toy(), "toy.toml", [override]).trials():
            here = trial.configuration
            for step in path:
                here = here[step]
            assert here == value
            assert type(here) is type(value)

    def test_a_distribution_may_be_given(self):
        experiment = parse(toy(), "toy.toml", ["batch_size={int=[16,64],step=16}", "hidden[0]={choice=[3, 5]}"])
        assert experiment.tree["training"]["batch_size"] == Integer(16, 64, step=16)
        assert experiment.tree["network"]["hidden"][0] == Choice((3, 5))

    def test_a_part_of_a_distribution_may_be_given(self):
        experiment = parse(toy(), "toy.toml", ["network.hidden[0].int[1]=12", "training.batch_size.step=20"])
        assert experiment.tree["network"]["hidden"][0] == Integer(4, 12)
        assert experiment.tree["training"]["batch_size"] == Integer(10, 90, step=20)

    @pytest.mark.parametrize(
        ("override", "changes"),
        [
            ("trials=2", {"trials": 2}),
            ("seed=8", {"seed": 8}),
            ("name='again'", {"name": "again"}),
            ("name=again", {"name": "again"}),
            ("description='two words'", {"description": "two words"}),
            ("sampler=random", {"sampler": "random"}),
        ],
    )
    def test_a_key_above_the_sections_is_as_if_it_stood_in_the_file(self, override, changes):
        ours, theirs = parse(toy(), "toy.toml", [override]), parse(toy(**changes), "toy.toml")
        assert ours.header == theirs.header
        assert ours.fingerprint == theirs.fingerprint
        assert ours.trials() == theirs.trials()

    def test_an_override_is_as_if_it_stood_in_the_file(self):
        ours = parse(toy(), "toy.toml", ["epochs=9", "learning_rate={uniform=[0.1, 0.2]}"])
        theirs = toy(training__epochs=9, training__optimizer__learning_rate={"uniform": [0.1, 0.2]})
        assert ours.fingerprint == parse(theirs, "toy.toml").fingerprint
        assert ours.trials() == parse(theirs, "toy.toml").trials()

    def test_a_section_that_the_file_leaves_out_is_made(self):
        experiment = parse(toy(network=REMOVED), "toy.toml", ["network.hidden=[3]"])
        assert experiment.tree["network"] == {"hidden": [3]}

    def test_the_last_one_counts(self):
        assert parse(toy(), "toy.toml", ["trials=5", "trials=2"]).header.trials == 2

    def test_they_are_kept_and_the_text_is_not_changed(self):
        experiment = parse(toy(), "toy.toml", ["epochs=5", "name=x"])
        assert experiment.overrides == ("epochs=5", "name=x")
        assert experiment.text == toy()
        assert parse(experiment.text, "again", experiment.overrides).trials() == experiment.trials()

    def test_they_make_good_what_the_file_lacks(self):
        assert len(parse(toy(trials=REMOVED), "toy.toml", ["trials=2"]).trials()) == 2

    @pytest.mark.parametrize(
        ("override", "parts"),
        [
            ("epochs", ["KEY=VALUE", "'epochs'"]),
            ("", ["KEY=VALUE"]),
            ("=5", ["KEY=VALUE", "'=5'"]),
            ("epochs=", ["epochs", "TOML"]),
            ("epochs=[", ["epochs", "TOML"]),
            ("epochs=5 x", ["epochs", "TOML"]),
            ("epochs=" + "[" * 5000, ["epochs"]),
            ("epochs=" + "9" * 5000, ["epochs"]),
            ("lr=1", ["lr"]),
            ("learnin_rate=1", ["learnin_rate", "learning_rate'"]),
            ("epoch=1", ["epoch", "epochs'"]),
            ("hidden[2]=5", ["hidden[2]"]),
            ("network.hidden[2]=5", ["network.hidden[2]", "[2]"]),
            ("hidden[-1]=5", ["hidden[-1]"]),
            ("hidden[x]=5", ["hidden[x]"]),
            ("network.hidden.x=5", ["network.hidden.x"]),
            ("training.epochs.x=5", ["training.epochs.x"]),
            ("name.x=5", ["name.x"]),
            ("data.dataset.kind=digits", ["data.dataset.kind"]),
            ("training[0]=5", ["training[0]"]),
            ("[0]=5", ["[0]"]),
            (".=5", ["."]),
            ("..=5", [".."]),
            ("training.=5", ["training."]),
            (".epochs=5", [".epochs"]),
            ("training..epochs=5", ["training..epochs"]),
            ("network.hidden[0]x=5", ["network.hidden[0]x"]),
            ("kind=relu", ["kind", "network.activation.kind", "training.optimizer.kind"]),
            ("int=[1,2]", ["int", "network.hidden[0].int", "training.batch_size.int"]),
            ("trainin.epochs=5", ["trainin", "did you mean 'training'?"]),
            ("training.epoch=5", ["epoch", "did you mean 'epochs'?"]),
            ("epochs=0", ["training.epochs", "0", "1"]),
            ("epochs='5'", ["training.epochs", "'5'", "integer"]),
            ("epochs=five", ["training.epochs", "'five'", "integer"]),
            ("epochs=nan", ["training.epochs", "nan", "integer"]),
            ("activation=rellu", ["network.activation", "'rellu'", "did you mean 'relu'?"]),
            ("alpha={uniform=[0,2]}", ["network.activation.alpha", "1"]),
            ("batch_size={int=[64,16]}", ["training.batch_size", "backwards"]),
            ("trials=0", ["trials", "0", "1"]),
            ("seed=-1", ["seed", "-1", "0"]),
            ("name=a/b", ["name", "a/b"]),
            ("data=5", ["data", "5", "table"]),
            ("epochs=5\nname='x'", ["epochs"]),
            ("epochs=5\n[x]", ["epochs"]),
        ],
        ids=lambda value: value[:24] if isinstance(value, str) else None,
    )
    def test_a_mistake_is_answered(self, override, parts):
        message = refusal(toy(), override)
        for part in parts:
            assert part in message

    def test_an_unknown_short_name_is_not_answered_with_a_wrong_path(self):
        assert "training.hidden" not in refusal(toy(), "hidden[2]=5")


class TestDrawing:
    def test_there_are_as_many_trials_as_the_file_says(self):
        trials = parse(toy(trials=17), "toy.toml").trials()
        assert [trial.number for trial in trials] == [*range(17)]

    def test_a_longer_sweep_begins_with_the_shorter_one(self):
        assert parse(toy(trials=9), "a").trials()[:4] == parse(toy(trials=4), "b").trials()

    def test_the_configuration_holds_what_was_drawn_and_what_was_fixed(self):
        for trial in parse(toy(trials=20), "toy.toml").trials():
            values, configuration = trial.parameters, trial.configuration
            assert configuration["network"]["hidden"] == [values["network.hidden[0]"], 8]
            assert configuration["network"]["activation"] == {
                "kind": "leaky_relu",
                "alpha": values["network.activation.alpha"],
            }
            assert configuration["training"]["epochs"] == 2
            assert configuration["training"]["optimizer"]["kind"] == "sgd"
            assert configuration["data"] == {"dataset": "digits", "normalization": "min_max"}

    def test_values_lie_in_their_ranges_and_are_python_s_own(self):
        for values in drawn(toy(trials=50)):
            assert 4 <= values["network.hidden[0]"] <= 9
            assert values["training.batch_size"] in range(10, 91, 10)
            assert 0.0 <= values["network.activation.alpha"] <= 0.4
            assert 0.01 <= values["training.optimizer.learning_rate"] <= 2.0
            assert [type(value) for value in values.values()] == [int, float, int, float]

    def test_a_condition_draws_only_what_it_needs(self):
        for trial in parse(text_of({**CONDITIONAL, "trials": 40}), "x").trials():
            alpha = "network.activation.alpha" in trial.parameters
            assert alpha == (trial.configuration["network"]["activation"] != "relu")
            hidden = trial.configuration["network"]["hidden"]
            assert ("network.hidden[1]" in trial.parameters) == (len(hidden) == 2)

    def test_a_parameter_is_short_unless_a_column_has_its_name(self):
        text = toy(training__epochs={"int": [1, 3]})
        names = {parameter.name: parameter.short_name for parameter in parse(text, "toy.toml").parameters}
        assert names["training.epochs"] == "training.epochs"
        assert names["training.optimizer.learning_rate"] == "learning_rate"
        assert names["network.hidden[0]"] == "hidden[0]"

    def test_an_experiment_without_distributions_draws_the_same_each_time(self):
        text = toy(
            network__hidden=[5],
            network__activation="relu",
            training__batch_size=10,
            training__optimizer="sgd",
        )
        first, second, third = parse(text, "toy.toml").trials()
        assert first.parameters == {}
        assert first.configuration == second.configuration == third.configuration
        assert len({first.seeds, second.seeds, third.seeds}) == 3


class TestFingerprint:
    @pytest.mark.parametrize(
        "text",
        [
            toy(name="other"),
            toy(description="other"),
            toy(trials=50),
            "# a comment\n" + toy(),
            toy(sampler="random"),
            text_of(dict(reversed(TOY.items()))),
            text_of({**TOY, "training": dict(reversed(TOY["training"].items()))}),
        ],
        ids=["name", "description", "trials", "comment", "default", "order of sections", "order of keys"],
    )
    def test_what_does_not_decide_the_draws_leaves_it_alone(self, text):
        ours, theirs = parse(text, "x"), parse(toy(), "toy.toml")
        assert ours.fingerprint == theirs.fingerprint
        assert ours.trials()[:3] == theirs.trials()

    @pytest.mark.parametrize(
        "changes",
        [
            {"seed": 8},
            {"data__dataset": "mnist"},
            {"data__normalization": "z_score"},
            {"network__hidden": [8, {"int": [4, 9]}]},
            {"network__hidden__0": {"int": [4, 10]}},
            {"network__hidden__0": {"int": [4, 8], "step": 2}},
            {"network__hidden__1": 7},
            {"network__activation": "relu"},
            {"network__activation__alpha": {"uniform": [0.0, 0.41]}},
            {"network__activation__alpha": {"log_uniform": [0.01, 0.4]}},
            {"network__weights": "he_uniform"},
            {"training__epochs": 3},
            {"training__optimizer__learning_rate": {"log_uniform": [0.01, 2.5]}},
            {"training__loss": "mean_squared_error"},
            {"training__dtype": "float64"},
        ],
        ids="".join,
    )
    def test_anything_decisive_changes_it(self, changes):
        assert parse(toy(**changes), "x").fingerprint != parse(toy(), "x").fingerprint

    def test_the_order_of_options_decides(self):
        one, two = (toy(network__hidden=[{"choice": options}]) for options in ([3, 4], [4, 3]))
        assert parse(one, "x").fingerprint != parse(two, "x").fingerprint

    def test_it_is_a_sha256_and_the_same_in_every_process(self):
        assert re.fullmatch("[0-9a-f]{64}", parse(toy(), "x").fingerprint)
        assert parse(toy(), "x").fingerprint == parse(toy(), "y").fingerprint

    def test_the_rows_of_a_list_decide(self, tmp_path):
        first = listing(tmp_path, [ROW])
        before = (first.fingerprint, first.trials())
        second = listing(tmp_path, [{**ROW, "alpha": "0.3"}])
        assert second.trials() != before[1]
        assert second.fingerprint != before[0]


ROW = {"hidden[0]": "5", "alpha": "0.25", "batch_size": "20", "learning_rate": "0.5"}
HEAD = ",".join(ROW).encode() + b"\n"


def listing(folder, rows=None, raw=None, **changes):
    """The toy experiment with the list sampler on a CSV of `rows`, or of the bytes `raw`."""
    path = folder / "rows.csv"
    if raw is not None:
        path.write_bytes(raw)
    elif rows is not None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    experiment = folder / "toy.toml"
    changes = {"sampler": {"kind": "list", "file": "rows.csv"}, "trials": REMOVED, **changes}
    experiment.write_text(toy(**changes), encoding="utf-8")
    return load(experiment)


class TestList:
    def test_each_row_is_a_trial(self, tmp_path):
        trials = listing(tmp_path, [ROW, {**ROW, "alpha": "0.1", "hidden[0]": "9"}]).trials()
        assert [trial.parameters for trial in trials] == [
            {
                "network.hidden[0]": hidden,
                "network.activation.alpha": alpha,
                "training.batch_size": 20,
                "training.optimizer.learning_rate": 0.5,
            }
            for hidden, alpha in [(5, 0.25), (9, 0.1)]
        ]
        assert trials[1].configuration["network"]["activation"]["alpha"] == 0.1

    def test_full_names_and_further_columns_will_do(self, tmp_path):
        row = {"status": "completed", "network.hidden[0]": "5", "training.batch_size": "20"}
        row |= {"network.activation.alpha": "0.25", "training.optimizer.learning_rate": " 0.5 "}
        assert listing(tmp_path, [row]).trials() == listing(tmp_path, [ROW]).trials()

    def test_a_byte_order_mark_and_line_ends_of_windows_will_do(self, tmp_path):
        text = "\ufeff" + ",".join(ROW) + "\r\n" + ",".join(ROW.values()) + "\r\n"
        assert listing(tmp_path, raw=text.encode()).trials() == listing(tmp_path, [ROW]).trials()

    def test_trials_takes_the_first_rows(self, tmp_path):
        rows = [{**ROW, "hidden[0]": str(n)} for n in (4, 5, 6)]
        trials = listing(tmp_path, rows, trials=2).trials()
        assert [trial.parameters["network.hidden[0]"] for trial in trials] == [4, 5]

    def test_draws_written_to_a_file_are_drawn_again(self, tmp_path):
        trials = parse(toy(trials=9), "toy.toml").trials()
        rows = [{name: str(value) for name, value in trial.parameters.items()} for trial in trials]
        again = listing(tmp_path, rows).trials()
        assert [trial.parameters for trial in again] == [trial.parameters for trial in trials]
        assert [trial.configuration for trial in again] == [trial.configuration for trial in trials]

    @pytest.mark.parametrize(
        ("rows", "parts"),
        [
            ([{**ROW, "alpha": "0.5"}], ["alpha", "0.5", "0.4"]),
            ([{**ROW, "alpha": "x"}], ["alpha", "'x'"]),
            ([{**ROW, "alpha": ""}], ["alpha"]),
            ([{**ROW, "alpha": "nan"}], ["alpha", "nan"]),
            ([{**ROW, "alpha": "1e999"}], ["alpha", "1e999"]),
            ([{**ROW, "batch_size": "25"}], ["batch_size", "25"]),
            ([{**ROW, "batch_size": "20.0"}], ["batch_size", "20.0"]),
            ([{**ROW, "batch_size": "9" * 5000}], ["batch_size"]),
            ([ROW, {**ROW, "hidden[0]": "10"}], ["row 2", "hidden[0]", "10", "9"]),
            ([{key: value for key, value in ROW.items() if key != "alpha"}], ["alpha", "column"]),
        ],
    )
    def test_a_row_that_does_not_fit_is_named(self, tmp_path, rows, parts):
        with pytest.raises(ExperimentError) as caught:
            listing(tmp_path, rows).trials()
        assert caught.value.exit_code == 2
        assert "rows.csv" in str(caught.value)
        assert "\n" not in str(caught.value)
        for part in parts:
            assert part in str(caught.value)

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\n\n",
            b"alpha\n",
            HEAD,
            HEAD + b"5,0.1,20\n",
            HEAD + b"5,0.1,20,0.5,7\n",
            b"\xff\xfe\x00",
            b"a\0b\n1\n",
            b'"' + b"x" * 200_000,
        ],
        ids=lambda raw: raw[:12],
    )
    def test_a_file_that_is_no_such_list_is_refused(self, tmp_path, raw):
        with pytest.raises(ExperimentError) as caught:
            listing(tmp_path, raw=raw).trials()
        assert "rows.csv" in str(caught.value)

    @pytest.mark.parametrize("file", ["nope.csv", ".", "", "rows.csv/x", "x" * 300, "a\0b", "/"])
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, file):
        with pytest.raises(ExperimentError) as caught:
            listing(tmp_path, [ROW], sampler={"kind": "list", "file": file}).trials()
        assert caught.value.exit_code == 2
        assert "Errno" not in str(caught.value)

    def test_a_file_must_be_named(self):
        assert refusal(toy(sampler="list")) == "toy.toml: sampler.file is missing"


class TestShipped:
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
    def test_it_loads_by_name_and_draws_valid_trials(self, path, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        experiment = load(path.stem)
        assert experiment.name == path.stem
        assert experiment.header.description
        trials = experiment.trials()
        assert len(trials) == (experiment.header.trials or len(experiment._rows(experiment.header.sampler)))
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


# Random mistakes

WORDS = [
    *("name", "trials", "seed", "sampler", "data", "network", "training", "dataset", "normalization", "hidden"),
    *("activation", "weights", "output", "epochs", "batch_size", "optimizer", "learning_rate", "loss", "dtype"),
    *("kind", "alpha", "over", "file", "label", "min", "max", "std", "uniform", "log_uniform", "int", "choice"),
    *("step", "log", "random", "list", "digits", "npz", "csv", "z_score", "relu", "leaky_relu", "normal", "sgd"),
    *("softmax", "sigmoid", "mean_squared_error", "float64", "", "a\nb", "{x}", "'", "a\0b"),
]
INTEGERS = st.integers(-3, 12) | st.sampled_from(
    [2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 10**400, -(10**400)]
)
NUMBERS = INTEGERS | st.floats() | st.floats(0, 2)
SCALARS = NUMBERS | st.booleans() | st.sampled_from(WORDS) | st.text(max_size=5) | st.just(datetime.date(1979, 5, 27))


def distributions_of(values):
    pairs = st.lists(values, min_size=2, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"uniform": pairs}),
        st.fixed_dictionaries({"log_uniform": pairs}),
        st.fixed_dictionaries({"int": pairs}, optional={"step": values, "log": values}),
        st.fixed_dictionaries({"choice": st.lists(values, max_size=3)}),
    )


def trees_of(values):
    tables = st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), values, max_size=3)
    return distributions_of(NUMBERS) | distributions_of(values) | tables | st.lists(values, max_size=3)


VALUES = st.recursive(SCALARS, trees_of, max_leaves=6)


def containers(tree):
    """Every table and list in a tree, the tree itself included."""
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else None
    return [] if children is None else [tree, *(found for child in children for found in containers(child))]


@st.composite
def damaged(draw):
    """A valid experiment with up to four values replaced, deleted or inserted somewhere."""
    tree = copy.deepcopy(draw(st.sampled_from([TOY, CONDITIONAL])))
    for _ in range(draw(st.integers(1, 4))):
        here = draw(st.sampled_from(containers(tree)))
        place = draw(st.sampled_from([*here])) if here and isinstance(here, dict) else 0
        if here and isinstance(here, list):
            place = draw(st.integers(0, len(here) - 1))
        match draw(st.sampled_from(["replace", "replace", "delete", "insert"])), here:
            case "insert", list():
                here.insert(place, draw(VALUES))
            case "insert", dict():
                here[draw(st.sampled_from(WORDS))] = draw(VALUES)
            case "delete", _ if here:
                del here[place]
            case "replace", _ if here:
                here[place] = draw(VALUES)
    return text_of(tree)


@st.composite
def scribbled(draw):
    """The text of a valid experiment with a few pieces cut out, written over or put in."""
    text = draw(st.sampled_from([toy(), text_of(CONDITIONAL), *(path.read_text() for path in SHIPPED[:2])]))
    piece = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z", "Cc"]), max_size=4)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = start + draw(st.integers(0, 8))
        text = text[:start] + draw(piece | st.text('[]{}="\n.,#01e-', max_size=4)) + text[stop:]
    return text


def check(text, *overrides):
    """Parse and draw: there are valid trials, or an error for the user with a line for each mistake."""
    try:
        experiment = parse(text, "fuzz.toml", overrides)
        few = min(experiment.header.trials or 1, 3)
        trials = replace(experiment, header=experiment.header.model_copy(update={"trials": few})).trials()
    except SweepError as error:
        assert error.exit_code == 2
        for line in str(error).split("\n"):
            assert line.isprintable()
            assert re.match(r"fuzz\.toml|--set|[\w.-]+, trial \d+: |.* cannot be read", line), line
        return
    names = {parameter.name for parameter in experiment.parameters}
    assert len({parameter.short_name for parameter in experiment.parameters}) == len(names)
    assert re.fullmatch("[0-9a-f]{64}", experiment.fingerprint)
    for trial in trials:
        assert set(trial.parameters) <= names
        assert {type(value) for value in trial.parameters.values()} <= {bool, int, float, str}
        for value in trial.parameters.values():
            assert isinstance(value, str) or abs(float(value)) < float("inf")  # a column of numbers can hold it
        assert trial.configuration["training"]["epochs"] < 2**63  # and so can one of integers
        json.dumps(trial.configuration, allow_nan=False)


@settings(max_examples=400, deadline=None)
@given(damaged())
@example(toy(network__activation__alpha={"uniform": [0, 10**400]}))
@example(toy(training__epochs=10**400))
def test_a_damaged_tree_is_drawn_from_or_refused(text):
    check(text)


@settings(max_examples=300, deadline=None)
@given(scribbled())
def test_a_scribbled_text_is_drawn_from_or_refused(text):
    check(text)


KEYS = ["epochs", "training.epochs", "hidden[0]", "network.hidden[1]", "alpha", "network", "name", "int", "kind", "a.b"]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(KEYS) | st.text("ab.[]01 ='{}\"", max_size=8),
    st.text("ab.[]01 ='{}\"\n,#", max_size=8) | VALUES.map(toml),
)
@example(".", "5")
@example("epochs", "[" * 5000)
def test_an_override_of_any_form_is_taken_or_refused(key, value):
    check(toy(), f"{key}={value}")


def test_the_writer_of_toml_in_these_tests_writes_toml():
    assert tomllib.loads(text_of(TOY)) == TOY
    assert tomllib.loads(text_of(CONDITIONAL)) == CONDITIONAL
