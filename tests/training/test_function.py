"""Users' own training functions: what they are told, what they may report, and how they continue."""

import math
import sys

import numpy as np
import pytest

from sweep.errors import ExperimentError
from sweep.training import checkpoint
from sweep.training.divergence import Diverged
from sweep.training.function import FunctionTrainer, check_function, load_function, load_pickle, pickled_trainer
from sweep.training.trainer import TrainingError
from tests.training.own_trainers import setup_of


def trainer_of(function, tmp_path, parameters=None, **options):
    return FunctionTrainer(function, "mine:train", setup_of(tmp_path, parameters, **options))


def reporting(*values):
    """A function that yields these, one an epoch."""

    def train(config, trial):
        yield from values

    return train


def sentence(function, tmp_path):
    with pytest.raises(TrainingError) as caught:
        list(trainer_of(function, tmp_path).epochs())
    return str(caught.value)


def test_epochs_are_numbered_from_one_and_no_more_are_asked_for_than_planned(tmp_path):
    asked = []

    def train(config, trial):
        try:
            for epoch in range(100):
                asked.append(epoch)
                yield {"rmse": 1 / (1 + epoch)}
        finally:
            asked.append("closed")

    epochs = list(trainer_of(train, tmp_path, epochs=3).epochs())
    assert [(epoch.number, epoch.metrics) for epoch in epochs] == [(i, {"rmse": 1 / i}) for i in (1, 2, 3)]
    assert asked == [0, 1, 2, "closed"]


def test_a_function_may_end_earlier(tmp_path):
    assert len(list(trainer_of(reporting({"rmse": 2}, {"rmse": 1}), tmp_path).epochs())) == 2


def test_the_drawn_parameters_are_handed_over_nested_and_may_be_changed(tmp_path):
    drawn = {"optimizer": {"kind": "adam", "lr": 0.1}, "sizes": [3, 4]}
    seen = []

    def train(config, trial):
        seen.append(config)
        config["optimizer"].clear()
        yield {"rmse": 1}

    for _ in range(2):
        list(trainer_of(train, tmp_path, drawn).epochs())
    assert drawn == {"optimizer": {"kind": "adam", "lr": 0.1}, "sizes": [3, 4]}
    assert seen[1]["sizes"] == [3, 4]


def test_a_trial_tells_its_number_seed_generator_and_folder(tmp_path):
    seen, folders = [], []

    def train(config, trial):
        seen.append((trial.number, trial.seed, trial.rng.random(), trial.epochs, trial.data, trial.state))
        folders.append((tmp_path / "results" / "mine" / "files" / str(trial.number)).exists())
        (trial.folder / "notes.txt").write_text("x")
        yield {"rmse": 1}

    for number in (3, 3, 4):
        list(trainer_of(train, tmp_path, number=number).epochs())
    first, again, other = seen
    assert first == again
    assert folders == [False, True, False]
    assert first[0] == 3
    assert 0 <= first[1] < 2**32
    assert first[2] != other[2]
    assert first[3:] == (5, None, None)
    assert (tmp_path / "results" / "mine" / "files" / "4" / "notes.txt").exists()


@pytest.mark.parametrize(
    ("reported", "words"),
    [
        (3.2, "3.2, not a mapping of metrics"),
        ("done", "'done', not a mapping of metrics"),
        (None, "None, not a mapping of metrics"),
        ([1.0], "[1.0], not a mapping of metrics"),
        ({}, "no metrics; report at least 'rmse'"),
        ({"epoch": 1}, "no metrics; report at least 'rmse'"),
        ({"rmse": "low"}, "'low' for 'rmse', which must be a number"),
        ({"rmse": None}, "None for 'rmse', which must be a number"),
        ({"rmse": {"test": 1.0}}, "{'test': 1.0} for 'rmse', which must be a number"),
        ({"rmse": np.ones(3)}, "for 'rmse', which must be a number"),
        ({"rmse": 1, "seconds": 2}, "'seconds', which is a column of the tables; rename it"),
        ({"rmse": 1, 7: 2}, "a metric called 7; call it by"),
        ({"rsme": 1}, "without the objective's metric 'rmse': did you mean 'rsme'?"),
    ],
)
def test_what_cannot_be_a_metric_is_answered_with_a_sentence(reported, words, tmp_path):
    said = sentence(reporting(reported), tmp_path)
    assert said.startswith("mine:train reported in epoch 1 ")
    assert words in said


def test_other_names_than_before_are_refused(tmp_path):
    said = sentence(reporting({"rmse": 1}, {"rmse": 1, "mae": 2}), tmp_path)
    assert "in epoch 2 mae, rmse, but rmse in the epochs before" in said


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda config, trial: {"rmse": 1}, "returned dict, but it must yield"),
        (lambda config, trial: None, "returned NoneType, but it must yield"),
        (reporting(), "ended without yielding metrics"),
    ],
)
def test_a_function_that_yields_nothing_is_answered_with_a_sentence(function, words, tmp_path):
    assert words in sentence(function, tmp_path)


@pytest.mark.parametrize(
    ("value", "kind"), [(math.nan, "invalid"), (math.inf, "overflow"), (-math.inf, "overflow"), (10**400, "overflow")]
)
def test_a_value_that_is_not_finite_is_a_divergence_at_the_metric(value, kind, tmp_path):
    trainer = trainer_of(reporting({"rmse": 1, "mae": 1}, {"rmse": 1, "mae": value}), tmp_path)
    epochs = trainer.epochs()
    next(epochs)
    with pytest.raises(Diverged) as caught:
        next(epochs)
    found = caught.value.divergence
    assert (found.epoch, found.step, found.place, found.kind) == (2, 0, "mae", kind)


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), np.int64(2), True, 3])
def test_numbers_of_other_libraries_become_floats(number, tmp_path):
    (epoch,) = trainer_of(reporting({"rmse": number}), tmp_path).epochs()
    assert epoch.metrics == {"rmse": float(number)}
    assert type(epoch.metrics["rmse"]) is float


