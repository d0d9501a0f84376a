"""The pages on single networks: final figures with their spread over seeds, beside those of their documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

import sweep
from benchmarks.reproduction.documents import published
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.gradients import mean_differences, relative_differences
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.statistics import LEVEL, POSITIVE, SHARES, Beside, beside
from benchmarks.reproduction.trainings import Training
from sweep.experiment.experiment import Experiment
from sweep.results.plots import gallery
from sweep.results.prediction import Prediction

PICTURED = 25
"""Images of a picture."""
PICTURES = {
    "costs.png": "The losses of the first training's mini-batches, raw and averaged:",
    "misclassified.png": "Test images that the first training takes for others, by the weights of its best epoch:",
}
SETTLED = 10
"""Epoch from which on a low accuracy is a collapse, not a beginning."""
MEASURES = {
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "train_loss": "training loss",
    "test_loss": "test loss",
}


@dataclass
class Network(Page):
    """A page on a network that is trained with several seeds."""

    training: Training
    description: str
    measures: tuple[str, ...] = ()
    """Those of which the document reports the last value."""
    group: str | None = None
    """The searched parameter whose values are told apart."""
    notes: str = ""
    """What explains the differences, or says that nothing does."""
    gradients: Callable[[Experiment, Path | None], pd.DataFrame] | None = None
    """The gradient check of the document."""
    gradients_text: str = ""
    """What is checked, and what the document reports of it."""
    has_pictures: bool = False
    """Whether its costs and the images that it takes for others are drawn."""

    def __post_init__(self) -> None:
        self.trainings = (self.training,)
        self.template = "network.md"

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write the table of the gradient check and the pictures, where the document has them."""
        if self.has_pictures:
            draw_costs(sweeps[self.training.name], folder)
            draw_misclassified(sweeps[self.training.name], folder, data)
        if self.gradients is not None:
            self.gradients(sweeps[self.training.name].experiment, data).to_csv(folder / "gradients.csv", index=False)

    def content(self, results: Results) -> dict[str, Any]:
        """Return the final figures and those of the document."""
        name = self.training.name
        last, best = final_epochs(results, name)
        rows = [row for measure in self.measures for row in self._beside(measure, results)]
        return {
            "description": self.description,
            "trainings": len(last),
            "is_grouped": self.group is not None,
            "last_epoch": int(results.epochs(name)["epoch"].max()),
            "finals": self._finals(results, last, best),
            "formats": dict.fromkeys(("mean", "standard deviation", "lowest", "highest"), ".4f"),
            "rows": as_table(rows) if rows else None,
            "beside_formats": {},
            "level": LEVEL,
            "notes": self.notes,
            "pictures": {name: text for name, text in PICTURES.items() if (results.folder / name).exists()},
            "further": self._further(results),
            "further_formats": {
                "mean difference": ".1e",
                "relative difference": ".1e",
                "with a tenth of the step": ".1e",
                "loss": ".4f",
            },
        }

    def _beside(self, measure: str, results: Results) -> list[Beside]:
        document, epochs = published(self.training.name), results.epochs(self.training.name)
        ends = SHARES if measure.endswith("accuracy") else POSITIVE
        epoch = document.get("epoch", epochs["epoch"].max())
        found = [beside(f"{MEASURES[measure]}, epoch {epoch}", document[measure], at(epochs, epoch, measure), ends)]
        if measure in document.get("at_the_end", {}):
            last = int(epochs["epoch"].max())
            value = document["at_the_end"][measure]
            found.append(beside(f"{MEASURES[measure]}, epoch {last} (about)", value, at(epochs, last, measure), ends))
        return found

    def _finals(self, results: Results, last: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
        groups = {"": last.index} if self.group is None else last.groupby(self.group, sort=False).groups
        rows = []
        for value, index in groups.items():
            where = f"{self.group} = {value}: " if self.group else ""
            chosen = [(f"{where}last {label}", last.loc[index, measure]) for measure, label in MEASURES.items()]
            chosen.append((f"{where}best test accuracy", best.loc[index, "test_accuracy"]))
            chosen.append((f"{where}lowest test accuracy from epoch {SETTLED} on", self._lowest(results).loc[index]))
            rows += [summary(label, values) for label, values in chosen]
        return pd.DataFrame(rows)

    def _lowest(self, results: Results) -> pd.Series:
        epochs = results.epochs(self.training.name)
        return epochs[epochs["epoch"] >= SETTLED].groupby("trial")["test_accuracy"].min()

    def _further(self, results: Results) -> list[tuple[str, pd.DataFrame, str]]:
        if self.gradients is None:
            return []
        return [("The gradients checked", results.table("gradients"), self.gradients_text)]

    def draw(self, results: Results) -> None:
        """Draw the accuracies, epoch by epoch."""
        name = self.training.name
        epochs = results.epochs(name)
        trials = results.trials(name).set_index("trial")
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        colors = {value: f"C{place}" for place, value in enumerate(trials[self.group].unique())} if self.group else {}
        for number, curve in epochs[epochs["epoch"] > 0].groupby("trial"):
            color = colors[trials[self.group][number]] if self.group else "C0"
            axes.plot(curve["epoch"], curve["test_accuracy"], color=color, linewidth=1)
            axes.plot(curve["epoch"], curve["train_accuracy"], color=color, linewidth=1, linestyle=":")
        for value, color in colors.items():
            axes.plot([], [], color=color, label=str(value))
        axes.plot([], [], color="black", label="test")
        axes.plot([], [], color="black", linestyle=":", label="training")
        low = float(epochs.loc[epochs["epoch"] > 0, "test_accuracy"].quantile(0.02))
        axes.set(xlabel="epoch", ylabel="accuracy", ylim=(max(0.0, low - 0.02), 1.003))
        axes.legend()
        figure.savefig(results.folder / "curves.png", dpi=110)
        plt.close(figure)


def draw_costs(found: sweep.Sweep, folder: Path) -> None:
    """Draw the losses of the mini-batches of the first training."""
    figure = found.plot_costs(0)
    figure.savefig(folder / "costs.png", dpi=90)
    plt.close(figure)


def draw_misclassified(found: sweep.Sweep, folder: Path, data: Path | None) -> None:
    """Draw the first test images that the first training takes for others."""
    part = found.predict(0, data=data).test
    if not isinstance(part, Prediction):
        raise TypeError(f"{found.name} does not classify")
    wrong, names = part.misclassified[:PICTURED], part.dataset.class_names
    labels = ([names[label] for label in which[wrong]] for which in (part.labels, part.predicted))
    figure = gallery(part.images(wrong), *labels, title=f"{found.name}/0")
    figure.savefig(folder / "misclassified.png", dpi=80)
    plt.close(figure)


def at(epochs: pd.DataFrame, epoch: int, measure: str) -> pd.Series:
    """Return the values of a measure after an epoch, one for each trial that has had it."""
    return epochs.loc[epochs["epoch"] == epoch, measure]


def final_epochs(results: Results, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the last epoch of each trial and its best one, with the drawn values."""
    epochs = results.epochs(name)
    trials = results.trials(name).set_index("trial")
    searched = [column for column in trials if column not in epochs]
    last = epochs.loc[epochs.groupby("trial")["epoch"].idxmax()].set_index("trial")
    best = epochs.loc[epochs.groupby("trial")["test_accuracy"].idxmax()].set_index("trial")
    return last.join(trials[searched]), best.join(trials[searched])


def summary(label: str, values: pd.Series) -> dict[str, Any]:
    """Return the row of a measure."""
    return {
        "figure": label,
        "mean": values.mean(),
        "standard deviation": values.std(),
        "lowest": values.min(),
        "highest": values.max(),
    }


def as_table(rows: list[Beside]) -> pd.DataFrame:
    """Return the published figures beside ours."""
    return pd.DataFrame(
        {
            "figure": row.what,
            "document": f"{row.published:.4f}",
            "here": f"{row.mean:.4f} ± {row.spread:.4f}",
            "one more is expected in": f"{row.low:.4f} to {row.high:.4f}",
            "": "alike" if row.is_alike else "**not alike**",
        }
        for row in rows
    )


NETWORKS: dict[str, Page] = {
    "digits-cnn": Network(
        Training("digits-cnn", "digits-cnn"),
        "A small convolutional network on scikit-learn's digits, with AdaGrad and dropout.",
        ("train_accuracy", "test_accuracy"),
    ),
    "mnist-sigmoid-mlp": Network(
        Training("mnist-sigmoid-mlp", "mnist-sigmoid-mlp", ("repeats=3", "training.record_batches=true")),
        "Sigmoids everywhere, raw pixels, and a momentum that remembers one step.",
        ("train_accuracy", "test_accuracy"),
        has_pictures=True,
        gradients=lambda experiment, data: relative_differences(experiment, data, 5, 10, 1.2),
        gradients_text="Backpropagation and quotients of differences on the first training images, in double precision:"
        " the norm of their difference by that of their sum, before each epoch of plain gradient descent on these"
        " images with the learning rate of the file. What falls with the square of the step is due to the step, not to"
        " the gradient. The document reports {low:.1e} to {high:.1e}.".format(
            **dict(zip(("low", "high"), published("mnist-sigmoid-mlp")["gradient_difference"], strict=True))
        ),
    ),
    "mnist-two-layer": Network(
        Training("mnist-two-layer", "mnist-two-layer", ("repeats=3",)),
        "One hidden layer and stochastic gradient descent on batches that are drawn with replacement.",
        gradients=lambda experiment, data: mean_differences(experiment, data, 3),
        gradients_text="Backpropagation and quotients of differences on the first training images, in double precision:"
        " the mean of their absolute differences, at the first parameters. The document reports "
        f"{published('mnist-two-layer')['gradient_difference']:.1e} or less for each parameter.",
    ),
    "mnist-cnn": Network(
        Training("mnist-cnn", "mnist-cnn", ("repeats=3",)),
        "Convolution, batch normalization, dropout and Adam on MNIST.",
    ),
    "mnist-batch-norm-mlp": Network(
        Training("mnist-batch-norm-mlp", "mnist-batch-norm-mlp"),
        "Batch normalization in a perceptron without convolution, with both kinds of running statistics. With a"
        " convolution the document saw the accuracy collapse, without it not; the lowest accuracies tell of ours.",
        group="statistics",
    ),
    "cifar10-cnn": Network(
        Training("cifar10-cnn", "cifar10-cnn", ("repeats=3",)),
        "Convolution, batch normalization, dropout and Adam on CIFAR, whose images went through JPEG.",
        ("train_loss", "train_accuracy", "test_accuracy"),
    ),
}
"""Page -> what it tells of."""
