"""What was completed stays ranked while a longer training is not, and for good where that ends otherwise."""

import numpy as np
import pytest

import sweep
from sweep.checks import doctor
from sweep.errors import SweepError, WeightsError
from sweep.records import Epoch, Weights
from sweep.store import Ending
from sweep.training import checkpoint
from tests.engine_here import training_here

SHORT, LONG = 4, 9


def train(config, trial):
    """Come nearer with each epoch; after epoch 6 trial 0 diverges and trial 1 fails."""
    done = trial.state["done"] if trial.state else 0
    for epoch in range(done + 1, trial.epochs + 1):
        trial.save({"done": epoch})
        if trial.number == 1 and epoch == 7:
            raise RuntimeError("no such luck")
        distance = float("nan") if trial.number == 0 and epoch == 7 else (1 + trial.number) / epoch
        yield {"distance": distance}


@pytest.fixture
def results(tmp_path):
    with training_here():
        return sweep.run(
            train,
            parameters={"rate": {"uniform": [0, 1]}},
            trials=3,
            epochs=SHORT,
            objective={"metric": "distance", "direction": "min"},
            name="longer",
        )


def ranked(results):
    columns = ["rank", "trial", "distance", "epoch"]
    return results.best()[columns].to_numpy().tolist()


BY_SHORT = [[1, 0, 1 / 4, 4], [2, 1, 2 / 4, 4], [3, 2, 3 / 4, 4]]


def assert_sound(results):
    report = doctor.examine(str(results.store.database.path))
    assert (report.damages, report.notes) == ([], [])


def test_what_was_completed_stays_ranked_until_the_longer_training_is(results):
    store, sweep_id = results.store, results.record.id
    assert ranked(results) == BY_SHORT
    store.extend(sweep_id, [0, 2], LONG)
    assert ranked(results) == BY_SHORT
    assert_sound(results)
    claim = store.claim(sweep_id, 2, "me:1")
    assert [epoch.number for epoch in claim.epochs] == [1, 2, 3, 4]
    assert ranked(results) == BY_SHORT
    five, six = (Epoch(number, 0.1, {"distance": 3 / number}) for number in (5, 6))
    store.record(claim, [five], five)
    assert ranked(results) == BY_SHORT
    store.finish(claim, Ending("interrupted", 1.0), [six], six)
    assert ranked(results) == BY_SHORT
    assert results.trial(2).last_epoch == 6
    assert_sound(results)

    with training_here():
        sweep.resume("longer")
    assert ranked(results)[1:] == [[2, 2, 3 / 9, 9], [3, 1, 2 / 4, 4]]
    assert results.trial(2).ranked_epochs is None
    assert_sound(results)


@pytest.mark.parametrize("by", [None, "distance"])
def test_a_longer_training_that_fails_or_diverges_leaves_the_rank_and_is_told(results, by):
    with training_here():
        sweep.extend(best=3, epochs=LONG)
    table = results.best(by=by)
    assert table[["trial", "distance", "epoch"]].to_numpy().tolist() == [[0, 1 / 4, 4], [2, 3 / 9, 9], [1, 2 / 4, 4]]
    assert results.best_trials(3) == [0, 2, 1]
    assert results.worst(by=by)["trial"].tolist() == [1, 2, 0]
    assert results.best(where="rate < 2")["trial"].tolist() == [0, 2, 1]
    endings = [(results.trial(n).status, results.trial(n).ranked_epochs, results.trial(n).last_epoch) for n in range(3)]
    assert endings == [("diverged", 4, 6), ("failed", 4, 6), ("completed", None, 9)]
    assert [results.trial(n).weights.epoch for n in range(3)] == [4, 4, 9]
    assert results.diverged()[["trial", "epoch"]].to_numpy().tolist() == [[0, 7]]
    assert results.epochs(0)["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert sweep.load().store.sweeps()["best"].tolist() == [1 / 4]
    with results.store.database.reading() as connection:
        view = connection.exec_driver_sql("SELECT rank, trial, value, epoch FROM leaderboard ORDER BY rank").all()
    assert [tuple(row) for row in view] == [(1, 0, 1 / 4, 4), (2, 2, 3 / 9, 9), (3, 1, 2 / 4, 4)]
    assert_sound(results)


def test_the_commands_tell_it(results, answer, monkeypatch):
    monkeypatch.setenv("SWEEP_DB", str(results.store.database.path))
    with training_here():
        sweep.extend(best=3, epochs=LONG)
    _, _, said = answer("leaderboard")
    assert "longer: 1 completed, 1 diverged, 1 failed" in said
    assert "2 ranked by an ended training, since a longer one is not completed" in said
    _, table, _ = answer("show", "0")
    assert "ranks by its first 4 epochs, since the training to 9 epochs is not completed" in " ".join(table.split())
    with training_here():
        code, _, said = answer("continue", "2", "--epochs", "10", "--quiet")
    assert code == 0
    assert "longer/0 is diverged after epoch 6, and still ranks by its first 4 epochs" in said
    assert "longer/1 is failed after epoch 6, and still ranks by its first 4 epochs" in said


def test_a_charts_points_are_those_of_the_leaderboard(results):
    with training_here():
        sweep.extend(best=3, epochs=LONG)
    (axes,) = results.plot().axes
    heights = sorted(y for points in axes.collections for _, y in points.get_offsets().tolist())
    assert heights == sorted([1 / 4, 2 / 4, 3 / 9])


def test_a_training_that_begins_from_the_beginning_again_loses_no_rank(results):
    results.store.extend(results.record.id, [0], LONG)
    (results.store.folder / results.trial(0).weights.file).unlink()
    with training_here():
        sweep.resume("longer")
    assert results.trial(0).status == "diverged"
    assert ranked(results) == BY_SHORT
    assert results.epochs(0)["distance"].tolist() == [1 / n for n in range(1, 7)]
    assert doctor.examine(str(results.store.database.path)).damages == []


def test_another_file_in_the_place_of_the_weights_is_noticed(results):
    kept = results.trial(2).weights
    path = results.store.folder / kept.file
    assert len(kept.sha256) == 64
    content = checkpoint.read(path, kept.sha256)
    content.arrays["more"] = np.ones(1)
    checkpoint.write(content, path)  # as whole as the first, of the same trial and epoch
    with training_here(), pytest.raises(WeightsError, match="it is not the file that was written for this trial"):
        sweep.extend([2], epochs=LONG)
    (note,) = doctor.examine(str(results.store.database.path)).notes
    assert "it is not the file that was written for this trial" in note.words


def test_weights_from_before_there_were_digests_are_taken(results):
    with results.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE trials SET weights_sha256 = NULL")
    with training_here():
        sweep.extend([2], epochs=LONG)
    row = results.trial(2)
    assert (row.status, row.last_epoch) == ("completed", LONG)
    assert isinstance(row.weights, Weights)
    assert row.weights.sha256


def test_a_trial_whose_longer_training_diverged_is_not_gone_on_with(results):
    with training_here():
        sweep.extend([0], epochs=LONG)
        with pytest.raises(SweepError, match="longer/0 is diverged, not completed"):
            sweep.extend([0], epochs=LONG + 1)
