"""Pairs of parameters: planted ones are found, additive functions have none; ends of ranges; learning rates."""

import numpy as np
import pytest

from sweep.analysis.importance import importance
from sweep.analysis.importance_report import pairs_table, sensitivity_sentences, sentences
from sweep.analysis.interactions import PERMUTATIONS, find_interactions
from sweep.analysis.sensitivity import FEWEST, expected_loss, sensitivities
from sweep.metrics import Objective
from sweep.space.coordinates import slots
from sweep.space.trees import parse_tree
from tests.analysis.planted import searched

OBJECTIVE = Objective("score", tie_break=None)


def additive(columns, noise):
    return 2 * columns[0] ** 3 - columns[1] + (columns[2] == 0) + 0.1 * noise


def test_an_additive_function_has_no_interaction():
    chances = [find_interactions(searched(additive, seed=seed)).pairs[0].chance for seed in range(30)]
    assert sum(chance <= 0.02 for chance in chances) <= 2
    assert np.mean(chances) == pytest.approx(0.5, abs=0.2)


def test_the_chances_of_few_rows_of_noise_are_spread_evenly():
    chances = [find_interactions(searched(lambda c, noise: noise, 36, seed=seed)).pairs[0].chance for seed in range(40)]
    assert np.mean(chances) == pytest.approx(0.5, abs=0.13)
    assert np.mean([chance <= 0.1 for chance in chances]) <= 0.2


@pytest.mark.parametrize(
    ("product", "pair"),
    [
        (lambda c: (2 * c[0] - 1) * (2 * c[1] - 1), (0, 1)),
        (lambda c: (2 * c[0] - 1) * (c[2] == 1), (0, 2)),
        (lambda c: (c[2] == 1) * (c[3] == 1), (2, 3)),
        (lambda c: np.nan_to_num((2 * c[4] - 1) * (2 * c[0] - 1)), (0, 4)),
    ],
)
def test_a_planted_interaction_is_named_first(product, pair):
    found = find_interactions(searched(lambda c, noise: additive(c, noise) + 2 * product(c), 150))
    assert found.pairs[0].slots == pair
    assert found.told[0].chance == 1 / (1 + PERMUTATIONS)


def test_the_sentence_names_the_strongest_as_an_example():
    found = importance(searched(lambda c, noise: additive(c, noise) + 4 * (c[0] - 0.5) * (2 * c[1] - 1)))
    (line,) = [line for line in sentences(found) if "together" in line]
    assert "for example x × rate: " in line and "(p = 0.0025, of all pairs together)" in line
    assert pairs_table(found).iloc[0].tolist() == ["x", "rate", 1 / 400, True]
    none = importance(searched(additive))
    assert any(line.startswith("no two parameters can be told to act together (p = ") for line in sentences(none))


def test_too_few_rows_and_equal_ones_are_not_tested():
    assert find_interactions(searched(additive, 9)).pairs == []
    assert find_interactions(searched(lambda c, noise: noise * 0)).pairs == []
    assert find_interactions(searched(lambda c, noise: c[0])).pairs == []


# Learning rates


def test_the_expected_loss_of_a_parabola_is_that_by_hand():
    u = np.linspace(0, 1, 50)
    # The mean of 3 (u − 0.6)² over [0, 1] is 0.28.
    found = expected_loss(u, 5 - 3 * (u - 0.6) ** 2)
    assert (found.value, found.low, found.high) == pytest.approx((0.28, 0.28, 0.28), abs=1e-4)


SPACE = {
    "opt": {
        "choice": [
            {"kind": "sgd", "learning_rate": {"log_uniform": [1e-4, 1.0]}},
            {"kind": "adam", "learning_rate": {"log_uniform": [1e-5, 0.1]}},
        ]
    }
}


def test_each_option_has_its_own_sensitivity():
    places = slots(parse_tree(SPACE))
    u = np.tile(np.linspace(0, 1, 40), 2)
    option = np.repeat([0.0, 1.0], 40)
    columns = np.stack([option, np.where(option == 0, u, np.nan), np.where(option == 1, u, np.nan)], axis=1)
    goodness = -np.where(option == 0, 3.0, 1.0) * (u - 0.5) ** 2
    found = sensitivities(places, columns, goodness)
    assert [(each.option, each.rows) for each in found] == [(0, 40), (1, 40)]
    assert [each.loss.value for each in found] == pytest.approx([0.25, 1 / 12], rel=0.1)
    names = ["opt", "learning_rate (opt=sgd)", "learning_rate (opt=adam)"]
    (line,) = sensitivity_sentences(found, places, names)
    assert line.startswith("mean loss over the range of learning_rate against its best, by opt: adam 0.0")


def test_diverged_rows_count_as_the_worst_and_few_rows_do_not():
    places = slots(parse_tree(SPACE))
    u = np.linspace(0, 1, 40)
    columns = np.stack([np.zeros(40), u, np.full(40, np.nan)], axis=1)
    columns = np.concatenate([columns, np.stack([np.ones(40), np.full(40, np.nan), u], axis=1)])
    goodness = np.concatenate([np.where(u > 0.5, -np.inf, u), u])
    worst = sensitivities(places, columns, goodness)[0].loss
    assert worst == sensitivities(places, columns, np.maximum(goodness, 0.0))[0].loss
    assert sensitivities(places, columns[: 40 + FEWEST - 1], goodness[: 40 + FEWEST - 1]) == []
    assert sensitivities(places, columns, np.full(80, -np.inf)) == []
