"""Tracing stored trials and those of a file: the same steps each time, and a sentence where there are none."""

import gc
import math
import shutil
import sqlite3

import numpy as np
import pandas as pd
import pytest

import sweep
from sweep.checks.trace import trace, trace_configuration
from sweep.checks.trace_result import Range, array_words, step_of, write_arrays
from sweep.errors import SweepError, UsageError
from sweep.experiment.file import load
from sweep.records import Divergence
from sweep.training.loop import NetworkTrainer
from tests.engine_here import training_here

LATE = """
name = "late"
trials = 1
[data]
dataset = "digits"
normalization = "min_max"
[network]
hidden = []
output = "identity"
[training]
epochs = 9
batch_size = 100
loss = "mean_squared_error"
optimizer = { kind = "sgd", learning_rate = 1.2 }
record_batches = true
record_sharpness = true
keep_weights = "last"
"""
EVEN = LATE.replace("late", "even").replace("learning_rate = 1.2", "learning_rate = 0.01").replace("= 9", "= 3")
OWN = """
name = "own"
trainer = "own:train"
trials = 2
epochs = 4
[parameters]
rate = { uniform = [0, 1] }
[objective]
metric = "rmse"
direction = "min"
"""
CODE = """
def train(config, trial):
    for epoch in range(4):
        yield {"rmse": 1.5 + epoch, "my_loss": float("nan") if epoch == 2 and trial.number else 0.25}
"""
LENGTH = math.ceil(1347 / 100)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A database with a sweep that diverges late, one that does not, and one of a trainer of one's own."""
    folder = tmp_path_factory.mktemp("traced")
    (folder / "own.py").write_text(CODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        for name, text in (("late", LATE), ("even", EVEN), ("own", OWN)):
            (folder / f"{name}.toml").write_text(text)
            with training_here():
                sweep.run(folder / f"{name}.toml", db=str(folder / "sweeps.db")).store.close()
    gc.collect()
    return folder


@pytest.fixture(autouse=True)
def database(trained, tmp_path):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path / "sweeps.db"


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)

    def update(self, progress):
        raise AssertionError


def traced(name, number=0, wanted=Range(), **options):
    results = sweep.load(name)
    return trace(results.record, number, results.store, wanted, **options)


def change(database, statement):
    connection = sqlite3.connect(database)
    with connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def recorded_sharpness(name):
    """The sharpness and instability of each epoch that was stored."""
    epochs = sweep.load(name).epochs(0)
    return epochs[["epoch", "sharpness", "instability"]].reset_index(drop=True)


