"""Resuming a sweep: what is left is trained, on the data that the sweep was begun with."""

import os

import pandas as pd
import pytest

import sweep
from sweep.errors import DataError, SweepError
from sweep.observer import Silent
from sweep.store import Store
from tests.engine_here import training_here


def test_resuming_a_finished_sweep_does_nothing(here):
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1"], workers=1)
    before = sweep.load().trials()
    heard = []

    class Listener:
        def note(self, message):
            heard.append(message)

        def update(self, progress):
            heard.append(progress)

    sweep.resume(observer=Listener())

    assert heard == ["nothing is left to train in digits-quickstart"]
    pd.testing.assert_frame_equal(sweep.load().trials(), before)


def test_a_data_set_that_has_changed_is_not_mixed_in(here, tmp_path):
    table = tmp_path / "table.csv"
    rows = [f"{i % 7},{i % 3},{i % 2}" for i in range(40)]
    table.write_text("a,b,label\n" + "\n".join(rows))
    dataset = f"data.dataset={{kind='csv', file='{table}', label='label'}}"
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1", dataset], workers=1)
    store = Store(os.environ["SWEEP_DB"])
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE trials SET status = 'interrupted' WHERE number = 1")
    table.write_text(table.read_text() + "\n1,1,1")

    with pytest.raises(SweepError, match="is not the one that 'digits-quickstart' was begun with"):
        sweep.resume()
    table.write_text("a,b,label\n" + "\n".join(rows))
    assert sweep.resume(workers=1).trials()["status"].eq("completed").all()


def test_the_files_of_a_cached_data_set_are_not_needed(here, tmp_path, monkeypatch):
    table = tmp_path / "table.csv"
    table.write_text("a,b,label\n" + "\n".join(f"{i % 7},{i % 3},{i % 2}" for i in range(40)))
    dataset = f"data.dataset={{kind='csv', file='{table}', label='label'}}"
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1", dataset, "training.keep_weights='last'"])
    table.unlink()
    assert set(sweep.load().predict(0).parts) == {"train", "test"}
    with Store(os.environ["SWEEP_DB"]).database.writing() as connection:
        connection.exec_driver_sql("UPDATE trials SET status = 'interrupted' WHERE number = 1")
    assert sweep.resume().trials()["status"].eq("completed").all()

    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "empty"))
    with pytest.raises(DataError, match=r"table\.csv is not there"):
        sweep.load().predict(0)


def test_a_class_that_no_trial_can_learn_is_told(here, tmp_path):
    table, heard = tmp_path / "table.csv", []
    table.write_text("a,b,label\n1,2,x\n2,1,y\n")
    dataset = f"data.dataset={{kind='csv', file='{table}', label='label'}}"

    class Listener(Silent):
        def note(self, message):
            heard.append(message)

    sweep.run("digits-quickstart", overrides=["trials=1", "epochs=1", dataset], observer=Listener())
    assert "warning: the data set table: the class 'x' has no sample to learn from in the training part" in heard


def test_labels_that_were_one_class_when_a_sweep_was_begun_are_not_split_in_its_middle(here, tmp_path):
    table = tmp_path / "table.csv"
    labels = ["01067", "1067", "99999"]
    table.write_text("a,b,label\n" + "\n".join(f"{i % 7},{i % 3},{labels[i % 3]}" for i in range(40)))
    dataset = f"data.dataset={{kind='csv', file='{table}', label='label'}}"
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1", dataset, "training.keep_weights='last'"])
    with Store(os.environ["SWEEP_DB"]).database.writing() as connection:
        connection.exec_driver_sql("UPDATE trials SET status = 'interrupted' WHERE number = 1")
        connection.exec_driver_sql("UPDATE sweeps SET format = 2")
    sentence = r"the labels '01067', '1067' of the data set .* were one class when 'digits-quickstart' was begun"
    for action in (sweep.resume, lambda: sweep.load().predict(0), lambda: sweep.extend([0], epochs=2)):
        with pytest.raises(SweepError, match=sentence):
            action()
    with Store(os.environ["SWEEP_DB"]).database.writing() as connection:
        connection.exec_driver_sql("UPDATE sweeps SET format = 3")
    assert sweep.resume().trials()["status"].eq("completed").all()


def test_trials_without_a_drawn_value_are_resumed_and_compared(tmp_path):
    database = tmp_path / "sweeps.db"
    with training_here():
        done = sweep.run("digits-cnn", overrides=["epochs=1", "trials=2"], db=database, observer=None)
        with done.store.database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM epochs WHERE trial_id = (SELECT id FROM trials WHERE number = 1)")
            connection.exec_driver_sql("UPDATE trials SET status = 'queued', last_epoch = NULL WHERE number = 1")
        again = sweep.resume("digits-cnn", db=database, observer=None)
    assert again.parameters == []
    assert (again.trials()["status"] == "completed").all()
    assert again.store.parameters(again.record.id) == {0: {}, 1: {}}
    assert len(again.diff(0, 1))
    with training_here(), pytest.raises(SweepError, match="no searched parameter"):
        sweep.explain(0, name="digits-cnn", db=database, observer=None)
