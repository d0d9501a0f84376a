"""The page on the search over nearly everything: what won, how sure that is, and what stopping early saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import sweep
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.statistics import LEVEL
from benchmarks.reproduction.trainings import ENDED, Training
from sweep.analysis.forest import LEVEL as IMPORTANCE_LEVEL
from sweep.analysis.shrinkage import LEVEL as FINALIST_LEVEL
from sweep.analysis.tuning_curve import TuningCurve

NAME = "mnist-search-everything"
FINALISTS, SEEDS = 5, 5
WISHED = 1000
"""Trials."""
OVERRIDES = (f"trials={WISHED}", "training.epochs=9", 'stopping={kind="halving", first=1, factor=3}')
"""With the 5 epochs of the file there would be one rung, which saves little."""
DRAWN = ["network", "batch norm", "optimizer", "learning_rate", "batch_size", "l2"]
FORMATS = {"learning_rate": ".3g", "l2": ".2g", "test_accuracy": ".4f"}
MORE = ("finalists", "finalist-pairs", "explanation", "importance")
"""Tables that are there once the finalists have been trained, and the way to the best of them."""


class Everything(Page):
    """A search with halving, its best configurations with fresh seeds, and the way to the winner."""

    template = "mnist-search-everything.md"
    trainings = (Training(NAME, NAME, OVERRIDES),)

    def go_on(self, sweeps: Mapping[str, sweep.Sweep], db: Path, data: Path | None, workers: int | None) -> None:
        """Train the finalists, and the way from the middle of the ranges to the best of them."""
        found = sweep.finalists(FINALISTS, seeds=SEEDS, name=NAME, db=db, data=data, workers=workers)
        sweep.explain(winner_of(found), name=NAME, db=db, data=data, workers=workers)

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write the model of importance, and what the finalists and the way to the best of them tell once trained."""
        found = sweeps[NAME]
        tables: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
            "finalists": (found.finalists, f"{NAME}.finalists"),
            "finalist-pairs": (found.finalist_pairs, f"{NAME}.finalists"),
            "explanation": (lambda: found.explanation(winner_of(found)), f"{NAME}.explain"),
            "importance": (found.importance, NAME),
        }
        for name, (table, of) in tables.items():
            (folder / f"{name}.csv").unlink(missing_ok=True)
            with suppress(sweep.SweepError):  # too few trials have completed
                if has_ended(found, of):
                    table().to_csv(folder / f"{name}.csv", index=False)

    def content(self, results: Results) -> dict[str, Any]:
        """Return what won, and what halving saved."""
        trials = search(results)
        more = {name: further(results, name) for name in MORE}
        done = trials[trials["status"] == "completed"]
        best = done.sort_values(["test_accuracy", "test_loss"], ascending=[False, True]).head(10)
        return {
            "wished": WISHED,
            "trials": len(trials),
            "counts": trials["status"].value_counts().rename_axis("fate").reset_index(name="trials"),
            "saved": saved(trials, results.epochs(NAME)),
            "best": best[["trial", *DRAWN, "test_accuracy"]],
            "formats": FORMATS,
            "level": LEVEL,
            "ranges": ranges(curve_of(trials)),
            "finalists": finalists_table(more["finalists"], trials),
            "winner": None if more["finalists"] is None else more["finalists"].iloc[0],
            "told": None if more["finalist-pairs"] is None else told_apart(more["finalist-pairs"]),
            "pairs": 0 if more["finalist-pairs"] is None else len(more["finalist-pairs"]),
            "explanation": explanation_table(more["explanation"]),
            "importance": importance_table(more["importance"]),
            "finalist_level": FINALIST_LEVEL,
            "importance_level": IMPORTANCE_LEVEL,
        }

    def draw(self, results: Results) -> None:
        """Draw the median best of n trials."""
        trials = search(results)
        curve = curve_of(trials)
        counts = np.unique(np.geomspace(1, len(trials), 60).round())
        best = curve.best_of(counts)
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        axes.plot(counts, best.value, color="C0", label="median best of so many random trials")
        low, high = np.minimum(best.worse, best.better), np.maximum(best.worse, best.better)
        high = np.where(np.isfinite(high), high, 1.0)
        axes.fill_between(counts, low, high, color="C0", alpha=0.2, linewidth=0, label="band of the whole curve")
        axes.set(xlabel="trials", ylabel="test accuracy", xscale="log", ylim=(max(0.0, float(low[2])), 1.0))
        axes.legend()
        figure.savefig(results.folder / "tuning-curve.png", dpi=100)
        plt.close(figure)


def winner_of(found: sweep.Sweep) -> int:
    """Return the number of the trial that has the best configuration by the finalists."""
    return int(found.finalists()["trial"].iloc[0])


