"""Files with a trainer of the user's own: what they need, what is drawn, and the answer to every mistake."""

import json
import subprocess
import sys

import pytest

from sweep.experiment.file import parse
from sweep.experiment.parameters import is_native, parameters_of
from sweep.metrics import Objective
from sweep.records import SweepRecord
from tests.experiment.toys import OWN, REMOVED, TOY, own, refusal, text_of, toy

FUNCTION = {"kind": "function", "function": "mine:train", "deterministic": False}


def command(run, **changes):
    return own(trainer={"kind": "command", "run": run}, **changes)


def test_a_trial_has_the_trainer_the_parameters_and_the_epochs():
    experiment = parse(own(), "own.toml")
    assert not experiment.is_native
    assert experiment.objective == Objective("rmse", "min", "best", None)
    trials = experiment.trials()
    assert len(trials) == 4
    for trial in trials:
        values = trial.parameters
        assert trial.planned_epochs == 20
        assert trial.configuration == {
            "trainer": FUNCTION,
            "parameters": {
                "learning_rate": values["parameters.learning_rate"],
                "model": {
                    "layers": [values["parameters.model.layers[0]"], 8],
                    "activation": values["parameters.model.activation"],
                },
                "fixed": True,
            },
        }
        json.dumps(trial.configuration, allow_nan=False)


def test_its_parameters_have_short_names_without_the_section():
    names = {parameter.name: parameter.short_name for parameter in parse(own(), "x").parameters}
    assert names == {
        "parameters.learning_rate": "learning_rate",
        "parameters.model.layers[0]": "layers[0]",
        "parameters.model.activation": "activation",
    }


def test_a_parameter_named_like_the_metric_that_ranks_keeps_its_full_name():
    text = own(parameters={"rmse": {"uniform": [0, 1]}, "other": {"uniform": [0, 1]}})
    short_names = [parameter.short_name for parameter in parse(text, "x").parameters]
    assert short_names == ["parameters.rmse", "other"]


def test_a_data_set_may_be_named_and_searched():
    text = own(data={"dataset": "digits", "normalization": {"choice": ["min_max", "z_score"]}})
    drawn = {trial.configuration["data"]["normalization"] for trial in parse(text, "x", ["trials=20"]).trials()}
    assert drawn == {"min_max", "z_score"}


@pytest.mark.parametrize(
    ("table", "native"),
    [(TOY, True), (OWN, False), ({}, True), ({"parameters": {}}, False), ({"parameters": {}, "network": {}}, True)],
)
def test_a_file_is_of_one_of_two_forms(table, native):
    assert is_native(table) is native


def record(experiment):
    return SweepRecord(
        *(experiment.name, "", 0, 1, experiment.text, list(experiment.overrides), experiment.fingerprint),
        *([], None, None, {}),
    )


@pytest.mark.parametrize("text", [toy(), own(), own(parameters={"rmse": {"uniform": [0, 1]}})])
def test_a_stored_sweep_names_its_parameters_as_the_file_does(text):
    experiment = parse(text, "x", ["seed=3"])
    assert parameters_of(record(experiment)) == experiment.parameters


def test_a_stored_sweep_s_parameters_avoid_the_names_of_its_metrics():
    short_names = [p.short_name for p in parameters_of(record(parse(own(), "x")), ["learning_rate"])]
    assert short_names == ["parameters.learning_rate", "layers[0]", "activation"]


def test_the_parameters_of_a_stored_sweep_are_read_without_the_models_of_files():
    code = "import sys, sweep.experiment.parameters; print({'pydantic', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


