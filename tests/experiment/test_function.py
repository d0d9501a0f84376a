"""Experiments made of Python functions, and the files that some of them need."""

import functools
import hashlib
import importlib
import pickle
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sweep.errors import ExperimentError, SweepError
from sweep.experiment.file import experiment_of, parse
from sweep.experiment.function import PickledFunction, from_function
from sweep.metrics import Objective
from sweep.records import SweepRecord
from sweep.space import choice, integer, log_uniform, uniform
from sweep.space.distributions import Uniform

PARAMETERS = {"learning_rate": {"log_uniform": [1e-5, 1e-1]}, "width": 8}
PLAN = {"trials": 3, "epochs": 5, "objective": ("rmse", "min")}


def train(config, trial):
    """A training function that has a name."""
    yield {"rmse": config["learning_rate"]}


class Trainers:
    """A class with a training function."""

    @staticmethod
    def fit(config, trial):
        """Another."""
        yield {"rmse": 1.0}


def test_a_function_of_a_module_is_named():
    experiment, pickled = from_function(train, PARAMETERS, **PLAN)
    assert pickled is None
    assert experiment.name == "train"
    assert experiment.header.trainer_table()["function"] == "tests.experiment.test_function:train"
    assert experiment.folder == Path(__file__).parents[2]
    assert experiment.objective == Objective("rmse", "min", "best", None)
    assert [trial.planned_epochs for trial in experiment.trials()] == [5, 5, 5]


def test_a_function_of_a_class_is_named_by_its_path():
    experiment, pickled = from_function(Trainers.fit, PARAMETERS, **PLAN)
    assert pickled is None
    assert experiment.header.trainer_table()["function"] == "tests.experiment.test_function:Trainers.fit"


def test_a_function_of_a_single_file_has_the_folder_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "single_file.py").write_text("def train(config, trial):\n    yield {'rmse': 1.0}\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("single_file")
    experiment, _ = from_function(module.train, PARAMETERS, **PLAN)
    assert experiment.folder == tmp_path
    monkeypatch.delitem(sys.modules, "single_file")


def local_function(value=2.0):
    def inner(config, trial):
        yield {"rmse": value * config["width"]}

    return inner


@pytest.mark.parametrize(
    "function", [local_function(), lambda config, trial: iter([]), functools.partial(train, trial=None)]
)
def test_any_other_function_is_pickled(function):
    experiment, pickled = from_function(function, PARAMETERS, name="mine", **PLAN)
    assert pickled.file == "mine/trainer.pkl"
    assert pickled.sha256 == hashlib.sha256(pickled.content).hexdigest()
    assert experiment.header.trainer_table() == {
        "kind": "pickle",
        "file": "mine/trainer.pkl",
        "sha256": pickled.sha256,
        "deterministic": False,
    }
    assert experiment.folder == Path.cwd()


def test_a_pickled_function_is_itself_again(tmp_path):
    _, pickled = from_function(local_function(3.0), PARAMETERS, name="mine", **PLAN)
    pickled.write(tmp_path)
    content = (tmp_path / "mine/trainer.pkl").read_bytes()
    assert content == pickled.content
    assert next(pickle.loads(content)({"width": 2}, None)) == {"rmse": 6.0}


def test_a_replaced_function_is_pickled_and_not_found_by_its_name(monkeypatch):
    _, pickled = from_function(functools.wraps(train)(lambda config, trial: iter([])), PARAMETERS, **PLAN)
    assert pickled is not None


def test_a_function_of_a_script_is_pickled(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from sweep.experiment.function import from_function\n"
        "def train(config, trial):\n    yield {'rmse': 1.0}\n"
        "print(from_function(train, {}, trials=1, epochs=1, objective=('rmse', 'min'))[1].file)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "train/trainer.pkl\n"


def test_a_place_that_cannot_be_written_is_answered(tmp_path):
    (tmp_path / "mine").write_text("a file where a folder should be")
    with pytest.raises(SweepError, match="mine"):
        PickledFunction("mine/trainer.pkl", b"", "0" * 64).write(tmp_path)


def test_what_cannot_be_pickled_is_answered():
    lock = threading.Lock()
    with pytest.raises(ExperimentError, match=r"^mine: the function cannot be sent to other processes"):
        from_function(lambda config, trial: lock, {}, name="mine", **PLAN)


def test_distributions_of_every_form_are_taken():
    forms = {
        "a": uniform(0, 1),
        "b": {"c": (log_uniform(1, 2), 3)},
        "d": choice([np.int64(4), {"e": integer(1, 3)}]),
        "f": {"uniform": [np.float64(0.5), 1]},
    }
    experiment, _ = from_function(train, forms, **PLAN)
    assert [p.name.removeprefix("parameters.") for p in experiment.parameters] == ["a", "b.c[0]", "d", "d.e", "f"]
    assert experiment.tree["parameters"]["f"] == Uniform(0.5, 1)


@pytest.mark.parametrize(
    "objective",
    [("rmse", "min"), {"metric": "rmse", "direction": "min"}, Objective("rmse", "min", tie_break=None)],
)
def test_the_objective_has_several_forms(objective):
    experiment, _ = from_function(train, PARAMETERS, trials=1, epochs=1, objective=objective)
    assert experiment.objective == Objective("rmse", "min", "best", None)


def test_a_metric_of_ours_needs_no_direction():
    experiment, _ = from_function(train, PARAMETERS, trials=1, epochs=1, objective="validation_loss")
    assert experiment.objective.direction == "min"


def test_it_is_as_if_it_stood_in_a_file():
    experiment, _ = from_function(
        train, PARAMETERS, name="x", seed=4, repeats=2, data={"dataset": "digits"}, deterministic=True, **PLAN
    )
    again = parse(experiment.text, "x.toml")
    assert again.trials() == experiment.trials()
    assert again.fingerprint == experiment.fingerprint
    assert (again.header.seed, again.repeats, again.header.trials) == (4, 2, 3)
    record = SweepRecord("x", "", 4, 5, experiment.text, [], "", [], None, str(experiment.folder), {})
    assert experiment_of(replace(record)).folder == experiment.folder


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"parameters": {"x": {"uniform": [1, 0]}}},
            "train: parameters.x: uniform = [1, 0] runs backwards; write [0, 1]",
        ),
        ({"parameters": {"x": None}}, "train: parameters.x must be text, a number, true or false, a list or a table"),
        ({"parameters": 5}, "train: parameters is 5, but must be a table"),
        ({"objective": ("rmse",)}, "objective must be such as ('rmse', 'min'), not ('rmse',)"),
        ({"objective": 5}, "objective must be such as ('rmse', 'min'), not 5"),
        ({"objective": "rmse"}, "train: objective.direction is missing"),
        ({"trials": 0}, "train: trials is 0"),
        ({"epochs": 2.5}, "train: epochs is 2.5, but must be an integer"),
        ({"name": "a/b"}, "a/b: name is 'a/b'"),
        ({"data": {"dataset": "digitz"}}, "train: data.dataset is of the unknown kind 'digitz'"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(changes, sentence):
    with pytest.raises(ExperimentError) as caught:
        from_function(train, **{"parameters": PARAMETERS, **PLAN, **changes})
    assert str(caught.value).startswith(sentence)
