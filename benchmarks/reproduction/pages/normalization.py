"""The page on the scaling of pixels: which kind diverges most, and what the article's way with constant pixels does."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import fisher_exact

import sweep
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.statistics import (
    LEVEL,
    bootstrap_interval,
    holm,
    mcnemar,
    mean_interval,
    paired,
    permutation_chance,
    share_interval,
)
from benchmarks.reproduction.trainings import Training
from sweep.analysis.logistic import firth

NAME, ARTICLE = "mnist-normalization", "mnist-normalization-article"
KINDS = ("min_max over all", "min_max over feature", "z_score over all", "z_score over feature")
NUMBERS = ["learning_rate", "batch_size", "alpha"]
GOOD, FASTEST, WORST = 0.98, 15, 5
"""What the article prints: accuracies above it, the highest learning rates, and the worst trials."""
LAW = ["column", "compared with", "weight", "low", "high"]
OTHERS = "taking the others into account"
FORMATS = {"learning_rate": ".4g", "alpha": ".4f", "test_accuracy": ".4f", "test_loss": ".4f"}


class Normalization(Page):
    """The search over four normalizations, and the same with the article's divisor of constant pixels."""

    template = "mnist-normalization.md"
    trainings = (Training(NAME, NAME), Training(ARTICLE, ARTICLE))

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write the law of divergence of the search."""
        if NAME not in sweeps:
            return
        rows = [
            {
                "column": effect.predictor.label,
                "compared with": effect.predictor.reference or "",
                "weight": effect.weight.value,
                "low": effect.weight.low,
                "high": effect.weight.high,
            }
            for effect in sweeps[NAME].divergence_law([]).effects
        ]
        pd.DataFrame(rows, columns=LAW).to_csv(folder / "law.csv", index=False)

    def is_there(self, results: Results) -> bool:
        """Check whether the search itself has been exported."""
        return (results.folder / f"{NAME}.json").exists()

    def content(self, results: Results) -> dict[str, Any]:
        """Return the article's tables, and what can be told of the four kinds."""
        trials = search(results, NAME)
        done = trials[trials["status"] == "completed"]
        pairs, factors = pairwise(trials), by_factor(trials)
        return {
            "trials": len(trials),
            "lost": int(trials["lost"].sum()),
            "epochs": int(results.epochs(NAME)["epoch"].max()),
            "limit": GOOD,
            "good": ranked(done[done["test_accuracy"] > GOOD]),
            "good_and_lost": int((trials["lost"] & (trials["test_accuracy"] > GOOD)).sum()),
            "fastest": fastest(trials),
            "fastest_lost": int(trials.nlargest(FASTEST, "learning_rate")["lost"].sum()),
            "worst": ranked(done).tail(WORST).iloc[::-1],
            "formats": FORMATS,
            "level": LEVEL,
            "shares": shares(trials),
            "pairs": corrected(pairs),
            "factors": corrected(factors),
            "chance": permutation_chance(trials["kind"], excess_of(trials)),
            "verdict": verdict(trials, pairs, factors),
            "law": law_table(results),
            "accuracies": accuracies(done),
            "article": beside(trials, search(results, ARTICLE))
            if (results.folder / f"{ARTICLE}.csv").exists()
            else None,
        }

    def draw(self, results: Results) -> None:
        """Draw the best test accuracy of each trial over its learning rate; diverged ones lie below, by kind."""
        trials = search(results, NAME)
        done, lost = trials[~trials["lost"]], trials[trials["lost"]]
        figure, (upper, lower) = plt.subplots(
            2, 1, figsize=(8, 6), height_ratios=(3, 1), sharex=True, layout="constrained"
        )
        for place, kind in enumerate(KINDS):
            color = f"C{place}"
            own = done[done["kind"] == kind]
            upper.scatter(own["learning_rate"], own["test_accuracy"], s=16, color=color, label=kind)
            lower.scatter(own["learning_rate"], [place] * len(own), s=10, color=color, alpha=0.4)
            own = lost[lost["kind"] == kind]
            lower.scatter(own["learning_rate"], [place] * len(own), s=50, color=color, marker="x")
        upper.set(ylabel="best test accuracy of those that completed", xscale="log")
        upper.legend()
        lower.set_yticks(range(len(KINDS)), KINDS)
        lower.set(xlabel="learning rate (cross: diverged)", ylim=(len(KINDS) - 0.5, -0.5))
        figure.savefig(results.folder / "accuracy.png", dpi=100)
        plt.close(figure)


def search(results: Results, name: str) -> pd.DataFrame:
    """Return the trials of a search with the kind of each, and whether it diverged."""
    trials = results.trials(name)
    parts = trials["normalization"].str.extract(r"^(\w+)\(over=(\w+)")
    return trials.assign(kind=parts[0] + " over " + parts[1], lost=trials["status"] == "diverged")


