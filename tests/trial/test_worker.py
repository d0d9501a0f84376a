"""One trial in a worker: whatever it does, it leaves a record."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from sweep.data import data_options, options_key
from sweep.engines import RunOptions
from sweep.experiment.file import load
from sweep.experiment.sections import Configuration
from sweep.records import Divergence
from sweep.runner.draws import draw
from sweep.store import Store
from sweep.store.digests import trial_digests
from sweep.store.schema import trials
from sweep.system.processes import is_alive, owner
from sweep.training import build as assembly
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer
from sweep.trial import recorder, worker
from sweep.trial.worker import Assignment, Interrupted, run_trial
from tests.epochs import measured


@pytest.fixture
def store(tmp_path):
    opened = Store(str(tmp_path / "sweeps.db"), create=True)
    yield opened
    opened.close()
    worker.open_store.cache_clear()


@pytest.fixture
def assignment(store):
    """A sweep of three small trials on digits, of which number 0 is assigned."""
    experiment = load("digits-quickstart", ["trials=3", "epochs=2"])
    drawn = draw(experiment, RunOptions())
    sweep_id = store.add_sweep(drawn.record, drawn.trials)
    return Assignment(str(store.database.url), sweep_id, experiment.name, 0, drawn.datasets.folders)


def epochs(count):
    return [measured(i, 1.0, 0.5, 1.0, 0.1 * i, 0.01) for i in range(count)]


def train_instead(monkeypatch, error, count=3):
    def train(trainer):
        yield from epochs(count)
        raise error

    monkeypatch.setattr(NetworkTrainer, "epochs", train)


def test_a_trial_is_completed_with_its_digest(store, assignment):
    assert run_trial(assignment) == "completed"

    row = store.trial(assignment.sweep_id, 0)
    frame = store.epochs(assignment.sweep_id, 0)
    assert (row.status, row.attempt, row.owner, row.last_epoch) == ("completed", 1, owner(), 2)
    assert row.best_value == frame["test_accuracy"].max()
    assert row.best_epoch == frame["test_accuracy"].idxmax()
    assert row.seconds > 0
    with store.database.reading() as connection:
        stored = connection.execute(select(trials.c.id, trials.c.digest).where(trials.c.number == 0)).one()
        assert [*trial_digests(connection, trials.c.id == stored.id)] == [tuple(stored)]


def test_a_trial_that_another_worker_has_is_left_alone(store, assignment):
    store.claim(assignment.sweep_id, 0, "other:1")
    assert run_trial(assignment) is None
    assert store.trial(assignment.sweep_id, 0).owner == "other:1"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("no such luck"), "RuntimeError: no such luck"),
        (MemoryError("no room"), "out of memory (MemoryError: no room)"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_trial_that_raises_has_failed_and_keeps_its_epochs(store, assignment, monkeypatch, error, message):
    train_instead(monkeypatch, error)

    assert run_trial(assignment) == "failed"

    row = store.trial(assignment.sweep_id, 0)
    assert (row.status, row.error) == ("failed", message)
    assert "Traceback" in row.traceback
    assert type(error).__name__ in row.traceback
    assert len(store.epochs(assignment.sweep_id, 0)) == 3


def test_a_diverged_trial_says_where(store, assignment, monkeypatch):
    train_instead(monkeypatch, Diverged(Divergence(3, 9, "output/update", "overflow")))

    assert run_trial(assignment) == "diverged"

    row = store.trial(assignment.sweep_id, 0)
    assert row.divergence == Divergence(3, 9, "output/update", "overflow")
    assert row.last_epoch == 2
    assert row.error is None


def test_an_interrupted_trial_keeps_its_epochs_and_can_be_queued_again(store, assignment, monkeypatch):
    train_instead(monkeypatch, Interrupted())

    assert run_trial(assignment) == "interrupted"

    assert store.trial(assignment.sweep_id, 0).status == "interrupted"
    assert len(store.epochs(assignment.sweep_id, 0)) == 3
    store.requeue(assignment.sweep_id, lambda owner, silent: not is_alive(owner))
    monkeypatch.undo()
    assert 0 in store.queued(assignment.sweep_id)


def test_an_overtaken_worker_stops_at_its_next_write(store, assignment, monkeypatch):
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0)
    trained = []

    def train(trainer):
        for epoch in epochs(5):
            trained.append(epoch.number)
            if epoch.number == 2:  # the trial is taken away behind this worker's back
                store.requeue(assignment.sweep_id, lambda owner, silent: True)
                store.claim(assignment.sweep_id, 0, "quicker:1")
            yield epoch

    monkeypatch.setattr(NetworkTrainer, "epochs", train)

    assert run_trial(assignment) is None
    assert trained == [0, 1, 2]
    assert store.trial(assignment.sweep_id, 0).owner == "quicker:1"
    assert store.epochs(assignment.sweep_id, 0).empty


def test_epochs_are_written_in_batches(store, assignment, monkeypatch):
    writes = []
    real = Store.record
    monkeypatch.setattr(Store, "record", lambda self, *a, **k: writes.append(len(a[1])) or real(self, *a, **k))
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0)
    run_trial(assignment)
    assert writes == [1, 1, 1]

    writes.clear()
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 3600)
    worker.run_trial(replace(assignment, number=1))
    assert writes == []
    assert len(store.epochs(assignment.sweep_id, 1)) == 3  # all at the end


def test_the_key_of_a_data_set_tells_its_options():
    tables = ["digits", {"kind": "csv", "file": "a"}, {"kind": "csv", "file": "b"}]
    assert len({options_key(data_options({"dataset": t})) for t in tables}) == 3


@pytest.mark.parametrize(
    ("training", "epochs"),
    [
        ({"epochs": 4, "batch_size": 7}, 4),
        ({"iterations": 20, "batch_size": 10}, 2),
        ({"iterations": 21, "batch_size": 10}, 3),
        ({"iterations": 1, "batch_size": 1000}, 1),
        ({"iterations": 8, "batches_per_epoch": 4}, 2),
    ],
)
def test_iterations_are_counted_in_epochs(training, epochs):
    tree = {"data": {"dataset": "digits"}, "network": {}, "training": {"optimizer": "sgd", **training}}
    assert assembly.epoch_count(Configuration.model_validate(tree), 100) == epochs
