"""How often configurations diverge with other seeds, and how sharp the boundary is."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from sweep.analysis.divergence import fit_law
from sweep.analysis.flakiness import flakiness, nearest, sentences, width
from sweep.records import Parameter

RATE = Parameter("training.optimizer.learning_rate", "learning_rate", log=True)


def planted(weight, rows=4_000, seed=0):
    """Trials whose log-odds to diverge rise by `weight` with the logarithm of the learning rate; even at 0.1."""
    rng = np.random.default_rng(seed)
    rate = np.exp(rng.uniform(math.log(0.005), math.log(2.0), rows))
    probability = 1 / (1 + (rate / 0.1) ** -weight)
    status = np.where(rng.random(rows) < probability, "diverged", "completed")
    return pd.DataFrame({"status": status, "group": range(rows), RATE.name: rate})


@pytest.mark.parametrize("weight", [1.5, 4.0])
def test_the_width_of_the_boundary_is_the_planted_one(weight):
    name, factor = width(fit_law(planted(weight), [RATE]))
    # The odds are 1/9 and 9 where (rate / 0.1) ** weight is.
    truth = 81 ** (1 / weight)
    assert name == "learning_rate"
    assert factor.low < truth < factor.high
    assert factor.value == pytest.approx(truth, rel=0.1)


def test_without_a_boundary_there_is_no_width():
    assert width(fit_law(planted(1.5, rows=4), [RATE])) is None


def test_each_share_has_its_exact_interval():
    trainings = pd.DataFrame(
        [(3, "diverged", each) for each in ("diverged", "completed", "completed", "completed", "running")]
        + [(1, "completed", each) for each in ("completed", "failed")]
        + [(2, "completed", "queued")],
        columns=["trial", "first", "status"],
    )
    table = flakiness(trainings, {3: 0.4})
    assert table["trial"].tolist() == [1, 2, 3]
    assert table["seeds"].tolist() == [1, 0, 4]
    assert table["diverged"].tolist() == [0, 0, 1]
    assert table["expected"].fillna(-1).tolist() == [-1, -1, 0.4]
    # Clopper & Pearson's interval of 1 in 4: where P(X >= 1) and P(X <= 1) are 2.5 %.
    low, high = table.loc[2, ["low", "high"]]
    assert 1 - (1 - low) ** 4 == pytest.approx(0.025)
    assert (1 - high) ** 4 + 4 * high * (1 - high) ** 3 == pytest.approx(0.025)
    assert table.loc[1, ["probability", "low", "high"]].isna().all()
    assert sentences(table, None) == [
        "1 of 5 trainings with other seeds diverged",
        "the seed decided about 1 of 3 configurations: with some seeds they diverge, with others not",
    ]
    assert sentences(table[:1], None)[1].startswith("the seed decided about none of 1 configurations")


def test_the_nearest_are_one_training_of_each_configuration():
    assert nearest([0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 2], [0.1, 0.2, 0.45, 0.52, 0.9, 0.95], 2) == [1, 3]
    assert nearest([4, 9], [4, 9], [0.0, 1.0], 6) == [4, 9]


@pytest.mark.parametrize(
    ("rows", "words"),
    [(4_000, r"by a factor of 19 \(95 %: 1\d to 2\d\)"), (60, r"by a factor of at least \d+(\.\d)? \(95 %\)")],
)
def test_a_width_that_cannot_be_told_has_no_upper_end(rows, words):
    law = fit_law(planted(1.5, rows), [RATE])
    table = flakiness(pd.DataFrame([(1, "completed", "completed")], columns=["trial", "first", "status"]), {})
    assert re.search(words, sentences(table, law)[-1])
