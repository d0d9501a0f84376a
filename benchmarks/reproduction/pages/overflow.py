"""The page on the blow-up of one network: its arrays step by step, beside the traces of the article."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import sweep
from benchmarks.reproduction.documents import published_table
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.trainings import Training

STEPS = 40
"""Steps that are traced."""
SHOWN = {"output/u": "max_u3", "output/W": "max_W3", "output/dW": "max_dW3", "hidden[1]/dz": "max_dz2"}
"""Our array -> the article's, whose layers are counted from 1."""
KINDS = {"leaky relu": "", "relu": "-relu"}


class Overflow(Page):
    """The network that diverges at once, and its twin with relu, in both precisions."""

    template = "mnist-overflow.md"
    trainings = tuple(
        Training(
            f"mnist-overflow{suffix}{precision}",
            "mnist-overflow",
            (
                "repeats=3",
                *(('network.activation="relu"',) if suffix else ()),
                *(('training.dtype="float64"',) if precision else ()),
            ),
        )
        for suffix in KINDS.values()
        for precision in ("", "-float64")
    )

    def add(self, sweeps: Mapping[str, sweep.Sweep], folder: Path, data: Path | None) -> None:
        """Write the trace of the first training of each."""
        for name, found in sweeps.items():
            trace = found.trace(0, from_step=1, steps=STEPS, data=data)
            trace.frame[["step", *SHOWN]].to_csv(folder / f"trace-{name}.csv", index=False)

    def content(self, results: Results) -> dict[str, Any]:
        """Return what became of each training, and the traces beside the article's."""
        return {
            "fates": pd.DataFrame(row for training in self.trainings for row in fates(results, training.name)),
            "traces": {kind: beside(results, kind) for kind in KINDS},
            "formats": {name: ".3g" for kind in KINDS for name in beside(results, kind) if name != "step"},
            "growth": growth(results),
            "growth_formats": {"factor by which the exponent grows a step": ".2f"},
            "constant": constant_steps(published_table("overflow-trace-relu")["max_W3"]),
            "ours_constant": constant_steps(trace_of(results, "mnist-overflow-relu")["output/W"]),
            "ours_steps": len(trace_of(results, "mnist-overflow-relu")) - 1,
            "constant_of": len(published_table("overflow-trace-relu")) - 1,
            "article_steps": len(published_table("overflow-trace-leaky-relu")),
        }

    def draw(self, results: Results) -> None:
        """Draw the largest value in front of the output, step by step."""
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        for place, (kind, suffix) in enumerate(KINDS.items()):
            article = published_table(f"overflow-trace{'-relu' if suffix else '-leaky-relu'}")
            axes.plot(article.index + 1, article["max_u3"], "o:", color=f"C{place}", label=f"{kind}, article")
            for precision, style in (("", "-"), ("-float64", "--")):
                trace = trace_of(results, f"mnist-overflow{suffix}{precision}")
                label = f"{kind}, {precision.strip('-') or 'float32'}"
                axes.plot(trace["step"], trace["output/u"], style, color=f"C{place}", label=label)
        axes.set(xlabel="step", ylabel="largest |u| in front of the output", yscale="log", ylim=(0.5, 1e60))
        axes.legend()
        figure.savefig(results.folder / "trace.png", dpi=110)
        plt.close(figure)


def trace_of(results: Results, name: str) -> pd.DataFrame:
    """Return the trace of the first training of a sweep."""
    return results.table(f"trace-{name}")


def fates(results: Results, name: str) -> list[dict[str, Any]]:
    """Return what became of each training of a sweep."""
    rows = []
    for _, trial in results.trials(name).iterrows():
        lost = trial["status"] == "diverged"
        rows.append(
            {
                "sweep": f"`{name}`",
                "seed": str(trial["repeat"]),
                "fate": f"diverged, epoch {trial['diverged_epoch']:.0f}, step {trial['diverged_step']:.0f}"
                if lost
                else str(trial["status"]),
                "first array": str(trial["diverged_place"]) if lost else "",
                "best test accuracy": f"{trial['test_accuracy']:.4f}" if trial["epoch"] else "none: no epoch was done",
            }
        )
    return rows


def beside(results: Results, kind: str) -> pd.DataFrame:
    """Return the article's trace beside ours, its first steps."""
    suffix = KINDS[kind]
    article = published_table(f"overflow-trace{suffix or '-leaky-relu'}")
    columns: dict[str, Any] = {"step": [str(step + 1) for step in range(20)]}
    for ours, theirs in SHOWN.items():
        columns[f"{ours}, article"] = article[theirs].reindex(range(20))
        for precision in ("", "-float64"):
            trace = trace_of(results, f"mnist-overflow{suffix}{precision}")
            if precision == "" or ours in ("output/u", "output/W"):
                columns[f"{ours}, {precision.strip('-') or 'float32'}"] = trace[ours].reindex(range(20))
    return pd.DataFrame(columns)


def growth(results: Results) -> pd.DataFrame:
    """Return by which factor the exponent of the largest value grows a step, while it is above a million."""
    series = {"article, float64": published_table("overflow-trace-leaky-relu")["max_u3"].abs()}
    series |= {
        f"here, {precision.strip('-') or 'float32'}": trace_of(results, f"mnist-overflow{precision}")["output/u"]
        for precision in ("", "-float64")
    }
    rows = []
    for label, values in series.items():
        large = np.log10(values[np.isfinite(values) & (values > 1e6)].to_numpy(float))
        rows.append(
            {
                "trace": label,
                "factor by which the exponent grows a step": np.median(large[1:] / large[:-1]),
                "steps": len(large) - 1,
            }
        )
    return pd.DataFrame(rows)


def constant_steps(values: pd.Series) -> int:
    """Return how many steps leave the largest weight as it is."""
    return int((values.diff() == 0).sum())