def has_ended(found: sweep.Sweep, name: str) -> bool:
    """Check whether all trials of another sweep of the same database have ended."""
    if name not in found.store.names():
        return False
    progress = found.store.progress(found.store.sweep(name).id)
    return set(progress.counts) <= set(ENDED)


def further(results: Results, name: str) -> pd.DataFrame | None:
    """Return a further table of the page, if it is there."""
    return results.table(name) if (results.folder / f"{name}.csv").exists() else None


def search(results: Results) -> pd.DataFrame:
    """Return the trials with short names of what was drawn for the layers."""
    trials = results.trials(NAME)
    is_convolution = trials["layers"].str.startswith("[convolution")
    return trials.assign(
        network=np.where(is_convolution, "convolution", "perceptron"),
        **{"batch norm": np.where(trials["layers[1]"].str.startswith("batch_norm"), "yes", "no")},
    )


def shortened(text: str) -> str:
    """Return a text with the two lists of layers by their names."""
    return re.sub(r"\[affine, [^]]*\]", "perceptron", re.sub(r"\[convolution, [^]]*\]", "convolution", text))


def curve_of(trials: pd.DataFrame) -> TuningCurve:
    """Return the tuning curve, in which a trial that was stopped counts as what it had reached until then.

    It would have reached at least that, so the curve of trials that run to their end lies nowhere lower.
    """
    values = trials["test_accuracy"].where(trials["status"] != "diverged", -np.inf)
    return TuningCurve(values.dropna().to_numpy())


def ranges(curve: TuningCurve) -> pd.DataFrame:
    """Return the median best of some numbers of trials."""
    total = len(curve.scores)
    counts = [count for count in (1, 10, 100) if count < total] + [total]
    best = curve.best_of(counts)
    return pd.DataFrame({"trials": counts, "median best": [f"{value:.4f}" for value in best.value]})


def saved(trials: pd.DataFrame, epochs: pd.DataFrame) -> dict[str, Any]:
    """Return how many epochs were trained, and how many without the rule."""
    trained = epochs[epochs["epoch"] > 0].groupby("trial").size()
    last = int(epochs["epoch"].max())
    own = trials.set_index("trial")
    stopped = own.index[own["status"] == "pruned"]
    left = int(last * len(stopped) - trained.reindex(stopped).sum())
    seconds = epochs.groupby("trial")["seconds"].sum() / trained
    return {
        "epochs": last,
        "trained": int(trained.sum()),
        "planned": int(trained.sum()) + left,
        "share": left / (int(trained.sum()) + left),
        "stopped": len(stopped),
        "seconds": float((seconds.reindex(stopped) * (last - trained.reindex(stopped))).sum()),
        "all_seconds": float(epochs["seconds"].sum()),
    }


def finalists_table(found: pd.DataFrame | None, trials: pd.DataFrame) -> pd.DataFrame | None:
    """Return the finalists with what was drawn for them."""
    if found is None:
        return None
    rows = found.merge(trials[["trial", *DRAWN]], on="trial")
    rows["expected"] = [f"{row.expected:.4f} ({row.low:.4f} to {row.high:.4f})" for row in rows.itertuples()]
    rows = rows.rename(columns={"test_accuracy": "mean of fresh seeds", "before": "in the search"})
    columns = ["rank", "trial", *DRAWN, "in the search", "mean of fresh seeds", "expected", "seeds", "diverged"]
    for name in ("in the search", "mean of fresh seeds"):
        rows[name] = rows[name].map("{:.4f}".format)
    return rows[columns]


def told_apart(pairs: pd.DataFrame) -> int:
    """Return how many pairs of finalists can be told apart."""
    return int((pairs["verdict"] != "cannot be told apart").sum())


def importance_table(found: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return how much each parameter matters, the most important first."""
    if found is None:
        return None
    return pd.DataFrame(
        {
            "parameter": shortened(row["parameter"]),
            "share of the variance": f"{100 * row['share']:.0f} %",
            "interval": f"{100 * row['share_low']:.0f} to {100 * row['share_high']:.0f} %",
            "accuracy that it is worth": f"{row['worth']:.4f}",
            "its interval": f"{row['worth_low']:.4f} to {row['worth_high']:.4f}",
        }
        for _, row in found.iterrows()
    )


def explanation_table(found: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the steps to the winner."""
    if found is None:
        return None
    rows = []
    for _, row in found.iterrows():
        is_first = pd.isna(row["effect"])
        rows.append(
            {
                "change": shortened(row["change"]),
                "test accuracy": f"{row['test_accuracy']:.4f}",
                "effect": "" if is_first else f"{row['effect']:+.4f}",
                "interval": "" if is_first else f"{row['low']:+.4f} to {row['high']:+.4f}",
                "verdict": "" if pd.isna(row["verdict"]) else row["verdict"],
            }
        )
    return pd.DataFrame(rows)
