"""Whole sweeps in real processes: the table is the same, bit for bit, with any number of workers."""

import re

import pytest

import sweep
from sweep.errors import SweepError
from tests.engine_here import Here
from tests.fault_tools import assert_same, figures, options

SMALL = ["trials=6", "training.epochs=3"]


def test_the_number_of_workers_changes_no_bit(tmp_path):
    results = [
        sweep.run("digits-quickstart", overrides=SMALL, workers=workers, db=str(tmp_path / f"{workers}.db"))
        for workers in (1, 3)
    ]
    tables = [figures(db=str(tmp_path / f"{workers}.db")) for workers in (1, 3)]
    assert_same(*tables)
    trials, epochs, _ = tables[0]
    assert set(trials["status"]) <= {"completed", "diverged"}
    assert trials["trial"].tolist() == list(range(6))
    assert epochs.groupby("trial").size().loc[trials["trial"][trials["status"] == "completed"]].eq(4).all()
    assert results[0].trials()["attempt"].eq(1).all()


def test_a_longer_sweep_begins_with_the_shorter_one(tmp_path, here):
    sweep.run("digits-quickstart", overrides=["trials=2", "epochs=2"], db=str(tmp_path / "2.db"))
    sweep.run("digits-quickstart", overrides=["trials=4", "epochs=2"], db=str(tmp_path / "4.db"))
    short, long = (figures(db=str(tmp_path / f"{n}.db")) for n in (2, 4))
    assert_same(short, (long[0].head(2), long[1][long[1]["trial"] < 2].reset_index(drop=True), short[2]))


def test_a_trial_that_fails_harms_no_other():
    overrides = [*SMALL, "network.hidden=[{choice=[8, 2_000_000_000]}]"]
    results = sweep.run("digits-quickstart", overrides=overrides, workers=2)
    trials = results.trials()
    too_wide = trials["hidden[0]"] > 8

    assert too_wide.any()
    assert not too_wide.all()
    assert trials.loc[too_wide, "status"].eq("failed").all()
    assert trials.loc[~too_wide, "status"].isin(["completed", "diverged"]).all()
    assert trials.loc[too_wide, "error"].str.contains("MemoryError").all()
    number = int(trials.loc[too_wide, "trial"].iloc[0])
    assert "Traceback" in results.trial(number).traceback


def test_an_observer_follows_the_whole_sweep():
    class Listener:
        notes: list = []
        last = None

        def note(self, message):
            self.notes.append(message)

        def update(self, progress):
            self.last = progress

    listener = Listener()
    sweep.run("digits-quickstart", overrides=["trials=3", "epochs=1"], workers=1, observer=listener)

    assert listener.notes == ["preparing the data set digits"]
    assert sum(listener.last.counts.values()) == 3
    assert listener.last.running == ()


def test_nothing_is_stored_when_a_sweep_cannot_begin(tmp_path):
    with pytest.raises(SweepError):
        sweep.run("mnist-widths", data=tmp_path)
    with pytest.raises(SweepError, match="holds no sweeps yet"):
        sweep.load()


def test_progress_in_a_pipe_is_plain_lines(command):
    code, output, errors = command("run", "digits-quickstart", *options(SMALL)).end()
    assert code == 0
    assert re.search(r"^6/6 trials · best 0\.\d{4}", errors, re.MULTILINE)
    assert "\x1b" not in errors + output


def test_an_engine_can_be_injected():
    trained = []

    class Recorded(Here):
        def run_all(self, assignments):
            for assignment in assignments:
                trained.append(assignment.number)
                yield from super().run_all([assignment])

    results = sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1"], backend=Recorded.opened)
    assert trained == [0, 1]
    assert results.trials()["status"].eq("completed").all()
