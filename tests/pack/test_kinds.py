"""Packs of sweeps of all kinds are verified, whatever draws, trains, ranks and stops their trials."""

import sys

import pytest
from sqlalchemy import text

import sweep
from tests.pack.forging import altered, evidence, repacked, texts, verdict

MODULE = '''
from pathlib import Path

def train(config, trial):
    """Approach a random point."""
    Path(__file__).with_name("ran").touch()
    x = 10.0
    for epoch in range(trial.epochs):
        x -= config["rate"] * (x - trial.seed % 7)
        yield {"distance": float("nan") if config.get("trouble") == "nan" else abs(x)}
'''
OWN = """
name = "own"
trainer = { kind = "function", function = "packed_module:train", deterministic = true }
trials = 4
epochs = 3
repeats = 2
[parameters]
rate = { uniform = [0.1, 0.9] }
mood = { choice = ["calm", { kind = "wild", amount = { int = [1, 3] } }] }
[objective]
metric = "distance"
direction = "min"
"""
DIGITS = """
name = "digits"
trials = 6
seed = 3
{header}
[data]
dataset = "digits"
[network]
hidden = [{{ int = [4, 9] }}]
activation = {{ choice = ["relu", {{ kind = "leaky_relu", alpha = {{ uniform = [0.1, 0.4] }} }}] }}
[training]
epochs = 4
batch_size = 100
optimizer = {{ kind = "sgd", learning_rate = {{ log_uniform = [0.01, 0.5] }} }}
"""
HEADERS = {
    "sobol": 'sampler = "sobol"',
    "latin hypercube": 'sampler = "latin_hypercube"',
    "repeats": "repeats = 2",
    "halving": 'stopping = "halving"',
    "median": 'stopping = "median"',
    "loss at the end": 'objective = { metric = "test_loss", epoch = "last" }',
    "limits": "limits = { parameters = 500 }",
}


