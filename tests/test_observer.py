"""What is told of a sweep while it is trained, as one line."""

import pytest

from sweep.observer import fraction, summary
from sweep.records import Progress, RunningTrial


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
