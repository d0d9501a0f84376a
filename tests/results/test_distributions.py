"""Tests of the charts of several sweeps, and of sweeps whose trials were not drawn independently."""

import numpy as np
import pytest

import sweep
from sweep.errors import SweepError, UsageError

EXPERIMENT = """
name = "{name}"
trials = 4
epochs = 2
trainer = "trainer_of_charts:train"
{more}
[parameters]
rate = {{ uniform = [0.0, 1.0] }}
[objective]
metric = "{metric}"
direction = "{direction}"
"""
TRAINER = """
def train(configuration, trial):
    for epoch in range(trial.epochs):
        yield {"score": configuration["rate"] + epoch, "miss": 1 - configuration["rate"]}
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Run a sweep of a trainer of one's own: `made("a", direction="min")`."""
    (tmp_path / "trainer_of_charts.py").write_text(TRAINER)
    monkeypatch.chdir(tmp_path)

    def make(name, metric="score", direction="max", more=""):
        file = tmp_path / f"{name}.toml"
        file.write_text(EXPERIMENT.format(name=name, metric=metric, direction=direction, more=more))
        return sweep.run(str(file), db="a.db", workers=1)

    return make


def curve(figure, name):
    """Return the values at which a curve of steps rises."""
    (found,) = (line for line in figure.axes[0].get_lines() if line.get_label() == name)
    return found.get_xdata()[1:-1]


def test_another_sweep_is_named_or_given(made):
    first, second = made("a"), made("b", more="seed = 1")
    for others in (["b"], [second]):
        figure = first.plot_distribution(others)
        np.testing.assert_allclose(curve(figure, "b"), np.sort(second.trials()["score"]))
    assert figure.get_suptitle() == "distribution of score in 2 sweeps"


def test_what_cannot_be_compared_is_one_sentence(made):
    first = made("a")
    made("b", direction="min")
    with pytest.raises(UsageError, match="the direction of score is min in b, not max"):
        first.plot_distribution(["b"])
    with pytest.raises(UsageError, match="a sweep is named twice"):
        first.plot_distribution(["a"])


def test_trials_that_were_not_drawn_independently_have_no_efficiency(made):
    assert made("a").plot_efficiency().axes
    for kind, reason in (("sobol", "spreads the trials evenly"), ("optuna:tpe", "by the results of earlier ones")):
        with pytest.raises(SweepError, match=f"has no efficiency chart, which needs .*{reason}"):
            made(kind.partition(":")[0], more=f'sampler = "{kind}"').plot_efficiency()


def test_all_charts_of_a_trainer_of_ones_own_with_repeats(made):
    trials = made("a", metric="miss", direction="min", more="repeats = 2")
    for figure in (
        trials.plot_history(),
        trials.plot_parallel(),
        trials.plot_heatmap(),
        trials.plot_efficiency(),
        trials.plot_distribution(),
    ):
        assert "configuration" in " ".join(
            [figure.get_suptitle(), *(text.get_text() for each in figure.legends for text in each.get_texts())]
        )