@pytest.fixture
def own(tmp_path, here):
    """The results of a sweep with a trainer of its own; the folder of its code."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "packed_module.py").write_text(MODULE)
    (folder / "own.toml").write_text(OWN)
    results = sweep.run(folder / "own.toml", db=tmp_path / "sweeps.db")
    (folder / "ran").unlink()
    yield results, folder
    results.store.close()
    sys.modules.pop("packed_module", None)


@pytest.mark.parametrize("kind", HEADERS)
def test_all_that_a_file_can_ask_for_is_verified(kind, tmp_path, here):
    (tmp_path / "digits.toml").write_text(DIGITS.format(header=HEADERS[kind]))
    results = sweep.run(tmp_path / "digits.toml", db=tmp_path / "sweeps.db")
    found = sweep.verify(results.pack(tmp_path / "digits.zip").file, share=1.0)
    results.store.close()
    assert found.is_verified, found.frame.to_string()
    assert [verdict(found, what) for what in ("draws", "summaries", "trained again")] == [["verified"]] * 3
    assert len(found.trained) == results.record.trials
    if kind == "halving":
        assert verdict(found, "decisions") == ["verified"]


def test_a_sweep_that_was_extended_and_continued_is_verified(tmp_path, here):
    (tmp_path / "digits.toml").write_text(DIGITS.format(header=""))
    db = tmp_path / "sweeps.db"
    sweep.run(tmp_path / "digits.toml", db=db).store.close()
    sweep.enlarge(9, db=db).store.close()
    results = sweep.extend([2, 7], epochs=6, db=db)
    found = sweep.verify(results.pack(tmp_path / "digits.zip").file, share=1.0)
    results.store.close()
    assert found.is_verified, found.frame.to_string()
    assert "9 trials drawn again" in evidence(found, "draws") and len(found.trained) == 9


def test_the_rows_of_a_table_are_packed_with_the_sweep(tmp_path, here):
    (tmp_path / "points.csv").write_text("hidden[0],learning_rate,activation,alpha\n5,0.1,relu,0.2\n6,0.2,relu,0.2\n")
    header = 'sampler = { kind = "table", file = "points.csv" }'
    content = DIGITS.replace("trials = 6\n", "").format(header=header).replace("activation", "# activation")
    (tmp_path / "digits.toml").write_text(content)
    results = sweep.run(tmp_path / "digits.toml", db=tmp_path / "sweeps.db")
    file = results.pack(tmp_path / "digits.zip").file
    results.store.close()
    (tmp_path / "points.csv").unlink()
    assert texts(file)["files/points.csv"].startswith("hidden[0],")
    found = sweep.verify(file, share=0)
    assert found.is_verified and verdict(found, "draws") == ["verified"], found.frame.to_string()


def test_of_a_sampler_that_learns_the_first_draws_are_compared(tmp_path, here):
    (tmp_path / "digits.toml").write_text(
        DIGITS.format(header='sampler = "optuna:tpe"').replace("trials = 6", "trials = 12")
    )
    results = sweep.run(tmp_path / "digits.toml", db=tmp_path / "sweeps.db")
    found = sweep.verify(results.pack(tmp_path / "digits.zip").file)
    results.store.close()
    assert found.is_verified and "drawn by a sampler that learns" in evidence(found, "draws"), found.frame.to_string()


def test_code_of_a_pack_is_packed_and_never_run(own, tmp_path):
    results, folder = own
    file = results.pack(tmp_path / "own.zip").file
    assert texts(file)["files/packed_module.py"] == MODULE
    found = sweep.verify(file)
    assert verdict(found, "trained again") == ["missing"] and "author's own code" in evidence(found, "trained again")
    assert not altered(found) and not (folder / "ran").exists() and not found.is_verified
    assert sweep.verify(file, share=0).is_verified
    found = sweep.verify(file, trials=[999])
    assert verdict(found, "trained again") == ["missing"] and "there is no trial 999" in evidence(
        found, "trained again"
    )


def test_code_that_is_given_is_run_if_it_is_that_of_the_sweep(own, tmp_path):
    results, folder = own
    file = results.pack(tmp_path / "own.zip").file
    found = sweep.verify(file, share=1.0, code=folder)
    assert found.is_verified and len(found.trained) == 8 and (folder / "ran").exists()
    found = sweep.verify(file, code=tmp_path)
    assert verdict(found, "trained again") == ["missing"]
    assert evidence(found, "trained again") == f"there is no packed_module.py in {tmp_path}"
    (folder / "packed_module.py").write_text(MODULE + "\n")
    found = sweep.verify(file, code=folder)
    assert verdict(found, "trained again") == ["missing"] and "is not the one" in evidence(found, "trained again")


def test_trials_that_diverged_before_their_first_epoch_are_trained_again(own, tmp_path):
    own[0].store.close()
    folder = own[1]
    (folder / "lost.toml").write_text(
        OWN.replace('"own"', '"lost"').replace("[parameters]", '[parameters]\ntrouble = "nan"')
    )
    results = sweep.run(folder / "lost.toml", db=tmp_path / "lost.db")
    assert set(results.trials()["status"]) == {"diverged"}
    file = results.pack(tmp_path / "lost.zip").file
    results.store.close()
    found = sweep.verify(file)
    assert verdict(found, "trained again") == ["missing"] and not found.is_verified
    found = sweep.verify(file, share=1.0, code=folder)
    assert found.is_verified and [each.epochs for each in found.trained] == [1] * 8
    moved = text("UPDATE trials SET diverged_step = 2 WHERE number = 3")
    found = sweep.verify(repacked(file, lambda connection: connection.execute(moved)), share=1.0, code=folder)
    assert verdict(found, "trained again") == ["differs", "verified"]
    assert "trial 3: 1 of 1 epoch" in evidence(found, "trained again")


def test_code_that_has_changed_since_is_not_packed(own, tmp_path):
    results, folder = own
    (folder / "packed_module.py").write_text(MODULE + "\n")
    assert "files/packed_module.py" not in texts(results.pack(tmp_path / "own.zip").file)


def test_a_trainer_that_need_not_repeat_itself_is_not_trained_again(tmp_path, here):
    def train(config, trial):
        yield {"distance": config["rate"]}

    results = sweep.run(
        train,
        parameters={"rate": {"uniform": [0, 1]}},
        trials=3,
        epochs=1,
        objective=("distance", "min"),
        db=tmp_path / "s.db",
    )
    found = sweep.verify(results.pack(tmp_path / "own.zip").file)
    results.store.close()
    assert found.is_verified and "need not give the same figures" in evidence(found, "trained again")


def test_twins_are_verified_but_for_their_draws(rescued, tmp_path):
    found = sweep.verify(rescued.pack(tmp_path / "twins.zip").file, share=0.3)
    assert found.is_verified, found.frame.to_string()
    assert "made from those of the sweep toy" in evidence(found, "draws")
    forked = next(number for number in range(rescued.record.trials) if rescued.trial(number).forked_from)
    words = evidence(sweep.verify(tmp_path / "twins.zip", trials=[forked]), "trained again")
    assert f"trial {forked} goes on from toy/" in words and "not in the pack" in words


def test_a_sweep_without_any_finished_trial_is_packed(tmp_path, here):
    (tmp_path / "digits.toml").write_text(DIGITS.format(header=""))
    results = sweep.run(tmp_path / "digits.toml", db=tmp_path / "sweeps.db", duration=1e-9)
    found = sweep.verify(results.pack(tmp_path / "digits.zip").file)
    results.store.close()
    assert found.is_verified and not found.trained, found.frame.to_string()
    assert "No training was completed" in texts(tmp_path / "digits.zip")["checklist.md"]


def test_code_that_only_a_configuration_names_is_never_run(rescued, tmp_path):
    """Twins are not drawn again, so that nothing but this check looks at their configurations."""
    file, mark = rescued.pack(tmp_path / "twins.zip").file, tmp_path / "ran"
    trainer = f'{{"kind": "command", "run": "touch {mark}", "deterministic": true}}'

    def change(connection):
        statement = "UPDATE trials SET configuration = json_set(configuration, '$.trainer', json(:trainer))"
        connection.execute(text(statement), {"trainer": trainer})

    for code in (None, tmp_path):
        found = sweep.verify(repacked(file, change), share=1.0, code=code)
        assert verdict(found, "trained again") == ["altered"] and not mark.exists()
        assert "has another trainer than the experiment file" in evidence(found, "trained again")
