"""The page on the variants of batch normalization: in which the accuracy collapses, and what turns that off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

import sweep
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.trainings import Training

NAME = "mnist-cnn-batch-norm"
FACTORS = {
    "over": "over",
    "layers[1].statistics": "statistics",
    "layers[1].eps": "eps",
    "layers[0].bias": "biases",
    "dtype": "dtype",
}
"""Column -> what the page calls it. Both normalizations of a variant have the same statistics, eps and biases."""
DOWN = 0.9
"""Test accuracy below which an epoch counts as down."""

OTHERS = {seed: f"{NAME}-seed-{seed}" for seed in (1, 2)}
"""Seed -> the sweep of the same variants with it."""
LOSSES = "batch-losses"
"""Name of the table with the mean loss of the mini-batches of each epoch."""
COLORS = {("moving", 1e-10): "C0", ("moving", 1e-5): "C2", ("cumulative", 1e-10): "C3", ("cumulative", 1e-5): "C1"}


class BatchNorm(Page):
    """Twenty variants of a network with batch normalization, each trained with several seeds."""

    template = "mnist-cnn-batch-norm.md"
    trainings = (Training(NAME, NAME), *(Training(name, NAME, (f"seed={seed}",)) for seed, name in OTHERS.items()))

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write the mean loss of the mini-batches of each epoch, as training itself sees it."""
        if NAME not in sweeps:
            return
        means = sweeps[NAME].batches().groupby(["trial", "epoch"])["loss"].mean()
        means.reset_index().to_csv(folder / f"{LOSSES}.csv", index=False)

    def content(self, results: Results) -> dict[str, Any]:
        """Return what became of each variant, and of those that differ in one thing alone."""
        trials, epochs = variants(results), results.epochs(NAME)
        found = trials.join(collapses(epochs), on="trial")
        last = int(found["epochs"].max())
        short = found[found["epochs"] < last]
        return {
            "trials": len(trials),
            "last": last,
            "full": int((found["epochs"] == last).sum()),
            "cut": [(length, list(own["trial"])) for length, own in short.groupby("epochs")],
            "limit": DOWN,
            "variants": shown(found),
            "formats": {"last": ".4f", "best": ".4f", "lowest": ".4f"},
            "pairs": pairs(trials, [results.epochs(name) for name in exported(results)]),
            "seeds": len(exported(results)),
            "wanted": 1 + len(OTHERS),
            "over_seeds": over_seeds(trials, [collapses(results.epochs(name)) for name in exported(results)]),
            "losses": losses(found, epochs, results),
            "collapsed": int((found["down"] > 0).sum()),
        }

    def draw(self, results: Results) -> None:
        """Draw the test accuracy of each variant, epoch by epoch."""
        trials, epochs = variants(results), results.epochs(NAME)
        figure, panels = plt.subplots(2, 2, figsize=(10, 7), sharex=True, sharey=True, layout="constrained")
        for row, over in zip(panels, ("feature", "channel"), strict=True):
            for panel, dtype in zip(row, ("float32", "float64"), strict=True):
                for _, variant in trials[(trials["over"] == over) & (trials["dtype"] == dtype)].iterrows():
                    curve = epochs[(epochs["trial"] == variant["trial"]) & (epochs["epoch"] > 0)]
                    style, word = ("-", "") if variant["biases"] else (":", ", no biases")
                    label = f"{variant['statistics']}, eps {variant['eps']:g}{word}"
                    color = COLORS[variant["statistics"], variant["eps"]]
                    panel.plot(curve["epoch"], curve["test_accuracy"], style, color=color, label=label)
                panel.set_title(f"over each {over}, {dtype}")
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
        for panel in panels[1]:
            panel.set_xlabel("epoch")
        figure.supylabel("test accuracy")
        figure.savefig(results.folder / "accuracy.png", dpi=90)
        plt.close(figure)


def exported(results: Results) -> list[str]:
    """Return the names of the sweeps that have been exported, that of the first seed first."""
    return [name for name in (NAME, *OTHERS.values()) if (results.folder / f"{name}.json").exists()]


def variants(results: Results) -> pd.DataFrame:
    """Return the trials with the page's names of what differs."""
    return results.trials(NAME).drop(columns="epochs").rename(columns=FACTORS)


