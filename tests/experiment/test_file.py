"""Experiment files: found, read and checked, and the answer to every mistake in them."""

import copy
import datetime
import re
from pathlib import Path

import pytest

from sweep.errors import ExperimentError
from sweep.experiment.experiment import Experiment
from sweep.experiment.file import load, parse
from sweep.experiment.parameters import KEYS, OWN_KEYS
from sweep.experiment.sections.header import NativeHeader, OwnHeader
from tests.experiment.toys import REMOVED, TOY, refusal, text_of, toy

SHIPPED = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))


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
        assert set(NativeHeader.model_fields) == set(KEYS)
        assert set(OwnHeader.model_fields) == set(OWN_KEYS)


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
    ("name", 5, ["5", "text"]),
    ("name", {"choice": ["a", "b"]}, ["text"]),
    ("description", 5, ["5", "text"]),
    ("description", {"choice": ["a"]}, ["text"]),
    ("trials", 0, ["0", "1"]),
    ("trials", -4, ["-4", "1"]),
    ("trials", "3", ["'3'", "integer"]),
    ("trials", 3.0, ["3.0", "integer"]),
    ("trials", True, ["rue", "integer"]),
    ("trials", float("inf"), ["inf", "integer"]),
    ("trials", 10**6 + 1, ["1000001", "at most 1000000"]),
    ("trials", 2**64, ["at most 1000000"]),
    ("repeats", 10**6 + 1, ["1000001", "at most 1000000"]),
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
