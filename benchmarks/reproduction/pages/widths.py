"""The page on the article's search: its tables, its configurations trained again, and how often they diverge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

import sweep
from benchmarks.reproduction.documents import published, published_table
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.statistics import (
    LEVEL,
    SHARES,
    bootstrap_interval,
    mean_interval,
    next_interval,
    rank_correlation,
    share_interval,
)
from benchmarks.reproduction.trainings import Training
from sweep.analysis.divergence import fit_law
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.rescue import answers, outcomes, totals, twins_of

PUBLISHED = "mnist-widths-published"
SEEDS = (1, 2, 3, 4)
SEARCHES = ("mnist-widths", *(f"mnist-widths-seed-{seed}" for seed in SEEDS))
DRAWN = ["hidden[0]", "hidden[1]", "alpha", "batch_size", "learning_rate"]
DRAWN_FORMATS = {"alpha": ".4f", "learning_rate": ".4g", "test_accuracy": ".4f", "test_loss": ".4f"}


class Widths(Page):
    """The article's search with five seeds, and its configurations with five seeds each."""

    template = "mnist-widths.md"
    trainings = (
        Training("mnist-widths", "mnist-widths"),
        *(Training(f"mnist-widths-seed-{seed}", "mnist-widths", (f"seed={seed}",)) for seed in SEEDS),
        Training(PUBLISHED, PUBLISHED),
    )

    def go_on(self, sweeps: Mapping[str, sweep.Sweep], db: Path, data: Path | None, workers: int | None) -> None:
        """Train twins of the first training of each published configuration that diverged."""
        trials = sweeps[PUBLISHED].trials()
        lost = trials[trials["status"] == "diverged"]
        first = lost.groupby(lost["trial"] // sweeps[PUBLISHED].repeats)["trial"].min()
        sweep.rescue(first.tolist(), name=PUBLISHED, db=db, data=data, workers=workers)

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write the law of divergence that all searches together tell, also those exported before."""
        if found := [sweeps[name] for name in SEARCHES if name in sweeps]:
            law_of(searches_in(Results(folder)), found[0].parameters).to_csv(folder / "law.csv", index=False)
        if PUBLISHED in sweeps:
            with suppress(sweep.SweepError):  # no twins have been trained
                twins = twins_of(sweeps[PUBLISHED])
                outcomes(twins).to_csv(folder / "rescue.csv", index=False)

    def content(self, results: Results) -> dict[str, Any]:
        """Return the tables of the search, and the published configurations beside the article's figures."""
        searches = searches_in(results)
        trials = searches["mnist-widths"]
        repeated = with_published(results)
        return {
            "best": ranked(trials, best=True),
            "worst": ranked(trials, best=False),
            "diverged": diverged(trials),
            "formats": DRAWN_FORMATS,
            "counts": counts(searches),
            "share": pooled_share(searches),
            "chance": chance_of_difference(searches),
            "range": [int(f(lost_of(each) for each in searches.values())) for f in (min, max)],
            "article": published("mnist-widths"),
            "searches": len(searches),
            "wanted": len(SEARCHES),
            "level": LEVEL,
            "groups": groups(repeated),
            "overflowed": fates(repeated[repeated["table"] == "overflow"]),
            "repeats": int(repeated["repeat"].max()) + 1,
            "beside": {kind: beside(repeated[repeated["table"] == kind]) for kind in ("best", "worst")},
            "correlations": correlations(searches),
            "correlation_formats": {"rank correlation": ".3f"},
            "law": law_table(results),
            "rescue": rescue_table(results),
            "saviors": answers_table(results, repeated),
        }

    def draw(self, results: Results) -> None:
        """Draw published and own figures of each configuration, and which ones diverge."""
        repeated = with_published(results)
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
        done = repeated[repeated["table"] != "overflow"]
        left.scatter(done["best_test_accuracy"], done["test_accuracy"], s=10, alpha=0.6)
        ends = [done["best_test_accuracy"].min() - 0.002, done["best_test_accuracy"].max() + 0.002]
        left.plot(ends, ends, color="gray", linewidth=1)
        left.set(xlabel="best test accuracy in the article", ylabel="here, each of five trainings")
        shares = repeated.assign(lost=repeated["status"] == "diverged").groupby("configuration")
        table = shares.agg(lost=("lost", "mean"), rate=("learning_rate", "first"), batch=("batch_size", "first"))
        drawn = right.scatter(table["rate"], table["batch"], c=table["lost"], cmap="coolwarm", s=70, edgecolor="gray")
        figure.colorbar(drawn, label="share of the trainings that diverges")
        right.set(xlabel="learning rate", ylabel="batch size", xscale="log")
        figure.savefig(results.folder / "published.png", dpi=110)
        plt.close(figure)


def searches_in(results: Results) -> dict[str, pd.DataFrame]:
    """Return the trials of each search that has been exported, by name."""
    return {name: results.trials(name) for name in SEARCHES if (results.folder / f"{name}.csv").exists()}


def law_of(searches: Mapping[str, pd.DataFrame], parameters: Sequence[Parameter]) -> pd.DataFrame:
    """Return how strongly each parameter decides about divergence, by all trials of some searches.

    The published configurations are left out: they were chosen by what became of them.
    """
    trials = pd.concat(searches.values(), ignore_index=True)
    trials = trials.rename(columns={each.short_name: each.name for each in parameters})
    law = fit_law(trials.assign(group=trials.index), parameters)
    return pd.DataFrame(
        {
            "parameter": effect.predictor.parameter.short_name,
            "weight": effect.weight.value,
            "weight_low": effect.weight.low,
            "weight_high": effect.weight.high,
        }
        for effect in law.effects
    )


def with_published(results: Results) -> pd.DataFrame:
    """Return the trainings of the published configurations with the article's figures."""
    trials = results.trials(PUBLISHED)
    repeats = int(trials["repeat"].max()) + 1
    trials["configuration"] = trials["trial"] // repeats
    return trials.join(published_table("mnist-widths"), on="configuration")


def ranked(trials: pd.DataFrame, *, best: bool) -> pd.DataFrame:
    """Return the ten best or worst trials that completed."""
    done = trials[trials["status"] == "completed"]
    ordered = done.sort_values(["test_accuracy", "test_loss"], ascending=[not best, best])
    return labeled(ordered.head(10))[["trial", *DRAWN, "test_accuracy", "epoch", "test_loss"]]


def diverged(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that diverged."""
    found = labeled(trials[trials["status"] == "diverged"])
    for name in ("diverged_epoch", "diverged_step"):
        found[name] = found[name].astype(int)
    return found[["trial", *DRAWN, "diverged_epoch", "diverged_step", "diverged_place"]]


def labeled(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with integers where a column holds nothing else."""
    return trials.assign(epoch=trials["epoch"].astype(int))


def lost_of(trials: pd.DataFrame) -> int:
    """Return how many trials diverged."""
    return int((trials["status"] == "diverged").sum())


def counts(searches: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how many trials of each search diverged."""
    return pd.DataFrame(
        {
            "search": f"`{name}`",
            "trials": len(trials),
            "diverged": lost_of(trials),
            "best test accuracy": f"{trials.loc[trials['status'] == 'completed', 'test_accuracy'].max():.4f}",
        }
        for name, trials in searches.items()
    )


def pooled_share(searches: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return how many trials of all searches diverged, with the interval of the share."""
    lost, number = sum(map(lost_of, searches.values())), sum(map(len, searches.values()))
    mean = lost / len(searches)
    return {"diverged": lost, "trials": number, "mean": mean, "interval": share_interval(lost, number)}


def chance_of_difference(searches: Mapping[str, pd.DataFrame]) -> float:
    """Return the probability of a difference to the article's share at least as large, by Fisher's exact test."""
    article, ours = published("mnist-widths"), pooled_share(searches)
    table = [[counted["diverged"], counted["trials"] - counted["diverged"]] for counted in (article, ours)]
    return float(fisher_exact(table).pvalue)


def groups(repeated: pd.DataFrame) -> pd.DataFrame:
    """Return the share that diverges of each of the article's tables, resampling whole configurations."""
    rows = []
    for kind, trials in repeated.groupby("table", sort=False):
        lost = (trials["status"] == "diverged").to_numpy()
        places = [np.flatnonzero(trials["configuration"] == each) for each in trials["configuration"].unique()]
        low, high = (
            bootstrap_interval(lambda rows, lost=lost: float(lost[rows].mean()), places)  # type: ignore[misc]
            if 0 < lost.sum() < len(lost)
            else share_interval(int(lost.sum()), len(lost))
        )
        rows.append(
            {
                "table of the article": kind,
                "configurations": len(places),
                "trainings": len(trials),
                "diverged": int(lost.sum()),
                "share": f"{100 * lost.mean():.0f} %",
                "interval": f"{100 * low:.0f} to {100 * high:.0f} %",
            }
        )
    return pd.DataFrame(rows)


def fates(repeated: pd.DataFrame) -> pd.DataFrame:
    """Return what becomes of each configuration that overflowed in the article."""
    rows = []
    for _, trials in repeated.groupby("configuration"):
        lost = trials[trials["status"] == "diverged"]
        epochs = sorted(lost["diverged_epoch"].astype(int))
        rows.append(
            {
                **{name: trials[name].iloc[0] for name in DRAWN},
                "diverged": f"{len(lost)} of {len(trials)}",
                "in epochs": ", ".join(map(str, epochs)),
            }
        )
    return pd.DataFrame(rows)


def beside(repeated: pd.DataFrame) -> dict[str, Any]:
    """Return the article's figures of its configurations beside ours."""
    rows, alike = [], 0
    for _, trials in repeated.groupby("configuration"):
        values = trials.loc[trials["status"] == "completed", "test_accuracy"]
        theirs = float(trials["best_test_accuracy"].iloc[0])
        low, high = next_interval(values, SHARES)
        alike += low <= theirs <= high
        rows.append(
            {
                "rank": str(int(trials["rank"].iloc[0])),
                **{name: trials[name].iloc[0] for name in DRAWN},
                "article": f"{theirs:.4f}",
                "here": f"{values.mean():.4f} ± {values.std():.4f}",
                "one more is expected in": f"{low:.4f} to {high:.4f}",
                "": "alike" if low <= theirs <= high else "**not alike**",
            }
        )
    means = repeated[repeated["status"] == "completed"].groupby("configuration")["test_accuracy"].mean()
    article = repeated.groupby("configuration")["best_test_accuracy"].first()
    difference = (means - article).to_numpy()
    low, high = mean_interval(difference)
    return {"rows": pd.DataFrame(rows), "alike": alike, "mean": difference.mean(), "interval": (low, high)}


def correlations(searches: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rank correlation of each drawn value with the accuracy of those that completed."""
    done = pd.concat(searches.values())
    done = done[done["status"] == "completed"].reset_index(drop=True)
    rows = []
    for name in DRAWN:
        value, low, high = rank_correlation(done[name], done["test_accuracy"])
        rows.append({"parameter": name, "rank correlation": value, "interval": f"{low:.3f} to {high:.3f}"})
    return pd.DataFrame(rows)


def law_table(results: Results) -> pd.DataFrame:
    """Return how strongly each value decides about divergence, with a verdict."""
    law = results.table("law")
    return pd.DataFrame(
        {
            "parameter": row["parameter"],
            "weight": f"{row['weight']:.2f}",
            "interval": f"{row['weight_low']:.2f} to {row['weight_high']:.2f}",
            "": "matters" if row["weight_low"] > 0 or row["weight_high"] < 0 else "not shown to matter",
        }
        for _, row in law.iterrows()
    )


def rescued(results: Results) -> pd.DataFrame | None:
    """Return what has become of each twin of a casualty; None where none has been trained."""
    if not (results.folder / "rescue.csv").exists():
        return None
    found = results.table("rescue")
    whole = ("fork", "twin", "epoch", "epochs", "diverged", "of", "casualty")
    return found.astype(dict.fromkeys([name for name in whole if name in found], "Int64"))


def rescue_table(results: Results) -> pd.DataFrame | None:
    """Return how many casualties each change has saved."""
    found = rescued(results)
    return None if found is None else totals(found)


def answers_table(results: Results, repeated: pd.DataFrame) -> pd.DataFrame | None:
    """Return the smallest change that suffices for each casualty, with the values of its configuration."""
    found = rescued(results)
    if found is None:
        return None
    drawn = repeated.set_index("trial")[DRAWN]
    best = answers(found, Objective()).join(drawn, on="casualty")
    columns = {"diverged": "diverged in epoch", "detail": "what suffices", "test_accuracy": "test_accuracy"}
    return best[[*DRAWN, *columns]].rename(columns=columns)
