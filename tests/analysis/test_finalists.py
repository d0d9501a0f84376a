"""Tables of finalists and of their pairs, and what is said of them."""

import math

import numpy as np
import pandas as pd
import pytest

from sweep.analysis.finalists import finalists_of, finalists_table, pairs_table, sentences
from sweep.analysis.seed_variance import SeedVariance

BEFORE = {7: 0.99, 3: 0.98, 12: 0.97}
VALUES = {
    7: [0.95, 0.96, 0.94, 0.95, 0.95],
    3: [0.97, 0.98, 0.98, 0.97, 0.98],
    12: [0.97, 0.97, 0.98, 0.98, 0.97],
}


def trainings(values, *, sign=1):
    """Trainings with these values; None stands for one that diverged, a text for another status."""
    rows = [
        (trial, seed, "diverged" if value is None else value if isinstance(value, str) else "completed", value)
        for trial, own in values.items()
        for seed, value in enumerate(own, 1)
    ]
    frame = pd.DataFrame(rows, columns=["trial", "seed", "status", "value"])
    frame["value"] = sign * pd.to_numeric(frame["value"], errors="coerce")
    return frame


def found(values=VALUES, before=BEFORE, *, is_max=True):
    sign = 1 if is_max else -1
    return finalists_of(
        trainings(values, sign=sign), {trial: sign * value for trial, value in before.items()}, is_max=is_max
    )


def test_the_table_has_the_figures_of_each():
    table = finalists_table(found(), "test_accuracy")
    assert table["trial"].tolist() == [3, 12, 7]
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["test_accuracy"].tolist() == pytest.approx([0.976, 0.974, 0.95])
    assert table["standard_error"].tolist() == pytest.approx(
        [np.std(VALUES[trial], ddof=1) / math.sqrt(5) for trial in (3, 12, 7)]
    )
    assert table["before"].tolist() == [0.98, 0.97, 0.99]
    assert table["seeds"].tolist() == [5, 5, 5]
    assert (table["low"] < table["expected"]).all() and (table["expected"] < table["high"]).all()
    assert table["shrinkage"].tolist() == pytest.approx((table["before"] - table["expected"]).tolist())
    assert table["shrinkage_high"].tolist() == pytest.approx((table["before"] - table["low"]).tolist())


def test_what_is_minimized_is_the_mirror_image():
    one, other = (finalists_table(found(is_max=is_max), "loss") for is_max in (True, False))
    assert other["trial"].tolist() == one["trial"].tolist()
    for name, mirrored in {"loss": "loss", "expected": "expected", "low": "high", "before": "before"}.items():
        assert other[mirrored].tolist() == pytest.approx((-one[name]).tolist())
    for name in ("shrinkage", "shrinkage_low", "shrinkage_high", "standard_error"):
        assert other[name].tolist() == pytest.approx(one[name].tolist())
    pairs, mirror = pairs_table(found()), pairs_table(found(is_max=False))
    assert mirror["probability"].tolist() == pairs["probability"].tolist()
    assert mirror["low"].tolist() == pytest.approx((-pairs["high"]).tolist())
    assert mirror["verdict"].tolist() == pairs["verdict"].tolist()


def test_pairs_have_a_verdict():
    table = pairs_table(found())
    assert table[["trial", "other"]].to_numpy().tolist() == [[3, 12], [3, 7], [12, 7]]
    assert table["verdict"].tolist() == ["cannot be told apart", "better", "better"]
    assert table["difference"].tolist() == pytest.approx([0.002, 0.026, 0.024])
    assert table["probability"].tolist() == pytest.approx([0.6, 1, 1])


def test_it_is_said_in_words():
    lines = list(sentences(found()))
    assert lines[0].startswith("trial 7, the best of the search with 0.99: with fresh seeds 0.95")
    assert lines[0].endswith("so it was lucky")
    assert lines[1:3] == ["trial 3 is better than 7", "trial 3 cannot be told apart from 12"]
    assert "to tell them apart takes" in lines[3] and "standard deviations of a training" in lines[3]


def test_trainings_that_diverged_are_counted_and_in_no_mean():
    both = found({**VALUES, 3: [0.97, None, 0.98, None, 0.98]})
    table = finalists_table(both, "accuracy").set_index("trial")
    assert table.loc[3, "diverged"] == 2 and table.loc[3, "seeds"] == 5
    assert table.loc[3, "accuracy"] == pytest.approx((0.97 + 0.98 + 0.98) / 3)
    pair = pairs_table(both).set_index(["trial", "other"]).loc[(3, 7)]
    assert pair["probability"] == pytest.approx(0.6)
    assert "trial 3 diverged with 2 of 5 fresh seeds, which its mean leaves out" in list(sentences(both))


def test_one_that_always_diverged_comes_last():
    both = found({**VALUES, 3: [None] * 5})
    table = finalists_table(both, "accuracy")
    assert table["trial"].tolist() == [12, 7, 3]
    assert math.isnan(table["expected"].iloc[2]) and math.isnan(table["shrinkage"].iloc[2])
    lines = list(sentences(both))
    assert "trial 3 diverged with 5 of 5 fresh seeds, so it has no mean" in lines
    assert "trial 12 is better than 7 and 3" in lines


def test_the_best_of_the_search_may_have_no_value():
    lines = list(sentences(found({**VALUES, 7: [None] * 5})))
    assert lines[0] == "trial 7, the best of the search with 0.99, has not completed with any fresh seed"


def test_all_may_have_diverged():
    lines = list(sentences(found(dict.fromkeys(VALUES, [None] * 3))))
    assert lines[0].startswith("the spread over seeds is known once two trainings")
    assert len(lines) == 4


def test_those_that_failed_or_wait_do_not_count():
    some = found({**VALUES, 12: [0.97, "failed", 0.98, "queued", "running"]})
    assert finalists_table(some, "accuracy").set_index("trial").loc[12, "seeds"] == 2


def test_one_seed_says_nothing_of_the_spread():
    one = found({trial: own[:1] for trial, own in VALUES.items()})
    assert finalists_table(one, "accuracy")["expected"].tolist() == [0.97, 0.97, 0.95]
    assert finalists_table(one, "accuracy")["low"].isna().all()
    (line,) = sentences(one)
    assert "once two trainings" in line


def test_a_single_finalist_has_no_pairs():
    one = found({7: VALUES[7]}, {7: 0.99})
    assert pairs_table(one).empty and list(pairs_table(one))[:2] == ["trial", "other"]
    (line,) = sentences(one)
    assert line.startswith("trial 7, the best of the search")


def test_equal_finalists_need_no_seeds():
    same = found({1: [0.9, 0.8, 0.7], 2: [0.9, 0.8, 0.7]}, {1: 0.9, 2: 0.9})
    assert "nothing is known of a difference between 1 and 2, so take the one that is cheaper" in list(sentences(same))


def test_the_split_variance_is_told():
    for true, words in (
        (1e-4, "and on endless data about 0.01 would be left (estimated from 15 trainings)"),
        (-1e-5, "no more than trainings would that are equally good on endless data"),
    ):
        line = list(sentences(found(), SeedVariance(4e-4, true, 450, 15)))[-1]
        assert line.startswith("accuracies differ from seed to seed with a standard deviation of 0.02")
        assert words in line and "450 test examples" in line
