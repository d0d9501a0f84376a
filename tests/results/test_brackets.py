"""The ranks of a leaderboard that the test set cannot tell apart."""

import numpy as np
import pytest
from sqlalchemy import text, update

from sweep.results.sweep import Sweep
from sweep.store import Ending, Store
from sweep.store.correctness import pack
from sweep.store.schema import trials
from tests.store.store_setup import RECORD, add, epoch

HITS = [90, 50, 89, 88]


@pytest.fixture
def store(tmp_path):
    opened = Store(str(tmp_path / "sweeps.db"), create=True)
    yield opened
    opened.close()


def filled(store, hits=HITS, **changes):
    """A sweep of trials that have the first of 100 examples right."""
    sweep_id = add(store, len(hits), experiment=EXPERIMENT, **changes)
    for number, count in enumerate(hits):
        claim, best = store.claim(sweep_id, number, "me:1"), epoch(0, count / 100)
        store.finish(claim, Ending("completed", 1.0), [best], best, (), pack(np.arange(100) < count))
    return Sweep(store, store.sweep(RECORD.name))


EXPERIMENT = """
name = "first"
trials = 4
[data]
dataset = "digits"
[network]
hidden = [8]
[training]
epochs = 5
optimizer = { kind = "sgd", learning_rate = { uniform = [0.0, 1.0] } }
"""


def test_each_row_has_the_range_of_ranks_that_it_cannot_be_told_apart_from(store):
    table = filled(store).best()
    assert table.columns[:5].tolist() == ["rank", "trial", "test_accuracy", "epoch", "ranks"]
    assert table["ranks"].tolist() == ["1–3", "1–3", "1–3", "4"]
    assert table.attrs["ranks"].startswith("the first 3 cannot be told apart by 100 test examples")


def test_only_the_rows_that_are_shown_are_compared(store):
    results = filled(store)
    assert results.best(2)["ranks"].tolist() == ["1–2", "1–2"]
    assert "and perhaps more" in results.best(2).attrs["ranks"]
    assert "ranks" not in results.best(1)


def test_what_is_ranked_otherwise_has_no_ranges(store):
    results = filled(store)
    for table in (results.worst(), results.best(by="test_loss"), results.best(by="train_accuracy")):
        assert "ranks" not in table
        assert not table.attrs


def test_repeats_and_several_data_sets_have_none(store):
    (one,) = RECORD.datasets
    assert "ranks" not in filled(store, repeats=2).best()
    assert "ranks" not in filled(store, name="second", datasets=[one, {**one, "sha256": "1" * 64}]).best()


def test_trials_from_before_it_was_kept_are_empty(store):
    results = filled(store)
    forget(store, 2)
    table = results.best()
    assert table["ranks"].fillna("").tolist() == ["1–3", "", "1–3", "4"]
    forget(store, 0)
    table = results.best()
    assert table["ranks"].fillna("").tolist() == ["", "", "3", "4"]
    assert table.attrs["ranks"] == ""
    forget(store, 1)
    assert "ranks" not in results.best()


def forget(store, number):
    with store.database.writing() as connection:
        connection.execute(update(trials).where(trials.c.number == number).values(correct=None))


@pytest.mark.parametrize(
    "value",
    [
        "zeroblob(57)",
        "zeroblob(14)",
        "x'00'",
        "x''",
        "x'09ff'",
        "'text'",
        "5",
        "x'00" + "ff" * 8 + "c0" + "00" * 2 + "'",
        "substr(correct, 1, 9)",
    ],
)
def test_what_is_damaged_of_one_trial_takes_nothing_from_the_others(store, answer, value):
    filled(store)
    with store.database.writing() as connection:
        connection.execute(text(f"UPDATE trials SET correct = {value} WHERE number = 2"))
    for format in ("table", "csv"):
        code, out, err = answer("leaderboard", "--db", store.database.path, "--format", format)
        assert code == 0 and out.count("1–3") == 2
        (line,) = [line for line in err.splitlines() if "damaged" in line]
        assert line.startswith("which examples trial 2 has right is damaged in the database; look into it with: ")
        assert "sweep doctor" in line


def test_fewer_examples_than_the_others_have_are_damaged_though_their_share_fits(store):
    results = filled(store, [50, 50, 50])
    with store.database.writing() as connection:
        half = pack(np.arange(20) < 10)
        connection.execute(update(trials).where(trials.c.number == 0).values(correct=half))
    table = results.best()
    assert table["ranks"].fillna("").tolist() == ["", "2–3", "2–3"] and table.attrs["damaged"] == [0]


@pytest.mark.parametrize("format", ["table", "csv", "json", "markdown"])
def test_the_leaderboard_shows_them_in_every_format(store, answer, format):
    filled(store)
    code, out, err = answer("leaderboard", "--db", store.database.path, "--format", format)
    assert code == 0
    assert out.count("1–3") == 3
    assert ("the first 3 cannot be told apart" in err) == (format == "table")
