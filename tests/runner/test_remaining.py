"""The time that a sweep still takes: by hand, and on the recorded seconds of a sweep of MNIST."""

import csv
import heapq
import math
import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sweep.display.words import CERTAIN
from sweep.runner.comparing import Comparison, compare
from sweep.runner.remaining import Expectation, Pace, Stopping, epoch_seconds, makespan, remaining
from sweep.stopping.median import Median

RECORDED = Path(__file__).parent / "data" / "mnist-seconds.csv"
"""The machine was used by others, too, from the 30th trial on: `load` is how much slower it was than at first.

It is the median, over seven neighbors, of what a regression on size and batch size leaves.
"""
PLANNED = 50


@dataclass(frozen=True)
class Recorded:
    """A trial of a sweep that was really trained."""

    epochs: int
    seconds: float
    features: tuple[float, ...]

    def at(self, begin, now):
        """How far it was at a time, if it began at another one."""
        if now < begin:
            return Pace("waiting", 0, PLANNED, features=self.features)
        if now >= begin + self.seconds:
            return Pace("ended", self.epochs, PLANNED, self.seconds, 0.0, self.features)
        had = (now - begin) / self.seconds
        epochs = int(had * self.epochs)
        return Pace("running", epochs, PLANNED, epochs * self.seconds / self.epochs, features=self.features)


def recorded(order):
    """All trials in another order, their seconds as if the machine had always had as much to do."""
    with RECORDED.open() as file:
        rows = list(csv.DictReader(file))
    random.Random(order).shuffle(rows)
    size = lambda row: (math.log(int(row["multiplications"])), math.log(int(row["batch_size"])))  # noqa: E731
    return [Recorded(int(row["epochs"]), float(row["seconds"]) / float(row["load"]), size(row)) for row in rows]


def estimated(trials, workers, part):
    """The estimate after a part of the time, and the true time that is left."""
    free, begins = [0.0] * workers, []
    for trial in trials:
        begins.append(free[0])
        heapq.heapreplace(free, free[0] + trial.seconds)
    total = max(free)
    paces = [trial.at(begin, part * total) for trial, begin in zip(trials, begins, strict=True)]
    return remaining(paces, workers), (1 - part) * total


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_after_the_first_tenth_it_is_right_within_20_percent(workers):
    found = [estimated(recorded(order), workers, 0.1) for order in range(40)]
    errors = [left.seconds / true - 1 for left, true in found]
    assert np.mean(np.abs(errors) < 0.2) > 0.8  # nobody knows yet how many diverge, which alone is 8 %
    assert abs(np.median(errors)) < 0.1
    assert np.sqrt(np.mean(np.square(errors))) < 0.13
    assert 0.5 < np.mean([left.low <= true <= left.high for left, true in found]) < 0.95
    assert max(left.high / left.seconds for left, _ in found) < CERTAIN  # it is told as one number


def stopped_by_median(trials, curves):
    """The numbers of epochs after which the rule ends the trials, one trained after the other."""
    means = [np.cumsum(curve) / np.arange(1, len(curve) + 1) for curve in curves]
    found = []
    for curve in curves:
        for epoch in range(4, len(curve)):
            others = [mean[epoch - 1] for mean, had in zip(means, found, strict=False) if had >= epoch]
            if len(others) >= 5 and max(curve[:epoch]) < np.median(others):
                break
        else:
            epoch = len(curve)
        found.append(epoch)
    return [
        replace(trial, epochs=had, seconds=trial.seconds * had / max(1, trial.epochs))
        for trial, had in zip(trials, found, strict=True)
    ]


def test_the_rule_of_the_median_is_foreseen_better_than_by_what_it_has_stopped():
    lines = (RECORDED.parent / "mnist-accuracies.csv").read_text().split("\n")[:-1]
    by_comparison, by_counts, is_inside = [], [], []
    for order in range(30):
        curves = [[float(value) for value in line.split(",") if value] for line in lines]
        random.Random(order).shuffle(curves)
        trials = stopped_by_median(recorded(order), curves)
        ends = np.cumsum([trial.seconds for trial in trials])
        now = ends[-1] / 10
        paces = [
            replace(trial.at(end - trial.seconds, now), is_pruned=trial.epochs < len(curve) and end <= now)
            for trial, end, curve in zip(trials, ends, curves, strict=True)
        ]
        seen = [curve[: pace.epochs] for curve, pace in zip(curves, paces, strict=True)]
        rule = Stopping((4,), 0.35, 4.0)
        foreseen = replace(rule, comparison=compare(seen, Median(), PLANNED, is_max=True))
        true = ends[-1] - now
        left = remaining(paces, 1, stopping=foreseen)
        by_comparison.append(left.seconds / true - 1)
        is_inside.append(left.low <= true <= left.high)
        by_counts.append(remaining(paces, 1, stopping=rule).seconds / true - 1)
    root_mean_square = lambda errors: np.sqrt(np.mean(np.square(errors)))  # noqa: E731
    assert root_mean_square(by_comparison) < 0.25
    assert root_mean_square(by_comparison) < 0.7 * root_mean_square(by_counts)
    assert abs(np.median(by_comparison)) < 0.1
    assert 0.65 < np.mean(is_inside) < 0.95


