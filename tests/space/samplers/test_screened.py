"""Screened rounds: their sizes, what each is drawn from, and spaces in which there is nothing to learn."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.errors import ExperimentError
from sweep.experiment.file import parse
from sweep.metrics import Objective
from sweep.space.names import parameters
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.base import Space
from sweep.space.samplers.random import random_pick
from sweep.space.samplers.screened import Screened, explores
from sweep.space.trees import draw, parse_tree
from tests.space.examples import EXAMPLE, law

TREE = parse_tree({"x": {"uniform": [0, 1]}, "y": {"log_uniform": [1, 100]}, "kind": {"choice": ["a", "b", "c"]}})
SMALLER = Objective("rmse", "min")


def space(trials, total=None, tree=TREE):
    return Space(tree, parameters(tree), trials, Path(), total)


def value(drawn):
    return (drawn["x"] - 0.2) ** 2 + (drawn["kind"] != "b")


def values(points, tree=TREE):
    found = []
    for point in points:
        found.append({})
        draw(tree, point, found[-1])
    return found


def search(sampler, searched, score=value, seed=0, objective=SMALLER, known=()):
    """Return the results of all rounds, and their sizes."""
    results, sizes = list(known), []
    while len(results) < (searched.total or searched.trials):
        points = sampler.more(searched, seed, len(results), results, (), objective)
        sizes.append(len(points))
        drawn = values(points, searched.tree)
        results += [Result(number, each, score(each)) for number, each in enumerate(drawn, len(results))]
    return results, sizes


@pytest.mark.parametrize(
    ("trials", "rounds", "sizes"),
    [(100, 4, [25] * 4), (10, 4, [4, 2, 2, 2]), (3, 4, [1, 1, 1]), (5, 1, [5]), (1, 4, [1]), (11, 5, [3, 2, 2, 2, 2])],
)
def test_the_sizes_of_rounds(trials, rounds, sizes):
    assert search(Screened(rounds=rounds), space(trials))[1] == sizes


@law
@given(st.integers(1, 300), st.integers(1, 12), st.data())
def test_rounds_end_where_they_would_whatever_is_drawn_of_them(trials, rounds, data):
    sampler, searched = Screened(rounds=rounds), space(trials)
    drawn = data.draw(st.integers(0, trials - 1))
    ends, end = [], 0
    while end < trials:
        end = sampler.end_of_round(end, searched)
        ends.append(end)
    assert ends[-1] == trials
    assert len(ends) == min(rounds, trials)
    assert sampler.end_of_round(drawn, searched) == next(each for each in ends if each > drawn)


def test_an_extension_is_a_further_round_and_leaves_the_others_as_they_were():
    before, _ = search(Screened(), space(20))
    after, sizes = search(Screened(), space(20, total=45))
    assert sizes == [5, 5, 5, 5, 25]
    assert after[:20] == before
    assert search(Screened(), space(20, total=45), known=before)[0] == after


def test_without_a_number_of_trials_rounds_are_of_25():
    sampler = Screened()
    assert sampler.end_of_round(0, space(None)) == 25
    assert sampler.end_of_round(1, space(None)) == 25
    assert sampler.end_of_round(25, space(None)) == 50


def test_the_first_round_and_explorations_are_random_draws():
    results, _ = search(Screened(explore=0.5), space(40))
    random = values(random_pick(0, number) for number in range(40))
    same = [result.parameters == drawn for result, drawn in zip(results, random, strict=True)]
    assert same == [number < 10 or explores(0, number, 0.5) for number in range(40)]
    assert {True, False} == set(same[10:])


def test_a_sampler_without_results_draws_the_first_round():
    points = list(Screened().points(space(40), 0))
    assert values(points) == values(random_pick(0, number) for number in range(10))


def test_later_rounds_are_better():
    results, _ = search(Screened(), space(100))
    first, last = results[:25], [r for r in results[75:] if not explores(0, r.number, 0.15)]
    assert sum(r.parameters["kind"] == "b" for r in last) == len(last)
    assert sum(r.parameters["kind"] == "b" for r in first) < 15
    assert max(r.value for r in last) < min(sorted(r.value for r in first)[2:])


def test_more_is_better_where_the_objective_says_so():
    results, _ = search(Screened(explore=0), space(60), lambda drawn: drawn["x"], objective=Objective())
    assert min(r.parameters["x"] for r in results[30:]) > 0.8


def test_nothing_is_drawn_before_the_round_has_ended():
    results, _ = search(Screened(), space(20))
    assert Screened().more(space(20), 0, 10, results[:9], (), SMALLER) == ()


def test_the_order_of_results_does_not_matter():
    results, _ = search(Screened(), space(40))
    ways = [results[:20], results[:20][::-1], results]
    later = [values(Screened().more(space(40), 0, 20, way, (), SMALLER)) for way in ways]
    assert later[0] == later[1] == later[2] == [r.parameters for r in results[20:30]]


def test_other_seeds_give_other_points():
    assert search(Screened(), space(40), seed=1)[0] != search(Screened(), space(40))[0]


@pytest.mark.parametrize("score", [lambda drawn: None, lambda drawn: 1.0])
def test_results_that_do_not_differ_leave_random_draws(score):
    results, _ = search(Screened(), space(20), score)
    assert [r.parameters for r in results] == values(random_pick(0, number) for number in range(20))


def test_what_diverges_is_avoided():
    results, _ = search(Screened(explore=0), space(100), lambda drawn: None if drawn["y"] > 30 else 1.0)
    assert all(r.value is not None for r in results[50:])


@pytest.mark.parametrize(
    "tree",
    [
        {"x": 3},
        {"x": {"choice": ["a"]}},
        {"x": {"int": [4, 4]}},
        {"x": {"uniform": [2, 2]}, "y": {"choice": ["a", "a"]}},
    ],
)
def test_spaces_of_one_point_can_be_drawn_from(tree):
    results, sizes = search(Screened(), space(8, tree=parse_tree(tree)), lambda drawn: 1.0)
    assert sizes == [2, 2, 2, 2]
    assert len({tuple(r.parameters.values()) for r in results}) == 1


def test_conditional_spaces_are_learned():
    tree = parse_tree(EXAMPLE)

    def score(drawn):
        alpha = drawn.get("network.activation.alpha")
        return -1.0 if alpha is None or alpha >= 1 else alpha

    results, _ = search(Screened(explore=0), space(100, tree=tree), score, objective=Objective())
    assert min(r.value for r in results[75:]) > 0.2


def test_stopped_results_are_worse_than_those_that_were_not():
    drawn = values(random_pick(0, number) for number in range(20))
    stopped = [Result(i, d, 1.0 if d["x"] < 0.5 else 2.0, 3 if d["x"] < 0.5 else None) for i, d in enumerate(drawn)]
    later = values(Screened(explore=0, rounds=2).more(space(40), 0, 20, stopped, (), SMALLER))
    assert min(each["x"] for each in later) > 0.5


def test_configurations_come_again_only_once_all_have_been_drawn():
    tree = parse_tree({"x": {"int": [1, 6]}, "y": {"int": [1, 6]}})
    results, _ = search(Screened(rounds=10, explore=0), space(60, tree=tree), lambda drawn: drawn["x"] * drawn["y"])
    drawn = [tuple(r.parameters.values()) for r in results]
    later = [each for number, each in enumerate(drawn[6:30], 6) if each in drawn[:number]]
    assert later == []
    assert len(set(drawn)) == 36


TEXT = """
name = "toy"
trials = 8
sampler = {{ kind = "screened", {options} }}
trainer = "mine:train"
epochs = 2
parameters = {{ x = {{ int = [0, 100] }} }}
objective = {{ metric = "rmse", direction = "min" }}
"""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("rounds = 0", "sampler.rounds is 0, but must be greater than or equal to 1"),
        ("keep = 0.0", "sampler.keep is 0.0, but must be greater than or equal to 0.0001"),
        ("explore = 2", "sampler.explore is 2, but must be less than or equal to 1"),
        ("round = 2", "sampler has no key 'round'; did you mean 'rounds'?"),
    ],
)
def test_options_are_checked(options, sentence):
    with pytest.raises(ExperimentError) as caught:
        parse(TEXT.format(options=options), "toy.toml")
    assert str(caught.value) == f"toy.toml: {sentence}"


def test_the_options_decide_the_fingerprint():
    prints = {parse(TEXT.format(options=f"rounds = {rounds}"), "toy.toml").fingerprint for rounds in (2, 4)}
    assert len(prints) == 2
