"""What is said of results beside those there before."""

import shutil

import pytest

import sweep
from benchmarks.reproduction.__main__ import export_all
from benchmarks.reproduction.exports import Results, check_trials, difference, export
from benchmarks.reproduction.pages import Page
from benchmarks.reproduction.trainings import Training, ended, trained
from tests.engine_here import training_here

SMALL = Training("small", "digits-quickstart", ("trials=2", "epochs=1", "network.hidden=[4]", "keep_weights=none"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A database with a sweep, and the folder it was exported to."""
    folder = tmp_path_factory.mktemp("reproduction")
    with training_here():
        found = trained(SMALL, folder / "sweeps.db", None, 1)
    assert export(found, SMALL, folder / "page") == "small: new"
    return folder


def test_a_sweep_that_has_ended_is_not_trained_again(folders):
    database = folders / "sweeps.db"
    assert trained(SMALL, database, None, 1).trials().equals(ended(SMALL, database).trials())
    assert ended(Training("other", "digits-quickstart"), database) is None
    assert len(sweep.sweeps(db=database)) == 1
    assert SMALL.command.startswith("sweep run digits-quickstart --name small --set trials=2")


def test_the_same_figures_are_told_and_others_too(folders):
    found = ended(SMALL, folders / "sweeps.db")
    about = folders / "page" / "small.json"
    about.write_text(about.read_text().replace('"seconds"', '"seconds" '))  # not written again where nothing is new
    kept = about.read_text()
    assert export(found, SMALL, folders / "page") == "small: the same figures as before, bit for bit"
    assert about.read_text() == kept
    assert len(list((folders / "page").iterdir())) == 3
    results = Results(folders / "page")
    before = results.trials("small"), results.epochs("small"), results.about("small")
    trials = before[0].assign(test_accuracy=before[0]["test_accuracy"] + 1e-9)
    about = {**before[2], "environment": {**before[2]["environment"], "numpy": "0.1"}}
    assert f"(numpy {before[2]['environment']['numpy']} → 0.1)" in difference(before, (trials, before[1], about))
    slower = before[1].assign(seconds=before[1]["seconds"] + 1)
    assert "bit for bit" in difference(before, (before[0], slower, about))


def test_what_has_not_been_trained_is_left_out(folders, tmp_path):
    page = Page()
    page.trainings = (SMALL, Training("other", "digits-quickstart"))
    export_all(page, tmp_path, folders / "sweeps.db", None, None, is_training=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.csv", "small.json", "small.parquet"]


def test_further_tables_are_compared_too(folders, tmp_path, capsys):
    class Counting(Page):
        trainings = (SMALL,)
        count = 1

        def add(self, sweeps, folder, data):
            (folder / "count.csv").write_text(f"trials\n{self.count}\n")

    page, told = Counting(), []
    for page.count in (1, 1, 2):
        export_all(page, tmp_path, folders / "sweeps.db", None, None, is_training=False)
        told.append(capsys.readouterr().err.splitlines()[-1])
    assert told == [
        "count: new",
        "count: the same figures as before, bit for bit",
        "count: figures differ from those before",
    ]


def test_a_failed_trial_or_an_accuracy_of_no_epoch_is_refused(folders, tmp_path):
    results = Results(shutil.copytree(folders / "page", tmp_path / "page"))
    check_trials(results, "small")
    trials = results.trials("small")
    file = results.folder / "small.csv"
    trials.assign(status=["completed", "failed"]).to_csv(file, index=False)
    with pytest.raises(ValueError, match=r"small\.csv: trial 1 has failed, .* `sweep resume small --retry-failed`"):
        check_trials(results, "small")
    trials.assign(test_accuracy=trials["test_accuracy"] + 0.001).to_csv(file, index=False)
    with pytest.raises(ValueError, match=r"trial 0 has a test accuracy of .* export the sweep again"):
        check_trials(results, "small")
