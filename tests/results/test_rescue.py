"""What has become of twins, as frames and sentences."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

import sweep
from sweep.errors import SweepError
from sweep.metrics import Objective
from sweep.results.rescue import answers, casualties, outcomes, sentences, totals, twins_of

OBJECTIVE = Objective()
COLUMNS = [
    "casualty",
    "diverged",
    "change",
    "detail",
    "fork",
    "twin",
    "outcome",
    "epochs",
    "of",
    "test_accuracy",
    "epoch",
]


def frame(*rows):
    found = pd.DataFrame([(*row[:2], row[2], f"new {row[2]}", *row[3:]) for row in rows], columns=COLUMNS)
    return found.astype({"diverged": "Int64", "fork": "Int64", "epoch": "Int64"})


FOUND = frame(
    (3, 5, "clip", 4, 0, "saved", 7, 30, 0.8, 6),
    (3, 5, "rate / 2", 4, 1, "saved", 30, 30, 0.7, 29),
    (3, 5, "rate / 2", None, 2, "diverged", 3, 30, None, None),
    (3, 5, "seed", 4, 3, "failed", 4, 30, None, None),
    (8, 1, "clip", None, 4, "stuck", 3, 30, 0.1, 1),
    (8, 1, "rate / 2", None, 5, "diverged", 0, 30, None, None),
    (8, 1, "seed", None, 6, "unfinished", 0, 30, None, None),
)


def test_the_answer_is_the_smallest_change_that_suffices_to_the_end():
    found = answers(FOUND, OBJECTIVE)
    assert found[["casualty", "twins", "saved"]].to_numpy().tolist() == [[3, 4, 2], [8, 3, 0]]
    assert found.loc[0, ["change", "fork", "twin", "test_accuracy"]].tolist() == ["rate / 2", 4, 1, 0.7]
    assert found.loc[1, ["change", "twin", "test_accuracy"]].isna().all()
    assert answers(FOUND[FOUND["twin"] != 1], OBJECTIVE)["twin"][0] == 0


def test_a_change_counts_once_for_each_casualty_by_its_best_twin():
    found = totals(FOUND).set_index("change")
    assert found.index.tolist() == ["clip", "rate / 2"]
    assert found.loc["clip", ["saved", "tried", "stuck", "diverged"]].tolist() == [1, 2, 1, 0]
    assert found.loc["rate / 2", ["saved", "tried", "stuck", "diverged"]].tolist() == [1, 2, 0, 1]


def test_it_is_told_in_sentences():
    assert list(sentences("digits", FOUND, OBJECTIVE)) == [
        "digits/3, diverged in epoch 5: half the rate (new rate / 2) from epoch 5 on suffices to the end: "
        "test_accuracy 0.7000; clipping (new clip) reaches 0.8000 in epoch 6",
        "digits/8, diverged in epoch 1: none of 2 changes suffices: 1 keeps it from diverging, but does not learn; "
        "1 twin is not trained",
        "clipping saves 1 of 2, half the rate 1 of 2",
    ]
    (one,) = sentences("digits", FOUND[:1], OBJECTIVE)
    assert one == (
        "digits/3, diverged in epoch 5: clipping (new clip) from epoch 5 on suffices to epoch 7, as far as it was "
        "trained: test_accuracy 0.8000"
    )


@pytest.mark.parametrize(
    ("becomes", "words"),
    [
        (["unfinished"] * 3, "not known yet: 3 twins are not trained"),
        (["failed"] * 3, "not known yet: 3 twins failed"),
        (
            ["diverged", "unfinished", "failed"],
            "the one change tried does not keep it from that; 1 twin is not trained; 1 twin failed",
        ),
        (
            ["stuck", "unfinished", "unfinished"],
            "the one change tried keeps it from diverging, but does not learn; 2 twins are not trained",
        ),
        (["diverged"] * 3, "none of 3 changes keeps it from that"),
        (["stuck", "stuck", "diverged"], "none of 3 changes suffices: 2 keep it from diverging, but do not learn"),
    ],
)
def test_why_nothing_suffices_is_told_as_far_as_it_is_known(becomes, words):
    (line,) = sentences("digits", FOUND[FOUND["casualty"] == 8].assign(outcome=becomes), OBJECTIVE)
    assert line == f"digits/8, diverged in epoch 1: {words}"


def test_a_twin_that_was_found_never_to_learn_is_stuck(rescued):
    before = outcomes(rescued).set_index("twin")["outcome"]
    saved = int(before[before == "saved"].index[0])
    path = rescued.store.database.path
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE trials SET finding = 'never learned' WHERE sweep_id = ? AND number = ?", (rescued.record.id, saved)
        )
    after = outcomes(rescued).set_index("twin")["outcome"]
    assert after[saved] == "stuck"
    assert after.drop(saved).equals(before.drop(saved))


def test_the_outcomes_are_those_of_the_stored_twins(rescued):
    toy, found = sweep.load("toy"), outcomes(rescued)
    assert found["casualty"].unique().tolist() == casualties(toy) == toy.diverged()["trial"].tolist()
    assert found.columns.tolist() == COLUMNS
    trials = rescued.trials().set_index("trial")
    for row in found.itertuples():
        assert (row.outcome == "diverged") == (trials["status"][row.twin] == "diverged")
        assert row.diverged == toy.trial(row.casualty).divergence.epoch
        own = rescued.epochs(row.twin)
        after = own[own["epoch"] > (0 if pd.isna(row.fork) else row.fork)]
        assert row.epochs == own["epoch"].max()
        if len(after):
            assert row.test_accuracy == after["test_accuracy"].max()
    assert (found["outcome"] == "saved").any()
    one = casualties(toy)[0]
    pd.testing.assert_frame_equal(outcomes(rescued, [one]), found[found["casualty"] == one].reset_index(drop=True))


def test_the_twins_are_found_by_either_name(rescued):
    assert twins_of(sweep.load("toy")).name == twins_of(rescued).name == "toy.rescue"


def test_without_twins_or_casualties_there_is_a_sentence(toy):
    with pytest.raises(
        SweepError, match=r"no twins of trials of toy are trained; do so with: sweep\.rescue\(name='toy'\)"
    ):
        twins_of(toy)
    with pytest.raises(SweepError, match="no twins of trials of toy are trained"):
        toy.plot_rescue()


def test_charts_leave_out_the_labels_of_twins(rescued):
    names = {axes.get_xlabel() for axes in rescued.plot().axes}
    assert names == {parameter.short_name for parameter in rescued.searched}
    assert "parent" in {parameter.name for parameter in rescued.parameters}
    assert names.isdisjoint({"parent", "change", "detail", "begin"})
