"""Configurations trained again with other seeds are what further repeats would have been."""

import pytest

import sweep
from sweep.errors import SweepError, UsageError
from tests.engine_here import training_here

FILE = """
name = "{name}"
trials = 6
seed = 3
repeats = {repeats}

[data]
dataset = "digits"

[network]
hidden = [6]
activation = "relu"

[training]
epochs = 2
batch_size = 300
optimizer = {{ kind = "sgd", learning_rate = {{ log_uniform = [0.1, 30.0] }} }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A database with a sweep, the same one with three repeats, and two configurations of it with two other seeds."""
    made = tmp_path_factory.mktemp("reseed")
    with training_here():
        for name, repeats in (("once", 1), ("thrice", 3)):
            (made / f"{name}.toml").write_text(FILE.format(name=name, repeats=repeats))
            sweep.run(made / f"{name}.toml", db=made / "sweeps.db")
        sweep.reseed([4, 1], seeds=1, name="once", db=made / "sweeps.db")
        sweep.reseed([1, 4], seeds=2, name="once", db=made / "sweeps.db")
    return made


def figures(results, number):
    row = results.trial(number)
    epochs = [(each.number, each.metrics) for each in results.store.trial_epochs(results.record.id, number)]
    return row.status, row.configuration, row.seeds, row.divergence, epochs


def test_they_are_what_further_repeats_are(folder):
    thrice, again = (sweep.load(name, db=folder / "sweeps.db") for name in ("thrice", "once.seeds"))
    assert len(again.trials()) == 4
    for number, (config, repeat) in enumerate([(4, 1), (1, 1), (1, 2), (4, 2)]):
        assert figures(again, number) == figures(thrice, 3 * config + repeat)
        assert str(again.trials()["parent"][number]) == f"once/{config}"


def test_what_is_trained_already_is_not_trained_again(folder):
    before = sweep.load("once.seeds", db=folder / "sweeps.db").trials()
    with training_here():
        once = sweep.reseed([4], seeds=2, name="once", db=folder / "sweeps.db")
    assert once.name == "once"
    after = sweep.load("once.seeds", db=folder / "sweeps.db").trials()
    assert after.equals(before)


def test_the_table_counts_them(folder):
    once, again = (sweep.load(name, db=folder / "sweeps.db") for name in ("once", "once.seeds"))
    table = once.flakiness()
    assert table["trial"].tolist() == [1, 4]
    assert table["seeds"].tolist() == [2, 2]
    diverged = again.trials().groupby("parent")["status"].agg(lambda all_: (all_ == "diverged").sum())
    assert table["diverged"].tolist() == [diverged["once/1"], diverged["once/4"]]
    assert once.flakiness(4)["trial"].tolist() == [4]


def test_what_cannot_be_is_refused(folder):
    db = folder / "sweeps.db"
    with pytest.raises(UsageError, match="once/2 was not trained with other seeds"):
        sweep.load("once", db=db).flakiness(2)
    with pytest.raises(SweepError, match=r"no configuration of thrice was trained with other seeds yet"):
        sweep.load("thrice", db=db).flakiness()
    with pytest.raises(SweepError, match=r"the trials of once.seeds were made from those of once"):
        sweep.reseed(0, name="once.seeds", db=db)
    with pytest.raises(SweepError, match="there is no trial 77"):
        sweep.reseed(77, name="once", db=db)
    with pytest.raises(UsageError, match="takes a number from 1 on, not 0"):
        sweep.reseed(1, seeds=0, name="once", db=db)