def collapses(epochs: pd.DataFrame) -> pd.DataFrame:
    """Return for each trial its epochs, the last, best and lowest accuracy, and when it was down."""
    rows = {}
    for trial, curve in epochs[epochs["epoch"] > 0].sort_values("epoch").groupby("trial"):
        accuracy = curve.set_index("epoch")["test_accuracy"]
        down = accuracy.index[accuracy < DOWN]
        rows[trial] = {
            "epochs": int(accuracy.index.max()),
            "last": float(accuracy.iloc[-1]),
            "best": float(accuracy.max()),
            "lowest": float(accuracy.min()),
            "down": len(down),
            "first": int(down[0]) if len(down) else None,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def losses(found: pd.DataFrame, epochs: pd.DataFrame, results: Results) -> pd.DataFrame | None:
    """Return the losses of the variants that went down: of mini-batches, and of the evaluation; None without them."""
    if not (results.folder / f"{LOSSES}.csv").exists():
        return None
    batches = results.table(LOSSES).set_index(["trial", "epoch"])["loss"]
    evaluated = epochs.set_index(["trial", "epoch"])["train_loss"]
    rows = []
    for each in found[found["down"] > 0].to_dict("records"):
        trial, first, last = each["trial"], int(each["first"]), int(each["epochs"])
        rows.append(
            {
                "trial": str(trial),
                "mini-batches, epoch 1": f"{batches[trial, 1]:.4f}",
                "first epoch down": str(first),
                "mini-batches then": f"{batches[trial, first]:.4f}",
                "evaluation then": f"{evaluated[trial, first]:.4g}",
                "mini-batches, last epoch": f"{batches[trial, last]:.4f}",
                "evaluation at last": f"{evaluated[trial, last]:.4g}",
            }
        )
    return pd.DataFrame(rows)


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table of all variants."""
    columns: dict[str, Any] = {"trial": found["trial"].astype(str)}
    columns |= {name: found[name] for name in ("over", "statistics")}
    columns["eps"] = found["eps"].map("{:g}".format)
    columns["biases"] = ["yes" if each else "no" for each in found["biases"]]
    columns |= {name: found[name] for name in ("dtype", "epochs", "best", "last", "lowest")}
    columns["epochs down"] = found["down"]
    columns["first in epoch"] = ["" if pd.isna(each) else f"{each:.0f}" for each in found["first"]]
    return pd.DataFrame(columns)


def over_seeds(trials: pd.DataFrame, found: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
    """Return how each variant fares with each seed, given what `collapses` says of them; None for one seed."""
    if len(found) < 2:
        return None
    rows = []
    for variant in trials.to_dict("records"):
        each = [collapsed.loc[variant["trial"]] for collapsed in found]
        down, last = [int(one["down"]) for one in each], pd.Series([one["last"] for one in each])
        rows.append(
            {
                "trial": str(variant["trial"]),
                **{name: word(variant[name]) for name in FACTORS.values()},
                "went down": f"{sum(count > 0 for count in down)} of {len(down)}",
                "epochs down": ", ".join(map(str, down)),
                "last": f"{last.mean():.4f} ± {last.std():.4f}",
                "lowest": f"{min(one['lowest'] for one in each):.4f}",
            }
        )
    return pd.DataFrame(rows)


def pairs(trials: pd.DataFrame, seeds: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the epochs down of variants that differ in one thing alone, over the epochs that both have.

    Args:
        trials: the variants.
        seeds: their epochs with each seed.
    """
    return pd.concat(_pairs(trials, epochs) for epochs in seeds).groupby("differs", sort=False).sum().reset_index()


def _pairs(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    names = list(FACTORS.values())
    rows = []
    for first, second in combinations(trials.to_dict("records"), 2):
        differing = [name for name in names if first[name] != second[name]]
        if len(differing) != 1:
            continue
        both = epochs[epochs["trial"].isin([first["trial"], second["trial"]])]
        common = int(both.groupby("trial")["epoch"].max().min())
        down = collapses(both[both["epoch"] <= common])["down"]
        rows.append(
            {
                "differs": f"{differing[0]}: {word(first[differing[0]])} or {word(second[differing[0]])}",
                "pairs": 1,
                "epochs of each": common,
                "epochs down with the first": int(down[first["trial"]]),
                "with the second": int(down[second["trial"]]),
                "pairs alike": int(down[first["trial"]] == down[second["trial"]]),
            }
        )
    found = pd.DataFrame(rows).groupby("differs", sort=False).sum().reset_index()
    return found.rename(columns={"epochs of each": "epochs of each, in all"})


def word(value: Any) -> str:
    """Return a value as the page writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
