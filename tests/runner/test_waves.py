"""Repeated trainings in waves, with a rule that leaves out those of clearly worse configurations."""

import pytest

import sweep
from sweep.errors import ExperimentError
from tests.engine_here import training_here
from tests.runner.test_rungs import assert_same, table


def noisy(config, trial):
    """The larger x the better, and the first two by far."""
    import random

    source = random.Random(trial.seed)
    yield {"score": config["x"] + 0.01 * source.random()}


PARAMETERS = {"x": {"uniform": [0.0, 1.0]}}


def run(name="waves", db=None, trials=6, repeats=5, **options):
    rule = {"kind": "wilcoxon", "level": 0.05, "trainings": 3}
    given = {"trials": trials, "repeats": repeats, "epochs": 1, "stopping": rule, "deterministic": True}
    return sweep.run(noisy, parameters=PARAMETERS, objective=("score", "max"), name=name, db=db, **given, **options)


def test_clearly_worse_configurations_get_no_more_trainings():
    with training_here():
        results = run()
    trials = results.trials()
    statuses = {first // 5: trials["status"][first : first + 5].tolist() for first in range(0, 30, 5)}
    best = trials.groupby(trials["trial"] // 5)["x"].first().idxmax()
    assert statuses[best] == ["completed"] * 5
    others = [status for number, status in statuses.items() if number != best]
    assert others == [["completed"] * 3 + ["pruned"] * 2] * 5
    made = results.store.decisions(results.record.id)
    assert {(each.epoch, each.decision, each.rule) for each in made} == {(0, "stop", "wilcoxon")}
    assert trials["error"][(0 if best else 5) + 3].startswith(
        "left out by the rule 'wilcoxon': its 3 trainings are worse"
    )
    ranked = results.best(1)
    assert ranked["trials"][0] == f"{best * 5}–{best * 5 + 4}"


def test_the_table_does_not_depend_on_workers_or_interruptions(tmp_path):
    with training_here():
        expected = table(run())
        for limit in (4, 9, 14, 20):
            run(db=tmp_path / f"{limit}.db", epochs_total=limit)
            assert_same(table(sweep.resume(db=tmp_path / f"{limit}.db")), expected)
    assert_same(table(run(db=tmp_path / "workers.db", workers=2)), expected)


def test_without_repeats_the_rule_is_refused():
    with pytest.raises(ExperimentError, match="give repeats, such as repeats = 5"):
        run(repeats=None)
