"""Drawing a new sweep: what is found out first, and what the observer is told."""

import pytest

import sweep
from sweep.errors import SweepError
from sweep.experiment import experiment as drawing
from sweep.experiment.file import parse
from sweep.experiment.sections import header
from sweep.observer import Silent
from sweep.runner import progress, run

FINITE = """
name = "finite"
trials = 12
[data]
dataset = "digits"
[network]
hidden = [{ int = [8, 10] }]
[training]
epochs = 1
batch_size = 500
optimizer = { kind = "sgd", learning_rate = 0.1 }
"""


class Listening(Silent):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "finite.toml"
    file.write_text(FINITE)
    return file


def test_configurations_that_are_drawn_again_are_noted(here, path):
    observer = Listening()
    sweep.run(path, observer=observer)
    [note] = [note for note in observer.notes if "different" in note]
    assert "of 12 drawn configurations only 3 are different" in note
    assert "repeats" in note
    observer = Listening()
    sweep.run(path, trials=1, repeats=2, name="repeated", observer=observer)
    assert not [note for note in observer.notes if "different" in note]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [({}, "there is a sweep 'finite' already"), ({"name": "other", "overrides": "dataset=mnist"}, "mnist|MNIST")],
)
def test_a_taken_name_and_a_missing_data_set_are_found_before_all_is_drawn(
    here, path, monkeypatch, tmp_path, given, sentence
):
    sweep.run(path, trials=1)
    drawn = []
    draw = drawing.Experiment.draw
    monkeypatch.setattr(drawing.Experiment, "draw", lambda *each: drawn.append(each) or draw(*each))
    with pytest.raises(SweepError, match=sentence):
        sweep.run(path, data=tmp_path, **given)
    assert len(drawn) <= 1


def test_a_sampler_that_has_too_many_is_stopped(path, monkeypatch):
    monkeypatch.setattr(header, "MOST_TRIALS", 100)
    (path.parent / "widths.csv").write_text("hidden[0]\n" + "8\n" * 101)
    path.write_text(FINITE.replace("trials = 12", "sampler = { kind = 'list', file = 'widths.csv' }"))
    with pytest.raises(SweepError, match="finite: trials = 101, which are all drawn"):
        sweep.run(path)


def test_it_is_told_how_far_it_has_come(here, path, monkeypatch):
    monkeypatch.setattr(progress, "COUNT_SECONDS", 0)
    monkeypatch.setattr(run, "MANY", 12)
    observer = Listening()
    sweep.run(path, observer=observer)
    assert {"drew 5 trials", "checked 5 trials", "storing 12 trials"} <= {*observer.notes}


def test_a_configuration_is_checked_once_for_each_shape(monkeypatch):
    checked = []
    experiment = parse(FINITE.replace("0.1 }", '0.1 }\nshuffle = { choice = ["epoch", false] }'), "finite")
    monkeypatch.setattr(drawing, "check_configuration", lambda *each: checked.append(each))
    assert len(experiment.trials()) == 12
    assert len(checked) == 2


def test_numbers_that_do_not_fit_each_other_are_refused_before_anything_is_stored(path):
    """Each end of both ranges is right by itself."""
    weights = "{ kind = 'uniform', min = { uniform = [-1.0, 0.4] }, max = { uniform = [-0.5, 1.0] } }"
    path.write_text(FINITE.replace("[training]", f"weights = {weights}\n[training]"))
    with pytest.raises(SweepError, match=r"trial \d+: network\.weights has a min above its max; exchange them$"):
        sweep.run(path)
    with pytest.raises(SweepError, match=r"holds no sweeps|there is no sweep"):
        sweep.load()
