"""The benchmarks still run: every topic on tiny sizes gives every row; times themselves are not judged."""

import math
import os
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from benchmarks import command_line, epoch, networks, report, stores, sweeps
from benchmarks.database import ROWS
from benchmarks.measurement import ONE_THREAD, Cell, Contestant, Table, Target, in_turn, installed
from benchmarks.raw_sqlite import floor_tasks

PERCEPTRON = epoch.Shape([8], 30, floor=1, pytorch=1, scikit_learn=1)
WRITTEN = ["sweep, as workers write", "sweep, a write every 10 epochs", "sweep, a write every epoch"]
OF_ONE_RUN = ["owner", "heartbeat", "started", "finished", "seconds", "digest"]
SIDE_BY_SIDE = [
    *("sweep, 1 worker", "sweep, 2 workers", "sweep, 1 worker ÷ floor", "sweep, 2 workers ÷ floor", "scikit-learn"),
    "speed-up by the second worker",
]
WHERE = ["wall time", "training", "start", "between", "waiting", "end", "outside training"]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """As the command sets it."""
    for name, value in ONE_THREAD.items():
        monkeypatch.setenv(name, value)


def check(tables, *expected):
    """Compare the rows of tables with those that are there without any peer that must be installed."""
    for table, rows in zip(tables, expected, strict=True):
        assert set(rows) <= set(table.rows), table.title
        assert all(math.isfinite(cell.value) and cell.value > 0 for cell in table.cells), table.rows
        assert len(table.grid) == len(table.rows) + 1


@pytest.mark.slow
def test_an_epoch(tmp_path):
    training, whole, *profiles = epoch.run(epoch.Size([PERCEPTRON], samples=600, rounds=1), tmp_path)
    check([training, whole], [str(PERCEPTRON)], [str(PERCEPTRON)])
    assert {"sweep", "floor", "calls", "scikit-learn", "sweep ÷ floor"} <= set(training.rows[str(PERCEPTRON)])
    assert {"sweep", "scikit-learn", "sweep ÷ floor", "sweep ÷ scikit-learn"} <= set(whole.rows[str(PERCEPTRON)])
    assert [table.title for table in profiles] == [f"Where the time of the training of {PERCEPTRON} goes"]


@pytest.mark.slow
def test_networks(tmp_path):
    size = networks.Size([networks.Case("digits-cnn", 5, 0.001)], samples=100, rounds=1)
    table, *profiles = networks.run(size, tmp_path)
    check([table], ["digits-cnn"])
    assert {"sweep", "floor", "sweep ÷ floor"} <= set(table.rows["digits-cnn"])
    is_missed = "PyTorch" in table.rows["digits-cnn"]
    assert [each.title for each in profiles] == ["Where the time of a step of digits-cnn goes"] * is_missed
    assert table.rows["digits-cnn"]["parameters"].value == 10 * 10 + 10 * 91 + 200 * 161 + 200 * 201 + 10 * 201


@pytest.mark.slow
def test_sweeps(tmp_path):
    size = sweeps.Size(trials=2, epochs=1, samples=600, rounds=1, long_trials=2, whole_trials=2)
    check(sweeps.run(size, tmp_path), SIDE_BY_SIDE, [*WHERE, "outside training with 50 epochs"])


@pytest.mark.slow
def test_stores(tmp_path, monkeypatch):
    """The peers write what is read from them, and one of them what is timed: each of their processes costs 1 s."""
    size = stores.Size([1, 2], trials=2, peer_trials=1, read=[1, 2, 4], rounds=1)
    tables = stores.run(size, tmp_path)
    with monkeypatch.context() as patch:
        few = [way._replace(many=way.many and not way.peer) for way in stores.WAYS if "RDBStorage" not in way.name]
        patch.setattr(stores, "WAYS", few)
        writing = next(tables)
    reading = next(tables)
    check([writing, reading], WRITTEN, ["1 trials", "2 trials", "4 trials", "growth from 2 to 4 trials"])
    assert {"raw sqlite3", "sweep ÷ floor", "sweep ÷ floor, CPU time"} <= set(writing.rows)
    assert list(writing.rows[WRITTEN[0]]) == ["1 process", "2 processes"]
    assert set(reading.rows["1 trials"]) == {"best 10", "epochs", "list"}
    assert next(tables, None) is None


