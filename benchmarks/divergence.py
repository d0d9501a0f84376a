"""The law of divergence: on the runs of others, on planted laws, and how long it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.measurement import Cell, Table, Target, progress
from sweep.analysis.calibration import calibration_error, error_of_right
from sweep.analysis.divergence import fit_law, has_diverged
from sweep.analysis.effects import Boundary, Estimate, effects_of
from sweep.analysis.logistic import Array, expit, firth, log_loss
from sweep.analysis.predictors import Predictor, matrix, predictors
from sweep.analysis.stack import stratified_folds
from sweep.records import Parameter
from sweep.system.variables import data_folder


class Size(NamedTuple):
    """How much is measured."""

    subsets: int
    """Random subsets of 100 runs."""
    sweeps: int
    """With a planted law."""


FULL = Size(20, 200)
QUICK = Size(2, 20)
RUNS = "tuning-runs/alexnet_tuning.jsonl"
SEARCHED = [
    Parameter("lr", "lr", log=True),
    Parameter("weight_decay", "weight_decay", log=True),
    *(Parameter(name, name) for name in ("momentum", "batch_size", "label_smoothing", "epochs", "lr_peak_epoch")),
]
PLANTED = {"batch_size": -0.5, "width": 0.3}
RUNS_NOTE = (
    "512 random configurations of AlexNet on ImageNet, of which 147 became NaN. Log-loss and expected calibration "
    "error (10 equal bins) of left-out runs: 10-fold cross-validation, and {subsets} random subsets of 100 tested on "
    "the rest."
)
PLANTED_NOTE = (
    "{sweeps} sweeps whose probability to diverge is that of a planted law. Share of the 90 % intervals of the "
    "exponents and of the limit that hold the planted value; 0.85 to 0.95 is right."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Measure each in turn."""
    root = data_folder()
    if root and (root / RUNS).is_file():
        yield _runs_table(_runs(root / RUNS), size.subsets)
    else:
        progress.log(f"left out, since SWEEP_DATA has no {RUNS}")
    yield _planted_table(size.sweeps)


def _runs(file: Path) -> pd.DataFrame:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    frame = pd.DataFrame([{key: row[key] for key in row if key != "learning_curve"} for row in rows])
    status = np.where(frame["nan_train_loss"], "diverged", "completed")
    return frame.assign(status=status, group=np.arange(len(frame)))


def _runs_table(runs: pd.DataFrame, subsets: int) -> Table:
    table = Table("Divergence of AlexNet", RUNS_NOTE.format(subsets=subsets))
    with progress.status("10-fold cross-validation"):
        outcomes, found, base, seconds = _folded(runs)
    error, right = calibration_error(outcomes, found), error_of_right(found)
    table.rows["512 runs, 10-fold"] = {
        "log-loss": Cell(log_loss(outcomes, found), target=Target(0.39)),
        "base rate": Cell(log_loss(outcomes, base)),
        "calibration error": Cell(error, target=Target(right + 0.02)),
        "of right ones": Cell(right),
        "seconds": Cell(seconds, target=Target(3.0)),
    }
    losses, bases, errors, rights = [], [], [], []
    rng = np.random.default_rng(0)
    for _ in range(subsets):
        order = rng.permutation(len(runs))
        inside, outside = runs.iloc[order[:100]], runs.iloc[order[100:]]
        truth, chances, _ = _predicted(inside, outside)
        losses.append(log_loss(truth, chances))
        bases.append(log_loss(truth, np.full(len(truth), (inside["status"] == "diverged").mean())))
        errors.append(calibration_error(truth, chances))
        rights.append(error_of_right(chances))
    table.rows["100 runs"] = {
        "log-loss": Cell(float(np.mean(losses)), target=Target(0.48)),
        "base rate": Cell(float(np.mean(bases))),
        "calibration error": Cell(float(np.mean(errors))),
        "of right ones": Cell(float(np.mean(rights))),
    }
    return table


def _folded(runs: pd.DataFrame) -> tuple[Array, Array, Array, float]:
    """Return outcomes, predictions of left-out runs, base rates, and the mean time of a fit."""
    outcomes = has_diverged(runs)
    folds = stratified_folds(outcomes, runs["group"].to_numpy(), 10)
    found, base, seconds = np.empty(len(runs)), np.empty(len(runs)), []
    for fold in range(10):
        inside = folds != fold
        _, found[~inside], taken = _predicted(runs[inside], runs[~inside])
        base[~inside] = outcomes[inside].mean()
        seconds.append(taken)
    return outcomes, found, base, float(np.mean(seconds))


