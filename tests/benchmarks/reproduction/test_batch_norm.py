"""When an accuracy counts as collapsed, and what variants are compared over."""

import pandas as pd

from benchmarks.reproduction.pages.batch_norm import FACTORS, collapses, pairs


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
    row = pairs(trials, epochs).iloc[0]
    assert row["differs"] == "dtype: a or b"
    assert row.iloc[1:].tolist() == [1, 2, 1, 0, 0]
