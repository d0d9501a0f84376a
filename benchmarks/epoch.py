"""One epoch of a perceptron on MNIST, training and both evaluations, beside PyTorch, JAX and scikit-learn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.data import load
from benchmarks.floor import forward_floor, step_floor
from benchmarks.layer_times import layer_times, profile_table
from benchmarks.measurement import Cell, Contestant, Table, Target, Tasks, contestants, in_turn, installed, median_ratio
from benchmarks.peers import jax, pytorch, scikit_learn
from benchmarks.training import trainer
from sweep.training.evaluation import EVALUATION_SAMPLES


class Shape(NamedTuple):
    """A network, how it is trained, and what its ratios should be at most."""

    hidden: list[int]
    batch_size: int
    floor: float
    pytorch: float
    scikit_learn: float
    jax: float = 1.0

    def __str__(self) -> str:
        """Name it."""
        return f"{self.hidden} batch {self.batch_size}"


class Size(NamedTuple):
    """How much is measured."""

    shapes: list[Shape]
    samples: int | None
    """Of the training part; None for all."""
    rounds: int


SHAPES = [
    Shape([93, 42], 60, floor=1.3, pytorch=0.55, scikit_learn=0.65),
    Shape([93, 42], 10, floor=1.45, pytorch=0.25, scikit_learn=0.3),
    Shape([100, 50], 100, floor=1.3, pytorch=0.55, scikit_learn=0.65),
    Shape([20, 30], 30, floor=2.0, pytorch=0.25, scikit_learn=0.3),
]
FULL = Size(SHAPES, None, rounds=5)
QUICK = Size(SHAPES[::3], 6000, rounds=3)

ALPHA = 0.1
"""Slope of the leaky ReLU below 0; scikit-learn, which has none, takes the ReLU."""
LEARNING_RATE = 0.05

TRAINING_NOTE = (
    "CPU seconds of one epoch of training alone, float32, one thread, medians. The floor is the matrix products of the "
    "same shapes and nothing else, by np.matmul(out=) on the same arrays again and again. Calls: as many steps of the "
    "same layers with one unit each and mini-batches of one sample, which is what Python and the calls of NumPy cost, "
    "those of the products included; it bounds what small mini-batches can reach."
)
WHOLE_NOTE = (
    "CPU seconds of one epoch of training, and of loss and accuracy over the whole training and test part, float32, "
    "one thread; medians of rounds in which all are run in turn, each in a process of its own; ratios are medians of "
    "the ratios within a round. The floor is the matrix products alone, here too. The peers have the data in memory as "
    "float32, already normalized. PyTorch: eager nn and SGD. JAX: jit and scan over the whole epoch, compiled "
    "beforehand. scikit-learn: MLPClassifier.partial_fit."
)

Seconds = dict[str, list[float]]
"""CPU seconds of each round, by contestant."""


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Time an epoch of each shape."""
    training = Table("The training loop", TRAINING_NOTE)
    whole = Table("An epoch", f"Data: {load('mnist').name}. {WHOLE_NOTE}")
    accuracies, profiles = [], []
    for shape in size.shapes:
        makers = {"sweep": sweep_tasks, "floor": floor_tasks, "calls": calls_tasks, **installed(RIVALS)}
        with contestants(makers, shape.hidden, shape.batch_size, size.samples) as group:
            compiled = {name: each.run("compile").cpu for name, each in group.items() if name == "JAX"}
            calls = {name: partial(epoch, each) for name, each in group.items()}
            rounds = in_turn(f"an epoch of {shape}", calls, size.rounds)
            profile = group["sweep"].run("profile").value
        loops = {name: [train for train, _, _ in results] for name, results in rounds.items()}
        del rounds["calls"]  # of the training loop alone
        epochs = {name: [train + rest for train, rest, _ in results] for name, results in rounds.items()}
        training.rows[str(shape)] = _training_row(shape, loops)
        whole.rows[str(shape)] = _whole_row(shape, epochs, compiled)
        cells = [cell for table in (training, whole) for cell in table.rows[str(shape)].values()]
        if any(cell.misses_target for cell in cells):
            profiles.append(profile_table(f"the training of {shape}", profile))
        reached = ", ".join(f"{name} {results[-1][2]:.3f}" for name, results in rounds.items() if name != "floor")
        accuracies.append(f"{shape}: {reached}")
    whole.note += f" Test accuracies after the last round: {'; '.join(accuracies)}."
    yield training
    yield whole
    yield from profiles


