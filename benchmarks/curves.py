"""Stopping rules on recorded learning curves, beside Optuna's pruners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.data import alexnet_runs, learning_curves
from benchmarks.measurement import Cell, Table, Target, installed, progress
from benchmarks.peers import pruners
from sweep.analysis.stopping import RULES, summary
from sweep.metrics import Objective
from sweep.stopping import Rule, RungRule
from sweep.stopping.divergence import Divergence
from sweep.stopping.halving import Halving
from sweep.stopping.simulation import Ending, Recording, simulate

TRIALS = 100
"""Of a search."""
FIRSTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24)
"""First rungs of halving, which use more and more epochs."""
OBJECTIVE = Objective("validation_accuracy", tie_break=None)


class Size(NamedTuple):
    """How much is measured."""

    datasets: int | None
    """None for all."""
    searches: int
    """On each."""


FULL = Size(None, 20)
QUICK = Size(3, 3)

DEFAULT = "halving, factor 2, first 3"
TARGETS = {"epochs": Target(0.20), "loss": Target(0.002), "best kept": Target(0.9, at_least=True)}
"""Of halving with its default options."""
NOT_WORSE = Target(0.6, at_least=True)
RULES_NOTE = (
    "Means over {searches} searches on each of {datasets} data sets (LCBench, as YAHPO Gym models it): each draws "
    f"{TRIALS} of 400 perceptrons with the validation accuracies of {{epochs}} epochs, and replays the rule with one "
    "worker. Epochs: share of those without a rule. Loss: accuracy by which the best trial that is trained to its end "
    "is worse than the best of all. Best kept: share of searches without a loss; worst: on the data set where it is "
    "least."
)
PEERS_NOTE = (
    "The same curves in the same order, each search a study of Optuna (ask, report, should_prune, tell). Halving at "
    f"equal epochs: the loss of our halving by 2 with the first rungs {', '.join(map(str, FIRSTS))}, interpolated on "
    "each data set at the epochs that the pruner used there, as if one of two first rungs were chosen by lot. Not "
    "worse: share of the data sets on which it is at most the pruner's."
)
DIVERGENCE_NOTE = (
    "{runs} trainings of AlexNet with random configurations and a learning rate that rises and falls, {lost} of which "
    "became NaN. Saved: share of the recorded epochs of these that the rule leaves out. Stopped: share of the others "
    "that it stops; good: of those with at least 90 % of the best accuracy."
)
DIVERGENCES = (Divergence(), Divergence(share=0.3), Divergence(share=0.8))
DIVERGENCE_TARGETS = {"saved": Target(0.5, at_least=True), "stopped": Target(0.01)}
GOOD = 0.9
"""Part of the best accuracy that a good trial has."""


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Replay all rules and pruners on the same curves."""
    if curves := learning_curves():
        yield from _on_learning_curves(size, curves)
    if runs := alexnet_runs():
        yield _divergence_table(runs)
    if not curves or not runs:
        progress.log("recorded sweeps are missing; SWEEP_DATA names the folder of data")


def _on_learning_curves(size: Size, found: dict[str, np.ndarray]) -> Iterator[Table]:
    found = dict(list(found.items())[: size.datasets])
    rules = RULES | {f"first {first}": Halving(first=first) for first in FIRSTS}
    frame = pd.concat([_ours(name, curves, rules, size.searches) for name, curves in found.items()])
    epochs = next(iter(found.values())).shape[1]
    note = RULES_NOTE.format(searches=size.searches, datasets=len(found), epochs=epochs)
    yield _rules_table(frame, note)
    if installed({"Optuna": 0}):
        peers = pd.concat([_peers(name, curves, size.searches) for name, curves in found.items()])
        yield _peers_table(frame, peers)


def _searches(name: str, curves: np.ndarray, searches: int) -> Iterator[tuple[int, list[list[float]]]]:
    """Draw the trials of each search on a data set, seeded by its name."""
    for search in range(searches):
        rng = np.random.default_rng([search, *name.encode()])
        yield search, curves[rng.permutation(len(curves))[:TRIALS]].tolist()


def _ours(name: str, curves: np.ndarray, rules: Mapping[str, Rule | RungRule], searches: int) -> pd.DataFrame:
    """Return a row for each search and rule."""
    frames = []
    with progress.status(f"stopping rules on {name}"):
        for search, drawn in _searches(name, curves, searches):
            recorded = [Recording(trial, values, len(values), "completed") for trial, values in enumerate(drawn)]
            replays = {rule: simulate(each, recorded, OBJECTIVE) for rule, each in rules.items()}
            frames.append(summary(replays, recorded, OBJECTIVE).assign(dataset=name, search=search))
    return pd.concat(frames)


