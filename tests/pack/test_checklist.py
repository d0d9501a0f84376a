"""The checklist: facts of the database where there are any, and open questions for the author where there are none."""

import re

import pytest
from sqlalchemy import update

import sweep
from sweep.pack.checklist import checklist
from sweep.store.schema import trials

OWN = """
name = "own"
description = "A parabola."
trainer = { kind = "command", run = "./own.sh {rate}" }
trials = 2
epochs = 3
repeats = 3
[parameters]
rate = { log_uniform = [0.001, 0.1] }
kind = { choice = ["a", "b"] }
[objective]
metric = "rmse"
direction = "min"
"""


def items(text):
    """The items of a checklist: each fact by its name, and the open questions."""
    facts = dict(re.findall(r"^- \[x\] (.*?): (.*)$", text, re.MULTILINE))
    return facts, re.findall(r"^- \[ \] (.*)$", text, re.MULTILINE)


def test_what_a_sweep_knows_is_filled_in(toy):
    text = checklist(toy.store, toy.record)
    facts, questions = items(text)
    best, trials_frame = next(toy.best(1).itertuples()), toy.trials()
    assert facts["Number of configurations"] == "9"
    counts = trials_frame["status"].value_counts()
    assert facts["Exact number of trainings"] == (
        f"9 ({counts['completed']} completed, {counts['diverged']} diverged), 1 of each configuration"
    )
    assert facts["Best value"] == f"{float(best.test_accuracy)!r}, of trial {best.trial}, epoch {best.epoch}"
    values = trials_frame.loc[trials_frame["status"] == "completed", "test_accuracy"]
    middle, low, high = map(float, (values.median(), values.min(), values.max()))
    assert facts["Over all ranked trainings"] == f"median {middle!r}, from {low!r} to {high!r}"
    assert facts["Epochs"].startswith(f"{trials_frame['epochs'].sum()} in all, at most 8")
    assert "  - `training.optimizer.learning_rate`: from 0.3 to 0.9, uniform in its logarithm" in text
    assert toy.record.datasets[0]["sha256"] in facts["Data set"]
    assert toy.record.environment["blas"] == facts["BLAS kernel"]
    assert any("Each configuration was trained once" in question for question in questions)
    assert any("selected by test_accuracy" in question for question in questions)


@pytest.fixture
def own(tmp_path, here):
    """A sweep of a command that writes its figures, with repeats."""
    lines = ["#!/bin/sh", "for e in 1 2 3; do echo '{\"epoch\": '$e', \"rmse\": '0.$((SWEEP_TRIAL + 4 - e))'}'; done"]
    (tmp_path / "own.sh").write_text("\n".join(lines) + "\n")
    (tmp_path / "own.sh").chmod(0o755)
    (tmp_path / "own.toml").write_text(OWN)
    results = sweep.run(tmp_path / "own.toml", db=tmp_path / "sweeps.db", overrides=["seed=3"])
    yield results
    results.store.close()


def test_of_repeats_the_mean_and_the_deviation_are_told(own):
    with own.store.database.writing() as connection:
        for number, value in enumerate([0.4, 0.5, 0.6, 0.1, 0.2, 0.3]):
            changed = update(trials).where(trials.c.number == number)
            connection.execute(changed.values(status="completed", best_value=value))
    facts, questions = items(checklist(own.store, own.record))
    mean, deviation = (
        facts["Best configuration, mean and standard deviation between seeds"].split(" over ")[0].split(" ± ")
    )
    assert float(mean) == pytest.approx(0.2) and float(deviation) == pytest.approx(0.1)
    assert facts["How the best configuration was selected"] == (
        "the smallest rmse at the best epoch, as the mean over 3 trainings of a configuration"
    )
    assert facts["Values changed on the command line"] == "`seed=3`"
    assert any("The trainer reads its data by itself" in question for question in questions)
    assert '  - `parameters.kind`: one of "a", "b"' in checklist(own.store, own.record)


def test_a_configuration_that_lost_a_training_has_no_mean(own):
    with own.store.database.writing() as connection:
        connection.execute(update(trials).values(status="completed", best_value=0.5))
        connection.execute(update(trials).where(trials.c.number == 4).values(status="diverged"))
    facts, _ = items(checklist(own.store, own.record))
    assert facts["Configurations without a mean, as a training of theirs did not complete"] == "1"
    with own.store.database.writing() as connection:
        connection.execute(update(trials).values(status="failed"))
    _, questions = items(checklist(own.store, own.record))
    assert "No training was completed, so there is no result." in questions
    assert "Why did 6 trials fail (0, 1, 2, 3, 4, 5)?" in questions
