"""What is told of a sweep while it is trained: a line of progress, and who shows it."""

import sys

import pytest

import sweep
from sweep.observer import Notebook, Silent, default_observer, fraction, summary
from sweep.records import Progress, RunningTrial
from tests.engine_here import training_here


@pytest.mark.parametrize(
    ("metric", "best", "expected"),
    [
        ("test_accuracy", 0.98123, "3/4 trials · best 0.9812 · 1 diverged"),
        ("rmse", 1234.567, "3/4 trials · best rmse 1235 · 1 diverged"),
        ("validation_r2", -0.5, "3/4 trials · best validation_r2 -0.5000 · 1 diverged"),
        ("test_loss", 0.00012346, "3/4 trials · best test_loss 0.0001235 · 1 diverged"),
        ("rmse", None, "3/4 trials · 1 diverged"),
    ],
)
def test_the_best_value_is_written_as_its_metric_is(metric, best, expected):
    counts = {"completed": 2, "diverged": 1, "running": 1}
    progress = Progress(counts, best, (RunningTrial(3, 5, best),), 10, metric)
    assert summary(progress) == expected
    assert fraction(progress) == pytest.approx(3.5 / 4)


def test_in_a_notebook_the_progress_is_one_line_that_is_written_over(monkeypatch, capsys):
    assert isinstance(default_observer(), Silent)
    monkeypatch.setitem(sys.modules, "ipykernel", object())
    with training_here():
        sweep.run("digits-quickstart", overrides=["trials=2", "epochs=1", "network.hidden=[8]"])
    shown, errors = capsys.readouterr()
    assert errors == ""
    note, last, end = shown.split("\n")
    assert note == "\rpreparing the data set digits"
    assert last.rpartition("\r")[2].startswith("2/2 trials · best 0.")
    assert end == ""


def test_a_shorter_line_leaves_nothing_of_a_longer_one(capsys):
    observer, running = Notebook(), (RunningTrial(3, 5, None),)
    for counts in ({"completed": 100, "diverged": 5, "running": 1}, {"completed": 1, "running": 1}):
        observer.update(Progress(counts, None, running, 10))
    observer.note("a note")
    written = capsys.readouterr().out.split("\r")
    assert [line.rstrip() for line in written] == ["", "105/106 trials · 5 diverged", "1/2 trials", "a note"]
    assert len(written[2]) == len(written[1])
