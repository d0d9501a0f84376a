"""Sweeps made as tables, without any fault or with one that is planted, of which a review is to be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sweep.analysis.review import SweepTables
from sweep.metrics import Objective
from sweep.records import Parameter

EPOCHS = 50
EXAMPLES = 10_000
NUMBERS = (
    Parameter("training.learning_rate", "learning_rate", log=True, low=1e-3, high=1.0),
    Parameter("network.width", "width", log=True, low=16, high=256),
    Parameter("training.batch_size", "batch_size", low=10, high=90),
    Parameter("network.dropout", "dropout", low=0.0, high=0.5),
)
ACTIVATION = Parameter("network.activation", "activation", categorical=True, options=("relu", "tanh", "gelu"))
OBJECTIVE = Objective("test_accuracy")
LEAD = 0.01
"""By how much the first leads where nothing is wrong: more than 10,000 examples and seeds explain."""

USUAL = 0.02
"""Probability to diverge anywhere where nothing is wrong."""


@dataclass
class Plan:
    """How the trials of a sweep come out."""

    rng: np.random.Generator
    units: np.ndarray
    """Positions of the numbers in their ranges, a row a trial."""
    options: np.ndarray
    """Of the activation."""
    optimum: np.ndarray
    """Where the best accuracy is, in positions."""
    weights: np.ndarray
    """What each number is worth."""
    jitter: float = 0.0004
    lead: float = LEAD
    seed_noise: float = 0.0008
    slowest: float = 8.0
    """Time constant of the best, in epochs; the worse ones are quicker at first, so that their curves cross."""
    quickest: float = 3.0
    narrow: bool = False
    """Whether only two trials are good."""
    overfit: float = 0.0
    """Share of its fall by which the loss of the best rises again."""
    is_diverged: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    diverge: Callable[[int], np.ndarray] | None = None
    """The trials that diverge, given the best one."""


def plan(seed: int, trials: int) -> Plan:
    """Return a sweep in which nothing is wrong: the optimum is inside of all ranges, and few diverge near it."""
    rng = np.random.default_rng(seed)
    units = rng.random((trials, len(NUMBERS)))
    optimum, weights = rng.uniform(0.25, 0.75, len(NUMBERS)), np.array([0.06, 0.02, 0.005, 0.005])
    made = Plan(rng, units, rng.choice(ACTIVATION.options, trials), optimum, weights)
    far = units[:, 0] > optimum[0] + 0.3
    made.diverge = lambda best: rng.random(trials) < np.where(far, 0.3, USUAL)
    made.jitter, made.slowest = rng.uniform(0.0002, 0.0008), rng.uniform(7.5, 8.5)
    return made


def tables(made: Plan) -> SweepTables:
    """Return the sweep as its tables."""
    rng, trials = made.rng, len(made.units)
    quality = 0.97 - ((made.units - made.optimum) ** 2 / 0.25 * made.weights).sum(axis=1)
    quality -= 0.004 * (made.options == "tanh") + rng.normal(0, 0.001, trials) ** 2
    order = np.argsort(-quality)
    if made.narrow:
        quality[order[2:]] = 0.92 + 0.01 * (quality[order[2:]] - quality.min()) / np.ptp(quality)
    best = int(order[0])
    diverged = made.diverge(best) if made.diverge else np.zeros(trials, bool)
    diverged[best] = False
    left = order[~diverged[order]]
    quality[best] = quality[left[1]] + made.lead
    ranks = np.empty(trials)
    ranks[order] = np.linspace(0, 1, trials)
    constants = made.slowest + (made.quickest - made.slowest) * np.minimum(1.0, 3 * ranks)
    curves = _curves(made, quality, constants, diverged, best)
    frame = _trials(made, curves, diverged)
    again = pd.DataFrame(
        [(t, quality[t] + rng.normal(0, made.seed_noise)) for t in left[:3] for _ in range(4)],
        columns=["trial", "value"],
    )
    return SweepTables("planted", OBJECTIVE, [*NUMBERS, ACTIVATION], frame, curves, 1, again, EXAMPLES)


def _curves(made: Plan, quality: np.ndarray, constants: np.ndarray, diverged: np.ndarray, best: int) -> pd.DataFrame:
    """Return exponential approaches with jitter; a diverged trial has only its first epochs."""
    at = np.arange(1, EPOCHS + 1)
    progress = 1 - np.exp(-at / constants[:, None])
    noise = made.rng.normal(0, made.jitter, (len(quality), EPOCHS))
    values = np.clip(0.5 + (quality[:, None] - 0.5) * progress + noise, 0, 1)
    values = np.round(values * EXAMPLES) / EXAMPLES
    loss = 2.0 * (1 - progress) + 3 * (1 - quality[:, None]) - 3 * noise
    if made.overfit:
        start = loss[best, 0] - loss[best].min()
        loss[best] += made.overfit * start * np.clip((at - 25) / 25, 0, 1) ** 1.5
    frame = pd.DataFrame(
        {
            "trial": np.repeat(np.arange(len(quality)), EPOCHS),
            "epoch": np.tile(at, len(quality)),
            "value": values.ravel(),
            "loss": loss.ravel(),
        }
    )
    return frame[~(diverged[frame["trial"]] & (frame["epoch"] > 2))].reset_index(drop=True)


def _trials(made: Plan, curves: pd.DataFrame, diverged: np.ndarray) -> pd.DataFrame:
    """Return the trials with the best value of their curves."""
    frame = pd.DataFrame({"trial": np.arange(len(diverged)), "diverged": diverged})
    frame["status"] = np.where(diverged, "diverged", "completed")
    frame["value"] = curves.groupby("trial")["value"].max().where(~frame["diverged"])
    frame["rank"] = frame["value"].rank(ascending=False, method="first")
    frame = frame.assign(planned=EPOCHS, learned=True, completed=(~diverged).astype(int), deviation=np.nan)
    for each, units in zip(NUMBERS, made.units.T, strict=True):
        low, high = float(each.low or 0), float(each.high or 0)
        frame[each.name] = low * (high / low) ** units if each.log else low + (high - low) * units
    frame[ACTIVATION.name] = made.options
    return frame


def _boundary(made: Plan) -> None:
    """Put the optimum of a number that matters outside of its range."""
    index = made.rng.integers(2)
    is_high = made.rng.random() < 0.5
    made.optimum[index] = 1.15 if is_high else -0.15
    made.weights[index], made.weights[1 - index] = 0.05, 0.01
    made.diverge = None


def _narrow(made: Plan) -> None:
    made.narrow, made.lead = True, 0.005


def _overfit(made: Plan) -> None:
    made.overfit = made.rng.uniform(0.15, 0.6)


def _improving(made: Plan) -> None:
    made.slowest = made.quickest = made.rng.uniform(20, 60)


def _saturated(made: Plan) -> None:
    made.slowest = made.quickest = made.rng.uniform(1, 4)


def _jitter(made: Plan) -> None:
    made.jitter, made.lead = made.rng.uniform(0.008, 0.015), 0.0


def _unstable(made: Plan) -> None:
    """Let most of the trials with a slightly larger learning rate diverge."""
    share = made.rng.uniform(0.6, 0.95)

    def diverge(best: int) -> np.ndarray:
        above: np.ndarray = made.units[:, 0] > made.units[best, 0]
        return above & (made.rng.random(len(made.units)) < share)

    made.diverge = diverge


def _casualties(made: Plan) -> None:
    """Put the edge of divergence right beside the best, along a number other than the learning rate, too."""
    share = made.rng.uniform(0.7, 1.0)

    def diverge(best: int) -> np.ndarray:
        along = made.units[:, 0] + made.units[:, 1]
        beyond: np.ndarray = along > along[best]
        return beyond & (made.rng.random(len(made.units)) < share)

    made.diverge = diverge


def _seed_noise(made: Plan) -> None:
    made.lead, made.seed_noise = 0.0005, made.rng.uniform(0.002, 0.005)


def _example_noise(made: Plan) -> None:
    made.lead = made.rng.uniform(0.0, 0.0015)


def _category(made: Plan) -> None:
    """Give an option two trials, only bad learning rates, or divergences alone."""
    kind, is_own = made.rng.integers(3), made.options == "gelu"
    if kind == 0:
        made.options[np.flatnonzero(is_own)[2:]] = "relu"
    elif kind == 1:
        begin = 0.0 if made.optimum[0] > 0.5 else 0.85
        made.units[is_own, 0] = begin + 0.15 * made.units[is_own, 0]
        made.diverge = None
    else:
        made.diverge = lambda best: is_own


def _stopping(made: Plan) -> None:
    made.slowest = made.quickest = 8.0


FAULTS: Mapping[str, Callable[[Plan], None]] = {
    "best at a boundary": _boundary,
    "too few points in the good region": _narrow,
    "best overfits": _overfit,
    "still improving at the end": _improving,
    "saturated long before the end": _saturated,
    "jitter larger than the gaps": _jitter,
    "unstable just above the best learning rate": _unstable,
    "casualties at the best's edge": _casualties,
    "gap smaller than seed noise": _seed_noise,
    "gap smaller than test-set noise": _example_noise,
    "a category without a fair chance": _category,
    "early stopping would have saved": _stopping,
}
"""Name of each verdict -> what plants the fault that it is to find."""


def planted(seed: int, trials: int, fault: str | None = None) -> SweepTables:
    """Return a sweep with a fault, or with none."""
    made = plan(seed, trials)
    if fault is not None:
        FAULTS[fault](made)
    return tables(made)