def _peers(name: str, curves: np.ndarray, searches: int) -> pd.DataFrame:
    """Return a row for each search and pruner."""
    rows = []
    with progress.status(f"Optuna's pruners on {name}"):
        for _, drawn in _searches(name, curves, searches):
            best = max(map(max, drawn))
            for pruner, each in pruners.pruners(len(drawn[0])).items():
                result = pruners.search(each, drawn)
                loss = best - result.best
                rows.append((pruner, name, result.epochs / sum(map(len, drawn)), loss, loss == 0))
    return pd.DataFrame(rows, columns=["rule", "dataset", "share", "loss", "kept"])


def _rules_table(frame: pd.DataFrame, note: str) -> Table:
    table = Table("Stopping rules on learning curves", note)
    for rule in RULES:
        rows = frame[frame["rule"] == rule]
        targets = TARGETS if rule == DEFAULT else {}
        table.rows[rule] = _cells(rows, targets)
    return table


def _cells(rows: pd.DataFrame, targets: Mapping[str, Target]) -> dict[str, Cell]:
    """Return the means over all searches of a rule or a pruner."""
    kept = rows.groupby("dataset")["kept"].mean()
    means = {"epochs": rows["share"].mean(), "loss": rows["loss"].mean(), "best kept": kept.mean()}
    cells = {column: Cell(float(value), target=targets.get(column)) for column, value in means.items()}
    return cells | {"worst": Cell(float(kept.min()))}


def _peers_table(frame: pd.DataFrame, peers: pd.DataFrame) -> Table:
    table = Table("Halving beside Optuna's pruners", PEERS_NOTE)
    frontier = frame[frame["rule"].isin([f"first {first}" for first in FIRSTS])]
    points = frontier.groupby(["dataset", "rule"])[["share", "loss"]].mean().sort_values("share")
    for pruner, rows in peers.groupby("rule", sort=False):
        theirs = rows.groupby("dataset")[["share", "loss"]].mean()
        ours = _interpolated(points, theirs["share"])
        not_worse = float(np.mean(ours <= theirs["loss"].to_numpy()))
        at_equal = {"halving's loss": Cell(float(np.mean(ours))), "not worse": Cell(not_worse, target=NOT_WORSE)}
        table.rows[str(pruner)] = _cells(rows, {}) | at_equal
    return table


def _interpolated(points: pd.DataFrame, shares: pd.Series[float]) -> np.ndarray:
    """Return the losses of halving on each data set where it uses given shares of the epochs."""
    losses = []
    for dataset, share in shares.items():
        own = points.xs(dataset)
        losses.append(float(np.interp(share, own["share"], own["loss"])))
    return np.array(losses)


def _divergence_table(runs: list[dict[str, Any]]) -> Table:
    lost, others = ([each for each in runs if each["nan_train_loss"] is is_lost] for is_lost in (True, False))
    table = Table("Divergence rule on AlexNet", DIVERGENCE_NOTE.format(runs=len(runs), lost=len(lost)))
    best = np.array([max(point["top_1"] for point in each["learning_curve"]) for each in others])
    is_good = best >= GOOD * best.max()
    records = [_recording(each) for each in lost]
    for rule in DIVERGENCES:
        used = sum(each.epochs for each in simulate(rule, records, OBJECTIVE))
        stopped = np.array([each.end == "stopped" for each in simulate(rule, [*map(_recording, others)], OBJECTIVE)])
        figures = {
            "saved": 1 - used / sum(len(each.values) for each in records),
            "stopped": stopped.mean(),
            "stopped of the good": stopped[is_good].mean(),
        }
        targets = DIVERGENCE_TARGETS if rule == Divergence() else {}
        cells = {column: Cell(float(value), target=targets.get(column)) for column, value in figures.items()}
        table.rows[f"divergence, share {rule.share}"] = cells
    return table


def _recording(run: dict[str, Any]) -> Recording:
    """Return a training of AlexNet; the epochs after the last point of one that became NaN are not recorded."""
    points = run["learning_curve"]
    losses = [point["train_loss"] for point in points]
    planned = run["epochs"] if run["nan_train_loss"] else len(points[1:])
    ending: Ending = "lost" if run["nan_train_loss"] else "completed"
    return Recording(run["iteration"], [point["top_1"] for point in points[1:]], planned, ending, losses)