def _training_row(shape: Shape, loops: Seconds) -> dict[str, Cell]:
    cells = {name: Cell(statistics.median(seconds), "s") for name, seconds in loops.items()}
    cells["sweep ÷ floor"] = Cell(median_ratio(loops["sweep"], loops["floor"]), target=Target(shape.floor))
    bound = [sum(each) for each in zip(loops["floor"], loops["calls"], strict=True)]
    return cells | {"sweep ÷ (floor + calls)": Cell(median_ratio(loops["sweep"], bound))}


def _whole_row(shape: Shape, epochs: Seconds, compiled: dict[str, float]) -> dict[str, Cell]:
    bounds = {"PyTorch": shape.pytorch, "JAX": shape.jax, "scikit-learn": shape.scikit_learn}
    cells = {name: Cell(statistics.median(seconds), "s") for name, seconds in epochs.items()}
    cells["sweep ÷ floor"] = Cell(median_ratio(epochs["sweep"], epochs["floor"]))
    for name, bound in bounds.items():
        if name in epochs:
            cells[f"sweep ÷ {name}"] = Cell(median_ratio(epochs["sweep"], epochs[name]), target=Target(bound))
    return cells | {f"{name}: compiling": Cell(seconds, "s") for name, seconds in compiled.items()}


def epoch(contestant: Contestant) -> tuple[float, float, float]:
    """Train an epoch; return CPU seconds of training and of evaluation, and the test accuracy, of the floor None."""
    train, evaluation = contestant.run("train").cpu, contestant.run("evaluate")
    return train, evaluation.cpu, evaluation.value


def configuration(hidden: list[int], batch_size: int) -> dict[str, Any]:
    """Return the configuration of a perceptron and its training."""
    return {
        "data": {"dataset": "mnist", "normalization": "min_max"},
        "network": {"hidden": hidden, "activation": {"kind": "leaky_relu", "alpha": ALPHA}},
        "training": {
            "epochs": 1,
            "batch_size": batch_size,
            "optimizer": {"kind": "sgd", "learning_rate": LEARNING_RATE},
        },
    }


def sweep_tasks(hidden: list[int], batch_size: int, samples: int | None) -> Tasks:
    """Return our epoch in two parts."""
    dataset = load("mnist", samples)
    ours = trainer(configuration(hidden, batch_size), dataset)
    rng = np.random.default_rng(0)

    def train() -> None:
        ours.run_epoch(1, rng.permutation(len(dataset.train.x)))

    return {
        "train": train,
        "evaluate": lambda: ours.evaluate(1, 0)["test_accuracy"],
        "profile": lambda: layer_times(ours, np.arange(len(dataset.train.x))),
    }


def floor_tasks(hidden: list[int], batch_size: int, samples: int | None) -> Tasks:
    """Return the products of an epoch, and those of the evaluation of both parts."""
    dataset = load("mnist", samples)
    ours = trainer(configuration(hidden, batch_size), dataset)
    step, evaluation = step_floor(ours, batch_size), forward_floor(ours, EVALUATION_SAMPLES)
    steps = len(dataset.train.x) // batch_size
    evaluations = sum(len(part.x) for part in dataset.parts.values()) // EVALUATION_SAMPLES

    def train() -> None:
        for _ in range(steps):
            step.multiply()

    def evaluate() -> None:
        for _ in range(evaluations):
            evaluation.multiply()

    return {"train": train, "evaluate": evaluate}


def calls_tasks(hidden: list[int], batch_size: int, samples: int | None) -> Tasks:
    """Return as many steps of the same layers of one unit each, of one sample; there is nothing to evaluate."""
    dataset = load("mnist", samples)
    ours = trainer(configuration([1] * len(hidden), 1), dataset)
    order = np.arange(len(dataset.train.x) // batch_size)
    return {"train": lambda: ours.run_epoch(1, order), "evaluate": lambda: None}


RIVALS: dict[str, Callable[[list[int], int, int | None], Tasks]] = {
    "PyTorch": partial(pytorch.epoch_tasks, ALPHA, LEARNING_RATE),
    "JAX": partial(jax.epoch_tasks, ALPHA, LEARNING_RATE),
    "scikit-learn": partial(scikit_learn.epoch_tasks, LEARNING_RATE),
}
