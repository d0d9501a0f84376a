"""What matters in sweeps of a database: which configurations count, their means, and what methods return."""

from dataclasses import replace

import pandas as pd
import pytest

import sweep
from sweep.analysis.importance_report import COLUMNS, summary
from sweep.errors import SweepError, UsageError
from sweep.results.importance import OUTSIDE, study_of
from sweep.results.importing import import_sweep
from tests.engine_here import training_here

TRAINER = """
import math


def train(config, trial):
    optimizer = config["optimizer"]
    rate = optimizer["learning_rate"]
    loss = (math.log10(rate) + 2) ** 2 + (0 if optimizer["kind"] == "adam" else 0.5) + config.get("shift", 0) % 0.01
    for epoch in range(2):
        yield {"loss": math.inf if rate > 0.3 else loss + epoch, "score": -loss}
"""
FILE = """
name = "first"
trainer = "mine:train"
trials = 60
epochs = 2

[parameters]
shift = { uniform = [0.0, 1.0] }
optimizer = { choice = [
    { kind = "adam", learning_rate = { log_uniform = [0.001, 1.0] } },
    { kind = "sgd", learning_rate = { log_uniform = [0.0001, 0.1] } },
] }

[objective]
metric = "loss"
direction = "min"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an experiment and a database with sweeps of it."""
    made = tmp_path_factory.mktemp("importance")
    (made / "mine.py").write_text(TRAINER)
    (made / "first.toml").write_text(FILE)
    fixed = ["parameters.optimizer={kind='adam',learning_rate={log_uniform=[0.001,0.1]}}"]
    with training_here():
        for name, options in {
            "few": {"trials": 4},
            "repeated": {"trials": 24, "overrides": ["repeats=2"]},
            "narrow": {"trials": 24, "overrides": fixed, "seed": 5},
            "first": {},
        }.items():
            sweep.run(made / "first.toml", db=made / "sweeps.db", **{"name": name, **options})
    return made


def loaded(folder, name):
    return sweep.load(name, db=folder / "sweeps.db")


def test_completed_configurations_count_and_diverged_ones_cut_the_space(folder):
    results = loaded(folder, "first")
    study = study_of([results])
    trials = results.trials()
    completed = trials[trials["status"] == "completed"]
    assert 0 < study.diverged == int((trials["status"] == "diverged").sum())
    assert study.survivors.values.tolist() == completed["loss"].tolist()
    assert study.survivors.is_cut and not study.survivors.is_max
    assert study.names == ["shift", "optimizer", "learning_rate (optimizer=adam)", "learning_rate (optimizer=sgd)"]


def test_the_frames_of_importance_and_effects(folder):
    results = loaded(folder, "first")
    table = results.importance().set_index("parameter")
    assert len(table) == 4
    for column in COLUMNS:
        assert (table[f"{column}_low"] <= table[column]).all() and (table[column] <= table[f"{column}_high"]).all()
    assert table["share"].idxmax().startswith("learning_rate")
    assert table.loc["learning_rate (optimizer=sgd)", "best"] == pytest.approx(0.01, rel=1)
    assert table.loc["optimizer", "best"] == "adam"
    effects = results.effects("optimizer")
    assert effects["value"].tolist() == ["adam", "sgd"]
    counts = results.trials().query("status == 'completed'")["optimizer"].value_counts()
    assert effects["trials"].tolist() == [counts["adam"], counts["sgd"]]
    assert list(results.interactions().columns) == ["first", "second", "p", "is_told"]


def test_a_parameter_of_several_options_is_named_by_its_short_name(folder):
    found = loaded(folder, "first").effects("learning_rate")
    assert set(found["parameter"]) == {"learning_rate (optimizer=adam)", "learning_rate (optimizer=sgd)"}
    with pytest.raises(UsageError, match="'rate' is not a parameter that differs among the trials"):
        loaded(folder, "first").effects("rate")


def test_another_metric_may_be_asked_for(folder):
    results = loaded(folder, "first")
    least, most = results.importance(), results.importance(by="score", direction="max")
    pd.testing.assert_frame_equal(least.drop(columns="worst"), most.drop(columns="worst"), atol=1e-9)


def test_rows_are_the_means_of_repeats(folder):
    results = loaded(folder, "repeated")
    study = study_of([results])
    assert len(study.results) == 24
    assert study.survivors.rows == 24 - study.diverged
    best = results.best(None).sort_values("trials", key=lambda words: words.str.split("–").str[0].astype(int))
    assert study.survivors.values.tolist() == pytest.approx(best["loss"].tolist())


