"""Verifying packs: what nobody has altered is verified, and whatever was altered is found and named."""

import csv
import random
import shutil

import pytest
from sqlalchemy import text, update

import sweep
from benchmarks.packs import alter
from sweep.errors import UsageError
from sweep.store.schema import epochs, parameters, sweeps, trials
from tests.pack.forging import altered, evidence, forge, repacked, replaced, texts, verdict

SLIGHTLY = update(epochs).where(epochs.c.epoch == 0).values(train_loss=epochs.c.train_loss * (1 + 1e-12))
"""A change that no other figure tells of."""
COMPLETED = update(trials).where(trials.c.status == "completed")


@pytest.fixture(scope="session")
def packed_once(toy_folder, tmp_path_factory):
    """A pack of `toy` with the losses of its mini-batches."""
    folder = tmp_path_factory.mktemp("packed")
    shutil.copytree(toy_folder, folder, dirs_exist_ok=True)
    results = sweep.load("toy", db=folder / "sweeps.db")
    file = results.pack(folder / "toy.zip", batches=True).file
    results.store.close()
    return file


@pytest.fixture
def file(packed_once, tmp_path):
    return shutil.copy(packed_once, tmp_path / "toy.zip")


def test_a_pack_that_nobody_has_altered_is_verified(file):
    found = sweep.verify(file, share=1.0)
    assert found.is_verified and found.sweep == "toy"
    checks = ("members", "digests", "draws", "summaries", "derived files", "trained again")
    assert [verdict(found, what) for what in checks] == [["verified"]] * 6
    assert [each.number for each in found.trained] == list(range(9)) and not any(
        each.different for each in found.trained
    )
    assert "of 9 trials" in evidence(found, "trained again")
    assert found.frame.columns.tolist() == ["check", "verdict", "evidence"] and len(found.frame) == len(found.checks)


def test_without_the_losses_of_mini_batches_all_else_is_verified(toy, tmp_path):
    found = sweep.verify(toy.pack(tmp_path / "toy.zip").file, share=1.0)
    assert found.is_verified and "without the losses of mini-batches" in evidence(found, "digests")


def test_a_loss_is_as_much_compared_as_an_epoch(file):
    def change(connection):
        connection.execute(text("UPDATE batches SET loss = loss + 1e-12 WHERE trial_id = 1 AND epoch = 1 AND step = 2"))

    found = sweep.verify(repacked(file, change), trials=[0])
    assert verdict(found, "trained again") == ["differs"] and found.trained[0].different == 1


def test_the_trials_to_train_again_are_drawn_by_the_seed(file):
    one, two, other = (sweep.verify(file, seed=seed).trained for seed in (3, 3, 4))
    assert len(one) == 2 and [each.number for each in one] == [each.number for each in two]
    assert [each.number for each in one] != [each.number for each in other]
    assert [each.number for each in sweep.verify(file, trials=[5, 7]).trained] == [5, 7]
    assert not sweep.verify(file, share=0).trained


def test_other_programs_of_the_process_read_csv_files_as_before(file):
    limit = csv.field_size_limit()
    sweep.verify(file, share=0)
    assert csv.field_size_limit() == limit


def test_the_identity_is_compared_where_one_is_given(file):
    sha256 = sweep.verify(file, share=0).sha256
    assert verdict(sweep.verify(file, share=0, sha256=sha256.upper()), "identity") == ["verified"]
    found = sweep.verify(file, share=0, sha256=sha256[:-1])
    assert altered(found) == ["identity"] and not found.is_verified
    assert verdict(sweep.verify(file, share=0), "identity") == ["not verified"]


@pytest.mark.parametrize("seed", range(12))
def test_any_altered_digit_is_found_though_the_manifest_fits(file, tmp_path, seed):
    forged, _ = alter(file, tmp_path / "forged.zip", random.Random(seed), False)
    found = sweep.verify(forged, share=1.0)
    assert altered(found) and "members" not in altered(found)
    assert not found.trained and verdict(found, "trained again") == ["not verified"]


@pytest.mark.parametrize("name", ["checklist.md", "columns.json", "experiment.toml", "leaderboard.csv"])
def test_an_altered_file_that_follows_from_the_tables_is_found(file, name):
    digit = next(letter for letter in texts(file)[name] if letter in "123456789")
    found = sweep.verify(replaced(file, name, digit, "0"), share=0)
    assert altered(found) == ["derived files"] and name in evidence(found, "derived files")


def test_a_manifest_that_does_not_fit_is_named(file):
    changed = {"checklist.md": texts(file)["checklist.md"] + "."}
    assert altered(sweep.verify(forge(file, changed, fitting=False), share=0)) == ["members", "derived files"]