class TestStored:
    def test_the_steps_end_in_the_stored_divergence(self):
        row, found = sweep.load("late").trial(0), traced("late")
        assert found.divergence == row.divergence
        assert found.is_as_stored
        assert found.diverged_step == (row.divergence.epoch - 1) * LENGTH + row.divergence.step
        assert found.frame["step"].tolist() == [*range(found.diverged_step - 50, found.diverged_step + 1)]
        assert (row.divergence.place, found.first_not_finite) == ("loss", "the loss")
        assert found.growth.start < found.diverged_step

    @pytest.mark.parametrize("name", ["late", "even"])
    def test_the_losses_are_those_that_were_stored(self, name):
        found = traced(name, wanted=Range(start=1, steps=9999))
        stored = sweep.load(name).batches()["loss"].tolist()
        assert len(stored) > 30
        assert [loss for loss in found.frame["loss"] if math.isfinite(loss)] == stored

    def test_one_that_has_not_diverged_is_recorded_from_its_start(self):
        found = traced("even")
        assert (found.divergence, found.first_not_finite, found.growth) == (None, None, None)
        assert found.frame["step"].tolist() == [*range(1, 3 * LENGTH + 1)]
        assert traced("even", wanted=Range(20, 7)).frame["step"].tolist() == [*range(20, 27)]

    def test_it_goes_on_from_kept_weights(self, monkeypatch):
        trained, restore = [], NetworkTrainer.restore
        monkeypatch.setattr(
            NetworkTrainer, "restore", lambda self, kept: (trained.append(kept.epoch), restore(self, kept))
        )
        whole = traced("late", wanted=Range(1)).frame
        assert trained == []  # its weights are of a later epoch
        kept = sweep.load("late").trial(0).weights.epoch
        found = traced("late", wanted=Range(kept * LENGTH + 1))
        assert trained == [kept]
        assert found.frame.equals(whole[kept * LENGTH :].reset_index(drop=True))

    def test_damaged_weights_are_a_note_and_the_steps_are_the_same(self, database):
        row = sweep.load("late").trial(0)
        wanted = Range(row.weights.epoch * LENGTH + 1)
        right = traced("late", wanted=wanted).frame
        file = database.parent / row.weights.file
        file.write_bytes(file.read_bytes()[:-50])
        observer = Notes()
        assert traced("late", wanted=wanted, observer=observer).frame.equals(right)
        (note,) = [note for note in observer.notes if note.startswith("note: ")]
        assert "it is not the file that was written for this trial" in note
        assert note.endswith("so the training is traced without it")

    def test_the_arrays_of_the_last_finite_step_go_to_a_file(self, tmp_path):
        found = traced("late", keep_arrays=True)
        assert write_arrays(found, tmp_path / "a.npz") == found.diverged_step - 1
        with np.load(tmp_path / "a.npz") as arrays:
            assert arrays["output/W"].shape == (10, 65)
            assert arrays["output/u"].shape[0] == 10
            assert np.abs(arrays["output/u"]).max() == found.frame["output/u"].iloc[-2]
            assert arrays["step"] == found.diverged_step - 1
        with pytest.raises(UsageError, match=r"must end in \.npz"):
            write_arrays(found, tmp_path / "a.png")
        with pytest.raises(SweepError, match="in no recorded step all arrays are finite"):
            write_arrays(traced("late", wanted=Range(found.diverged_step), keep_arrays=True), tmp_path / "a.npz")

    def test_a_divergence_that_is_not_the_stored_one_is_noticed(self, database):
        stored = sweep.load("late").trial(0).divergence
        change(database, f"UPDATE trials SET diverged_step = diverged_step - 1 WHERE diverged_epoch = {stored.epoch}")
        assert not traced("late").is_as_stored

    def test_what_was_found_when_it_was_trained_is_told(self, database):
        assert traced("even").finding.startswith("never learned in 3 epochs")
        change(database, "UPDATE trials SET finding = NULL WHERE status = 'completed'")
        assert traced("even").finding is None

    @pytest.mark.parametrize("name", ["late", "even"])
    def test_the_sharpness_of_each_epoch_is_the_recorded_one(self, name):
        found = traced(name, with_sharpness=True).sharpness
        pd.testing.assert_frame_equal(found, recorded_sharpness(name), check_exact=True)
        assert traced(name).sharpness is None

    def test_a_trial_that_is_queued_is_traced_from_its_start(self, database):
        change(
            database,
            "UPDATE trials SET status = 'queued', diverged_epoch = NULL, diverged_step = NULL, diverged_place = NULL, "
            "diverged_kind = NULL WHERE sweep_id = (SELECT id FROM sweeps WHERE name = 'late')",
        )
        observer = Notes()
        assert traced("late", wanted=Range(steps=5), observer=observer).frame["step"].tolist() == [1, 2, 3, 4, 5]
        assert "note: late/0 is queued, so it is not known where it diverges, if it does" in observer.notes

    @pytest.mark.parametrize(
        ("name", "number", "words"),
        [
            (
                "own",
                0,
                "own/0 has a trainer of your own, whose arrays sweep cannot see; my_loss was 0.25, 0.25, 0.25 in",
            ),
            ("own", 1, "it diverged in epoch 3: invalid in my_loss; my_loss was 0.25, 0.25 in its last epochs"),
            ("late", 9, "there is no trial 9"),
        ],
    )
    def test_what_cannot_be_traced_is_one_sentence(self, name, number, words):
        with pytest.raises(SweepError, match=words):
            traced(name, number)

    def test_a_trial_that_diverged_before_its_first_step_has_none(self, database):
        change(database, "UPDATE trials SET diverged_epoch = 0, diverged_step = 0 WHERE diverged_epoch IS NOT NULL")
        with pytest.raises(SweepError, match="late/0 has no step to be traced, since it diverged before the first one"):
            traced("late")


