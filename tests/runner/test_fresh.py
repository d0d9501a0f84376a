"""Fresh seeds: the same for all configurations, another split with each, and no drawn trial has them."""

import pytest

import sweep
from sweep.metrics import Objective
from sweep.runner.fresh import redraws, with_split
from sweep.space.samplers.base import common_seeds, common_split, trial_seeds

FIRST_WEIGHTS, FIRST_SPLIT = 3661477786622886638, 6265255247385440458
VALIDATION, TEST = Objective("validation_accuracy"), Objective("test_accuracy")


def section(dataset="digits", **more):
    return {"data": {"dataset": dataset, **more}, "network": {"hidden": [3]}}


def test_common_seeds_are_no_drawn_ones():
    common = {common_seeds(0, number) for number in range(200)}
    drawn = {trial_seeds(0, point, repeat) for point in range(200) for repeat in range(3)}
    numbers = [value for seeds in (*common, *drawn) for value in (seeds.weights, seeds.shuffling, seeds.dropout)]
    assert len({*numbers, *(common_split(0, number) for number in range(200))}) == len(numbers) + 200


def test_they_stay_the_same_for_ever():
    assert common_seeds(0, 1) == common_seeds(0, 1)
    assert common_seeds(0, 1) != common_seeds(1, 1)
    assert common_seeds(0, 1).weights == FIRST_WEIGHTS
    assert common_split(0, 1) == FIRST_SPLIT


def test_a_validation_part_is_drawn_anew():
    before = section(validation=0.2, split_seed=5)
    after = with_split(before, VALIDATION, 77)
    assert after == {**before, "data": {**before["data"], "split_seed": 77}}
    assert before["data"]["split_seed"] == 5
    assert redraws(before, VALIDATION)


def test_a_test_part_that_comes_with_the_data_stays():
    assert with_split(section(), TEST, 77) == section()
    assert not redraws(section(), TEST)


def test_a_test_part_of_a_table_is_drawn_anew_where_trials_are_ranked_by_it():
    table = section({"kind": "csv", "file": "x.csv", "label": "y"})
    assert with_split(table, TEST, 77)["data"]["dataset"]["split_seed"] == 77
    with_validation = section(table["data"]["dataset"], validation=0.1)
    assert "split_seed" not in with_split(with_validation, VALIDATION, 77)["data"]["dataset"]


def test_a_trainer_of_ones_own_may_have_no_data():
    own = {"trainer": {}, "parameters": {"rate": 0.1}}
    assert with_split(own, Objective("rmse", "min"), 77) == own
    assert not redraws(own, Objective("rmse", "min"))


TABLE = """
name = "table"
trials = 2
[data]
dataset = { kind = "csv", file = "rows.csv", label = "y" }
[network]
hidden = [3]
activation = "relu"
[training]
epochs = 1
batch_size = 10
optimizer = { kind = "sgd", learning_rate = { log_uniform = [0.01, 0.1] } }
"""


def test_each_seed_of_a_table_has_rows_of_its_own(tmp_path, here):
    rows = "\n".join(f"{place % 7},{place % 5},{'ab'[place % 2]}" for place in range(60))
    (tmp_path / "rows.csv").write_text(f"u,v,y\n{rows}\n")
    (tmp_path / "table.toml").write_text(TABLE)
    sweep.run(tmp_path / "table.toml")
    sweep.finalists(2, seeds=2)
    twins = sweep.load("table.finalists")
    splits = [twins.trial(number).configuration["data"]["dataset"]["split_seed"] for number in range(4)]
    assert splits[0] == splits[1] != splits[2] == splits[3]
    assert len({entry["sha256"] for entry in twins.record.datasets}) == 3


@pytest.mark.parametrize("number", [1, 2])
def test_the_split_is_no_seed_of_a_training(number):
    seeds = common_seeds(0, number)
    assert common_split(0, number) not in (seeds.weights, seeds.shuffling, seeds.dropout)
