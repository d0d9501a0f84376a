"""The commands pack and verify: what they print, their exit codes, and what they refuse."""

import csv
import io
import json

import pytest

import sweep


@pytest.fixture
def database(toy):
    return str(toy.store.database.path)


@pytest.fixture
def file(answer, database, tmp_path):
    assert answer("pack", "toy", "-o", tmp_path / "toy.zip", "--db", database)[0] == 0
    return tmp_path / "toy.zip"


def test_pack_prints_the_identity_that_verify_prints(answer, database, tmp_path):
    code, out, err = answer("pack", "-o", tmp_path / "toy.zip", "--db", database, "--format", "json")
    (row,) = json.loads(out)
    assert code == 0 and row["trials"] == 9 and row["bytes"] == (tmp_path / "toy.zip").stat().st_size
    assert f"check it with: sweep verify {tmp_path / 'toy.zip'}" in err and "pack them, too, with --batches" in err
    code, out, _ = answer("verify", tmp_path / "toy.zip", "--sha256", row["sha256"], "--format", "csv")
    rows = {each["check"]: each for each in csv.DictReader(io.StringIO(out))}
    assert code == 0 and rows["identity"]["verdict"] == "verified" and row["sha256"] in rows["identity"]["evidence"]
    assert rows["trained again"]["verdict"] == "verified"


def test_losses_of_mini_batches_are_packed_as_well(answer, database, tmp_path):
    code, _, err = answer("pack", "-o", tmp_path / "toy.zip", "--db", database, "--batches")
    assert code == 0 and "--batches" not in err


def test_the_trials_to_train_again_can_be_named(answer, file):
    code, out, _ = answer("verify", file, "--trials", "2, 5")
    assert code == 0 and "(2, 5) the same, bit for bit" in out
    code, out, _ = answer("verify", file, "--share", "0", "--format", "markdown")
    assert code == 0 and "| trained again | not verified |" in " ".join(out.split())


def test_an_altered_pack_has_exit_code_1_and_names_the_checks(answer, file):
    code, out, err = answer("verify", file, "--share", "0", "--sha256", "00")
    assert code == 1 and "not as given" in out and err.endswith(f"Error: {file} is not verified: see identity\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pack"], "say where to write, such as -o digits.zip"),
        (["verify", "toy.zip", "--trials", "x"], "--trials takes numbers such as 3,17, not 'x'"),
        (["verify", "toy.zip", "--share", "2"], "--share takes a number from 0 to 1, not 2.0"),
    ],
)
def test_wrong_options_are_refused(answer, toy, arguments, words):
    code, out, err = answer(*arguments)
    assert (code, out) == (2, "") and words in err


def test_no_folder_is_made_for_a_pack(answer, database, tmp_path):
    file = tmp_path / "none" / "toy.zip"
    code, out, err = answer("pack", "toy", "-o", file, "--db", database)
    assert (code, out) == (1, "") and not file.parent.exists()
    assert err == f"Error: cannot write '{file}': there is no folder '{file.parent}'; make it first\n"


def test_a_name_with_a_blank_is_quoted_in_the_command(answer, database, tmp_path):
    file = tmp_path / "a b.zip"
    assert answer("pack", "toy", "-o", file, "--db", database)[2].endswith(f"check it with: sweep verify '{file}'\n")


def test_a_file_that_is_no_pack_is_one_sentence(answer, tmp_path):
    (tmp_path / "x.zip").write_text("x")
    code, out, err = answer("verify", tmp_path / "x.zip")
    assert (code, out) == (1, "") and err.startswith("Error: ") and err.count("\n") == 1


def test_the_newest_sweep_is_packed_where_none_is_named(answer, database, tmp_path):
    answer("pack", "-o", tmp_path / "new.zip", "--db", database)
    assert sweep.verify(tmp_path / "new.zip", share=0).sweep == "toy"
