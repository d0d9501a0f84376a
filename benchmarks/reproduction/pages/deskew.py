"""The page on deskewed digits: what making them upright does to the test accuracy."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.statistics import LEVEL, welch
from benchmarks.reproduction.trainings import Training

NETWORKS = {
    "mnist-deskew-sigmoid": "the network of mnist-sigmoid-mlp",
    "mnist-deskew-widths": "the best network of mnist-widths",
}
WAYS = {"none": "as they are", "deskew": "deskewed"}
WHICH = {"best": "best epoch", "last": "last epoch"}


class Deskew(Page):
    """Two networks, each trained on the digits as they are and on deskewed ones."""

    template = "mnist-deskew.md"
    trainings = tuple(Training(name, name) for name in NETWORKS)

    def content(self, results: Results) -> dict[str, Any]:
        """Return the accuracies of both ways, and their differences."""
        names = [name for name in NETWORKS if (results.folder / f"{name}.csv").exists()]
        found = {name: accuracies(results, name) for name in names}
        return {
            "accuracies": pd.DataFrame(row for name, table in found.items() for row in means(name, table)),
            "differences": pd.DataFrame(row for name, table in found.items() for row in differences(name, table)),
            "missing": [name for name in NETWORKS if name not in names],
            "level": LEVEL,
        }

    def draw(self, results: Results) -> None:
        """Draw the test accuracy, epoch by epoch."""
        names = [name for name in NETWORKS if (results.folder / f"{name}.csv").exists()]
        figure, panels = plt.subplots(1, len(names), figsize=(5 * len(names), 4), layout="constrained", squeeze=False)
        for panel, name in zip(panels[0], names, strict=True):
            epochs = results.epochs(name).merge(results.trials(name)[["trial", "transform"]], on="trial")
            for place, (way, label) in enumerate(WAYS.items()):
                for _, curve in epochs[epochs["transform"] == way].groupby("trial"):
                    panel.plot(curve["epoch"], curve["test_accuracy"], color=f"C{place}", linewidth=1)
                panel.plot([], [], color=f"C{place}", label=label)
            accuracies = epochs.loc[epochs["epoch"] > 0, "test_accuracy"]
            low, high = accuracies.quantile(0.05), accuracies.max()
            panel.set(title=name, xlabel="epoch", ylabel="test accuracy", ylim=(low - 0.005, high + 0.003))
            panel.legend(title="digits")
        figure.savefig(results.folder / "curves.png", dpi=100)
        plt.close(figure)


def accuracies(results: Results, name: str) -> pd.DataFrame:
    """Return the best and the last test accuracy of each training that completed."""
    trials, epochs = results.trials(name), results.epochs(name)
    last = epochs.loc[epochs.groupby("trial")["epoch"].idxmax()].set_index("trial")["test_accuracy"]
    done = trials[trials["status"] == "completed"]
    return pd.DataFrame(
        {"transform": done["transform"], "best": done["test_accuracy"], "last": done["trial"].map(last)}
    )


def means(name: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each way with digits."""
    rows = []
    for way, label in WAYS.items():
        own = table[table["transform"] == way]
        kinds = {f"{WHICH[key]}, mean ± deviation": f"{own[key].mean():.4f} ± {own[key].std():.4f}" for key in WHICH}
        rows.append({"sweep": f"`{name}`", "digits": label, "trainings": len(own), **kinds})
    return rows


def differences(name: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return by how much deskewing raises the accuracy."""
    rows = []
    for key, label in WHICH.items():
        before, after = (table.loc[table["transform"] == way, key] for way in WAYS)
        found = welch(before, after)
        verdict = ("better" if found.value > 0 else "worse") if found.is_told else "cannot be told"
        rows.append(
            {
                "sweep": f"`{name}`",
                "accuracy": label,
                "gain by deskewing": f"{100 * found.value:+.2f} points",
                "interval": f"{100 * found.low:+.2f} to {100 * found.high:+.2f}",
                "errors left": f"{100 * (1 - after.mean()) / (1 - before.mean()):.0f} %",
                "verdict": verdict,
            }
        )
    return rows