class TestFingerprint:
    def test_a_bare_name_is_the_function_s_table(self):
        assert parse(own(trainer=FUNCTION), "x").fingerprint == parse(own(), "x").fingerprint

    @pytest.mark.parametrize(
        "changes",
        [
            {"trainer": "mine:other"},
            {"trainer": {**FUNCTION, "deterministic": True}},
            {"epochs": 21},
            {"parameters": {"learning_rate": {"log_uniform": [1e-5, 1e-1]}}},
            {"data": {"dataset": "digits"}},
            {"objective": {"metric": "mae", "direction": "min"}},
            {"repeats": 2},
        ],
    )
    def test_what_decides_changes_it(self, changes):
        assert parse(own(**changes), "x").fingerprint != parse(own(), "x").fingerprint


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trainer": REMOVED}, "trainer is missing"),
        ({"epochs": REMOVED}, "epochs is missing"),
        ({"parameters": REMOVED}, "parameters is missing"),
        ({"objective": REMOVED}, "objective is missing"),
        ({"objective": {}}, "objective.metric is missing; name one of the metrics that the trainer yields"),
        (
            {"objective": {"metric": "rmse"}},
            "objective.direction is missing; say whether more of rmse is better, 'max', or less, 'min'",
        ),
        (
            {"objective": {"metric": "epoch", "direction": "max"}},
            "objective.metric is 'epoch', but that is a column of the tables of results; name the metric differently",
        ),
        (
            {"objective": {"metric": " x", "direction": "max"}},
            "objective.metric is ' x', but must be 1 to 100 printable characters without blanks at its ends",
        ),
        ({"objective": {"metric": "x", "direction": "mni"}}, "objective.direction is 'mni'; did you mean 'min'?"),
        (
            {"network": {"hidden": [5]}},
            "the file has no key 'network'; it goes with our networks; a trainer of one's own has its values in "
            "[parameters]",
        ),
        ({"epochs": 0}, "epochs is 0, but must be greater than or equal to 1"),
        ({"trainer": 5}, "trainer is 5, but must be a table"),
        ({"trainer": "train"}, "trainer.function is 'train', but must be module:name, such as 'mine:train'"),
        ({"trainer": "mine:"}, "trainer.function is 'mine:', but must be module:name, such as 'mine:train'"),
        (
            {"trainer": "my-own:train"},
            "trainer.function is 'my-own:train', but must be module:name, such as 'mine:train'",
        ),
        ({"trainer": "a:class"}, "trainer.function is 'a:class', but must be module:name, such as 'mine:train'"),
        ({"trainer": "mine.py:fit"}, "trainer.function is 'mine.py:fit'; write the module's name instead: 'mine:fit'"),
        ({"trainer": {"kind": "function"}}, "trainer.function is missing"),
        ({"trainer": {"kind": "function", "function": 5}}, "trainer.function is 5, but must be text, in quotes"),
        (
            {"trainer": {"kind": "comand"}},
            "trainer is of the unknown kind 'comand'; did you mean 'command'?",
        ),
        ({"trainer": {**FUNCTION, "deterministic": 1}}, "trainer.deterministic is 1, but must be true or false"),
        ({"trainer": {**FUNCTION, "run": "x"}}, "trainer has no key 'run'; choose from deterministic, function, kind"),
        ({"data": {"dataset": "digitz"}}, "data.dataset is of the unknown kind 'digitz'; did you mean 'digits'?"),
        ({"parameters": {"x": {"uniform": [1, 0]}}}, "parameters.x: uniform = [1, 0] runs backwards; write [0, 1]"),
        ({"parameters": {"x": float("inf")}}, "parameters.x is inf, but numbers must be finite; give it as text"),
        (
            {"parameters": {"x": {"choice": [1, 2**63]}}},
            f"parameters.x is {2**63}, but integers must be below 2**63; give it as text",
        ),
        ({"parameters": {"x": ["a\0b"]}}, r"parameters.x[0] is 'a\x00b', but text must not contain a NUL character"),
        (
            {"parameters": {"a b": {"int": [1, 2]}}},
            "parameters.'a b' is searched, so its keys must be of letters, digits, dashes and underscores",
        ),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(changes, sentence):
    assert refusal(own(**changes)) == f"toy.toml: {sentence}"


def test_a_date_is_refused():
    text = own(parameters=REMOVED) + "parameters = { day = 1979-05-27 }\n"
    assert refusal(text).endswith("but must be text, a number, true or false; give it as text")


def test_parameters_do_not_go_with_our_networks():
    message = refusal(text_of({**TOY, "parameters": {}}))
    assert message.startswith("toy.toml: the file has no key 'parameters'; it goes with a trainer of one's own")


class TestCommands:
    @pytest.mark.parametrize(
        "run",
        [
            "train",
            "python train.py --lr {learning_rate} --size={layers[0]},{model.layers[1]}",
            "train {parameters.model.activation} {fixed} '{{not a name}}'",
        ],
    )
    def test_it_may_name_every_value_of_the_parameters(self, run):
        experiment = parse(command(run), "x")
        assert experiment.trials()[0].configuration["trainer"] == {
            "kind": "command",
            "run": run,
            "deterministic": False,
        }

    @pytest.mark.parametrize(
        ("run", "problem"),
        [
            ("", "must begin with the name of a program"),
            ("''", "must begin with the name of a program"),
            ("train 'x", "it cannot be split into words: no closing quotation"),
            ("train {", "has a brace that stands alone; write {name} for a parameter, {{ and }} for braces"),
            ("train {{x}", "has a brace that stands alone; write {name} for a parameter, {{ and }} for braces"),
            ("train {learnin_rate}", "{learnin_rate} is not a parameter of every trial; did you mean 'learning_rate'?"),
            ("train {model}", "{model} is not a parameter of every trial; did you mean 'model.layers[1]'?"),
            ("train {lr}", None),
        ],
    )
    def test_a_mistake_is_answered(self, run, problem):
        message = refusal(command(run))
        assert message.startswith(f"toy.toml: trainer.run is {run!r}, but ")
        assert problem is None or message.endswith(problem) or ("did you mean" in problem and "{model}" in message)

    def test_a_name_that_could_be_two_is_refused(self):
        text = command("train {x}", parameters={"a": {"x": 1}, "b": {"x": {"int": [1, 2]}}})
        assert refusal(text).endswith("{x} could be a.x or b.x; give the full name")

    def test_a_name_that_only_some_trials_have_is_refused(self):
        options = {"choice": ["relu", {"kind": "elu", "alpha": {"uniform": [0, 1]}}]}
        text = command("train {alpha}", parameters={"activation": options})
        assert refusal(text).endswith("{alpha} is not a parameter of every trial; choose from activation")
