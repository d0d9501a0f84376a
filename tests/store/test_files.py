"""Files of sweeps, such as kept weights: each database has a folder for its own."""

import hashlib
from pathlib import Path

import pytest

import sweep
from sweep.store import Store

PLAIN = """
name = "plain"
trials = 1
[data]
dataset = "digits"
[network]
hidden = [8]
[training]
epochs = 2
batch_size = 50
optimizer = { kind = "sgd", learning_rate = 0.1 }
"""
SMALL = ["trials=1", "epochs=1", "training.keep_weights=best"]


def run(db, *overrides):
    return sweep.run("digits-quickstart", overrides=[*SMALL, *overrides], db=str(db))


def digests(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_sweeps_of_one_name_in_two_databases_keep_their_own_files(here, tmp_path):
    monday = run(tmp_path / "monday.db")
    before, accuracy = digests(tmp_path / "monday.db-files"), monday.predict(0).test.accuracy
    tuesday = run(tmp_path / "tuesday.db", "network.hidden=[16, 16]")
    assert before
    assert digests(tmp_path / "monday.db-files") == before
    assert monday.predict(0).test.accuracy == accuracy == monday.best()["test_accuracy"].item()
    assert tuesday.predict(0).test.accuracy == tuesday.best()["test_accuracy"].item()
    assert monday.folder != tuesday.folder


def test_without_a_word_of_it_the_best_weights_are_kept_and_can_be_used(here, tmp_path):
    file = tmp_path / "plain.toml"
    file.write_text(PLAIN)
    results = sweep.run(file, db=str(tmp_path / "sweeps.db"))
    row = results.trial(0)
    assert row.weights.epoch == row.best_epoch
    assert results.predict(0).test.accuracy == row.best_value
    assert sweep.extend([0], epochs=3, db=str(tmp_path / "sweeps.db")).trial(0).last_epoch == 3


@pytest.mark.parametrize("name", ["sweeps.db", "sweeps.db-wal", "sweeps.db-journal", "sweeps.db-files"])
def test_no_name_of_a_sweep_meets_a_file_of_the_database(here, tmp_path, name):
    results = run(tmp_path / "sweeps.db", f"name={name}")
    assert results.trial(0).weights
    assert results.predict(0).test.accuracy == results.best()["test_accuracy"].item()
    assert sweep.load(db=str(tmp_path / "sweeps.db")).name == name


def test_a_database_without_an_ending_may_have_the_name_of_its_sweep(here, tmp_path):
    assert run(tmp_path / "same", "name=same").trial(0).weights


def test_files_lie_beside_the_database_that_a_link_leads_to(here, tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link.db"
    run(tmp_path / "far" / "real.db")
    link.symlink_to(tmp_path / "far" / "real.db")
    through = run(link, "name=second")
    assert Path(through.folder).is_relative_to(tmp_path / "far" / "real.db-files")
    assert sweep.load("digits-quickstart", db=str(link)).predict(0).test.accuracy > 0
    assert sweep.load("second", db=str(tmp_path / "far" / "real.db")).predict(0).test.accuracy > 0


def test_two_databases_of_a_server_have_two_folders(postgres, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_RESULTS", str(tmp_path))
    stores = [Store(postgres.create_database(), create=True) for _ in range(2)]
    assert len({store.files for store in stores}) == 2
    assert all(store.files.parent == tmp_path for store in stores)
    for store in stores:
        store.close()
