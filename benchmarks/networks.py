"""A training step of the convolutional networks that come with sweep, beside PyTorch."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.data import load
from benchmarks.floor import step_floor
from benchmarks.layer_times import layer_times, profile_table
from benchmarks.measurement import Cell, Contestant, Table, Target, Tasks, contestants, in_turn, installed, median_ratio
from benchmarks.peers import pytorch
from benchmarks.training import trainer
from sweep.experiment.file import load as load_experiment


class Case(NamedTuple):
    """An experiment, how many steps a round has, and what the ratio to PyTorch should be at most."""

    experiment: str
    steps: int
    pytorch: float


class Size(NamedTuple):
    """How much is measured."""

    cases: list[Case]
    samples: int | None
    """Of the training part; None for all."""
    rounds: int


FULL = Size(
    [Case("mnist-cnn", 150, 0.45), Case("cifar10-cnn", 75, 0.55), Case("digits-cnn", 750, 0.30)], None, rounds=5
)
QUICK = Size([Case("mnist-cnn", 20, 0.45), Case("cifar10-cnn", 10, 0.55), Case("digits-cnn", 200, 0.30)], 1200, 3)

NOTE = (
    "CPU milliseconds of one step of training (a mini-batch gathered, forward, backward, update), float32, one thread; "
    "medians of rounds of many steps in turn, each in a process of its own. The floor is the matrix products of the "
    "same shapes, by np.matmul(out=) on the same arrays again and again, and one copy of each other array that a step "
    "writes: the mini-batch, what layers without weights give and their gradients, parameters and the state of the "
    "optimizer. PyTorch: eager, the same layers, batch and optimizer in its fused form, the data as float32 in memory, "
    "already normalized."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Time the steps of each network, and the parts of those that miss a target."""
    table, profiles = Table("Convolutional networks", NOTE), []
    for case in size.cases:
        configuration = load_experiment(case.experiment).trials()[0].configuration
        makers = {"sweep": sweep_tasks, "floor": floor_tasks, **installed(RIVALS)}
        with contestants(makers, configuration, size.samples) as group:
            order = _order(load(configuration["data"]["dataset"], size.samples), configuration, case.steps)
            calls = {name: partial(_steps, each, order, case.steps) for name, each in group.items()}
            rounds = in_turn(f"training steps of {case.experiment}", calls, size.rounds)
            table.rows[case.experiment] = row = _row(case, rounds)
            if any(cell.misses_target for cell in row.values()):
                spent = group["sweep"].run("profile", order).value
                profiles.append(profile_table(f"a step of {case.experiment}", spent))
    yield table
    yield from profiles


def _order(dataset: Any, configuration: dict[str, Any], steps: int) -> Any:
    """Return the samples of so many whole mini-batches."""
    return np.random.default_rng(0).integers(0, len(dataset.train.x), steps * configuration["training"]["batch_size"])


def _steps(contestant: Contestant, order: Any, steps: int) -> tuple[float, int]:
    """Return CPU milliseconds of a step, and the number of parameters."""
    timing = contestant.run("steps", order)
    return 1000 * timing.cpu / steps, timing.value


def _row(case: Case, rounds: dict[str, list[tuple[float, int]]]) -> dict[str, Cell]:
    counts = {count for results in rounds.values() for _, count in results}
    if len(counts) != 1:
        raise RuntimeError(f"the networks of {case.experiment} have different numbers of parameters: {counts}")
    times = {name: [milliseconds for milliseconds, _ in results] for name, results in rounds.items()}
    cells = {"parameters": Cell(counts.pop())}
    cells |= {name: Cell(statistics.median(each), "ms") for name, each in times.items()}
    cells["sweep ÷ floor"] = Cell(median_ratio(times["sweep"], times["floor"]))
    if "PyTorch" in times:
        cells["sweep ÷ PyTorch"] = Cell(median_ratio(times["sweep"], times["PyTorch"]), target=Target(case.pytorch))
    return cells


def sweep_tasks(configuration: dict[str, Any], samples: int | None) -> Tasks:
    """Return our training steps, which give the number of parameters."""
    ours = trainer(configuration, load(configuration["data"]["dataset"], samples))

    def steps(order: Any) -> int:
        ours.run_epoch(1, order)
        return int(ours.state.vector.size)

    return {"steps": steps, "profile": partial(layer_times, ours)}


def floor_tasks(configuration: dict[str, Any], samples: int | None) -> Tasks:
    """Return the floor of as many steps."""
    ours = trainer(configuration, load(configuration["data"]["dataset"], samples))
    batch_size = configuration["training"]["batch_size"]
    floor = step_floor(ours, batch_size)

    def steps(order: Any) -> int:
        for _ in range(len(order) // batch_size):
            floor.run()
        return int(ours.state.vector.size)

    return {"steps": steps}


RIVALS = {"PyTorch": pytorch.step_tasks}
