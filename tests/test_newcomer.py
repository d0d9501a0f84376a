"""A newcomer adds a sampler, a measure, a layer and a trainer: each one new module, and one line of a registry."""

import sys
import textwrap

import pytest

import sweep
from sweep import metrics
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