def test_what_is_outside_of_the_newest_space_is_left_out_and_counted(folder):
    study = study_of([loaded(folder, "first"), loaded(folder, "narrow")])
    inside = study_of([loaded(folder, "narrow")])
    assert len(inside.results) == 24 and not inside.left_out
    assert 24 < len(study.results) < 24 + 60
    assert study.left_out == {OUTSIDE: 84 - len(study.results)}
    with pytest.raises(UsageError, match="twice"):
        study_of([loaded(folder, "first"), loaded(folder, "first")])


def test_an_imported_space_is_that_of_the_original(folder, tmp_path):
    results = loaded(folder, "first")
    results.export(tmp_path / "trials.parquet")
    imported, _ = import_sweep(tmp_path / "trials.parquet", direction="min", db=tmp_path / "imported.db")
    ours, theirs = study_of([results]), study_of([imported])
    assert theirs.left_out == ours.left_out and len(theirs.results) == 60
    assert set(theirs.names) == {"shift", "optimizer", "learning_rate"}  # which both optimizers have


def test_only_what_is_outside_is_not_called_unfinished(folder):
    study = study_of([loaded(folder, "first")])
    nothing = replace(study, results=[], left_out={OUTSIDE: 60})
    assert "60 configurations outside are left out" in summary(nothing.importance, "loss")


def test_too_few_are_one_sentence(folder):
    with pytest.raises(SweepError, match=r"few: . configurations completed; what matters among them can be told from"):
        loaded(folder, "few").importance()


def test_pruned_and_failed_trials_do_not_count(folder, monkeypatch):
    results = loaded(folder, "first")
    trials = results.store.trials(results.record.id, results.objective)
    completed = trials.index[trials["status"] == "completed"]
    changed = trials["status"].astype(str).to_numpy(copy=True)
    changed[completed[:3]], changed[completed[3:5]], changed[completed[5]] = "pruned", "failed", "running"
    monkeypatch.setattr(results.store, "trials", lambda *_: trials.assign(status=changed))
    study = study_of([results])
    assert study.pruned == 3
    assert study.left_out == {"failed": 2, "running": 1}
    assert study.survivors.rows == len(completed) - 6


def test_charts_are_drawn_and_an_interaction_only_with_evidence(folder):
    results = loaded(folder, "first")
    assert len(results.plot_importance().axes) == len(COLUMNS)
    assert [axes.get_xlabel() for axes in results.plot_effect("shift").axes] == ["shift"]
    named = results.plot_interaction(["shift", "optimizer"])
    assert named.axes[0].get_xlabel() == "shift"
    assert [text.get_text() for text in named.legends[0].get_texts()] == ["optimizer adam", "optimizer sgd"]
    with pytest.raises(UsageError, match="an interaction is that of two parameters"):
        results.plot_interaction(["shift"])


def test_the_ends_at_which_the_best_lie_are_those_of_the_review(tmp_path, monkeypatch):
    (tmp_path / "slope.py").write_text("def train(config, trial):\n    yield {'score': config['rate']}\n")
    monkeypatch.chdir(tmp_path)
    file = {
        **{"name": "slope", "trainer": "slope:train", "trials": 60, "epochs": 1},
        "parameters": {"rate": {"log_uniform": [0.01, 1.0]}, "idle": {"uniform": [0.0, 1.0]}},
        "objective": {"metric": "score", "direction": "max"},
    }
    with training_here():
        results = sweep.run(file, db="sweeps.db")
    (end,) = study_of([results]).ends()
    assert end.parameter.short_name == "rate" and end.is_high
    reviewed = results.review().set_index("fault").loc["best at a boundary"]
    assert (reviewed["evidence"], reviewed["advice"]) == (end.evidence, end.advice)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ("1e300 * config['rate']", "are too large to compute their variance"),
        ("config['rate'] + 997 * config['idle'] % 1", "rough"),
    ],
)
def test_what_figures_cannot_tell_is_said(tmp_path, monkeypatch, score, words):
    (tmp_path / "scores.py").write_text(f"def train(config, trial):\n    yield {{'score': {score}}}\n")
    monkeypatch.chdir(tmp_path)
    file = {
        **{"name": "scores", "trainer": "scores:train", "trials": 60, "epochs": 1},
        "parameters": {"rate": {"uniform": [0.0, 1.0]}, "idle": {"uniform": [0.0, 1.0]}},
        "objective": {"metric": "score", "direction": "max"},
    }
    with training_here():
        study = study_of([sweep.run(file, db="sweeps.db")])
    assert words in summary(study.importance, "score")
