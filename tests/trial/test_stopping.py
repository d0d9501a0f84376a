"""Trials that a rule ends early: what is kept of them, and that their own code is ended with them."""

from dataclasses import dataclass
from statistics import median

import pytest

import sweep
from sweep import stopping
from sweep.stopping import Rule, Stop
from tests.engine_here import training_here


@dataclass(frozen=True)
class AfterTwo(Rule):
    """Stop odd trials after epoch 2."""

    def decide(self, curve, others):
        return Stop(2.0, 2.0, "it is odd") if curve.trial % 2 and curve.epoch == 2 else None


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(stopping.KINDS, "after_two", AfterTwo)


FILE = """
name = "mine"
trainer = {trainer}
trials = 4
epochs = 5
stopping = "after_two"
[parameters]
width = {{ int = [1, 100] }}
[objective]
metric = "size"
direction = "max"
"""
FUNCTION = """
def train(config, trial):
    try:
        for epoch in range(trial.epochs):
            yield {"size": config["width"] + epoch}
            trial.save({"epoch": epoch})
    finally:
        (trial.folder / "ended").write_text(str(epoch))
"""
COMMAND = """
import json, sys, time
for epoch in range(1, 6):
    print(json.dumps({"size": int(sys.argv[1]) + epoch}), flush=True)
    if epoch == 2:
        time.sleep(0.2)
    if epoch == 4:
        open(f"{sys.argv[1]}-went-on", "w").close()
"""


def run(folder, trainer, code):
    (folder / "mine.py").write_text(code)
    (folder / "mine.toml").write_text(FILE.format(trainer=trainer))
    with training_here():
        return sweep.run(folder / "mine.toml")


def test_a_function_is_closed_and_its_trial_keeps_its_epochs(tmp_path):
    results = run(tmp_path, '"mine:train"', FUNCTION)
    trials = results.trials()
    assert trials["status"].tolist() == ["completed", "pruned"] * 2
    assert trials["epochs"].tolist() == [5, 2, 5, 2]
    assert results.trial(1).error == "stopped after epoch 2 by the rule 'after_two': it is odd"
    assert results.best()["trial"].isin([0, 2]).all()
    written = [path.read_text() for path in sorted(results.store.folder.rglob("ended"))]
    assert sorted(written) == ["1", "1", "4", "4"]


def test_a_command_is_stopped(tmp_path):
    results = run(tmp_path, '{ kind = "command", run = "python mine.py {width}" }', COMMAND)
    trials = results.trials()
    assert trials["epochs"].tolist() == [5, 2, 5, 2]
    assert trials["status"].tolist() == ["completed", "pruned"] * 2
    went_on = {int(path.name.partition("-")[0]) for path in tmp_path.glob("*-went-on")}
    assert went_on == set(trials["width"][[0, 2]])


def test_a_trial_that_is_asked_to_go_on_is_not_stopped_again(tmp_path):
    results = run(tmp_path, '"mine:train"', FUNCTION)
    with training_here():
        sweep.resume()
        assert results.trials()["epochs"].tolist() == [5, 2, 5, 2]
        assert sweep.extend([1]).trials()["epochs"].tolist() == [5, 5, 5, 2]
        assert sweep.extend([3], epochs=9).trials()["epochs"].tolist() == [5, 5, 5, 9]
        assert results.trials()["status"].eq("completed").all()


def test_the_others_of_the_median_rule_are_those_of_its_sweep(tmp_path):
    (tmp_path / "mine.py").write_text(FUNCTION.replace("+ epoch}", "}"))
    text = FILE.format(trainer='"mine:train"').replace('"after_two"', "{ kind = 'median', grace = 1, trials = 3 }")
    (tmp_path / "mine.toml").write_text(text.replace("trials = 4", "trials = 9").replace("epochs = 5", "epochs = 3"))
    with training_here():
        sweep.run(tmp_path / "mine.toml", overrides=["name=other", "seed=5"])
        trials = sweep.run(tmp_path / "mine.toml").trials()
    sizes = trials["size"].tolist()
    is_low = [number >= 3 and sizes[number] < median(sizes[:number]) for number in range(9)]
    assert any(is_low)
    assert (trials["status"] == "pruned").tolist() == is_low