def counting(config, trial):
    """Sum random numbers; continue from the saved sum and generator."""
    state = trial.state or {"done": 0, "total": np.zeros(2), "rng": trial.rng.bit_generator.state, "note": b"\x00a\x00"}
    trial.rng.bit_generator.state = state["rng"]
    assert state["note"] == b"\x00a\x00"
    total = state["total"]
    for epoch in range(state["done"] + 1, trial.epochs + 1):
        total = total + trial.rng.random(2)
        trial.save({"done": epoch, "total": total, "rng": trial.rng.bit_generator.state, "note": b"\x00a\x00"})
        yield {"rmse": total.sum()}


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_a_function_continues_from_what_it_saved_with_the_same_bits(stop, tmp_path):
    undisturbed = [(epoch.number, epoch.metrics) for epoch in trainer_of(counting, tmp_path).epochs()]
    first = trainer_of(counting, tmp_path)
    epochs = first.epochs()
    for _ in range(stop):
        next(epochs)
    checkpoint.write(first.snapshot(), tmp_path / "state.npz")

    second = trainer_of(counting, tmp_path)
    second.restore(checkpoint.read(tmp_path / "state.npz"))
    assert [(epoch.number, epoch.metrics) for epoch in second.epochs()] == undisturbed[stop:]


def test_a_function_that_does_not_ask_for_its_state_begins_at_epoch_one(tmp_path):
    def train(config, trial):
        for epoch in range(3):
            trial.save({"done": epoch})
            yield {"rmse": epoch}

    first = trainer_of(train, tmp_path)
    list(first.epochs())
    assert first.snapshot().epoch == 3
    second = trainer_of(train, tmp_path)
    second.restore(first.snapshot())
    assert [epoch.number for epoch in second.epochs()] == [1, 2, 3]


def test_without_a_saved_state_there_is_no_snapshot(tmp_path):
    trainer = trainer_of(reporting({"rmse": 1}), tmp_path)
    list(trainer.epochs())
    assert trainer.snapshot() is None


class TestFindingAFunction:
    def test_it_is_found_beside_the_experiment_before_the_path(self, tmp_path, monkeypatch):
        (tmp_path / "colorsys.py").write_text(
            "import neighbor\ndef train(config, trial):\n    yield neighbor.METRICS\n"
        )
        (tmp_path / "neighbor.py").write_text("METRICS = {'rmse': 4}\n")
        import colorsys  # of the standard library, which is imported already

        monkeypatch.setitem(sys.modules, "colorsys", colorsys)  # other tests get it back, as what they use imports it
        assert not hasattr(colorsys, "train")
        function = load_function("colorsys:train", tmp_path)
        assert list(function({}, None)) == [{"rmse": 4}]

    def test_two_folders_may_have_modules_of_one_name(self, tmp_path):
        for name in "ab":
            (tmp_path / name).mkdir()
            (tmp_path / name / "twin_module.py").write_text(f"def train(config, trial):\n    yield '{name}'\n")
        found = [list(load_function("twin_module:train", tmp_path / name)({}, None)) for name in "aba"]
        assert found == [["a"], ["b"], ["a"]]

    def test_what_is_not_there_is_named(self, tmp_path):
        (tmp_path / "here_it_is.py").write_text("def train(config, trial):\n    yield {}\nNUMBER = 3\n")
        with pytest.raises(TrainingError, match="no module 'nowhere_at_all'"):
            load_function("nowhere_at_all:train", tmp_path)
        with pytest.raises(TrainingError, match="no function 'trian': did you mean 'train'"):
            load_function("here_it_is:trian", tmp_path)
        with pytest.raises(TrainingError, match="not a function but int"):
            load_function("here_it_is:NUMBER", tmp_path)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("def train(config, trial:\n", "line 1 is not valid Python"),
            ("def trian(config, trial):\n    yield {}\n", "defines no 'train'; did you mean 'trian'"),
            ("\0", "is not valid Python"),
        ],
    )
    def test_it_is_checked_without_being_imported(self, text, words, tmp_path):
        (tmp_path / "unchecked_module.py").write_text(text)
        with pytest.raises(ExperimentError, match=words):
            check_function("unchecked_module:train", tmp_path)
        assert "unchecked_module" not in sys.modules

    @pytest.mark.parametrize(
        "text",
        [
            "from somewhere import train",
            "from somewhere import *",
            "train = lambda c, t: iter([])",
            "import a as train",
        ],
    )
    def test_a_function_may_be_defined_in_any_way(self, text, tmp_path):
        (tmp_path / "another_way.py").write_text(text + "\nraise SystemExit\n")
        assert len(check_function("another_way:train", tmp_path)) == 64

    def test_a_missing_module_is_named(self, tmp_path):
        with pytest.raises(ExperimentError, match="no module 'nowhere_at_all'"):
            check_function("nowhere_at_all:train", tmp_path)
        assert check_function("json:loads", tmp_path) is None

    def test_a_pickled_function_is_checked_against_its_digest(self, tmp_path):
        file = tmp_path / "results" / "mine" / "trainer.pkl"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"not a pickle")
        with pytest.raises(TrainingError, match="is not the one that the sweep was begun with"):
            load_pickle(file, "0" * 64)
        table = {"kind": "pickle", "file": "../../elsewhere.pkl", "sha256": "0" * 64}
        with pytest.raises(TrainingError, match="outside"):
            pickled_trainer(setup_of(tmp_path, trainer=table), None)
