"""The pages on sweeps of one parameter: where is it best, and how sure is that?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.reproduction.documents import published
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.statistics import LEVEL, RESAMPLES, mean_interval, share_interval
from benchmarks.reproduction.trainings import Training

Array = NDArray[np.float64]

PARTS = 6
"""Parts of the range in the table."""
SPAN = 0.3
"""Standard deviation of the weights of the local regression, as a part of the standard deviation of the parameter."""
POINTS = 121
FEW = 5
"""Divergences below which nothing is told of their place."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Where a parameter is best."""

    best: float
    low: float
    high: float


@dataclass
class OneParameter(Page):
    """A page on a sweep of one parameter."""

    name: str
    parameter: str
    verdict: Callable[[Peak, pd.DataFrame], str]

    def __post_init__(self) -> None:
        self.trainings = (Training(self.name, self.name),)
        self.template = "one-parameter.md"

    def content(self, results: Results) -> dict[str, Any]:
        """Return where the parameter is best, and the table of its parts."""
        trials = results.trials(self.name)
        _, _, _, peak = fitted(trials, self.parameter)
        parts = by_parts(trials, self.parameter)
        return {
            "parameter": self.parameter,
            "completed": (trials["status"] == "completed").sum(),
            "diverged": (trials["status"] == "diverged").sum(),
            "trials": len(trials),
            "epochs": results.epochs(self.name)["epoch"].max(),
            "level": LEVEL,
            "best": peak.best,
            "low": peak.low,
            "high": peak.high,
            "verdict": self.verdict(peak, trials),
            "span": SPAN,
            "others": int((~trials["status"].isin(("completed", "diverged"))).sum()),
            "parts": parts,
            "formats": {"mean of the best test accuracies": ".4f"},
        }

    def draw(self, results: Results) -> None:
        """Draw the best test accuracies over the parameter; diverged trials lie at the bottom."""
        trials = results.trials(self.name)
        x, middle, band, _ = fitted(trials, self.parameter)
        done = trials[trials["status"] == "completed"]
        lost = trials[trials["status"] == "diverged"]
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        axes.scatter(done[self.parameter], done["test_accuracy"], s=14, color="C0", label="completed")
        bottom = done["test_accuracy"].min() - 0.003
        if len(lost):
            axes.scatter(lost[self.parameter], [bottom] * len(lost), marker="x", color="C3", label="diverged")
        axes.plot(x, middle, color="C1")
        axes.fill_between(x, *band, color="C1", alpha=0.25, linewidth=0)
        axes.set(xlabel=self.parameter.replace("_", " "), ylabel="best test accuracy")
        axes.legend()
        figure.savefig(results.folder / "accuracy.png", dpi=110)
        plt.close(figure)


