"""The time that a sweep in a database still takes, and the curves of its running trials."""

import pytest

import sweep
from sweep.runner.pacing import TimeLeft, features, stopping_of
from sweep.runner.progress import Reader
from sweep.stopping.halving import Halving
from sweep.stopping.median import Median
from sweep.stopping.patience import Patience
from sweep.store.paces import TrialPace, read_paces
from sweep.store.queries import best_trial
from tests.engine_here import training_here

SHORT = ["trials=6", "epochs=4", "network.hidden=[8]", "keep_weights=none"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A sweep that has ended."""
    folder = tmp_path_factory.mktemp("pacing")
    with training_here():
        return sweep.run("digits-quickstart", overrides=SHORT, db=folder / "sweeps.db", observer=None)


@pytest.fixture
def half(done, tmp_path):
    """A copy of it in which a trial runs, two wait, and each epoch took a second."""
    copy = tmp_path / "half.db"
    done.store.database.checkpoint()
    copy.write_bytes(done.store.database.path.read_bytes())
    results = sweep.load(db=copy)
    with results.store.database.writing() as connection:
        run = connection.exec_driver_sql
        run("UPDATE epochs SET seconds = 1 WHERE epoch > 0")
        run("UPDATE trials SET seconds = 4.5")
        run("DELETE FROM epochs WHERE trial_id IN (SELECT id FROM trials WHERE number > 3)")
        run("DELETE FROM epochs WHERE epoch > 1 AND trial_id = (SELECT id FROM trials WHERE number = 3)")
        run("UPDATE trials SET status = 'queued', last_epoch = NULL, best_value = NULL WHERE number > 3")
        run("UPDATE trials SET status = 'running', last_epoch = 1 WHERE number = 3")
    return results


def test_it_is_the_rest_of_the_running_trial_and_all_of_the_others(half):
    identity = half.record.id
    left = TimeLeft(half.store, identity, {}, half.record.objective).left(half.store.progress(identity))
    assert left.seconds == pytest.approx(3 + 2 * 4.5, rel=0.02)
    assert left.low == left.high == left.seconds  # nothing has ended early
    only = TimeLeft(half.store, identity, {}, half.record.objective, only=[3]).left(half.store.progress(identity))
    assert only.seconds == pytest.approx(3, rel=0.02)
    short = TimeLeft(half.store, identity, {}, half.record.objective, duration=1).left(half.store.progress(identity))
    assert short.seconds == pytest.approx(3, rel=0.02)  # the others are not begun any more


def test_a_running_trial_has_its_curve(half):
    reader = Reader(half.store, half.record)
    (trial,) = reader.read().running
    assert list(trial.curve) == half.epochs(3)["test_accuracy"].tolist()[1:]
    assert trial.planned == 4
    (again,) = reader.read().running
    assert again.curve == trial.curve


def test_the_pace_is_that_of_the_epochs(half):
    with half.store.database.reading() as connection:
        paces = read_paces(connection, half.record.id)
        best = best_trial(connection, half.record.id)
    assert [(pace.status, pace.epochs, pace.seconds) for pace in paces[2:5]] == [
        ("completed", 4, 4.0),
        ("running", 1, 1.0),
        ("queued", 0, 0.0),
    ]
    assert paces[0].overhead == pytest.approx(0.5)
    assert best == half.best_trials(1)[0]


def test_a_text_is_a_number_for_each_of_its_values_and_what_is_missing_is_the_mean():
    rows = [TrialPace(number, "queued", 1, 0, 0.0, None, None, number) for number in range(3)]
    drawn = {0: {"kind": "sgd", "lr": 1.0, "bias": 0}, 1: {"kind": "adam", "lr": 100.0, "bias": 2}, 2: {"kind": "sgd"}}
    found = features(rows, drawn)
    assert found[0] == (0.0, 0, 0.0, 1.0, 0.0)
    assert found[1] == (0.0, 2, 1.0, 0.0, pytest.approx(4.605, abs=1e-3))
    assert found[2] == (0.0, 1.0, 0.0, 1.0, pytest.approx(2.303, abs=1e-3))


def test_what_is_known_of_rules_before_they_stop_anything():
    halving = stopping_of([Halving(factor=2, first=3)], 50)
    assert (halving.epochs, halving.share, halving.weight) == ((3, 6, 12, 24, 48), 0.5, None)
    assert stopping_of([Patience(), Median(grace=4)], 50).epochs == (5,)
    assert stopping_of([Patience()], 50) is None


def test_the_rule_of_the_median_is_asked_with_the_curves(half):
    with half.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE epochs SET test_accuracy = trial_id / 10.0 WHERE epoch > 0")
    progress = half.store.progress(half.record.id)
    left = TimeLeft(half.store, half.record.id, {"median": Median(grace=1, trials=2)}, half.record.objective)
    # After two epochs it would stop one of the three trials that have come there: with its prior (.35 * 4 + 1) / 8.
    goes_on = 1 - 2.4 / 8
    assert left.left(progress).seconds == pytest.approx(1 + 2 * goes_on + 2 * (2 + 2 * goes_on + 0.5), rel=0.05)
