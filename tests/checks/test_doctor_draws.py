"""Trials that the doctor draws again, where some were outside of limits."""

import os
import sqlite3
from contextlib import closing

import pytest

import sweep
from sweep.checks import doctor
from tests.engine_here import training_here
from tests.runner.test_limits import FILE, parsed


@pytest.mark.parametrize("cached", [True, False])
def test_a_damaged_trial_is_drawn_again_within_its_limits(here, monkeypatch, cached):
    with training_here():
        results = sweep.run(parsed(FILE))
    before = [results.trial(number) for number in range(6)]
    again = next(trial.number for trial in before if trial.redraws)
    path = os.environ["SWEEP_DB"]
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE trials SET seed_weights = 7 WHERE number = ?", [again])
        database.commit()
    if not cached:
        monkeypatch.setattr(doctor, "find_digest", lambda sha256: None)
    report, _ = doctor.repair(path, doctor.examine(path))
    # Without the data set it is not known which draws were outside.
    assert len(report.damages) == (0 if cached else 1)
    if cached:
        ours = results.trial(again)
        assert ours.status == "queued"
        same = ("number", "configuration", "seeds", "redraws", "network_parameters", "multiplications")
        assert [getattr(ours, name) for name in same] == [getattr(before[again], name) for name in same]