def test_what_was_drawn_tells_the_time_of_an_epoch():
    trials = recorded(0)
    known = [trial.at(0.0, 1e9) for trial in trials[:20]]
    waiting = [trial.at(1.0, 0.0) for trial in trials[20:] if trial.epochs > 1]
    true = np.array([trial.seconds / trial.epochs for trial in trials[20:] if trial.epochs > 1])
    found = epoch_seconds([*known, *waiting])[0][20:]
    mean = np.mean([trial.seconds / trial.epochs for trial in known if trial.epochs])
    assert np.median(np.abs(found / true - 1)) < 0.75 * np.median(np.abs(mean / true - 1))


def test_the_regression_finds_a_power_law():
    sizes = np.random.default_rng(0).uniform(0, 3, 30)
    known = [Pace("ended", 10, 10, 10 * math.exp(2 * size), features=(size, 7.0)) for size in sizes]
    found, _ = epoch_seconds([*known, Pace("waiting", 0, 10, features=(1.5, 7.0))])
    assert found[-1] == pytest.approx(math.exp(3), rel=0.05)
    assert found[0] == pytest.approx(math.exp(2 * sizes[0]))


def test_the_product_of_kaplan_and_meier_by_hand():
    # Of 7 trials one ends after 1 epoch, one after 2; one is running with 1 epoch, the others are completed with 3.
    # One more counts at each epoch, as if it were always there.
    trials = [Pace("ended", epochs, 3, 1.0) for epochs in (1, 2, 3, 3, 3, 3)] + [Pace("running", 1, 3, 1.0)]
    expected = Expectation(trials)
    first, second = 7 / 8, 5 / 6
    assert expected.more_epochs(0, 3) == pytest.approx(1 + first + first * second)
    assert expected.more_epochs(1, 3) == pytest.approx(first + first * second)
    assert expected.more_epochs(3, 3) == 0


def test_the_error_of_the_product_by_hand():
    # Of 9 trials 4 end after 1 epoch of 2; one more counts. The mean is 1 + .6, by Greenwood with .6² * .4 / (10 * .6);
    # a trial has 1 epoch with probability .4 and 2 with .6, so that its variance is .24.
    trials = [Pace("ended", 1, 2, 1.0)] * 4 + [Pace("ended", 2, 2, 1.0)] * 5
    of_mean, of_trial = 0.6**2 * 0.4 / (10 * 0.6), 0.4 * 0.6
    for number in (1, 20):
        expected = math.sqrt(of_mean + of_trial / number) / 1.6
        assert Expectation(trials).relative_error(2, number) == pytest.approx(expected)
    assert Expectation(trials).relative_error(2, 0) == 0
    assert Expectation([Pace("ended", 3, 12, 3.0)], Stopping((3, 6), 0.5)).relative_error(3, 9) == 0


def test_a_rung_is_taken_at_its_word():
    trials = [Pace("ended", 3, 12, 3.0, is_pruned=True), Pace("running", 2, 12, 2.0), Pace("waiting", 3, 12, 3.0)]
    expected = Expectation(trials, Stopping((3, 6), 0.5))
    assert expected.more_epochs(0, 12) == pytest.approx(3 + 3 / 2 + 6 / 4)
    assert expected.more_epochs(3, 12) == pytest.approx(3 / 2 + 6 / 4)  # it waits at the rung
    assert expected.more_epochs(4, 12) == pytest.approx(2 + 6 / 2)


def test_what_a_rule_is_expected_to_stop_gives_way_to_what_it_stops():
    rule = Stopping((4,), 0.5, 4.0)
    kept = [Pace("ended", 10, 10, 1.0)] * 100
    assert Expectation([Pace("running", 1, 10, 1.0)], rule).more_epochs(0, 10) == pytest.approx(4 + 6 * 0.5, rel=0.15)
    assert Expectation(kept, rule).more_epochs(0, 10) == pytest.approx(10, rel=0.02)
    half = Comparison(np.bincount([4], [50], 11), np.bincount([4], [40], 11))
    assert Expectation(kept, replace(rule, comparison=half)).more_epochs(0, 10) == pytest.approx(4 + 6 * 0.2, rel=0.1)


def test_trials_are_handed_to_workers_in_order():
    assert makespan([5.0], [2.0, 2.0, 4.0], 2) == 8.0
    assert makespan([], [1.0] * 4, 4) == 1.0
    assert makespan([5.0, 1.0], [2.0, 2.0], 2, closes=2.0) == 5.0  # the second one is not begun any more


def test_trials_that_are_drawn_later_count_too():
    trials = [Pace("ended", 10, 10, 20.0, 1.0), Pace("running", 5, 10, 10.0)]
    assert remaining(trials, 1, 3).seconds == pytest.approx(10 + 3 * 21)


@pytest.mark.parametrize(
    ("trials", "workers"), [([Pace("running", 0, 10)], 1), ([Pace("ended", 3, 10, 1.0), Pace("waiting", 0, 10)], 0)]
)
def test_nothing_is_known_at_the_beginning(trials, workers):
    assert remaining(trials, workers) is None
