"""Sweeps compared by the best of their trials: the table, the sentences, the remarks, and what is refused."""

import math

import numpy as np
import pytest

import sweep
from sweep.analysis.comparing import chance_of_better
from sweep.analysis.tuning_curve import TuningCurve
from sweep.errors import SweepError, UsageError
from sweep.results.comparison import compare
from sweep.results.independent import independent_draws
from tests.results.small_curves import FILE, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two searches, of which the second is better, and others that cannot be compared with them."""
    folder = tmp_path_factory.mktemp("compared")
    run(folder, "wide", trials=40)
    narrow = FILE.replace("[0.0, 1.0]", "[0.28, 0.32]")
    run(folder, "narrow", narrow, trials=24, seed=1)
    run(folder, "longer", narrow, trials=8, overrides=["epochs=5"])
    run(folder, "repeated", trials=8, overrides=["repeats=2"])
    run(folder, "last", trials=3, overrides=['objective.epoch="last"'])
    run(folder, "other", FILE.replace('"min"', '"max"'), trials=4)
    run(folder, "spread", FILE.replace("trials = 30", 'trials = 4\nsampler = "sobol"'))
    return folder


@pytest.fixture
def load(folder):
    return lambda *names: [sweep.load(name, db=str(folder / "mine.db")) for name in names]


def curve(results):
    return TuningCurve(independent_draws(results).values, is_max=False)


def test_the_table_has_each_curve_and_the_probability_to_be_better_than_the_first(load):
    wide, narrow = load("wide", "narrow")
    found = compare([wide, narrow], [1, 4, 5])
    rows = found.table
    assert rows["trials"].tolist() == [1, 1, 4, 4, 5, 5]
    assert rows["sweep"].tolist() == ["wide", "narrow"] * 3
    mine = rows[rows["sweep"] == "narrow"].reset_index(drop=True)
    assert mine[["trials", "best", "low", "high"]].equals(narrow.tuning_curve([1, 4, 5]))
    assert mine["seconds"].tolist() == pytest.approx(independent_draws(narrow).table["seconds"].mean() * mine["trials"])
    chances = [chance_of_better(curve(narrow), curve(wide), n, n) for n in (1, 4)]
    got = mine[["better", "better_low", "better_high"]].to_numpy()
    np.testing.assert_allclose(got[:2], chances)
    assert np.isnan(got[2]).all()  # 24 trials are too few to compare the best of 5
    assert rows.loc[rows["sweep"] == "wide", "better"].isna().all()
    assert got[0, 1] > 0.5


def test_the_sentences_tell_which_is_better_after_as_many_trials(load):
    wide, narrow = load("wide", "narrow")
    chance = chance_of_better(curve(narrow), curve(wide), 2, 2)
    interval = f"{chance.value:.2f} ({chance.low:.2f} to {chance.high:.2f})"
    sentences = compare([wide, narrow]).sentences
    better = "the best of narrow is better than that of wide with probability"
    assert sentences[0] == f"after 2 trials of each, {better} {interval}"
    assert sentences[1].startswith("a trial takes ")
    same = compare(load("wide", "repeated")).sentences[0]
    assert same.startswith("after 1 trial of each, the best of repeated is better than that of wide with probability ")
    assert same.endswith(": which is better cannot be told")


def test_by_default_the_numbers_are_those_that_all_have(load):
    assert sorted(set(compare(load("wide", "narrow", "longer")).table["trials"])) == [1, 2, 5, 8]


def test_a_sweep_compares_itself_with_others(load):
    wide, narrow = load("wide", "narrow")
    found = wide.compare(narrow, n=[4])
    assert found.table.equals(compare([wide, narrow], [4]).table)
    assert found.plot().get_suptitle() == "wide and narrow: best of n trials"


def test_too_few_trials_are_told(load):
    assert compare(load("wide", "last")).sentences == [
        "wide and last have too few trials to tell which is better; 5 of each at least"
    ]


def test_what_differs_is_remarked(load):
    assert compare(load("wide", "narrow")).remarks == []
    (epochs,) = compare(load("narrow", "longer")).remarks
    assert epochs == "they have different numbers of epochs (narrow 3, longer 5); compare their seconds, too"
    (repeats,) = compare(load("narrow", "repeated")).remarks
    assert repeats.startswith("they have different numbers of repeats")
    (epoch,) = compare(load("narrow", "last")).remarks
    assert epoch == "a trial does not count alike: narrow by its best epoch, last by its last epoch"


def test_different_data_are_remarked(load, monkeypatch):
    wide, narrow = load("wide", "narrow")
    wide.record.datasets.append({"dataset": "digits", "sha256": "ab"})
    assert compare([wide, narrow]).remarks == [
        "they have different data, so that a better value need not be a better search"
    ]


def test_what_cannot_be_compared_is_refused(load):
    with pytest.raises(UsageError, match="name at least two sweeps to compare"):
        compare(load("wide"))
    with pytest.raises(UsageError, match="a sweep is named twice; name each sweep once"):
        compare(load("wide", "wide"))
    ranked = r"wide is ranked by rmse \(min\) and other is ranked by rmse \(max\); compare sweeps of the same metric"
    with pytest.raises(UsageError, match=ranked):
        compare(load("wide", "other"))
    with pytest.raises(SweepError, match="spread has no tuning curve, which needs independent trials"):
        compare(load("wide", "spread"))


def test_for_people_infinite_ends_are_words(load):
    found = compare(load("wide", "narrow"), [1, 20])
    shown = found.readable()
    row = found.table.iloc[3]
    assert math.isinf(row["low"])
    assert shown.iloc[3]["low"] == "open"
    assert shown.iloc[3]["better"] == ""
    assert shown.iloc[1]["better"].count("–") == 1
    assert list(shown.columns) == ["trials", "sweep", "best", "low", "high", "seconds", "better"]
