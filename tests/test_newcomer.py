"""A newcomer adds a sampler, a stopping rule, a measure, a layer and a trainer.

Each is one new module and one line of a registry.
"""

import sys
import textwrap

import pytest

import sweep
from sweep import metrics, stopping
from sweep.experiment.sections.training import COUNTED_MEASURES
from sweep.nn.layers import LAYERS
from sweep.space import samplers
from sweep.training import build
from tests.engine_here import training_here

MODULES = {
    "my_sampler": """
        from dataclasses import dataclass
        from sweep.space.samplers.base import Sampler

        @dataclass(frozen=True)
        class Corners(Sampler):
            '''The lowest and the highest value of everything, in turn.'''

            first: int = 0

            def points(self, space, seed):
                number = self.first
                while True:
                    yield lambda name, distribution, depth, u=float(number % 2): distribution.at(u)
                    number += 1
        """,
    "my_rule": """
        from dataclasses import dataclass
        from typing import Annotated
        from annotated_types import Ge
        from sweep.stopping import Rule, Stop

        @dataclass(frozen=True)
        class Threshold(Rule):
            '''Stop a trial that is below a value after some epochs.'''

            value: float
            epochs: Annotated[int, Ge(1)] = 2

            def decide(self, curve, others):
                last = curve.values[-1]
                if curve.epoch < self.epochs or last >= self.value:
                    return None
                return Stop(last, self.value, f"{last} is below {self.value}")
        """,
    "my_measure": """
        def worst_recall(counts):
            '''Return the lowest recall of any class that occurs.'''
            samples = counts.sum(1)
            return float((counts.diagonal()[samples > 0] / samples[samples > 0]).min())
        """,
    "my_layer": """
        import numpy as np
        from sweep.nn.layers.activations import elementwise

        def square():
            '''x²; slope 2x.'''

            def function(x, y, slope):
                np.multiply(x, 2, out=slope)
                np.multiply(x, x, out=y)

            return elementwise(function)
        """,
    "my_trainer": """
        from sweep.records import Epoch

        class Constant:
            '''Reports the parameter itself, once.'''

            batch_losses = ()
            log = None

            def __init__(self, setup):
                self.planned_epochs = setup.planned_epochs
                self._value = setup.configuration["parameters"]["value"]

            def epochs(self):
                yield Epoch(1, 0.0, {"score": float(self._value)})

            def snapshot(self):
                return None

            def check(self, snapshot):
                pass

            def restore(self, snapshot):
                pass
        """,
}


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """The newcomer's modules, importable."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def test_a_sampler_a_measure_and_a_layer_are_used_by_an_experiment(modules, monkeypatch):
    from my_layer import square
    from my_sampler import Corners

    monkeypatch.setitem(samplers.KINDS, "corners", Corners)
    monkeypatch.setitem(LAYERS, "square", square)
    measure = metrics.Measure("max", (0.0, 1.0), 4, "my_measure:worst_recall")
    for registry in (metrics.MEASURES, COUNTED_MEASURES):  # the second is made from the first when it is imported
        monkeypatch.setitem(registry, "worst_recall", measure)
    overrides = [
        "trials=4",
        "epochs=2",
        "sampler={kind='corners', first=1}",
        "network={layers=[{kind='affine', units={int=[8,16]}}, 'square']}",
        "training.metrics=['worst_recall']",
        "objective={metric='test_worst_recall'}",
    ]
    with training_here():
        results = sweep.run("digits-quickstart", overrides=overrides)
    frame = results.trials()
    assert frame["units"].tolist() == [16, 8, 16, 8]
    assert frame["batch_size"].tolist() == [90, 10, 90, 10]
    completed = frame[frame["status"] == "completed"]
    assert len(completed) == len(results.best())
    assert results.best().columns[2] == "test_worst_recall"
    assert (completed["test_worst_recall"] <= 1).all()
    assert "layers[1]/square" in str(results.diverged()["place"].tolist()) or len(completed) == 4


def test_a_trainer_is_used_by_an_experiment(modules, monkeypatch, tmp_path):
    from my_trainer import Constant

    monkeypatch.setitem(build.KINDS, "function", Constant)
    (tmp_path / "mine.py").write_text("def train(config, trial): ...\n")
    (tmp_path / "mine.toml").write_text(
        """
name = "mine"
trainer = "mine:train"
trials = 5
epochs = 1
[parameters]
value = { uniform = [0, 1] }
[objective]
metric = "score"
direction = "max"
"""
    )
    with training_here():
        results = sweep.run(tmp_path / "mine.toml")
    best = results.best(1).iloc[0]
    assert best["score"] == best["value"] == results.trials()["value"].max()


def test_a_stopping_rule_is_used_by_an_experiment(modules, monkeypatch):
    from my_rule import Threshold

    monkeypatch.setitem(stopping.KINDS, "threshold", Threshold)
    overrides = ["trials=12", "epochs=4", "stopping={kind='threshold', value=0.9}"]
    with pytest.raises(sweep.SweepError, match=r"stopping\.epochs is 0"):
        sweep.run("digits-quickstart", overrides=[*overrides[:2], "stopping={kind='threshold', value=1.0, epochs=0}"])
    with training_here():
        results = sweep.run("digits-quickstart", overrides=overrides)
        full = sweep.run("digits-quickstart", overrides=[*overrides[:2], "name=full"])
    stopped, undisturbed = results.trials(), full.epochs()
    accuracy = undisturbed.pivot(index="trial", columns="epoch", values="test_accuracy").reindex(stopped["trial"])
    is_low = accuracy[[2, 3]] < 0.9  # after epoch 4 there is nothing to stop
    lasts = is_low.idxmax(axis=1).where(is_low.any(axis=1), 4)
    ended = stopped["status"] != "diverged"
    assert stopped["epochs"][ended].tolist() == lasts.to_numpy()[ended].tolist()
    assert (stopped["status"][ended] == "pruned").tolist() == is_low.any(axis=1).to_numpy()[ended].tolist()
    assert 0 < (stopped["status"] == "pruned").sum() < ended.sum()
    number = int(stopped["trial"][stopped["status"] == "pruned"].iloc[0])
    assert "stopped after epoch" in results.trial(number).error
    assert "by the rule 'threshold'" in results.trial(number).error
    common = results.epochs().merge(undisturbed, on=["trial", "epoch"], suffixes=("", "_full"))
    assert len(common) == len(results.epochs())
    assert (common["test_loss"] == common["test_loss_full"]).all()
