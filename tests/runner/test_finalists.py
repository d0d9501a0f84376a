"""Finalists are trained again with fresh seeds that all have in common, and only what is missing is trained."""

import shutil

import pytest

import sweep
from sweep.checks import doctor
from sweep.errors import SweepError, UsageError
from sweep.results.finalists import notes
from sweep.runner.resume import resume
from sweep.trial import worker
from tests.runner.diverging import Listening
from tests.runner.finalists_setup import folder  # noqa: F401 (a fixture)

pytestmark = pytest.mark.usefixtures("here")
SMALL = "digits-small"


@pytest.fixture
def db(folder, tmp_path):  # noqa: F811
    """A copy of the database that a test may change."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / "sweeps.db"


def figures(results):
    """All that is known of the trainings, but for their times."""
    trials = results.trials().drop(columns=["seconds", "attempt"], errors="ignore")
    rows = [results.trial(number) for number in trials["trial"]]
    kept = [(row.configuration, row.seeds, row.status, row.divergence, row.best_value) for row in rows]
    return trials.to_csv(), kept, results.epochs().drop(columns="seconds").to_csv()


def test_all_finalists_have_the_same_seeds_and_splits(db):
    results = sweep.finalists(3, seeds=2, name=SMALL, db=db)
    twins = sweep.load(f"{SMALL}.finalists", db=db)
    best = results.best(3)["trial"].tolist()
    rows = twins.trials()
    assert rows["parent"].tolist() == [f"{SMALL}/{number}" for number in best] * 2
    assert rows["seed"].astype(str).tolist() == ["1"] * 3 + ["2"] * 3
    by_seed = {seed: {twins.trial(number).seeds for number in group["trial"]} for seed, group in rows.groupby("seed")}
    assert [len(seeds) for seeds in by_seed.values()] == [1, 1]
    assert by_seed["1"].isdisjoint(by_seed["2"])
    splits = [twins.trial(number).configuration["data"]["split_seed"] for number in range(6)]
    assert splits[0] == splits[2] != splits[3] == splits[5]
    assert splits[0] != results.trial(best[0]).configuration["data"].get("split_seed", 0)


def test_but_for_seeds_and_split_they_have_the_configurations_of_the_search(db):
    results = sweep.finalists(2, seeds=1, name=SMALL, db=db)
    twins = sweep.load(f"{SMALL}.finalists", db=db)
    for place, number in enumerate(results.best(2)["trial"]):
        own, before = twins.trial(place).configuration, results.trial(number).configuration
        assert {**own, "data": {**own["data"], "split_seed": 0}} == {
            **before,
            "data": {**before["data"], "split_seed": 0},
        }
        assert twins.trials()["learning_rate"][place] == results.trials()["learning_rate"][number]


def test_they_are_what_a_sweep_with_that_split_and_those_seeds_would_train(db):
    sweep.finalists(1, seeds=1, name=SMALL, db=db)
    twins = sweep.load(f"{SMALL}.finalists", db=db)
    assert twins.replay(0).different == []
    report = doctor.examine(str(db))
    assert (report.damages, report.notes) == ([], [])


def test_a_second_call_trains_nothing(db):
    sweep.finalists(2, seeds=2, name=SMALL, db=db)
    before, heard = figures(sweep.load(f"{SMALL}.finalists", db=db)), Listening()
    sweep.finalists(2, seeds=2, name=SMALL, db=db, observer=heard)
    sweep.finalists(1, seeds=1, name=SMALL, db=db, observer=heard)
    assert figures(sweep.load(f"{SMALL}.finalists", db=db)) == before
    assert heard.notes == [f"all of these are trained already, in {SMALL}.finalists"] * 2


def test_further_seeds_and_finalists_are_added(db):
    sweep.finalists(1, seeds=1, name=SMALL, db=db)
    first = sweep.load(f"{SMALL}.finalists", db=db).trials()
    sweep.finalists(2, seeds=2, name=SMALL, db=db)
    twins = sweep.load(f"{SMALL}.finalists", db=db)
    assert twins.trials()[first.columns][:1].equals(first)
    assert sorted(zip(twins.trials()["parent"], twins.trials()["seed"].astype(str), strict=True)) == sorted(
        (f"{SMALL}/{number}", seed) for number in sweep.load(SMALL, db=db).best(2)["trial"] for seed in "12"
    )
    assert len(twins.record.datasets) == 3


def test_what_was_stopped_ends_with_the_same_bits(db, folder, tmp_path_factory, monkeypatch):  # noqa: F811
    other = tmp_path_factory.mktemp("whole")
    shutil.copytree(folder, other, dirs_exist_ok=True)
    sweep.finalists(2, seeds=2, name=SMALL, db=other / "sweeps.db")
    whole = figures(sweep.load(f"{SMALL}.finalists", db=other / "sweeps.db"))
    sweep.finalists(2, seeds=2, name=SMALL, db=db, epochs_total=3)  # two trainings begin
    twins = sweep.load(f"{SMALL}.finalists", db=db)
    assert twins.trials()["status"].tolist() == ["completed", "completed", "queued", "queued"]
    stops = iter([True])
    monkeypatch.setattr(worker, "is_stopped", lambda run: next(stops, False))
    sweep.finalists(2, seeds=2, name=SMALL, db=db)
    assert figures(sweep.load(f"{SMALL}.finalists", db=db)) == whole
    assert sweep.load(f"{SMALL}.finalists", db=db).trials()["attempt"].max() == 2


def test_resume_goes_on_too(db):
    sweep.finalists(2, seeds=2, name=SMALL, db=db, epochs_total=3)
    results = sweep.load(SMALL, db=db)
    resume(f"{SMALL}.finalists", results.store, sweep.engines.RunOptions())
    assert set(sweep.load(f"{SMALL}.finalists", db=db).trials()["status"]) == {"completed"}
    assert results.finalists()["seeds"].tolist() == [2, 2]


def test_trainers_of_ones_own_are_handed_the_seeds(db):
    results = sweep.finalists(3, seeds=4, name="own", db=db)
    twins = sweep.load("own.finalists", db=db)
    assert twins.trials().groupby("parent")["rmse"].nunique().min() > 1
    noise = [(twins.trial(number).seeds.weights >> 31) % 97 for number in range(12)]
    assert noise[0] == noise[1] == noise[2]
    table = results.finalists()
    assert table["before"].tolist() == results.best(None).set_index("trial").loc[table["trial"], "rmse"].tolist()
    assert table["expected"].is_monotonic_increasing


def test_with_repeats_configurations_are_ranked_by_their_means(db):
    results = sweep.finalists(2, seeds=2, name="thrice", db=db)
    best = results.best(2)
    firsts = [int(text.partition("–")[0]) for text in best["trials"]]
    table = results.finalists().set_index("trial")
    assert sorted(table.index) == sorted(firsts)
    assert table.loc[firsts, "before"].tolist() == best["rmse"].tolist()


def test_a_sweep_that_goes_on_has_finalists_for_the_time_being(db):
    sweep.run(db.parent / "own.toml", name="half", repeats=1, epochs_total=7, db=db)
    results = sweep.finalists(5, seeds=2, name="half", db=db)
    statuses = results.trials()["status"].tolist()
    assert len(results.finalists()) == statuses.count("completed") < 5
    left = statuses.count("queued")
    assert next(notes(results)) == f"{left} trials of half have not ended yet; there may be other finalists then"


def test_those_that_failed_are_told(db):
    (db.parent / "tired.py").write_text(
        "def train(config, trial):\n    if trial.seed % 2:\n        raise RuntimeError('tired')\n"
        "    yield {'rmse': config['rate']}\n"
    )
    sweep.run(db.parent / "own.toml", name="tired", repeats=1, overrides=["trainer=tired:train"], db=db)
    results = sweep.finalists(2, seeds=6, name="tired", db=db)
    failed = sweep.load("tired.finalists", db=db).trials()["status"].tolist().count("failed")
    assert 0 < failed < 12
    assert results.finalists()["seeds"].sum() == 12 - failed
    (line,) = notes(results)
    assert line.startswith(f"{failed} trainings with fresh seeds failed and do not count")


def test_what_cannot_be_is_refused(db):
    with pytest.raises(SweepError, match=f"no configuration of {SMALL} was trained with fresh seeds yet; do so with"):
        sweep.load(SMALL, db=db).finalists()
    sweep.finalists(1, seeds=1, name=SMALL, db=db)
    with pytest.raises(SweepError, match=f"were made from those of {SMALL}; name {SMALL} instead"):
        sweep.finalists(name=f"{SMALL}.finalists", db=db)
    with pytest.raises(UsageError, match="n takes a number from 1 to 20, not 0"):
        sweep.finalists(0, name=SMALL, db=db)
    with pytest.raises(UsageError, match="seeds takes a number from 1 on, not 0"):
        sweep.finalists(1, seeds=0, name=SMALL, db=db)


def test_without_completed_trials_there_are_none(db):
    (db.parent / "bad.py").write_text("import math\n\ndef train(config, trial):\n    yield {'rmse': math.inf}\n")
    sweep.run(db.parent / "own.toml", name="empty", overrides=["trainer=bad:train"], db=db)
    with pytest.raises(SweepError, match="no trial of empty is completed yet, so there are no finalists"):
        sweep.finalists(name="empty", db=db)
