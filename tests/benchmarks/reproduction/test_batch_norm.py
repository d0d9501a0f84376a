"""When an accuracy counts as collapsed, and what variants are compared over."""

import pandas as pd

from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.batch_norm import FACTORS, LOSSES, collapses, losses, over_seeds, pairs


def curve(trial, *accuracies):
    """The epochs of a trial; the first accuracy is that of the untrained network."""
    return pd.DataFrame({"trial": trial, "epoch": range(len(accuracies)), "test_accuracy": accuracies})


def test_an_accuracy_is_down_below_the_limit_but_not_before_training():
    found = collapses(pd.concat([curve(0, 0.1, 0.95, 0.2, 0.96, 0.3), curve(1, 0.1, 0.95)]))
    assert found.loc[0, ["epochs", "best", "last", "lowest", "down", "first"]].tolist() == [4, 0.96, 0.3, 0.2, 2, 2]
    assert found.loc[1, "down"] == 0
    assert pd.isna(found.loc[1, "first"])


def test_variants_are_compared_over_the_epochs_that_both_have():
    same = dict.fromkeys(FACTORS.values(), "x")
    trials = pd.DataFrame([{"trial": 0, **same, "dtype": "a"}, {"trial": 1, **same, "dtype": "b"}])
    epochs = pd.concat([curve(0, 0.1, 0.95, 0.2, 0.2, 0.2), curve(1, 0.1, 0.95, 0.95)])
    row = pairs(trials, [epochs]).iloc[0]
    assert row["differs"] == "dtype: a or b"
    assert row.iloc[1:].tolist() == [1, 2, 1, 0, 0]
    other = pd.concat([curve(0, 0.1, 0.2, 0.2), curve(1, 0.1, 0.2, 0.95)])
    assert pairs(trials, [epochs, other]).iloc[0].iloc[1:].tolist() == [2, 4, 3, 1, 0]


def test_a_variant_goes_down_with_some_of_the_seeds():
    trials = pd.DataFrame([{"trial": 0, **dict.fromkeys(FACTORS.values(), "x"), "eps": 1e-10, "biases": True}])
    seeds = [collapses(curve(0, 0.1, 0.95, 0.2)), collapses(curve(0, 0.1, 0.95, 0.96))]
    assert over_seeds(trials, seeds[:1]) is None
    row = over_seeds(trials, seeds).iloc[0]
    assert row[["eps", "biases", "went down", "epochs down", "lowest"]].tolist() == [
        "1e-10",
        "yes",
        "1 of 2",
        "1, 0",
        "0.2000",
    ]
    assert row["last"] == "0.5800 ± 0.5374"


def test_the_losses_of_what_went_down_are_those_of_training_and_of_the_evaluation(tmp_path):
    epochs = pd.concat([curve(0, 0.1, 0.95, 0.2, 0.2), curve(1, 0.1, 0.95)]).assign(train_loss=range(6))
    found = collapses(epochs).reset_index(names="trial")
    assert losses(found, epochs, Results(tmp_path)) is None
    batches = pd.DataFrame({"trial": [0, 0, 0, 1], "epoch": [1, 2, 3, 1], "loss": [0.5, 0.4, 0.3, 0.2]})
    batches.to_csv(tmp_path / f"{LOSSES}.csv", index=False)
    (row,) = losses(found, epochs, Results(tmp_path)).to_numpy().tolist()
    assert row == ["0", "0.5000", "2", "0.4000", "2", "0.3000", "3"]
