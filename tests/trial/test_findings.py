"""Trials that never learned: what the worker stores of them, and what tables and commands tell."""

import pytest

import sweep
from sweep.checks import doctor
from sweep.cli.output.outcome import never_learned
from sweep.cli.output.trial import print_trial
from sweep.store.digests import trial_digests
from sweep.store.schema import trials
from tests.engine_here import training_here

FILE = """
name = "rates"
trials = 4
sampler = { kind = "table", file = "table.csv" }
[data]
dataset = "digits"
normalization = "min_max"
[network]
hidden = [20, 10]
activation = "relu"
[training]
epochs = 4
batch_size = 20
optimizer = { kind = "sgd", learning_rate = { log_uniform = [1e-9, 10.0] } }
"""
DEAD, SLOW = "never learned: dead units", "never learned: learning rate too small"


def run(folder, rates=(0.1, 5.0, 1e-6, 0.2), overrides=()):
    (folder / "table.csv").write_text("learning_rate\n" + "\n".join(map(str, rates)))
    (folder / "rates.toml").write_text(FILE)
    with training_here():
        return sweep.run(folder / "rates.toml", overrides=overrides)


@pytest.fixture
def results(tmp_path):
    return run(tmp_path)


def test_the_finding_is_stored_with_the_end_and_counts_in_the_digest(results):
    stored = [results.trial(number).finding for number in range(4)]
    assert stored[0] is stored[3] is None
    assert stored[1].startswith("never learned in 4 epochs (dead units): predicts class ")
    assert stored[1].endswith(" % of the units of hidden[1]/relu are dead")
    assert stored[2].startswith("never learned in 4 epochs (learning rate too small): ")
    database = results.store.database
    assert not doctor.examine(str(database.url)).damages
    with database.writing() as connection:
        before = dict(trial_digests(connection, trials.c.number == 1))
        connection.execute(trials.update().where(trials.c.number == 1).values(finding=stored[2]))
        assert dict(trial_digests(connection, trials.c.number == 1)) != before
    assert doctor.examine(str(database.url)).damages


def test_tables_have_it_in_short_and_only_where_any_trial_has_one(results):
    assert results.trials()["finding"].isna().tolist() == [True, False, False, True]
    assert results.trials()["finding"].tolist()[1:3] == [DEAD, SLOW]
    worst = results.worst(3)
    assert [*worst][:6] == ["rank", "trial", "test_accuracy", "epoch", "test_loss", "finding"]
    assert sorted(worst["finding"].dropna()) == sorted([DEAD, SLOW])
    assert "finding" not in results.best(2)
    assert "finding" not in results.worst(3, where="learning_rate > 0.05 and learning_rate < 1")
    assert results.best(None, where=f"finding == '{DEAD}'")["trial"].tolist() == [1]


def test_commands_tell_it(results, capsys):
    assert never_learned(results.trials()) == ["2 trials never learned: 1 dead units, 1 learning rate too small"]
    assert never_learned(results.trials().drop(columns="finding")) == []
    assert never_learned(results.trials().assign(status="paused")) == []
    print_trial(results, 1)
    assert f"\n{results.trial(1).finding}\n" in capsys.readouterr().out


def test_a_new_attempt_begins_without_it_and_finds_it_again(results):
    store, sweep_id = results.store, results.record.id
    store.extend(sweep_id, [1], 5)
    claim = store.claim(sweep_id, 1, "someone")
    assert store.trial(sweep_id, 1).finding is None
    store.requeue(sweep_id, lambda *lease: True)
    assert claim
    with training_here():
        sweep.resume("rates")
    assert store.trial(sweep_id, 1).finding.startswith("never learned in 5 epochs (dead units)")


def test_trials_that_pause_are_looked_at_since_a_rule_may_stop_them(tmp_path):
    results = run(tmp_path, (0.1, 1e-6, 0.2, 1e-7), ["epochs=6", 'stopping={kind="halving", first=3}'])
    assert results.trials()["status"].tolist() == ["completed", "pruned"] * 2
    assert results.trials()["finding"].tolist()[1::2] == [SLOW] * 2
    assert results.trial(3).finding.startswith("never learned in 3 epochs")
    assert not doctor.examine(str(results.store.database.url)).damages


def test_it_is_taken_over_with_the_training(results, tmp_path):
    (tmp_path / "again.toml").write_text(FILE.replace('"rates"', '"again"\nstart_from = "rates"'))
    with training_here():
        again = sweep.run(tmp_path / "again.toml")
    assert [again.trial(number).taken_from for number in (1, 2)] == ["rates/1", "rates/2"]
    assert [again.trial(n).finding for n in range(4)] == [results.trial(n).finding for n in range(4)]


def test_a_trainer_of_ones_own_is_judged_by_an_accuracy_that_we_know(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def train(config, trial):\n"
        "    for epoch in range(3):\n"
        "        yield {'test_accuracy': config['a'] * (epoch + 1)}\n"
    )
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ntrainer = "mine:train"\ntrials = 2\nepochs = 3\n'
        'sampler = { kind = "table", file = "mine.csv" }\n[data]\ndataset = "digits"\n'
        "[parameters]\na = { uniform = [0.0, 1.0] }\n[objective]\nmetric = 'test_accuracy'\n"
    )
    (tmp_path / "mine.csv").write_text("a\n0.03\n0.3\n")
    with training_here():
        results = sweep.run(tmp_path / "mine.toml")
    assert results.trial(0).finding.startswith(
        "never learned in 3 epochs (cause unknown): test_accuracy 0.0900 at best"
    )
    assert results.trial(1).finding is None
