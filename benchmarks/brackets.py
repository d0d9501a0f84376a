"""Ranks that a test set cannot tell apart: how often equal classifiers are told apart, and which gaps are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import sweep
from benchmarks.measurement import Cell, Table, Target, progress
from sweep.analysis.brackets import told_apart
from sweep.errors import SweepError

Array = NDArray[np.float64]


class Size(NamedTuple):
    """How much is measured."""

    seeds: int
    """Trainings of the network."""
    epochs: list[int]
    """Of these trainings; of each number a sweep."""
    tables: int
    """Simulated for each figure."""


FULL = Size(20, [5, 20], 1_000)
QUICK = Size(4, [1], 50)
EXPERIMENT = "mnist-widths"
NETWORK = ["network.hidden=[99,99]", "batch_size=30", "learning_rate=0.1", "alpha=0.1"]
ROWS = [2, 5, 10, 20]
IMAGES = [360, 1_000, 10_000]
GAPS = [0.003, 0.005, 0.007]
FOUND = Target(0.80, at_least=True)
TOLD_APART = Target(0.05)
TRAINED_NOTE = (
    "{seeds} trainings of a perceptron with 99 + 99 hidden units on MNIST, which differ by seed. Discordant: share of "
    "the 10,000 test images that one of two of them has right and the other wrong. Smallest gap: difference "
    "that McNemar's test of one pair, two-sided at 5 %, finds with probability 80 %, (1.96 + 0.84)·√(discordant / "
    "images): with less than 1.15 % of the images discordant it is below 0.3 points."
)
EQUAL_NOTE = (
    "Share of {tables} simulated tables in which any two rows are told apart though all are equal. Equal is what "
    "has the same probability to have an image right: of each image the share of the trainings that have it right, so "
    "that errors are as correlated as they are. Each table has test images of its own, drawn from the real ones."
)
GAP_NOTE = (
    "Share of the pairs with a real gap that are told apart, in {tables} simulated tables of 10,000 images. Half the "
    "rows, rounded down, have a lower probability for each image (by the same logit), so that they are less accurate "
    "by the gap. First bracket: share of the less accurate rows that are not within the range of the best."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Train a network with several seeds; simulate tables of equal classifiers, and of some with gaps."""
    try:
        trained = {f"{epochs} epochs": _trained(size.seeds, epochs, folder) for epochs in size.epochs}
    except SweepError as error:
        progress.log(f"left out: {error}")
        return
    right = {name: correct.mean(0) for name, correct in trained.items()}
    yield _trained_table(trained, size)
    yield _equal_table(right, size)
    yield _gap_table(right, size)


def _trained(seeds: int, epochs: int, folder: Path) -> NDArray[np.bool_]:
    """Return which test images each training has right, (trainings, images)."""
    overrides = [*NETWORK, "trials=1", f"repeats={seeds}", f"training.epochs={epochs}"]
    progress.log(f"{seeds} trainings of {epochs} epochs")
    results = sweep.run(EXPERIMENT, overrides=overrides, name=f"seeds-{epochs}", db=str(folder / "brackets.db"))
    return np.array([*results.store.correctness(results.record.id).values()])


def _trained_table(trained: dict[str, NDArray[np.bool_]], size: Size) -> Table:
    table = Table("One network with other seeds", TRAINED_NOTE.format(**size._asdict()))
    for name, correct in trained.items():
        first, second = np.triu_indices(len(correct), 1)
        discordant = float((correct[first] != correct[second]).mean())
        table.rows[name] = {
            "accuracy": Cell(100 * float(correct.mean()), "%"),
            "standard deviation": Cell(100 * float(correct.mean(1).std(ddof=1)), "points"),
            "discordant": Cell(100 * discordant, "%"),
            "discordant in the simulation": Cell(100 * simulated_discordance(correct.mean(0)), "%"),
            "smallest gap": Cell(280 * np.sqrt(discordant / correct.shape[1]), "points"),
        }
    return table


def simulated_discordance(right: Array) -> float:
    """Return the expected share of images of which one of two equal classifiers alone is right."""
    return float(2 * (right * (1 - right)).mean())


def _equal_table(trained: dict[str, Array], size: Size) -> Table:
    table = Table("Equal classifiers that are told apart", EQUAL_NOTE.format(**size._asdict()))
    for name, right in trained.items():
        for images in IMAGES:
            cells = {}
            for rows in ROWS:
                rng = np.random.default_rng([images, rows])
                told = [told_apart(ranked([right] * rows, images, rng)[0]).any() for _ in range(size.tables)]
                cells[f"{rows} rows"] = Cell(float(np.mean(told)), target=TOLD_APART)
            table.rows[f"{name}, {images:,} images"] = cells
    return table


def _gap_table(trained: dict[str, Array], size: Size) -> Table:
    table = Table("Real gaps that are found", GAP_NOTE.format(**size._asdict()))
    for name, right in trained.items():
        for gap in GAPS:
            cells = {}
            for rows in ROWS[:3]:
                pairs, bracket = found(right, gap, rows, size.tables)
                cells[f"{rows} rows, pairs"] = Cell(pairs, target=FOUND if gap == GAPS[0] else None)
                cells[f"{rows} rows, first bracket"] = Cell(bracket)
            table.rows[f"{name}, {100 * gap:.1f} points"] = cells
    return table


def found(right: Array, gap: float, rows: int, tables: int) -> tuple[float, float]:
    """Return the share of the pairs with a gap that are told apart, and of the worse rows outside of the first bracket.

    Args:
        right: probability of each image to be right, of the better rows.
        gap: by how much the worse half of the rows is less accurate.
        rows: of a table.
        tables: number of simulated tables.
    """
    rng = np.random.default_rng([rows, round(1e4 * gap)])
    worse, better = rows // 2, rows - rows // 2
    probabilities = [right] * better + [worsened(right, gap)] * worse
    pairs, outside = [], []
    for _ in range(tables):
        correct, order = ranked(probabilities, 10_000, rng)
        told, is_worse = told_apart(correct), order >= better
        pairs.append(told[np.ix_(~is_worse, is_worse)].mean())
        last = np.flatnonzero(~told[0])[-1]
        outside.append((np.flatnonzero(is_worse) > last).mean())
    return float(np.mean(pairs)), float(np.mean(outside))


def worsened(right: Array, gap: float) -> Array:
    """Return probabilities whose logits are lower by a constant, so that their mean is lower by `gap`."""
    low, high = 0.0, 20.0
    for _ in range(60):
        factor = np.exp(-(low + high) / 2)
        shifted = right * factor / (right * factor + 1 - right)
        if right.mean() - shifted.mean() < gap:
            low = (low + high) / 2
        else:
            high = (low + high) / 2
    return np.asarray(shifted)


def ranked(
    probabilities: Sequence[Array], images: int, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return which of some images each classifier has right, the most accurate one first, and their order."""
    drawn = rng.integers(0, len(probabilities[0]), images)
    correct = np.array([rng.random(images) < each[drawn] for each in probabilities])
    order = np.argsort(-correct.mean(1), kind="stable")
    return correct[order], order