class TestFile:
    @pytest.mark.parametrize(("name", "steps"), [("late", None), ("late", 5), ("late", 80), ("even", None)])
    def test_a_file_has_the_steps_of_the_stored_trial(self, database, name, steps):
        experiment = load(database.parent / f"{name}.toml")
        found, stored = trace_configuration(experiment, 0, Range(steps=steps)), traced(name, wanted=Range(steps=steps))
        assert found.frame.equals(stored.frame)
        assert found.divergence == stored.divergence
        assert found.name == stored.name

    @pytest.mark.parametrize("wanted", [Range(), Range(30, 5)])
    def test_the_sharpness_is_that_of_the_stored_trial(self, database, wanted):
        experiment = load(database.parent / "late.toml")
        found = trace_configuration(experiment, 0, wanted, with_sharpness=True)
        whole = recorded_sharpness("late")
        pd.testing.assert_frame_equal(found.sharpness, whole[: len(found.sharpness)], check_exact=True)
        assert len(found.sharpness) == (len(whole) if wanted == Range() else 3)

    def test_values_can_be_changed(self, database):
        experiment = load(database.parent / "late.toml", ["learning_rate=0.01", "epochs=3"])
        assert trace_configuration(experiment, 0, Range()).frame.equals(traced("even").frame)

    def test_a_first_step_in_the_middle(self, database):
        experiment = load(database.parent / "late.toml")
        whole = traced("late", wanted=Range(1)).frame
        found = trace_configuration(experiment, 0, Range(30, 5)).frame
        assert found.equals(whole[29:34].reset_index(drop=True))

    def test_what_cannot_be_traced_is_one_sentence(self, database):
        late, own = (load(database.parent / f"{name}.toml") for name in ("late", "own"))
        diverged = traced("late").diverged_step
        for experiment, number, wanted, words in [
            (own, 0, Range(), "own has a trainer of its own, whose arrays sweep cannot see"),
            (late, 5, Range(), "late draws no trial 5; the first one is 0"),
            (late, 0, Range(9999), "from_step 9999 is too late: the training has 126 steps in all"),
            (late, 0, Range(diverged + 1), f"the training diverges before these steps, in step {diverged} "),
            (late, 0, Range(9 * LENGTH), f"the training diverges before these steps, in step {diverged} "),
            (
                load(database.parent / "late.toml", ["weights={kind='normal',std=1e38}", "dtype=float32"]),
                0,
                Range(),
                "late/0 has no",
            ),
        ]:
            with pytest.raises(SweepError, match=words):
                trace_configuration(experiment, number, wanted)


@pytest.mark.parametrize(
    ("wanted", "diverged", "bounds"),
    [
        (Range(), None, (1, 100)),
        (Range(steps=30), None, (1, 30)),
        (Range(150), None, (150, 200)),
        (Range(), 120, (70, 120)),
        (Range(), 20, (1, 20)),
        (Range(steps=10), 120, (110, 120)),
        (Range(15), 120, (15, 120)),
        (Range(15, 4), 120, (15, 18)),
        (Range(119, 40), 120, (119, 120)),
    ],
)
def test_the_steps_that_are_asked_for(wanted, diverged, bounds):
    assert wanted.bounds(diverged, 200) == bounds


def test_a_range_has_sense():
    with pytest.raises(UsageError, match="from_step 121 is too late: the training diverges in step 120"):
        Range(121).bounds(120, 200)
    for wrong, words in (((0,), "from_step must be at least 1, not 0"), ((1, -2), "steps must be at least 1, not -2")):
        with pytest.raises(UsageError, match=words):
            Range(*wrong)


@pytest.mark.parametrize(
    ("place", "row", "words"),
    [
        ("hidden[0]/forward", {}, "u of hidden[0]"),
        ("hidden[0]/relu/forward", {}, "z, the output of hidden[0]/relu"),
        ("hidden[0]/backward", {"hidden[0]/dW": math.inf}, "dW of hidden[0]"),
        ("output/backward", {"output/dW": 3.0}, "the gradient that output passes down"),
        ("hidden[0]/relu/backward", {}, "the gradient that hidden[0]/relu passes down"),
        ("loss", {"loss": math.inf}, "the loss"),
        ("loss", {"loss": 3.0}, "dz of output"),
        ("output/update", {}, "W of output, or what the optimizer keeps of it"),
        ("evaluation/output/forward", {}, "u of output in the evaluation after it"),
        ("evaluation/test_loss", {}, "test_loss in the evaluation after it"),
    ],
)
def test_the_array_of_a_place(place, row, words):
    assert array_words(place, ["hidden[0]", "output"], row) == words


def test_the_step_of_a_divergence():
    assert step_of(Divergence(3, 4, "output/forward", "overflow"), 10) == 24