def test_the_floor_writes_what_sweep_writes(tmp_path):
    written = {}
    for name, tasks in (("sweep", stores.writer_tasks()), ("floor", floor_tasks())):
        path = tmp_path / f"{name}.db"
        tasks["create"](str(path), 12)
        tasks["open"](str(path))
        tasks["write"](range(12))
        with closing(sqlite3.connect(path)) as connection:
            epochs = connection.execute("SELECT * FROM epochs ORDER BY trial_id, epoch").fetchall()
            trials = pd.read_sql("SELECT * FROM trials ORDER BY id", connection)
        written[name] = epochs, trials.drop(columns=OF_ONE_RUN)
        assert trials["digest"].notna().all() and trials["finished"].notna().all()
    assert written["floor"][0] == written["sweep"][0] and len(written["sweep"][0]) == 12 * ROWS
    pd.testing.assert_frame_equal(written["floor"][1], written["sweep"][1])


@pytest.mark.slow
def test_the_command_line(tmp_path):
    size = command_line.Size(trials=2, workers=2, samples=600, rounds=1)
    check(
        command_line.run(size, tmp_path),
        ["sweep --help", "sweep list", "sweep leaderboard", "sweep list ÷ floor", "sweep leaderboard ÷ floor"],
        ["sweep run, one worker", "each further worker"],
        ["a worker at its peak", "of it to itself", "2 workers together", "of it each, beside one copy of the data"],
    )


def test_a_multiplied_sweep_is_read_like_any_other(tmp_path):
    import sweep
    from benchmarks.database import ROWS, finished_sweep

    finished_sweep(tmp_path / "many.db", trials=12, real=4)
    results = sweep.load(db=str(tmp_path / "many.db"))
    trials, epochs = results.trials(), results.epochs()
    assert list(trials["trial"]) == list(range(12)) and set(trials["status"]) == {"completed"}
    assert trials["learning_rate"].tolist() == trials["learning_rate"].tolist()[:4] * 3
    assert trials["test_accuracy"].nunique() == 12
    assert len(epochs) == 12 * ROWS and set(epochs.groupby("trial").size()) == {ROWS}
    assert epochs["test_loss"].tolist() == epochs["test_loss"].tolist()[: 4 * ROWS] * 3
    assert len(results.best(10)) == 10 and results.store.sweeps()["completed"].tolist() == [12]


def test_the_parts_of_a_sweeps_time_add_up_to_that_of_all_workers():
    trials = pd.DataFrame(
        [("a", 11.0, 15.0, 3.5), ("a", 15.5, 20.0, 4.0), ("b", 12.0, 18.0, 5.75)],
        columns=["owner", "started", "finished", "training"],
    )
    parts = sweeps.time_spent(trials, start=10.0, end=21.0)
    assert parts == {"training": 13.25, "start": 3.0, "between": 1.75, "waiting": 2.0, "end": 2.0}
    assert sum(parts.values()) == 2 * 11.0


def test_a_contestants_failure_is_told():
    contestant = Contestant(dict, {"divide": divmod})
    contestant.end()
    assert contestant.run("divide", 7, 2).value == (3, 1)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        contestant.run("divide", 1, 0)
    contestant.close()


def test_a_contestants_death_is_told():
    contestant = Contestant(dict, {"exit": os._exit})
    contestant.end()
    with pytest.raises(RuntimeError, match="exit code 7"):
        contestant.run("exit", 7)
    contestant.close()


def test_calls_are_made_in_turn_and_the_warm_up_is_not_counted():
    made = []
    calls = {name: lambda name=name: made.append(name) or len(made) for name in "ab"}
    assert in_turn("title", calls, rounds=2) == {"a": [3, 5], "b": [4, 6]}
    assert "".join(made) == "ababab"
    assert in_turn("title", calls, rounds=2, warm_up=False) == {"a": [7, 9], "b": [8, 10]}
    assert in_turn("title", calls, rounds=1) == {"a": [11], "b": [12]}


def test_each_figure_stands_beside_its_target_with_a_mark():
    table = Table("Title", "Note.")
    table.rows = {
        "fast": {"seconds": Cell(0.1234, "s", Target(0.3)), "times": Cell(49.9, "", Target(50, at_least=True))},
        "slow": {"seconds": Cell(1234.5, "s", Target(0.3))},
    }
    assert table.markdown().splitlines()[4:] == [
        "|  | seconds | times |",
        "| --- | ---: | ---: |",
        "| fast | 0.123 s (≤ 0.3 ✓) | 49.9 (≥ 50 ✗) |",
        "| slow | 1,234 s (≤ 0.3 ✗) | – |",
    ]
    assert report.summary([table]) == "1 of 3 targets are met."
    text = report.document([table], "bench", 12.3, ("0.5", "2.0"))
    assert "in 12 minutes" in text and "1 of 3 targets are met" in text and "* numpy: " in text and table.note in text


def test_peers_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr("benchmarks.measurement.PEERS", {"There": "json", "Missing": "no_such_module"})
    assert installed({"There": 1, "Missing": 2, "ours": 3}) == {"There": 1, "ours": 3}