def ranked(trials: pd.DataFrame) -> pd.DataFrame:
    """Return trials, the best one first."""
    ordered = trials.sort_values(["test_accuracy", "test_loss"], ascending=[False, True])
    ordered = ordered.assign(epoch=ordered["epoch"].astype(int))
    return ordered[["trial", "kind", *NUMBERS, "test_accuracy", "epoch", "test_loss"]]


def fastest(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with the highest learning rates, and what became of each."""
    chosen = trials.nlargest(FASTEST, "learning_rate")
    where = "diverged, epoch " + chosen["diverged_epoch"].map("{:.0f}, ".format) + chosen["diverged_place"].fillna("")
    fate = chosen["status"].where(~chosen["lost"], where)
    chosen.loc[chosen["epoch"] == 0, "test_accuracy"] = np.nan  # of the untrained network
    return chosen.assign(fate=fate)[["trial", *NUMBERS, "kind", "fate", "test_accuracy"]]


def expected(trials: pd.DataFrame) -> NDArray[np.float64]:
    """Return the probability that each diverges by its learning rate, batch size and alpha alone (Firth's fit)."""
    columns = np.column_stack([np.log(trials["learning_rate"]), np.log(trials["batch_size"]), trials["alpha"]])
    columns = (columns - columns.mean(0)) / columns.std(0)
    outcomes = trials["lost"].to_numpy(float)
    if outcomes.min() == outcomes.max():
        return outcomes
    return firth(columns, outcomes).probabilities(columns)


def excess_of(trials: pd.DataFrame) -> Any:
    """Return the statistic of the kinds: the squared differences to the expected numbers, each by its own variance."""
    chances = expected(trials)
    rest = trials["lost"].to_numpy(float) - chances
    spread = chances * (1 - chances) + 1e-12

    def statistic(labels: NDArray[Any]) -> float:
        found = [(labels == kind) for kind in set(labels)]
        return float(sum(rest[own].sum() ** 2 / spread[own].sum() for own in found))

    return statistic


def shares(trials: pd.DataFrame) -> pd.DataFrame:
    """Return how many of each kind diverge, and how many are expected to by the other values alone."""
    rows = []
    for kind, own in trials.assign(expected=expected(trials)).groupby("kind"):
        lost = int(own["lost"].sum())
        low, high = share_interval(lost, len(own))
        rows.append(
            {
                "normalization": kind,
                "trials": len(own),
                "diverged": lost,
                "share": f"{100 * lost / len(own):.0f} %",
                "interval": f"{100 * low:.0f} to {100 * high:.0f} %",
                "expected by learning rate, batch size and alpha": f"{own['expected'].sum():.1f}",
            }
        )
    return pd.DataFrame(rows)


def pairwise(trials: pd.DataFrame, column: str = "kind") -> pd.DataFrame:
    """Return two tests of each pair of kinds: Fisher's, and one that takes the other values into account.

    The second one tells which diverges more often, too.
    """
    rows = []
    for first, second in combinations(sorted(trials[column].unique()), 2):
        both = trials[trials[column].isin([first, second])]
        table = pd.crosstab(both[column], both["lost"]).reindex(columns=[True, False], fill_value=0)
        lost = [f"{table.loc[kind, True]} of {table.loc[kind].sum()}" for kind in (first, second)]
        beyond = (both["lost"] - expected(both)).groupby(both[column]).mean()
        more, less = beyond.sort_values(ascending=False).index
        rows.append(
            {
                "pair": f"{first}, {second}",
                "diverged": ", ".join(lost),
                "Fisher": float(fisher_exact(table).pvalue),
                OTHERS: permutation_chance(both[column], excess_of(both)),
                "words": f"{more} more often than {less}",
            }
        )
    return pd.DataFrame(rows)


def by_factor(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the tests of the two decisions that make a kind: which formula, and over what."""
    parts = trials["kind"].str.split(" ", n=1, expand=True)
    both = trials.assign(formula=parts[0], over=parts[1])
    return pd.concat([pairwise(both, name) for name in ("formula", "over")], ignore_index=True)


def corrected(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the table of some tests, with Holm's correction in brackets."""
    shown = pairs.drop(columns="words")
    for name in ("Fisher", OTHERS):
        shown[name] = [f"{raw:.4f} ({held:.4f})" for raw, held in zip(pairs[name], holm(pairs[name]), strict=True)]
    return shown


def verdict(trials: pd.DataFrame, pairs: pd.DataFrame, factors: pd.DataFrame) -> str:
    """Say what can be told of the kinds."""
    shares_of = trials.groupby("kind")["lost"].mean()
    most, least = shares_of.idxmax(), shares_of.idxmin()
    told = pairs[holm(pairs[OTHERS]) < 1 - LEVEL]
    which = "; ".join(told["words"]) if len(told) else "none"
    halves = "; ".join(factors.loc[holm(factors[OTHERS]) < 1 - LEVEL, "words"]) or "nothing"
    alike = [kind for kind in shares_of.index if kind != most and not any({most, kind} == each for each in sets(told))]
    end = (
        f"that it is {most} rather than {' or '.join(alike)} cannot be told" if alike else f"{most} diverges most often"
    )
    return (
        f"The largest share is that of {most}, the smallest that of {least}. With the correction, and the other values"
        f" taken into account, these are told to diverge: {which}. Of the two decisions: {halves}. As to which of the"
        f" four diverges most, {end}."
    )


def sets(pairs: pd.DataFrame) -> list[set[str]]:
    """Return the kinds of each pair."""
    return [set(pair.split(", ")) for pair in pairs["pair"]]


def law_table(results: Results) -> pd.DataFrame:
    """Return the weights of the logistic regression, with a verdict."""
    law = results.table("law")
    return pd.DataFrame(
        {
            "": row["column"],
            "compared with": "" if pd.isna(row["compared with"]) else row["compared with"],
            "weight": f"{row['weight']:.2f}",
            "interval": f"{row['low']:.2f} to {row['high']:.2f}",
            "verdict": "matters" if row["low"] > 0 or row["high"] < 0 else "not shown to matter",
        }
        for _, row in law.iterrows()
    )


def accuracies(done: pd.DataFrame) -> pd.DataFrame:
    """Return the mean accuracy of each kind, as it is and at equal learning rates, batch sizes and slopes."""
    rows = []
    groups = [np.flatnonzero(done["kind"] == kind) for kind in KINDS]
    for kind, group in zip(KINDS, groups, strict=True):
        own = done["test_accuracy"].to_numpy()[group]
        low, high = mean_interval(own)
        level, ends = adjusted(done, kind)
        rows.append(
            {
                "normalization": kind,
                "completed": len(own),
                "mean of the best test accuracies": f"{own.mean():.4f}",
                "interval": f"{low:.4f} to {high:.4f}",
                "more than the others at equal values": f"{level:+.4f}",
                "its interval": f"{ends[0]:+.4f} to {ends[1]:+.4f}",
                "highest": f"{own.max():.4f}",
            }
        )
    return pd.DataFrame(rows)


def adjusted(done: pd.DataFrame, kind: str) -> tuple[float, tuple[float, float]]:
    """Return by how much a kind is more accurate than the others at equal values, with the interval of resampling.

    The other values enter by least squares: the logarithm of the learning rate and its square, that of the batch size,
    and alpha.
    """
    rate = np.log(done["learning_rate"].to_numpy())
    rate = rate - rate.mean()
    own = (done["kind"] == kind).to_numpy(float)
    design = np.column_stack([own, np.ones_like(own), rate, rate**2, np.log(done["batch_size"]), done["alpha"]])
    target = done["test_accuracy"].to_numpy()

    def level(rows: NDArray[np.intp]) -> float:
        return float(np.linalg.lstsq(design[rows], target[rows], rcond=None)[0][0])

    every = [np.array([place]) for place in range(len(done))]
    return level(np.arange(len(done))), bootstrap_interval(level, every)


def beside(ours: pd.DataFrame, article: pd.DataFrame) -> dict[str, Any]:
    """Return what the article's divisor does, trial by trial.

    Raises:
        ValueError: when the trials of the two searches have not the same values.
    """
    both = ours.merge(article, on="trial", suffixes=("", "_article"))
    if len(both) != len(ours) or any((both[name] != both[f"{name}_article"]).any() for name in ("kind", *NUMBERS)):
        raise ValueError("the trials of the two searches have not the same values")
    both = both.assign(same=both["test_accuracy"] == both["test_accuracy_article"])
    over_all = both[both["kind"].str.endswith("all")]
    rows = []
    for kind in [kind for kind in KINDS if kind.endswith("feature")]:
        own = both[both["kind"] == kind]
        held = own[~own["lost"] & ~own["lost_article"]]
        difference = paired(held["test_accuracy"], held["test_accuracy_article"])
        rows.append(
            {
                "normalization": kind,
                "pairs": len(own),
                "diverged here": int(own["lost"].sum()),
                "diverged as in the article": int(own["lost_article"].sum()),
                "only here": int((own["lost"] & ~own["lost_article"]).sum()),
                "only as in the article": int((own["lost_article"] & ~own["lost"]).sum()),
                "McNemar": f"{mcnemar(own['lost'], own['lost_article']):.3f}",
                "completed both": len(held),
                "accuracy as in the article less here": f"{difference.value:+.5f}",
                "interval": f"{difference.low:+.5f} to {difference.high:+.5f}",
            }
        )
    return {
        "rows": pd.DataFrame(rows),
        "over_all": len(over_all),
        "same": int(over_all["same"].sum()),
        "lost": int(article["lost"].sum()),
    }
