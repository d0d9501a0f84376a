"""Renaming a sweep: everything that names it goes on working, and nothing else changes."""

import sqlite3

import pytest

import sweep
from sweep.checks.doctor import examine
from sweep.errors import SweepError, UsageError
from tests.fault_tools import assert_same, figures


def mine(config, trial):
    """Save a state after each epoch; stop in the second epoch where asked."""
    start = 0 if trial.state is None else trial.state["epoch"]
    for epoch in range(start + 1, trial.epochs + 1):
        trial.save({"epoch": epoch})
        yield {"rmse": config["lr"] / epoch}


def database(results):
    return results.store.database.address


class TestASweepWithTwins:
    """Of the trials of `toy` that diverged there are twins in `toy.rescue`, some of which fork from them."""

    def test_all_of_it_has_the_new_name_and_is_sound(self, rescued):
        db, parent = database(rescued), sweep.load("toy", db=database(rescued))
        before, twins = figures("toy", db), rescued.trials()
        parent.rename("first")
        assert parent.name == "first"
        assert parent.store.names() == ["first", "first.rescue"]
        assert examine(db).findings == []
        assert_same(before, figures("first", db))
        renamed = sweep.load("first.rescue", db=db)
        others = [name for name in twins if name != "parent"]
        assert renamed.trials()[others].equals(twins[others])
        assert renamed.trials()["parent"].tolist() == [name.replace("toy/", "first/") for name in twins["parent"]]
        assert renamed.record.description == "twins of trials of first"
        assert {path.name for path in parent.store.files.iterdir()} == {"first", "first.rescue"}

    def test_what_is_drawn_and_trained_from_it_is_the_same(self, rescued):
        db = database(rescued)
        sweep.load("toy", db=db).rename("first")
        for name in ("first", "first.rescue"):
            results = sweep.load(name, db=db)
            assert results.experiment.name == name
            assert results.experiment.fingerprint == results.record.fingerprint
        forked = next(n for n in range(rescued.record.trials) if rescued.trial(n).forked_from)
        again = sweep.load("first.rescue", db=db)
        assert again.trial(forked).forked_from.startswith("first/")
        assert again.replay(forked).different == []

    def test_the_old_name_is_free_and_the_new_one_taken(self, rescued, here, tmp_path):
        db = database(rescued)
        sweep.load("toy", db=db).rename("first")
        assert sweep.run(tmp_path / "toy.toml", overrides=["trials=1", "epochs=1"], db=db).name == "toy"
        assert examine(db).findings == []
        with pytest.raises(SweepError, match=r"there is a sweep 'first\.rescue' already"):
            sweep.load("first", db=db).rename("first.rescue")
        with pytest.raises(SweepError, match=r"there is a sweep 'toy' already"):  # a view is found by both
            sweep.load("first", db=db).rename("TOY")
        with pytest.raises(SweepError, match=r"there is a sweep 'toy' already"):
            sweep.run(tmp_path / "toy.toml", name="Toy", db=db)
        assert sweep.load("first", db=db).rename("First") is None
        assert sweep.load("First", db=db).name == "First"

    def test_damage_is_not_covered_up(self, rescued):
        db = database(rescued)
        rescued.store.close()
        with sqlite3.connect(db) as connection:
            connection.execute("UPDATE trials SET best_value = 0.123 WHERE id = 2")
        sweep.load("toy", db=db).rename("first")
        assert [finding.words for finding in examine(db).findings] == [
            "first/1: what is stored of it is not what was written"
        ]


@pytest.mark.parametrize("name", ["", "a b", "../x", "x/y", "<script>", "-x", ".moved", "x" * 101, "日本語", "a\nb"])
def test_a_name_that_no_experiment_file_may_have_is_refused(toy, name):
    with pytest.raises(UsageError, match="a sweep cannot be called"):
        toy.rename(name)
    assert toy.store.names() == ["toy"]


def test_the_twins_of_a_long_name_must_have_room(rescued):
    with pytest.raises(UsageError, match=r"x\.rescue"):
        sweep.load("toy", db=database(rescued)).rename("x" * 95)


def test_a_sweep_of_a_pickled_function_goes_on_from_its_state(here):
    factor = 2.0

    def train(config, trial):
        for metrics in mine(config, trial):
            yield {"rmse": metrics["rmse"] * factor}

    results = sweep.run(
        train, parameters={"lr": {"uniform": [1.0, 2.0]}}, trials=2, epochs=2, objective=("rmse", "min"), name="mine"
    )
    before = results.trials()["rmse"].tolist()
    results.rename("ours")
    assert results.experiment.fingerprint == results.record.fingerprint
    longer = sweep.extend([0, 1], epochs=4, name="ours")
    assert longer.trials()["rmse"].tolist() == [value / 2 for value in before]
    assert examine(database(results)).findings == []
