"""Why the accuracy of mnist-cnn-batch-norm collapses: some of its trials trained again, with instruments.

    python experiments/batch_norm_collapse.py instruments    # figures/instruments.csv and .png: 6 trials of 10 epochs
    python experiments/batch_norm_collapse.py variants       # figures/variants.png from the finished sweep

Needs MNIST where SWEEP_DATA says. README.md beside this file tells what is seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

import sweep
from sweep.data import Dataset, open_dataset, prepare
from sweep.experiment import file as experiment
from sweep.experiment.sections import Configuration
from sweep.nn.layer import Array, Call
from sweep.nn.network import chain
from sweep.records import Trial
from sweep.results.plots import save
from sweep.training.build import network_settings
from sweep.training.loop import NetworkTrainer

NAME = "mnist-cnn-batch-norm"
FIGURES = Path(__file__).parent / "figures"
CONVOLUTION, BATCH_NORM = "layers[0]/convolution", "layers[1]/batch_norm"
EPOCHS = 10
COLORS = {"float32": "C3", "float64": "C0"}
WATCHED = {
    0: "moving, eps 1e-10, float32",
    8: "moving, eps 1e-10, float64",
    2: "moving, eps 1e-5, float32",
    16: "moving, eps 1e-10, float32, no bias",
    3: "cumulative, eps 1e-5, float32",
    18: "cumulative, eps 1e-5, float32, no bias",
}
"""Trials of the experiment, all with statistics over each feature."""


@dataclass(frozen=True)
class Instruments:
    """What is read off a network whose first batch norm has statistics over each feature."""

    trainer: NetworkTrainer
    configuration: dict[str, Any]
    folder: str
    trial: Trial

    def read(self) -> dict[str, float]:
        """Measure the dark features and the accuracy with other running statistics.

        lag: largest distance of a dark feature's running mean from its value now, which is the filter's bias.
        spread: largest √(running variance + eps) of dark features, by which evaluation divides.
        shift: largest lag/spread, what evaluation adds to features that were 0 throughout training.
        reestimated_accuracy: of the same weights on the test part, with means and variances of the training part.
        """
        mean, variance, bias = self._of_dark_features()
        eps = self.configuration["network"]["layers"][1]["eps"]
        lag, spread = np.abs(mean - bias), np.sqrt(variance + eps)
        return {
            "lag": float(lag.max()),
            "spread": float(spread.max()),
            "shift": float((lag / spread).max()),
            "reestimated_accuracy": self._reestimated_accuracy(),
        }

    def _of_dark_features(self) -> tuple[Array, Array, Array]:
        """Return running mean, running variance and value of each feature that sees no pixel in any training image."""
        names = list(self.trainer.settings.network.layers)
        running = self.trainer.state.layer_states[names.index(BATCH_NORM)]
        weights = self.trainer.params[names.index(CONVOLUTION)]
        filters, taps = len(weights), 9
        bias = weights[:, taps].astype(float) if weights.shape[1] > taps else np.zeros(filters)
        dark = np.broadcast_to(dark_places(self.trainer.dataset)[:, None, :], (28, filters, 28))
        mean, variance = (part.reshape(28, filters, 28)[dark] for part in (running.mean, running.variance))
        return mean, variance, np.broadcast_to(bias[None, :, None], dark.shape)[dark]

    def _reestimated_accuracy(self) -> float:
        """Let all training images pass once, without training, and evaluate with the statistics found on the way."""
        trainer, cumulative = self.trainer, _with_cumulative_statistics(self.configuration)
        plan = network_settings(
            Configuration.model_validate(cumulative), trainer.dataset, self.folder, self.trial.seeds
        )
        net, features = chain(plan.network.layers), trainer.dataset.train.x.shape[1]
        _, states = net.init(np.random.default_rng(0), (features,), plan.dtype)
        rng = np.random.default_rng(0)  # dropout comes after the last batch norm
        for x, work in _blocks(trainer):
            _, states, _ = net.forward(trainer.params, states, x, work, Call(train=True, rng=rng))
        kept, trainer.state.layer_states = trainer.state.layer_states, states
        accuracy = float((trainer.outputs("test").argmax(0) == trainer.dataset.test.t).mean())
        trainer.state.layer_states = kept
        return accuracy


def dark_places(dataset: Dataset) -> Array:
    """Tell for each pixel, (28, 28) bool, whether it and its neighbors are 0 in all training images."""
    lit = np.pad(dataset.train.x.max(0).reshape(28, 28) > 0, 1)
    near: Array = np.any([lit[i : i + 28, j : j + 28] for i in range(3) for j in range(3)], axis=0)
    return ~near


def _with_cumulative_statistics(configuration: dict[str, Any]) -> dict[str, Any]:
    layers = [
        {**layer, "statistics": "cumulative"} if isinstance(layer, dict) and layer["kind"] == "batch_norm" else layer
        for layer in configuration["network"]["layers"]
    ]
    return {**configuration, "network": {**configuration["network"], "layers": layers}}


def _blocks(trainer: NetworkTrainer, samples: int = 1000) -> Iterator[tuple[Array, Any]]:
    batch, work = trainer.evaluation.batch("train"), trainer.evaluation.buffers(samples).work
    for start in range(0, len(trainer.dataset.train.x), samples):
        yield batch.slice(start, start + samples), work


def watch() -> pd.DataFrame:
    """Train the watched trials; return one row for each epoch of each."""
    folder = str(prepare("mnist"))
    dataset, drawn = open_dataset(Path(folder)), experiment.load(NAME, [f"epochs={EPOCHS}"]).trials()
    rows = []
    for number, label in WATCHED.items():
        trial = drawn[number]
        plan = network_settings(Configuration.model_validate(trial.configuration), dataset, folder, trial.seeds)
        trainer = NetworkTrainer(dataset, plan)
        instruments = Instruments(trainer, trial.configuration, folder, trial)
        for epoch in trainer.epochs():
            if epoch.number:
                figures = {"batch_loss": float(np.mean(trainer.batch_losses)), **instruments.read()}
                known = {name: epoch.metrics[name] for name in ("train_loss", "test_accuracy")}
                rows.append({"trial": number, "variant": label, "epoch": epoch.number, **known, **figures})
                print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def draw_instruments(frame: pd.DataFrame) -> Figure:
    """Draw for each watched trial its losses, its accuracies, and what evaluation makes of dark features."""
    labels = list(dict.fromkeys(frame["variant"]))
    figure = Figure(figsize=(3.1 * len(labels), 7.5), layout="constrained")
    grid = figure.subplots(3, len(labels), sharex=True, sharey="row", squeeze=False)
    rows: list[tuple[str, str, list[tuple[str, str, str]]]] = [
        ("loss", "log", [("batch_loss", "mini-batches", "C0"), ("train_loss", "evaluated", "C3")]),
        (
            "test accuracy",
            "linear",
            [("test_accuracy", "running statistics", "C3"), ("reestimated_accuracy", "re-estimated", "C0")],
        ),
        (
            "dark features",
            "log",
            [("lag", "lag of the mean (none is drawn at 1e-9)", "C1"), ("spread", "√(variance + eps)", "C2")],
        ),
    ]
    for column, label in enumerate(labels):
        own = frame[frame["variant"] == label]
        grid[0][column].set_title(label.replace(", ", "\n", 1), fontsize=9)
        for axes, (title, scale, lines) in zip(grid[:, column], rows, strict=True):
            _draw_lines(axes, own, title if column == 0 else "", scale, lines)
        grid[2][column].set_xlabel("epoch")
    return figure


def _draw_lines(axes: Axes, frame: pd.DataFrame, title: str, scale: str, lines: list[tuple[str, str, str]]) -> None:
    for name, label, color in lines:
        values = frame[name].clip(lower=1e-9) if scale == "log" else frame[name]
        axes.plot(frame["epoch"], values, label=label, color=color, marker=".")
    axes.set_yscale(scale)
    axes.set_ylabel(title)
    axes.grid(color="#e4e4e4")
    if title:
        axes.legend(fontsize=8, frameon=False)


def draw_variants(results: sweep.results.sweep.Sweep) -> Figure:
    """Draw the test accuracy of all variants of the finished sweep, epoch by epoch."""
    trials, epochs = results.trials(), results.epochs()
    figure = Figure(figsize=(12, 6), layout="constrained")
    grid = figure.subplots(2, 4, sharex=True, sharey=True)
    panels = [(o, e, s) for o in ("feature", "channel") for e in (1e-10, 1e-5) for s in ("moving", "cumulative")]
    for axes, (over, eps, statistics) in zip(grid.flat, panels, strict=True):
        same = (trials["over"] == over) & (trials["layers[1].eps"] == eps)
        own = trials[same & (trials["layers[1].statistics"] == statistics)]
        for trial, dtype, has_bias in zip(own["trial"], own["dtype"], own["layers[0].bias"], strict=True):
            course = epochs[epochs["trial"] == trial]
            label, color = (dtype, COLORS[dtype]) if has_bias else (f"{dtype}, no bias", "C2")
            axes.plot(course["epoch"], course["test_accuracy"], label=label, color=color, linewidth=1)
        axes.set_title(f"over {over}, {statistics}, eps {eps:g}", fontsize=9)
        axes.grid(color="#e4e4e4")
        axes.legend(fontsize=7, frameon=False)
    figure.supxlabel("epoch")
    figure.supylabel("test accuracy")
    return figure


def main() -> None:
    """Write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=["instruments", "variants"])
    parser.add_argument("--db", help="the database of the sweep; by default SWEEP_DB")
    options = parser.parse_args()
    FIGURES.mkdir(exist_ok=True)
    if options.figure == "variants":
        save(draw_variants(sweep.load(NAME, db=options.db)), FIGURES / "variants.png")
        return
    with threadpool_limits(1):
        frame = watch()
    frame.to_csv(FIGURES / "instruments.csv", index=False, float_format="%.6g")
    save(draw_instruments(frame), FIGURES / "instruments.png")


if __name__ == "__main__":
    main()