def fitted(trials: pd.DataFrame, parameter: str) -> tuple[Array, Array, Array, Peak]:
    """Return points, the local regression there, its band, and where it is best, from those that completed."""
    done = trials[trials["status"] == "completed"]
    values, accuracies = done[parameter].to_numpy(float), done["test_accuracy"].to_numpy(float)
    x = np.linspace(values.min(), values.max(), POINTS)
    middle = local_regression(values, accuracies, x)
    generator = np.random.default_rng(0)
    lines = []
    for _ in range(RESAMPLES // 4):
        rows = generator.integers(len(values), size=len(values))
        lines.append(local_regression(values[rows], accuracies[rows], x))
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    band = np.quantile(lines, tails, axis=0)
    low, high = np.quantile(x[np.argmax(lines, axis=1)], tails)
    return x, middle, band, Peak(float(x[middle.argmax()]), float(low), float(high))


def local_regression(values: Array, heights: Array, x: Array) -> Array:
    """Return at each point the value of the straight line that fits best nearby, with normal weights."""
    distances = values[None, :] - x[:, None]
    weights = np.exp(-0.5 * (distances / (SPAN * values.std())) ** 2)
    total, first = weights.sum(1), (weights * distances).sum(1)
    second = (weights * distances**2).sum(1)
    height, product = (weights * heights).sum(1), (weights * distances * heights).sum(1)
    found: Array = (second * height - first * product) / (total * second - first**2)
    return found


def by_parts(trials: pd.DataFrame, parameter: str) -> pd.DataFrame:
    """Return the mean accuracy and the share that diverged, in parts of equally many trials."""
    rows = []
    ordered = trials.sort_values(parameter)
    for rows_of_part in np.array_split(np.arange(len(ordered)), PARTS):
        part = ordered.iloc[rows_of_part]
        done = part.loc[part["status"] == "completed", "test_accuracy"]
        lost = int((part["status"] == "diverged").sum())
        share = share_interval(lost, len(part))
        interval = mean_interval(done) if len(done) > 1 else (np.nan, np.nan)
        rows.append(
            {
                parameter: f"{part[parameter].min():.3g} to {part[parameter].max():.3g}",
                "trials": len(part),
                "mean of the best test accuracies": done.mean(),
                "interval": f"{interval[0]:.4f} to {interval[1]:.4f}" if len(done) > 1 else "–",
                "diverged": lost,
                "share that diverges": f"{100 * share[0]:.0f} to {100 * share[1]:.0f} %",
            }
        )
    return pd.DataFrame(rows)


def learning_rate_verdict(peak: Peak, trials: pd.DataFrame) -> str:
    """Compare with the article's reading."""
    low, high = published("mnist-learning-rate")["best"]
    reading = f"The article reads from its chart that {low} to {high} is best."
    if low <= peak.low and peak.high <= high:
        return f"{reading} These trials agree: the interval lies within."
    if peak.high < low or high < peak.low:
        return f"{reading} These trials contradict it: the interval lies outside."
    return f"{reading} The interval agrees with that in part: it overlaps, but does not lie within."


def alpha_verdict(peak: Peak, trials: pd.DataFrame) -> str:
    """Compare with the article's reading that slopes near 0 are best."""
    done = trials[trials["status"] == "completed"]
    slope, low, high = slope_interval(done["alpha"].to_numpy(float), done["test_accuracy"].to_numpy(float))
    per = f"a straight line falls by {-slope / 10:.5f} for each 0.1 of alpha ({-high / 10:.5f} to {-low / 10:.5f})"
    reading = "The article reads from its chart that alpha near 0 is best."
    least = float(done["alpha"].quantile(0.1))
    if high < 0 and peak.low <= least:
        return f"{reading} These trials agree: {per}, and the local regression may be highest at the smallest slopes."
    if high < 0:
        return f"{reading} In part: {per}, but the local regression is highest above {peak.low:.3f}."
    if low > 0:
        return f"{reading} These trials contradict it: {per}, so it rises."
    return f"{reading} These trials can neither confirm nor refute it: {per}."


def slope_interval(x: Array, y: Array) -> tuple[float, float, float]:
    """Return the slope of the straight line of least squares with its interval by resampling."""
    generator = np.random.default_rng(0)
    slopes = []
    for _ in range(RESAMPLES):
        rows = generator.integers(len(x), size=len(x))
        slopes.append(np.polyfit(x[rows], y[rows], 1)[0])
    low, high = np.quantile(slopes, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(np.polyfit(x, y, 1)[0]), float(low), float(high)


def fast_verdict(peak: Peak, trials: pd.DataFrame) -> str:
    """Say between which slopes trials diverge."""
    lost = trials.loc[trials["status"] == "diverged", "alpha"]
    if lost.empty:
        return "None diverged."
    places = ", ".join(f"{alpha:.3f}" for alpha in sorted(lost))
    few = " So few tell hardly more of alpha than that it can happen." if len(lost) < FEW else ""
    return f"{len(lost)} diverged, at alpha {places}; the median of all is {trials['alpha'].median():.3f}.{few}"


ONE_PARAMETER: dict[str, Page] = {
    "mnist-learning-rate": OneParameter("mnist-learning-rate", "learning_rate", learning_rate_verdict),
    "mnist-alpha": OneParameter("mnist-alpha", "alpha", alpha_verdict),
    "mnist-alpha-fast": OneParameter("mnist-alpha-fast", "alpha", fast_verdict),
}
"""Page -> what it tells of."""
