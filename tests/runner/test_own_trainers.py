"""Sweeps of users' own trainers, from the file to the leaderboard, with real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sweep
from sweep.errors import ExperimentError, SweepError, UsageError
from sweep.runner.extend import kept_trainer

PATIENCE_SECONDS = 60

MODULE = '''
import os, time

def train(config, trial):
    """Approach a random point; what happens on the way is drawn, too."""
    state = trial.state or {"done": 0, "x": 10.0}
    x = state["x"]
    for epoch in range(state["done"] + 1, trial.epochs + 1):
        with open(os.path.join(os.path.dirname(__file__), f"seen-{trial.number}"), "a") as file:
            file.write(f"{epoch}\\n")
        time.sleep(config.get("pause", 0))
        x -= config["rate"] * (x - trial.seed % 7)
        trial.save({"done": epoch, "x": x})
        if config.get("trouble") == "raise" and epoch == 3:
            raise RuntimeError("no such luck")
        yield {"distance": float("nan") if config.get("trouble") == "nan" and epoch == 2 else abs(x), "x": x}
'''

FILE = """
name = "mine"
trainer = {{ kind = "function", function = "own_module:train", deterministic = true }}
trials = {trials}
epochs = {epochs}
{header}
[parameters]
rate = {{ uniform = [0.1, 0.9] }}
{parameters}
[objective]
metric = "distance"
direction = "min"
"""


def write(folder, parameters="", *, trials=4, epochs=6, header=""):
    """Write a module and its experiment file; return the file."""
    (folder / "own_module.py").write_text(MODULE)
    path = folder / "mine.toml"
    path.write_text(FILE.format(parameters=parameters, trials=trials, epochs=epochs, header=header))
    return path


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    return pytest.fail("waited too long")


def checkpointed(database, at_least):
    """Trial 0 of the newest sweep once it has a late enough checkpoint; None before."""
    try:
        results = sweep.load(db=str(database))
    except SweepError:
        return None
    trial = results.trial(0)
    results.store.close()
    return trial if trial.checkpoint and trial.checkpoint.epoch >= at_least else None


def figures(results):
    """All that must be the same whenever the trials are trained."""
    return results.epochs().drop(columns="seconds").to_numpy().tolist()


def test_a_function_is_searched_like_a_network(tmp_path, here):
    results = sweep.run(write(tmp_path))
    best = results.best(10)
    assert list(best) == ["rank", "trial", "distance", "epoch", "rate", "seconds"]
    assert best["distance"].is_monotonic_increasing
    assert len(best) == 4
    epochs = results.epochs()
    assert list(epochs) == ["trial", "epoch", "distance", "x", "seconds"]
    assert epochs.groupby("trial")["epoch"].apply(list).tolist() == [[1, 2, 3, 4, 5, 6]] * 4
    for number in range(4):
        of_trial = epochs[epochs["trial"] == number]
        assert best.set_index("trial")["distance"][number] == of_trial["distance"].min()
    assert results.trial(0).planned_epochs == 6


def test_what_goes_wrong_has_its_status_and_sentence(tmp_path, here):
    results = sweep.run(write(tmp_path, 'trouble = { choice = ["none", "nan", "raise"] }', trials=12))
    frame = results.trials().set_index("trial")
    for number, row in frame.iterrows():
        trial = results.trial(number)
        match row["trouble"]:
            case "none":
                assert (trial.status, trial.last_epoch) == ("completed", 6)
            case "nan":
                assert (trial.status, trial.last_epoch) == ("diverged", 1)
                found = trial.divergence
                assert (found.epoch, found.step, found.place, found.kind) == (2, 0, "distance", "invalid")
            case "raise":
                assert (trial.status, trial.last_epoch) == ("failed", 2)
                assert trial.error == "RuntimeError: no such luck"
                assert "own_module.py" in trial.traceback
    assert set(frame["trouble"]) == {"none", "nan", "raise"}
    assert set(results.diverged()["place"]) == {"distance"}


def test_the_number_of_workers_changes_no_bit(tmp_path):
    path = write(tmp_path)
    one, two = (sweep.run(path, overrides=[f"name=w{n}"], workers=n) for n in (1, 2))
    assert figures(one) == figures(two)


def test_a_killed_trial_continues_from_what_it_saved(tmp_path):
    path = write(tmp_path, "pause = 0.05", trials=1, epochs=60)
    (tmp_path / "calm").mkdir()
    calm = sweep.run(write(tmp_path / "calm", "pause = 0.0", trials=1, epochs=60), workers=1)

    code = (
        f"import sweep; sweep.run({str(path)!r}, workers=1, db={str(tmp_path / 'killed.db')!r}, overrides=['name=k'])"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            trial = wait_until(lambda: checkpointed(tmp_path / "killed.db", at_least=15))
            os.kill(int(trial.owner.split(":")[1].partition("@")[0]), signal.SIGKILL)
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()

    results = sweep.load("k", db=str(tmp_path / "killed.db"))
    assert results.trial(0).attempt == 2
    assert results.trial(0).crashes == 1
    assert figures(results) == figures(calm)
    trained = [int(line) for line in (tmp_path / "seen-0").read_text().split()]
    assert trained.count(1) == 1, "it began from the beginning"
    assert sorted(set(trained)) == [*range(1, 61)]


def test_a_completed_trial_can_be_extended_and_replayed(tmp_path, here):
    path = write(tmp_path, trials=2, epochs=4)
    results = sweep.run(path)
    long = sweep.run(path, overrides=["name=long", "epochs=7"])
    sweep.extend([0, 1], epochs=7, name="mine")
    assert figures(results) == figures(long)
    assert sweep.load("mine").replay(0).different == []
    trainer = kept_trainer(results.record, results.trial(1), results.store, {})
    assert trainer.snapshot().epoch == 7


def test_a_trainer_that_is_not_deterministic_is_not_replayed(tmp_path, here):
    results = sweep.run(write(tmp_path, trials=1), overrides=["trainer.deterministic=false"])
    with pytest.raises(SweepError, match="deterministic"):
        results.replay(0)


def test_a_function_that_is_not_there_is_noticed_before_anything_is_stored(tmp_path):
    path = write(tmp_path)
    (tmp_path / "own_module.py").write_text("def trian(config, trial):\n    yield {}\n")
    with pytest.raises(ExperimentError, match="defines no 'train'; did you mean 'trian'"):
        sweep.run(path)
    with pytest.raises(SweepError):
        sweep.load()


def test_changed_code_is_told_when_a_sweep_is_resumed(tmp_path, here):
    results = sweep.run(write(tmp_path, 'trouble = "raise"', trials=1))
    (tmp_path / "own_module.py").write_text(MODULE.replace("no such luck", "still no luck"))
    heard = []

    class Listener:
        def note(self, message):
            heard.append(message)

        def update(self, progress):
            """Ignore it."""

    sweep.resume("mine", retry_failed=True, observer=Listener())
    assert any("warning" in message and "trainer" in message for message in heard)
    assert results.trial(0).status == "failed"


def test_a_function_of_a_script_is_sent_to_the_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
import json, sweep

FACTOR = 2

def train(config, trial):
    for epoch in range(trial.epochs):
        yield {"loss": FACTOR * config["a"]["b"] / (1 + epoch)}

if __name__ == "__main__":
    results = sweep.run(
        train, parameters={"a": {"b": {"int": [1, 9]}}}, trials=5, epochs=3, objective=("loss", "min"),
        workers=2, deterministic=True
    )
    best = results.best(1).iloc[0]
    print(json.dumps([int(best["trial"]), best["loss"], int(best["b"]), int(best["epoch"])]))
"""
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    trial, loss, b, epoch = json.loads(done.stdout)
    assert loss == pytest.approx(2 * b / 3)
    assert epoch == 3
    results = sweep.load("train")
    assert results.trial(trial).configuration["parameters"] == {"a": {"b": b}}
    Path(results.store.files, "train", "trainer.pkl").write_bytes(b"other")
    with pytest.raises(SweepError, match="is not the one that the sweep was begun with"):
        results.replay(trial)


def test_a_function_needs_parameters_epochs_and_an_objective():
    with pytest.raises(UsageError, match="needs parameters, epochs and objective"):
        sweep.run(print, parameters={})


def test_repeats_have_seeds_of_their_own(tmp_path, here):
    results = sweep.run(write(tmp_path, trials=2, header="repeats = 3"))
    trials = [results.trial(number) for number in range(6)]
    assert [trial.repeat for trial in trials] == [0, 1, 2, 0, 1, 2]
    assert len({trial.seeds for trial in trials}) == 6
    assert trials[0].configuration == trials[2].configuration != trials[3].configuration
    single = sweep.run(tmp_path / "mine.toml", overrides=["name=single", "repeats=1"])
    assert [single.trial(number).seeds for number in (0, 1)] == [trials[0].seeds, trials[3].seeds]
    best = results.best(10)
    assert len(best) == 2
    means = results.trials().groupby(results.trials()["trial"] // 3)["distance"].mean()
    assert sorted(best["distance"]) == pytest.approx(sorted(means))