def test_a_missing_table_and_a_missing_row_are_named(file, tmp_path):
    other = shutil.copy(file, tmp_path / "other.zip")
    assert "it has no epochs.csv" in evidence(sweep.verify(forge(file, {}, drop=["epochs.csv"])), "tables")
    rows = texts(other)["parameters.csv"].splitlines(keepends=True)
    found = sweep.verify(forge(other, {"parameters.csv": "".join(rows[:-1])}), share=0)
    assert "toy/8: what was drawn for it has changed" in evidence(found, "digests")


@pytest.mark.parametrize(
    ("change", "what", "words"),
    [
        (update(parameters).where(parameters.c.trial_id == 3).values(number=0.125), "draws", "trial 2: parameters"),
        (update(trials).where(trials.c.number == 4).values(seed_dropout=7), "draws", "trial 4: seed_dropout"),
        (update(trials).where(trials.c.number == 4).values(repeat=1), "draws", "trial 4: repeat"),
        (update(trials).where(trials.c.number == 4).values(redraws=1), "draws", "trial 4: "),
        (update(sweeps).values(seed=1), "draws", "seed of the sweep is not that of the file"),
        (
            COMPLETED.values(best_value=0.999),
            "summaries",
            "best_value is 0.999",
        ),
        (COMPLETED.values(tie_value=0.5), "summaries", "tie_value is 0.5"),
        (update(epochs).where(epochs.c.epoch == 3).values(test_accuracy=1.0), "summaries", "but 1.0 by its epochs"),
        (COMPLETED.values(last_epoch=7), "digests", "7 of 8 epochs"),
        (update(epochs).where(epochs.c.epoch == 3).values(seconds=-1.0), "summaries", "less than no time"),
    ],
)
def test_a_forger_who_computes_digests_again_must_make_all_fit(file, change, what, words):
    found = sweep.verify(repacked(file, lambda connection: connection.execute(change)), share=0)
    assert what in altered(found) and words in evidence(found, what)


def test_what_fits_is_found_by_training(file):
    def change(connection):
        connection.execute(
            update(epochs).where(epochs.c.epoch == 0).values(train_loss=epochs.c.train_loss * (1 + 1e-12))
        )

    forged = repacked(file, change)
    assert sweep.verify(forged, share=0).is_verified
    found = sweep.verify(forged, trials=[1, 2])
    assert verdict(found, "trained again") == ["differs", "differs"] and not found.is_verified
    words = evidence(found, "trained again")
    assert "trial 1: 1 of " in words and "by up to 1e-12 relative, in the environment of the sweep" in words


def test_a_difference_in_another_environment_names_it(file):
    def change(connection):
        there = text("UPDATE sweeps SET environment = json_set(environment, '$.numpy', '1.0', '$.blas', 'openblas 9')")
        connection.execute(there)
        connection.execute(
            update(epochs).where(epochs.c.epoch == 0).values(train_loss=epochs.c.train_loss * (1 + 1e-12))
        )

    words = evidence(sweep.verify(repacked(file, change), trials=[1]), "trained again")
    assert "the environment differs: numpy 1.0 -> " in words and "blas openblas 9 -> " in words


def test_a_missing_data_set_is_named_with_its_hash(file):
    def change(connection):
        connection.execute(text("UPDATE sweeps SET datasets = json_set(datasets, '$[0].sha256', 'abc')"))

    found = sweep.verify(repacked(file, change))
    assert verdict(found, "trained again") == ["missing"] and not found.is_verified and not altered(found)
    assert "the data set digits is needed whose files have the SHA-256 abc" in evidence(found, "trained again")


def test_a_newer_schema_is_refused_by_name(file):
    rows = texts(file)["trials.csv"].splitlines(keepends=True)
    rows = [rows[0].rstrip("\n") + ",later\n", *(row.rstrip("\n") + ",1\n" for row in rows[1:])]
    found = sweep.verify(forge(file, {"trials.csv": "".join(rows)}))
    assert altered(found) == ["tables"] and "has the column 'later'" in evidence(found, "tables")


def test_a_pack_of_an_older_schema_lacks_columns_and_is_verified(file):
    lines = texts(file)["sweeps.csv"].rstrip("\n")
    head, row = lines.split("\n", 1)
    assert head.endswith(",ended") and row.endswith(",")
    found = sweep.verify(forge(file, {"sweeps.csv": f"{head.removesuffix(',ended')}\n{row[:-1]}\n"}, schema=6), share=0)
    assert found.is_verified and "written by another version" in evidence(found, "derived files")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "x"])
def test_a_share_is_from_0_to_1(file, share):
    with pytest.raises(UsageError, match="share takes a number"):
        sweep.verify(file, share=share)


def test_a_trial_that_is_not_there_is_named(file):
    found = sweep.verify(file, trials=[99])
    assert verdict(found, "trained again") == ["missing"] and "there is no trial 99" in evidence(found, "trained again")