def _predicted(inside: pd.DataFrame, outside: pd.DataFrame) -> tuple[Array, Array, float]:
    """Return outcomes and probabilities of some runs by the law of others, and the time that the fit took."""
    began = time.perf_counter()
    law = fit_law(inside, SEARCHED)
    seconds = time.perf_counter() - began
    values = {each.name: outside[each.name].tolist() for each in SEARCHED}
    return has_diverged(outside), law.probabilities(values, len(outside)), seconds


def planted(seed: int, trials: int, share: float, slope: float) -> tuple[pd.DataFrame, list[Parameter], float]:
    """Return trials of a planted law with about a share of divergences, their parameters, and ln c at its centers.

    logit p = slope · (ln η − ½ ln batch + 0.3 ln width − ln c) with the others at their geometric means; a slope of a
    leaky rectifier changes nothing.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "learning_rate": np.exp(rng.uniform(np.log(0.005), np.log(0.5), trials)),
            "batch_size": 10 * rng.integers(1, 10, trials),
            "width": rng.integers(10, 100, trials),
            "alpha": rng.uniform(0.0, 0.4, trials),
        }
    )
    score = np.log(frame["learning_rate"])
    for name, exponent in PLANTED.items():
        score = score + exponent * (np.log(frame[name]) - np.log(40))
    limit = float(np.quantile(score, 1 - share))
    diverged = rng.random(trials) < expit(slope * (score.to_numpy() - limit))
    frame["status"], frame["group"] = np.where(diverged, "diverged", "completed"), np.arange(trials)
    parameters = [Parameter("learning_rate", "learning_rate", log=True)]
    return frame, [*parameters, *(Parameter(name, name) for name in ("batch_size", "width", "alpha"))], limit


CASES: dict[str, tuple[int, float, float]] = {
    "100 trials, 30 %": (100, 0.3, 3.0),
    "200 trials, 30 %": (200, 0.3, 3.0),
    "100 trials, 15 %": (100, 0.15, 3.0),
    "100 trials, steep": (100, 0.3, 8.0),
}


def _planted_table(sweeps: int) -> Table:
    table = Table("Planted laws of divergence", PLANTED_NOTE.format(sweeps=sweeps))
    for name, (trials, share, slope) in CASES.items():
        with progress.status(name):
            held, width = coverage(range(sweeps), trials, share, slope)
        exponents = float(np.mean([value for key, value in held.items() if key != "limit"]))
        table.rows[name] = {
            "all exponents": Cell(exponents, target=Target(0.85, at_least=True)),
            **{key: Cell(value) for key, value in held.items()},
            "median width, batch_size": Cell(width),
        }
    return table


def coverage(seeds: Sequence[int], trials: int, share: float, slope: float) -> tuple[dict[str, float], float]:
    """Return by exponent the share of 90 % intervals that hold the planted value, and the median width for batches.

    `limit` is that of the limit where there is a formula. Only the additive model is fitted: the mixture has no part.
    """
    held: dict[str, list[bool]] = {name: [] for name in (*PLANTED, "alpha", "limit")}
    widths: list[float] = []
    for seed in seeds:
        frame, parameters, limit = planted(seed, trials, share, slope)
        values: dict[str, list[Any]] = {each.name: frame[each.name].tolist() for each in parameters}
        columns = predictors(parameters, values)
        effects, boundary = effects_of(firth(matrix(columns, values, trials), has_diverged(frame)), columns, 0.90)
        for effect in effects:
            name, exponent = effect.predictor.parameter.name, effect.exponent
            if name in held:
                held[name].append(exponent is not None and _holds(exponent, PLANTED.get(name, 0.0)))
                widths += [exponent.high - exponent.low] if exponent and name == "batch_size" else []
        if boundary:
            held["limit"].append(_holds(boundary.limit, np.exp(limit - _shift(columns, boundary))))
    return {name: float(np.mean(found)) for name, found in held.items()}, float(np.median(widths or [np.nan]))


def _holds(estimate: Estimate, truth: float) -> bool:
    return bool(estimate.low <= truth <= estimate.high)


def _shift(columns: Sequence[Predictor], boundary: Boundary) -> float:
    """Return by how much ln c falls as the others are where the formula has them, not at their planted centers."""
    centers = {term.predictor.parameter.name: term.center for term in boundary.terms}
    found = 0.0
    for each in columns:
        if each.parameter.name in PLANTED:
            center = centers.get(each.parameter.name, each.mean)
            found += PLANTED[each.parameter.name] * (center - np.log(40))
    return float(found)
